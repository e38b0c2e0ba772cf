"""Decides how states, reasons and durations read in the language of the person."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from field_app.access.personal_data import Gap
from field_app.forms.finding import MeasuredField, Missing, Problem
from field_app.forms.numbers import shown_number
from field_app.forms.pressures import in_unit
from field_app.platform.ports import PinOutcome, PinVerdict
from field_app.presenters.dates import time_text
from field_app.presenters.ports import Words
from field_app.presenters.views import MarkView, Tone
from field_app.store.record_states import RecordState
from field_app.sync.reasons import Reason
from wire_contracts.frames import utc_from_ms
from wire_contracts.kinds import FindingResult
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

_HOUR_MIN = 60
_DAY_MIN = 24 * 60


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


_STATES: Final[Mapping[WorkOrderState, str]] = {
    WorkOrderState.PLANNED: _("Planned"),
    WorkOrderState.RELEASED: _("New"),
    WorkOrderState.ACCEPTED: _("Accepted"),
    WorkOrderState.EN_ROUTE: _("On the way"),
    WorkOrderState.ON_SITE: _("On site"),
    WorkOrderState.WORKING: _("Working"),
    WorkOrderState.FINISHED: _("Finished"),
    WorkOrderState.CANNOT_FINISH: _("Cannot be finished"),
    WorkOrderState.NO_ACCESS: _("No access"),
    WorkOrderState.VERIFIED: _("Verified"),
    WorkOrderState.CLOSED: _("Closed"),
    WorkOrderState.CANCELLED: _("Cancelled"),
}


def state_text(t: Words, state: WorkOrderState) -> str:
    """Return what a state is called on the screen."""
    return t(_STATES[state])


def event_text(t: Words, event: WorkOrderEvent) -> str:
    """Return what the button of a crew's step says."""
    texts: Mapping[WorkOrderEvent, str] = {
        WorkOrderEvent.ACCEPT: t("Accept"),
        WorkOrderEvent.DEPART: t("Set off"),
        WorkOrderEvent.ARRIVE: t("I am on site"),
        WorkOrderEvent.BEGIN: t("Begin work"),
        WorkOrderEvent.FINISH: t("Record finding"),
        WorkOrderEvent.CANNOT_FINISH: t("Cannot finish"),
        WorkOrderEvent.NO_ACCESS: t("Nobody lets us in"),
    }
    return texts.get(event, str(event))


_MEDIA: Final[Mapping[Medium, str]] = {
    Medium.HEAT: _("Heat"),
    Medium.GAS: _("Gas"),
    Medium.WATER: _("Water"),
}


def medium_text(t: Words, medium: Medium) -> str:
    """Return the medium's name."""
    return t(_MEDIA[medium])


def result_text(t: Words, result: FindingResult) -> str:
    """Return what a finding's result says."""
    texts: Mapping[FindingResult, str] = {
        FindingResult.LEAK: t("Leak"),
        FindingResult.INACCURATE: t("Meter is wrong"),
        FindingResult.NORMAL: t("All is well"),
        FindingResult.OTHER: t("Something else"),
    }
    return texts[result]


def quantity_text(t: Words, quantity: Quantity) -> str:
    """Return the label of a measured value; a quantity without one keeps its wire name."""
    texts: Mapping[Quantity, str] = {
        Quantity.GAS_LEL_PCT: t("Gas in the air"),
        Quantity.FLOW_M3H: t("Flow"),
        Quantity.FLOW_ACTUAL_M3H: t("Flow at working conditions"),
        Quantity.PRESSURE_BARG: t("Gauge pressure"),
        Quantity.SUPPLY_TEMP_DEGC: t("Supply temperature"),
        Quantity.RETURN_TEMP_DEGC: t("Return temperature"),
    }
    return texts.get(quantity, str(quantity))


