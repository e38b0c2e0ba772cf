"""What the alert desk shows of an alert: words, classes and the place in the list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode
from zlib import crc32

from sync_server.alerts.alert import AlertEventRecord, AlertRecord
from sync_server.alerts.priorities import is_safety_class
from sync_server.alerts.upkeep_store import TakenOut
from sync_server.web.alert_look import AlertLook
from sync_server.web.labels import (
    ALERT_EVENTS,
    CONDITIONS,
    KINDS,
    LABELS,
    MEDIA,
    RULES,
    VISIBILITIES,
    evidence_unit,
    label,
)
from sync_server.web.places import Place, place_for
from sync_server.web.sparkline import Sparkline
from sync_server.web.words import Words, age, mark, quantity
from sync_server.work_orders.order import RULE_ACTOR
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.evidence import EvidenceNumber
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderState

LOAD_HOURS = 12
LOAD_TARGET = 6
"""Alerts an operator can take in an hour: EEMUA 191 asks for one in ten minutes."""

_LOAD_HEIGHT = 14
_LEAST_BAR = 4
"""Pixels of an hour with one alert: it must not look like an hour with none."""

_CHIPS: Mapping[Condition, tuple[str, str]] = {
    Condition.UNACKNOWLEDGED: ("strong", "bell"),
    Condition.ACKNOWLEDGED: ("out", "check"),
    Condition.RETURNED_UNACKNOWLEDGED: ("warn", "ret"),
    Condition.LATCHED: ("warn", "lock"),
    Condition.NORMAL: ("ok", "check"),
}
"""Condition -> class and icon of the state chip, DESIGN_WEB section 3."""

_FOR_A_PERSON = frozenset({Condition.UNACKNOWLEDGED, Condition.RETURNED_UNACKNOWLEDGED})

_EVENT_MARKS: Mapping[str, tuple[str, str]] = {
    "raised": ("danger", "bell"),
    "raised_again": ("danger", "bell"),
    "escalated": ("danger", "warn"),
    "acknowledged": ("info", "check"),
    "shelved": ("warn", "pause"),
    "ordered": ("info", "truck"),
    "finding": ("ok", "wrench"),
    "returned": ("ok", "ret"),
    "reset": ("ok", "lock"),
    "taken_out": ("warn", "off"),
    "put_back": ("info", "ret"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """An alert as the list needs it: everything but its evidence.

    `gateway_id` brought its meter's newest reading, `station_id` is the inflow or substation that
    the meter lies behind; both empty when not known.
    """

    alert_id: str
    meter_id: str
    medium: Medium
    kind: str
    rule: str
    condition: Condition
    visibility: Visibility
    priority: int
    raised_at_utc: datetime
    shelved_until_utc: datetime | None
    shelved_by: str | None
    shelve_reason: str | None
    work_order_id: str | None
    address: str
    place_en: str
    place_zh: str
    gateway_id: str = ""
    station_id: str = ""


Listed = AlertLine | AlertRecord
"""An alert of the list, or one that was read whole: both have what a row says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """What an alert's row needs of its order."""

    order_id: str
    number: str
    state: WorkOrderState
    crew_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBrief:
    """The order of an alert in two lines."""

    order_id: str
    number: str
    words: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One row of the list, in the reader's words; see DESIGN_WEB section 4 for its anatomy."""

    alert_id: str
    href: str
    priority: int
    medium: str
    medium_message: str
    title: str
    meter_id: str
    place: Place
    why: str
    summary: str
    spark: Sparkline
    chip_class: str
    chip_icon: str
    state: str
    age: str
    raised_ms: int
    raised_clock: str
    needs_acknowledgement: bool
    is_safety: bool
    order_number: str
    order_words: str
    order_class: str
    followers: int = 0
    flood_cause: str = ""
    flood_href: str = ""
    is_flood_open: bool = False

    @property
    def sign(self) -> str:
        """Return what changes when the row does, except by its age; scripts send it back."""
        return f"{crc32(repr(replace(self, age='')).encode()):08x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvedRow:
    """One row of the trays: what is shelved, and what design or service keeps out of the list.

    `back` is the last part of the address that brings it back, empty when nobody can.
    """

    alert_id: str
    href: str
    priority: int
    medium: str
    medium_message: str
    title: str
    meter_id: str
    place: Place
    shelved_note: str
    returns: str
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One step of a history."""

    at: str
    title: str
    text: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRow:
    """One number behind the verdict."""

    name: str
    value: str
    limit: str
    is_trigger: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBar:
    """One hour of the load: height in pixels, hot above the target."""

    height: int
    is_hot: bool


def is_safety(record: Listed) -> bool:
    """Return whether the alert is a gas class A alert: pinned, never grouped, never shelved."""
    return is_safety_class(record.medium, record.priority)


def is_todo(record: Listed) -> bool:
    """Return whether somebody must still acknowledge it."""
    return record.condition in _FOR_A_PERSON


def list_rank(record: Listed) -> tuple[int, int, float]:
    """Return the key of the list's order: to-do first, then priority, then the newest."""
    return (0 if is_todo(record) else 1, record.priority, -record.raised_at_utc.timestamp())


