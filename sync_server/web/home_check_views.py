"""What the page of the rounds shows of home checks: visits in words, homes with a hazard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_server.patrols.inspection_store import Inspected
from sync_server.web.alert_views import meter_href
from sync_server.web.words import Words, mark
from wire_contracts.home_checks import (
    CheckItem,
    Hazard,
    Household,
    HouseholdState,
    NoticeOutcome,
    SafetyCheck,
)

MOST_HOMES = 100
"""Homes with a hazard that are listed, the gravest first; the count says how many there are."""

GRAVE = 1
"""Severity at which the gas is shut off at once (domain model 2.8)."""

_ITEMS: Mapping[CheckItem, str] = {
    CheckItem.METER: mark("Meter and seal"),
    CheckItem.METER_VALVE: mark("Valve before the meter"),
    CheckItem.PIPE_TIGHTNESS: mark("Tightness of the pipes"),
    CheckItem.PIPE_CORROSION: mark("Rust and hold of the pipes"),
    CheckItem.PIPE_ENCLOSED: mark("Pipes built in"),
    CheckItem.HOSE: mark("Hose"),
    CheckItem.STOVE_FLAMEOUT: mark("Flame failure device of the stove"),
    CheckItem.WATER_HEATER_FLUE: mark("Water heater and flue"),
    CheckItem.VENTILATION: mark("Ventilation of the kitchen"),
    CheckItem.KITCHEN_USE: mark("Sleeping in the kitchen"),
    CheckItem.GAS_ALARM: mark("Gas alarm"),
    CheckItem.SAFETY_EDUCATION: mark("Explanation of safe use"),
}
_SEVERITIES: Mapping[int, str] = {
    GRAVE: mark("shut off at once"),
    2: mark("with a deadline"),
    3: mark("advice"),
}
_NOTICES: Mapping[NoticeOutcome, str] = {
    NoticeOutcome.SIGNED: mark("notice signed"),
    NoticeOutcome.REFUSED: mark("notice refused"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRow:
    """One home with a hazard that nobody has found gone; `severity` is its gravest, 1 to 3."""

    place: str
    checked: str
    severity: int
    tone: str
    severity_words: str
    hazards: Sequence[str]
    is_overdue: bool
    meter_id: str
    meter_href: str


def check_told(check: SafetyCheck, words: Words) -> tuple[str, str, str]:
    """Return what a visit came to, in which words, with which tone."""
    t = words.gettext
    if check.is_no_access:
        return t(mark("no access")), "", "warn"
    gone = [
        t(mark("no danger any more: {item} ({why})")).format(item=t(_ITEMS[item]), why=why)
        for item, why in check.taken_back.items()
    ]
    notice = [] if check.notice is None else [t(_NOTICES[check.notice])]
    if not check.hazards:
        return t(mark("home in order")), " · ".join(gone), "warn" if gone else "ok"
    told = [_hazard_words(each, words) for each in _by_weight(check.hazards)]
    is_grave = any(each.severity == GRAVE for each in check.hazards)
    title = t(mark("hazard: shut off")) if is_grave else t(mark("hazard"))
    return title, " · ".join([*told, *notice, *gone]), "danger" if is_grave else "warn"


def home_place(home: Household) -> str:
    """Return which home it is: community, building and room, no name of a person."""
    return " ".join(part for part in (home.community, home.building, home.room) if part)


def homes_with_hazards(
    homes: Mapping[str, Inspected[Household]], words: Words, now_utc: datetime
) -> list[HomeRow]:
    """Return the homes with a hazard: the gravest first, then what is due first."""
    found = [
        each.thing
        for each in homes.values()
        if each.thing.state is HouseholdState.HAZARD and each.thing.hazards
    ]
    found.sort(key=lambda home: (_worst(home), _due(home), home_place(home)))
    return [_home_row(each, words, now_utc) for each in found[:MOST_HOMES]]


def _home_row(home: Household, words: Words, now_utc: datetime) -> HomeRow:
    worst, at_utc = _worst(home), home.checked_at_utc
    return HomeRow(
        place=home_place(home),
        checked="" if at_utc is None else words.near_clock(at_utc, now_utc),
        severity=worst,
        tone="danger" if worst == GRAVE else "warn" if worst < len(_SEVERITIES) else "",
        severity_words=words.gettext(_SEVERITIES.get(worst, mark("hazard"))),
        hazards=[_hazard_words(each, words) for each in _by_weight(home.hazards)],
        is_overdue=_due(home) < now_utc.timestamp(),
        meter_id=home.meter_id or "",
        meter_href=meter_href(home.meter_id) if home.meter_id else "",
    )


def _worst(home: Household) -> int:
    return min(each.severity for each in home.hazards)


def _due(home: Household) -> float:
    dues = [each.due_at_utc.timestamp() for each in home.hazards if each.due_at_utc is not None]
    return min(dues, default=float("inf"))


def _by_weight(hazards: Sequence[Hazard]) -> list[Hazard]:
    return sorted(hazards, key=lambda each: each.severity)


def _hazard_words(hazard: Hazard, words: Words) -> str:
    """Return item, what was noted of it and by when it must be gone."""
    t = words.gettext
    name = t(_ITEMS[hazard.item])
    if hazard.note:
        name = t(mark("{name}: {value}")).format(name=name, value=hazard.note)
    if hazard.due_at_utc is None:
        return name
    due = words.date(hazard.due_at_utc)
    return t(mark("{name} (until {day})")).format(name=name, day=due)
