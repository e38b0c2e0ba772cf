"""Decides how rounds are told in the reader's language: places, measures, items, doubts."""

from collections.abc import Mapping

from field_app.forms.numbers import shown_number
from field_app.patrols.directions import Place, bearing_deg, compass_point
from field_app.patrols.home_check import Lack, Seen
from field_app.patrols.home_facts import Unheard
from field_app.patrols.meter_doubts import Doubt
from field_app.patrols.presence import Evidence, Presence
from field_app.platform.ports import Fix
from field_app.presenters.ports import Words
from field_app.presenters.views import Tone
from wire_contracts.home_checks import CheckItem, HouseholdState
from wire_contracts.patrol_facts import CheckIn, CheckInWay, PatrolPoint, PointOutcome
from wire_contracts.patrols import CheckpointKind, Measure, ValueLimit

_KILOMETRE_M = 1000.0

KIND_ICONS: Mapping[CheckpointKind, str] = {
    CheckpointKind.VALVE_WELL: "pipe-valve",
    CheckpointKind.REGULATOR_BOX: "gauge",
    CheckpointKind.PIPELINE: "pipe",
    CheckpointKind.SUBSTATION: "radiator",
    CheckpointKind.OTHER: "map-marker",
}


SEVERITY_ICONS: Mapping[int, str] = {1: "alert-octagon", 2: "calendar-clock", 3: "information"}
"""Shut off, deadline, advice."""


def distance_text(t: Words, distance_m: float | None) -> str:
    """Return `85 m` or `1.2 km`, empty when nobody knows."""
    if distance_m is None:
        return ""
    if distance_m < _KILOMETRE_M:
        return t("{metres} m").format(metres=round(distance_m))
    return t("{kilometres} km").format(kilometres=f"{distance_m / _KILOMETRE_M:.1f}")


def direction_text(t: Words, here: Fix, place: Place) -> str:
    """Return the point of the compass towards a place."""
    start = Place(latitude_deg=here.latitude_deg, longitude_deg=here.longitude_deg)
    names = (
        t("north"),
        t("north-east"),
        t("east"),
        t("south-east"),
        t("south"),
        t("south-west"),
        t("west"),
        t("north-west"),
    )
    return names[compass_point(bearing_deg(start, place))]


def position_text(t: Words, fix: Fix | None) -> tuple[str, Tone]:
    """Return how well the tablet knows where it is."""
    if fix is None:
        return t("Position unknown"), Tone.WARN
    if fix.is_mock:
        return t("Position made up by another app"), Tone.DANGER
    return t("Position ± {metres} m").format(metres=round(fix.accuracy_m)), Tone.OK


def measure_text(t: Words, measure: Measure) -> str:
    """Return the name of what is measured."""
    texts = {
        Measure.GAS_LEL_PCT: t("Combustible gas"),
        Measure.INLET_PRESSURE_KPAG: t("Inlet pressure"),
        Measure.OUTLET_PRESSURE_KPAG: t("Outlet pressure"),
        Measure.WELL_WATER_CM: t("Water in the well"),
    }
    return texts[measure]


UNITS: Mapping[Measure, str] = {
    Measure.GAS_LEL_PCT: "% LEL",
    Measure.INLET_PRESSURE_KPAG: "kPa",
    Measure.OUTLET_PRESSURE_KPAG: "kPa",
    Measure.WELL_WATER_CM: "cm",
}


def limit_text(t: Words, limit: ValueLimit) -> str:
    """Return between which bounds all is well, shown before typing; empty without bounds."""
    unit = UNITS[limit.measure]
    low = "" if limit.low is None else shown_number(limit.low)
    high = "" if limit.high is None else shown_number(limit.high)
    if low and high:
        return t("{low} to {high} {unit}").format(low=low, high=high, unit=unit)
    if high:
        return t("at most {high} {unit}").format(high=high, unit=unit)
    return t("at least {low} {unit}").format(low=low, unit=unit) if low else ""


def presence_text(t: Words, evidence: Evidence) -> str:
    """Return why a tag or a position does not count, and what to do; empty when it does."""
    distance = distance_text(t, evidence.distance_m)
    texts = {
        Presence.THERE: "",
        Presence.OTHER_TAG: t("This is the tag of another place. Is it the right one?"),
        Presence.TOO_FAR: t("{distance} away: go nearer, or read the tag.").format(
            distance=distance
        ),
        Presence.TOO_VAGUE: t("The position is too vague here; read the tag."),
        Presence.NO_POSITION: t("No position; read the tag, or say that you are there."),
    }
    return texts[evidence.presence]


def door_text(t: Words, building: str, room: str) -> str:
    """Return which door it is; a list of two buildings must not leave that to be guessed."""
    return t("Building {building} · {room}").format(building=building, room=room)


def way_text(t: Words, check_in: CheckIn) -> str:
    """Return how being there was shown."""
    texts = {
        CheckInWay.NFC: t("tag read"),
        CheckInWay.QR: t("code scanned"),
        CheckInWay.TYPED: t("number typed"),
        CheckInWay.GEOFENCE: t("by position"),
        CheckInWay.BY_HAND: t("by your word"),
    }
    return texts[check_in.way]