def title_of(record: Listed, words: Words) -> str:
    """Return what the row is called: the detector's word, or the kind's when it says more."""
    by_rule = RULES.get(record.rule)
    is_escalated = record.kind == "burst"
    if by_rule is None or is_escalated:
        return label(words, KINDS, record.kind)
    return words.gettext(by_rule)


def place_of(record: Listed, words: Words) -> Place:
    """Return community and address, once each."""
    return place_for(words, record.place_en, record.place_zh, record.address)


def href_of(alert_id: str, **kept: str) -> str:
    """Return the address of the desk with this alert chosen."""
    return f"/alerts?{urlencode({**kept, 'alert': alert_id})}"


def row_view(
    record: Listed,
    look: AlertLook,
    words: Words,
    now_utc: datetime,
    order: OrderBrief | None = None,
) -> AlertRow:
    """Return the row of an alert for one reader."""
    chip_class, chip_icon = _CHIPS[record.condition]
    safety = is_safety(record)
    if safety and record.condition is Condition.UNACKNOWLEDGED:
        chip_class = "solid"
    title, place = title_of(record, words), place_of(record, words)
    return AlertRow(
        alert_id=record.alert_id,
        href=href_of(record.alert_id),
        priority=record.priority,
        medium=str(record.medium),
        medium_message=MEDIA[record.medium],
        title=title,
        meter_id=record.meter_id,
        place=place,
        why=f"{look.why} {evidence_unit(words, look.unit)}".strip(),
        summary=f"P{record.priority} {title} {record.meter_id}, {place.text}",
        spark=look.spark,
        chip_class=chip_class,
        chip_icon=chip_icon,
        state=label(words, CONDITIONS, record.condition),
        age=age(now_utc - record.raised_at_utc),
        raised_ms=ms_from_utc(record.raised_at_utc),
        raised_clock=words.near(record.raised_at_utc, now_utc),
        needs_acknowledgement=is_todo(record),
        is_safety=safety,
        order_number=order.number if order else "",
        order_words=order.words if order else "",
        order_class=order.tone if order else "",
    )


def shelved_view(
    record: Listed, words: Words, now_utc: datetime, names: Mapping[str, str]
) -> ShelvedRow:
    """Return the tray's row of a shelved alert with its return time."""
    until = record.shelved_until_utc
    who = names.get(record.shelved_by or "", record.shelved_by or "")
    note = " · ".join(part for part in (record.shelve_reason, who) if part)
    left = age(until - now_utc) if until else ""
    returns = f"{words.near_clock(until, now_utc)} · {left}" if until else ""
    return _tray_row(record, words, note, returns, "unshelve")