_MARKS: Final[Mapping[RecordState, tuple[str, Tone]]] = {
    RecordState.UNTOUCHED: ("", Tone.PLAIN),
    RecordState.DRAFT: (_("Draft on this tablet"), Tone.WARN),
    RecordState.QUEUED: (_("Waiting on this tablet"), Tone.WARN),
    RecordState.SENDING: (_("Being sent"), Tone.INFO),
    RecordState.RECEIVED: (_("The server has it"), Tone.INFO),
    RecordState.SHOWN_TO_OFFICE: (_("The office sees it"), Tone.OK),
    RecordState.PHOTO_PENDING: (_("Photos still to send"), Tone.WARN),
    RecordState.LOOK_HERE: (_("Look here"), Tone.DANGER),
}


def mark_view(t: Words, state: RecordState) -> MarkView:
    """Return how a record's sync state is shown."""
    text, tone = _MARKS[state]
    return MarkView(state=state, text=t(text), tone=tone)


def reason_text(t: Words, reason: Reason) -> str:
    """Return why there is no contact, empty while there is."""
    texts: Mapping[Reason, str] = {
        Reason.NONE: "",
        Reason.NEVER_TRIED: t("not tried yet"),
        Reason.SWITCHED_OFF: t("switched to offline"),
        Reason.NO_NETWORK: t("no network"),
        Reason.CAPTIVE_PORTAL: t("this network wants you to sign in"),
        Reason.LOGIN: t("the server does not accept this tablet"),
        Reason.TOO_OLD: t("this app is too old"),
        Reason.SERVER: t("the server has a problem"),
        Reason.NOT_ENROLLED: t("not connected to a crew yet"),
        Reason.WITHDRAWN: t("the office has withdrawn this tablet"),
        Reason.NO_ROOM: t("no room on this tablet"),
        Reason.DAMAGED: t("this tablet's memory is damaged"),
    }
    return texts[reason]


