"""Decides which response clocks run for a request, when each is over, and which light it shows.

Clocks CL5 to CL23 of domain model 3 and the table K3 of domain model 4; the limits are rows of
the policy table. Clocks run on event time: an offline tablet's late entry stops them when the work
was done, not when it was told. They pause only while the customer is waited for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_server.service_desk.request import (
    NoteKind,
    RequestClass,
    RequestKind,
    RequestNote,
    RequestRecord,
    RequestStep,
)
from sync_server.service_desk.working_calendar import WorkingCalendar
from wire_contracts.orders import SafetyClass
from wire_contracts.request_states import RequestEvent, RequestState

_E = RequestEvent
_S = RequestState
_C = RequestClass

WARN_AT = 0.5
"""Share of a limit at which a clock turns yellow (domain model 3: CL13 tells the manager then)."""

ENDED = frozenset({_S.CLOSED, _S.ARCHIVED, _S.DUPLICATE, _S.DECLINED, _S.SOLVED_AT_FIRST_CONTACT})
"""States in which no clock runs."""


class Light(StrEnum):
    """What a clock shows."""

    OK = "ok"
    SOON = "soon"
    LATE = "late"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A request with everything that its clocks depend on."""

    record: RequestRecord
    steps: Sequence[RequestStep]
    notes: Sequence[RequestNote]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The limits that hold: policy name -> minutes or working days, and the calendar."""

    limits: Mapping[str, float]
    calendar: WorkingCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """One clock of one request.

    Attributes:
        code: Such as `CL13`; `K3` is the time until it is done.
        stopped_at_utc: When what it waits for happened, None while it runs.
        paused: How long it stood while the customer was waited for.
    """

    code: str
    started_at_utc: datetime
    due_at_utc: datetime
    stopped_at_utc: datetime | None
    paused: timedelta

    def light(self, now_utc: datetime) -> Light:
        """Return what it shows now; a clock that stopped too late stays late."""
        at_utc = self.stopped_at_utc or now_utc
        if at_utc > self.due_at_utc:
            return Light.LATE
        if self.stopped_at_utc is not None:
            return Light.STOPPED
        return Light.SOON if self.used(now_utc) >= WARN_AT else Light.OK

    def used(self, now_utc: datetime) -> float:
        """Return which share of the limit is used, 0 to 1 and beyond."""
        whole = (self.due_at_utc - self.started_at_utc).total_seconds()
        at_utc = self.stopped_at_utc or now_utc
        return (at_utc - self.started_at_utc).total_seconds() / whole if whole > 0 else 1.0


Moment = Callable[[Matter], datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One clock: what it is for, what starts and what stops it."""

    code: str
    applies: Callable[[RequestRecord], bool]
    start: Moment
    stop: Moment
    is_in_working_days: bool = False


def _received(matter: Matter) -> datetime | None:
    return matter.record.received_at_utc


def _on_site(matter: Matter) -> datetime | None:
    return matter.record.on_site_at_utc


def _last(*events: RequestEvent) -> Moment:
    wanted = frozenset(events)

    def find(matter: Matter) -> datetime | None:
        found = [each.happened_at_utc for each in matter.steps if each.event in wanted]
        return found[-1] if found else None

    return find


def _first(*events: RequestEvent) -> Moment:
    wanted = frozenset(events)

    def find(matter: Matter) -> datetime | None:
        return next((each.happened_at_utc for each in matter.steps if each.event in wanted), None)

    return find


def _after(
    start: Moment, *events: RequestEvent, notes: frozenset[NoteKind] = frozenset()
) -> Moment:
    """Return the first of these events or notes at or after `start`."""
    wanted = frozenset(events)

    def find(matter: Matter) -> datetime | None:
        from_utc = start(matter)
        if from_utc is None:
            return None
        moments = [each.happened_at_utc for each in matter.steps if each.event in wanted]
        moments += [each.at_utc for each in matter.notes if each.kind in notes]
        return min((each for each in moments if each >= from_utc), default=None)

    return find


def _noted(kind: NoteKind) -> Moment:
    def find(matter: Matter) -> datetime | None:
        return next((each.at_utc for each in reversed(matter.notes) if each.kind is kind), None)

    return find


def _has_on_site(code: str) -> Callable[[RequestRecord], bool]:
    return lambda record: ON_SITE.get(record.request_class) == code


def _always(_record: RequestRecord) -> bool:
    return True


_sent = _last(_E.DISPATCH)
_done = _last(_E.FINISH)
_unfinished = _last(_E.SUBMIT_UNFINISHED)
_asked = _last(_E.AWAIT_ANSWER)
_approved = _noted(NoteKind.REPLY_APPROVED)
_PROGRESS = frozenset({NoteKind.PROGRESS, NoteKind.RESULT, NoteKind.REPLY})
ON_SITE: Mapping[RequestClass, str] = {
    _C.GAS_LEAK: "CL13",
    _C.CARBON_MONOXIDE: "CL13",
    _C.NO_GAS: "CL14",
    _C.HEAT_LEAK: "CL15",
    _C.HOT_WATER_BURST: "CL15",
    _C.COLD_ROOM: "CL16",
}
"""Class -> the clock until a crew is there."""