def hidden_view(
    record: Listed, words: Words, taken: TakenOut | None, names: Mapping[str, str]
) -> ShelvedRow:
    """Return the tray's row of an alert that design or service keeps out of the list."""
    is_out = record.visibility is Visibility.OUT_OF_SERVICE
    who = names.get(taken.actor, taken.actor) if taken else ""
    note = [taken.reason, who, words.date(taken.at_utc)] if taken else []
    returns, back = label(words, VISIBILITIES, record.visibility), "into-service" if is_out else ""
    return _tray_row(record, words, " · ".join(note), returns, back)


def _tray_row(record: Listed, words: Words, note: str, returns: str, back: str) -> ShelvedRow:
    return ShelvedRow(
        alert_id=record.alert_id,
        href=href_of(record.alert_id),
        priority=record.priority,
        medium=str(record.medium),
        medium_message=MEDIA[record.medium],
        title=title_of(record, words),
        meter_id=record.meter_id,
        place=place_of(record, words),
        shelved_note=note,
        returns=returns,
        back=back,
    )


def number_view(each: EvidenceNumber, words: Words) -> NumberRow:
    """Return one number of the evidence in the reader's words."""
    unit = evidence_unit(words, each.unit)
    return NumberRow(
        name=each.name.in_language(words.language),
        value=quantity(each.value, unit),
        limit="" if each.limit is None else quantity(each.limit, unit),
        is_trigger=each.is_trigger,
    )


def history_view(
    events: Iterable[AlertEventRecord],
    words: Words,
    now_utc: datetime,
    names: Mapping[str, str],
) -> list[EventRow]:
    """Return the steps of an alert, newest first."""
    return [
        EventRow(
            at=words.near_clock(event.at_utc, now_utc),
            title=label(words, ALERT_EVENTS, event.event),
            text=_event_text(event, words, names),
            tone=_EVENT_MARKS.get(event.event, ("", "info"))[0],
            icon=_EVENT_MARKS.get(event.event, ("", "info"))[1],
        )
        for event in reversed(list(events))
    ]


def alert_steps(events: Iterable[AlertEventRecord], words: Words) -> list[tuple[datetime, str]]:
    """Return the steps of an alert as a chart flags them: moment and words."""
    return [(event.at_utc, label(words, ALERT_EVENTS, event.event)) for event in events]


def _event_text(event: AlertEventRecord, words: Words, names: Mapping[str, str]) -> str:
    who = words.gettext(mark("the system")) if event.actor == "system" else event.actor
    if event.actor == RULE_ACTOR:
        who = words.gettext(mark("automatic rule"))
    parts = [names.get(event.actor, who)]
    if isinstance(event.detail, Mapping):
        reason, verdict = event.detail.get("reason"), event.detail.get("label")
        if isinstance(reason, str):
            parts.append(reason)
        if isinstance(verdict, str):
            parts.append(label(words, LABELS, verdict))
    return " · ".join(parts)


def load_bars(raised: Sequence[datetime], now_utc: datetime) -> list[LoadBar]:
    """Return the alerts raised in each of the last hours, oldest first."""
    counts = [0] * LOAD_HOURS
    for moment in raised:
        hours_ago = (now_utc - moment) // timedelta(hours=1)
        if 0 <= hours_ago < LOAD_HOURS:
            counts[LOAD_HOURS - 1 - hours_ago] += 1
    highest = max(*counts, LOAD_TARGET * 2)
    return [
        LoadBar(
            height=max(_LEAST_BAR if count else 1, count * _LOAD_HEIGHT // highest),
            is_hot=count > LOAD_TARGET,
        )
        for count in counts
    ]


def is_hidden(record: Listed) -> bool:
    """Return whether design or service keeps the alert out of the list."""
    return record.visibility in {Visibility.SUPPRESSED_BY_DESIGN, Visibility.OUT_OF_SERVICE}


def meter_href(meter_id: str) -> str:
    """Return the address of a meter's page."""
    return f"/meters/{quote(meter_id, safe='')}"