def pin_text(t: Words, verdict: PinVerdict) -> str:
    """Return what became of a PIN, empty when it opened the tablet."""
    if verdict.outcome is PinOutcome.OPENED:
        return ""
    if verdict.outcome is PinOutcome.WIPED:
        return t("Too many wrong PINs. A colleague can let you in, or the office with a new code.")
    if verdict.outcome is PinOutcome.UNKNOWN:
        return t("No PIN was set for this person.")
    if verdict.wait_ms > 0:
        seconds = -(-verdict.wait_ms // 1000)
        return t("Wait {seconds} s, then try again. Tries left: {count}.").format(
            seconds=seconds, count=verdict.tries_left
        )
    return t("Wrong PIN. Tries left: {count}.").format(count=verdict.tries_left)


def gap_text(t: Words, gap: Gap) -> str:
    """Return why nobody is shown for an order, empty when somebody is or nobody is known."""
    texts: Mapping[Gap, str] = {
        Gap.NO_VAULT: t("not kept: this tablet cannot encrypt"),
        Gap.NO_PIN: t("not kept: set a PIN under “Me” first"),
        Gap.LOCKED: t("locked: enter your PIN"),
        Gap.LEASE_ENDED: t("removed: too long without contact; it comes back with the next one"),
        Gap.UNREADABLE: t("cannot be read: it comes back with the next contact"),
        Gap.NOT_YET: t("comes with the next contact"),
    }
    return texts.get(gap, "")


def banner_text(t: Words, reason: Reason) -> str:
    """Return what a person must do, empty when nothing."""
    texts: Mapping[Reason, str] = {
        Reason.CAPTIVE_PORTAL: t("Sign in to this network in a browser, or use another one."),
        Reason.LOGIN: t("Ask the office for a new one-time code. Nothing is lost meanwhile."),
        Reason.TOO_OLD: t("Update this app. Nothing is lost meanwhile."),
        Reason.NOT_ENROLLED: t("Ask the office for a one-time code."),
        Reason.WITHDRAWN: t(
            "What was received has been removed. What you entered is kept until the office has it."
        ),
        Reason.NO_ROOM: no_room_text(t),
        Reason.DAMAGED: t("Close this app and start it again: that brings your entries back."),
    }
    return texts.get(reason, "")


def missing_text(t: Words, missing: Missing) -> str:
    """Return one sentence about what is missing or wrong in the finding."""
    label = "" if missing.measured is None else quantity_text(t, missing.measured.quantity)
    texts: Mapping[Problem, str] = {
        Problem.RESULT_MISSING: t("Choose what you found."),
        Problem.CAUSE_MISSING: t("Choose the cause."),
        Problem.CAUSE_OF_ANOTHER_RESULT: t("The cause does not fit the result; choose again."),
        Problem.NOT_A_NUMBER: t("{label}: this is not a number."),
        Problem.OUT_OF_RANGE: t("{label}: this value is not possible; check the unit."),
        Problem.GAS_TEST_MISSING: t("{label}: test the air and type the value."),
        Problem.GAS_TEST_OLD: t("Measured more than 30 minutes ago: measure again."),
        Problem.GAS_PRESENT: t("{label}: gas is in the air. Choose leak, or other with a note."),
        Problem.MEASUREMENT_MISSING: t("All is well needs one measured value as evidence."),
        Problem.NOTE_MISSING: t("Write in the note what it was."),
        Problem.NOTE_TOO_LONG: t("The note is too long."),
    }
    return texts[missing.problem].format(label=label)


def range_text(t: Words, one: MeasuredField) -> str:
    """Return the range of possible values, shown before typing."""
    low, high = shown_number(one.low), shown_number(one.high)
    return t("{low} to {high} {unit}").format(low=low, high=high, unit=one.unit)


def pressure_text(t: Words, barg: float, unit: str) -> str:
    """Return a pressure in its field's unit and in every other that gauges have: a slip shows."""
    first = f"{in_unit(barg, unit)} {unit}"
    others = ", ".join(
        f"{in_unit(barg, each)} {each}" for each in ("kPa", "bar", "MPa") if each != unit
    )
    return t("{pressure} is {others}").format(pressure=first, others=others)


def duration_text(t: Words, duration: timedelta) -> str:
    """Return a duration in its two largest units; below a minute it is `under 1 min`."""
    minutes = max(int(duration / timedelta(minutes=1)), 0)
    if minutes < 1:
        return t("under 1 min")
    if minutes < _HOUR_MIN:
        return t("{minutes} min").format(minutes=minutes)
    if minutes < _DAY_MIN:
        return t("{hours} h {minutes} min").format(
            hours=minutes // _HOUR_MIN, minutes=minutes % _HOUR_MIN
        )
    return t("{days} d {hours} h").format(
        days=minutes // _DAY_MIN, hours=minutes % _DAY_MIN // _HOUR_MIN
    )


def due_text(t: Words, due_at_ms: int | None, now_utc: datetime, zone: tzinfo) -> tuple[str, bool]:
    """Return when an order is due, and whether that is over; ("", False) without a due time."""
    if due_at_ms is None:
        return "", False
    due_at_utc = utc_from_ms(due_at_ms)
    if due_at_utc < now_utc:
        late = duration_text(t, now_utc - due_at_utc)
        return t("overdue {duration}").format(duration=late), True
    return t("due {time}").format(time=time_text(t, due_at_ms, now_utc, zone)), False


def since_text(t: Words, moment_ms: int | None, now_utc: datetime) -> str:
    """Return how long ago a moment was, empty without one."""
    if moment_ms is None:
        return ""
    return duration_text(t, now_utc.astimezone(UTC) - utc_from_ms(moment_ms))


def no_room_text(t: Words) -> str:
    """Return what to say when the tablet's disk is full."""
    return t("No room on this tablet: nothing is lost, free some space. It is tried again.")


def count_unit(quantity: Quantity | None) -> str:
    """Return the unit in which a meter's totaliser counts, empty where it is not known."""
    if quantity is None:
        return ""
    return "kWh" if quantity is Quantity.ENERGY_KWH else "m³"