RULES: Sequence[_Rule] = (
    _Rule(
        code="CL5",
        applies=_always,
        start=_first(_E.DISPATCH),
        stop=_after(_first(_E.DISPATCH), _E.START, _E.FINISH, _E.REPLY, notes=_PROGRESS),
    ),
    _Rule(
        code="CL6", applies=_always, start=_sent, stop=_after(_sent, _E.ACCEPT, _E.BOUNCE, _E.START)
    ),
    _Rule(code="CL7", applies=_always, start=_done, stop=_after(_done, _E.REPLY)),
    _Rule(
        code="CL8",
        applies=lambda record: record.state is _S.FOLLOW_UP,
        start=_unfinished,
        stop=_after(_unfinished, _E.START, _E.FINISH),
    ),
    _Rule(
        code="CL9",
        applies=lambda record: record.is_media,
        start=_received,
        stop=_after(_received, _E.REPLY),
    ),
    _Rule(
        code="CL10",
        applies=lambda record: record.is_media,
        start=_approved,
        stop=_after(_approved, notes=frozenset({NoteKind.DESK_INFORMED})),
    ),
    _Rule(
        code="CL11",
        applies=_always,
        start=_asked,
        stop=_after(_asked, _E.RESUME),
        is_in_working_days=True,
    ),
    _Rule(
        code="CL12",
        applies=lambda record: record.is_major,
        start=_received,
        stop=_after(_received, notes=frozenset({NoteKind.LEADER_TOLD})),
    ),
    _Rule(
        code="CL13",
        applies=_has_on_site("CL13"),
        start=_received,
        stop=_on_site,
    ),
    _Rule(code="CL14", applies=_has_on_site("CL14"), start=_received, stop=_on_site),
    _Rule(code="CL15", applies=_has_on_site("CL15"), start=_received, stop=_on_site),
    _Rule(code="CL16", applies=_has_on_site("CL16"), start=_received, stop=_on_site),
    _Rule(
        code="CL18",
        applies=lambda record: record.kind in {RequestKind.REPAIR, RequestKind.COMPLAINT},
        start=_done,
        stop=_after(_done, notes=frozenset({NoteKind.CALLBACK})),
        is_in_working_days=True,
    ),
    _Rule(
        code="CL23",
        applies=lambda record: (
            record.repeat_of is not None and record.kind is RequestKind.COMPLAINT
        ),
        start=_received,
        stop=_after(_received, _E.ACCEPT, _E.ASSIGN),
    ),
    _Rule(
        code="K3",
        applies=lambda record: record.request_class not in ON_SITE,
        start=_received,
        stop=_after(_received, _E.FINISH, _E.SOLVE, _E.DECLINE),
        is_in_working_days=True,
    ),
)
"""CL1 to CL4 are clocks of calls, see `calls`; CL17, CL19 to CL22 are not clocks of a request."""


def clocks_of(matter: Matter, terms: Terms) -> list[ClockState]:
    """Return the clocks that started, in the order of the table; none without a limit."""
    found = []
    for rule in RULES:
        start = rule.start(matter) if rule.applies(matter.record) else None
        limit = None if start is None else _limit(rule, matter.record, terms)
        if start is not None and limit is not None:
            found.append(_clock(rule, matter, start, limit, terms.calendar))
    return found


def promised(request_class: RequestClass, safety: SafetyClass, terms: Terms) -> dict[str, float]:
    """Return the clocks that run once a crew is sent: code -> minutes (working days for CL18)."""
    limits = terms.limits
    accept = limits.get("sla.CL6.A" if safety is SafetyClass.A else "sla.CL6")
    on_site = ON_SITE.get(request_class, "")
    found = {
        "CL6": accept,
        on_site: limits.get(f"sla.{on_site}"),
        "CL7": limits.get("sla.CL7"),
        "CL18": limits.get("sla.CL18.working_days"),
    }
    return {code: limit for code, limit in found.items() if code and limit is not None}


def next_due(clocks: Sequence[ClockState], state: RequestState) -> ClockState | None:
    """Return the running clock that is over first, None when none runs.

    None runs in what has ended, nor while the customer is waited for.
    """
    running = [each for each in clocks if each.stopped_at_utc is None]
    if state in ENDED or state is _S.WAITING_CUSTOMER or not running:
        return None
    return min(running, key=lambda each: each.due_at_utc)


def _limit(rule: _Rule, record: RequestRecord, terms: Terms) -> float | None:
    unit = ".working_days" if rule.is_in_working_days else ""
    names = [f"sla.{rule.code}{unit}"]
    if rule.code == "CL6" and record.safety_class is SafetyClass.A:
        names.insert(0, "sla.CL6.A")
    if rule.code == "K3":
        is_meter = record.request_class in {_C.METER_FAULT, _C.METER_DISPUTE}
        names = [f"sla.K3.{'meter' if is_meter else record.kind}{unit}"]
    return next((terms.limits[each] for each in names if each in terms.limits), None)


def _clock(
    rule: _Rule, matter: Matter, start: datetime, limit: float, calendar: WorkingCalendar
) -> ClockState:
    stop = rule.stop(matter)
    paused = _paused(matter, start, stop)
    due = (
        calendar.after_working_days(start, limit)
        if rule.is_in_working_days
        else start + timedelta(minutes=limit)
    )
    return ClockState(
        code=rule.code,
        started_at_utc=start,
        due_at_utc=due + paused,
        stopped_at_utc=stop,
        paused=paused,
    )


def _paused(matter: Matter, start: datetime, stop: datetime | None) -> timedelta:
    """Return how long the customer was waited for between start and stop; what has ended counts."""
    total, waits_from = timedelta(0), None
    for step in matter.steps:
        if step.to_state is _S.WAITING_CUSTOMER:
            waits_from = step.happened_at_utc
        elif waits_from is not None:
            until = min(step.happened_at_utc, stop) if stop is not None else step.happened_at_utc
            total += max(until - max(waits_from, start), timedelta(0))
            waits_from = None
    return total