def point_text(t: Words, point: PatrolPoint | None) -> tuple[str, str, Tone]:
    """Return word, icon and tone of how a checkpoint was left."""
    if point is None:
        return t("to do"), "checkbox-blank-circle-outline", Tone.PLAIN
    texts = {
        PointOutcome.OK: (t("all well"), "check-circle", Tone.OK),
        PointOutcome.DEFECT: (t("defect"), "alert-circle", Tone.DANGER),
        PointOutcome.NOT_REACHABLE: (t("not reachable"), "cancel", Tone.WARN),
        PointOutcome.SKIPPED: (t("skipped"), "minus-circle", Tone.WARN),
    }
    return texts[point.outcome]


def recheck_text(t: Words, reason: str) -> str:
    """Return why a checkpoint is to be looked at again, empty when it is not."""
    texts = {
        "": "",
        "defect": t("Re-check: a defect was found"),
        "beyond_limit": t("Re-check: a value was beyond its limit"),
        "not_reachable": t("Re-check: could not be reached"),
        "skipped": t("Re-check: was skipped"),
        "missed": t("Re-check: was missed"),
    }
    return texts.get(reason, t("Re-check"))


def item_text(t: Words, item: CheckItem) -> str:
    """Return one of the twelve items of a home check."""
    texts = {
        CheckItem.METER: t("Meter and seal"),
        CheckItem.METER_VALVE: t("Valve before the meter"),
        CheckItem.PIPE_TIGHTNESS: t("Pipes tight (soap test)"),
        CheckItem.PIPE_CORROSION: t("Pipes without rust, well fixed"),
        CheckItem.PIPE_ENCLOSED: t("Pipes not built in"),
        CheckItem.HOSE: t("Hose: age, length, clamps"),
        CheckItem.STOVE_FLAMEOUT: t("Stove with flame failure device"),
        CheckItem.WATER_HEATER_FLUE: t("Water heater and flue"),
        CheckItem.VENTILATION: t("Kitchen ventilated"),
        CheckItem.KITCHEN_USE: t("Nobody sleeps in the kitchen"),
        CheckItem.GAS_ALARM: t("Gas alarm in date"),
        CheckItem.SAFETY_EDUCATION: t("Safe use explained"),
    }
    return texts[item]


def severity_text(t: Words, severity: int) -> str:
    """Return what a severity asks for."""
    texts = {1: t("Shut off at once"), 2: t("With a deadline"), 3: t("Advice")}
    return texts[severity]


def home_state_text(t: Words, state: HouseholdState, count: int) -> tuple[str, str, Tone]:
    """Return word, icon and tone of how the check of a home stands."""
    texts = {
        HouseholdState.DUE: (t("to do"), "checkbox-blank-circle-outline", Tone.PLAIN),
        HouseholdState.PASSED: (t("passed"), "check-circle", Tone.OK),
        HouseholdState.HAZARD: (t("hazard"), "alert-circle", Tone.DANGER),
        HouseholdState.NO_ACCESS: (
            t("no access, {count} ×").format(count=count),
            "door-closed-lock",
            Tone.WARN,
        ),
        HouseholdState.LETTER: (t("letter"), "file-document", Tone.WARN),
    }
    return texts[state]


def unheard_text(t: Words, unheard: Unheard) -> str:
    """Return that the office does not know of a danger, and what to do; empty where it does."""
    texts = {
        Unheard.NONE: "",
        Unheard.NOT_SENT: t("Order made, not sent yet: call the control room now."),
        Unheard.REFUSED: t(
            "Order not received: the office does not know. Call the control room now."
        ),
    }
    return texts[unheard]


def lack_text(t: Words, lack: Lack, item: CheckItem | None) -> str:
    """Return one sentence about what is missing in a home check."""
    name = "" if item is None else item_text(t, item)
    texts = {
        Lack.NOT_LOOKED_AT: t("Not looked at: {item}"),
        Lack.NOTE_MISSING: t("Write what is wrong: {item}"),
        Lack.NOTICE_MISSING: t("Was the notice signed or refused?"),
        Lack.SIGNATURE_MISSING: t("The signature is missing."),
        Lack.WHY_MISSING: t("Say why it is no danger any more: {item}"),
    }
    return texts[lack].format(item=name)


def seen_text(t: Words, seen: Seen) -> str:
    """Return why `nobody opens` cannot be said, and what to do; empty when it can."""
    texts = {
        Seen.NOTHING: "",
        Seen.LOOKED_AT: t("Something was looked at here: take it back if nobody opened."),
        Seen.HAZARD: t("A hazard was found here: finish; whoever will not sign has refused."),
    }
    return texts[seen]


def doubt_text(t: Words, doubt: Doubt) -> str:
    """Return the question that an unusual reading raises, empty when it is believable."""
    texts = {
        Doubt.NONE: "",
        Doubt.TOO_MANY_DIGITS: t("The register does not have so many digits."),
        Doubt.BACKWARDS: t("Less than last time. Is it the right meter?"),
        Doubt.ROLLED_OVER: t("The register has begun again at zero. Is that so?"),
        Doubt.EXCHANGED: t("Less than at the exchange. Is it the new meter?"),
        Doubt.MUCH_MORE: t("Much more than usual. Please look again."),
        Doubt.MUCH_LESS: t("Much less than usual. Please look again."),
        Doubt.UNCHANGED: t("Nothing was used. Does the meter turn?"),
    }
    return texts[doubt]
