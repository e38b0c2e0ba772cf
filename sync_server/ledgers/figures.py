"""Decides how matters are counted: clocks kept, slips, teams, people, complaints, causes."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sync_server.complaints.complaint import OUTCOME, Complaint, ComplaintState
from sync_server.ledgers.ledger import Cell, Count, LedgerRow, Term, Vocabulary, share, yes
from sync_server.service_desk.clocks import (
    ENDED,
    RULES,
    ClockState,
    Light,
    Matter,
    Terms,
    clocks_of,
)
from sync_server.service_desk.request import NoteKind, RequestKind
from wire_contracts.request_states import RequestEvent, RequestState

_E = RequestEvent
_S = RequestState
_V = Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A matter with its clocks, by the limits that held when it was received."""

    matter: Matter
    clocks: Sequence[ClockState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """What every count needs: the matters of the period, when it is made, and where."""

    matters: Sequence[Counted]
    complaints: Mapping[str, Complaint]
    measures: Mapping[str, tuple[int, int]]
    now_utc: datetime
    zone: tzinfo
    period_text: str


def counted(matters: Iterable[Matter], terms_at: Callable[[datetime], Terms]) -> list[Counted]:
    """Return each matter with its clocks."""
    return [
        Counted(matter=each, clocks=clocks_of(each, terms_at(each.record.received_at_utc)))
        for each in matters
    ]


def clock_rows(given: Reckoning) -> list[LedgerRow]:
    """Return clock, started, kept, late, still running, share kept; in the table's order."""
    rows = []
    for code in (each.code for each in RULES):
        lights = [
            (clock.light(given.now_utc), each.matter.record.request_id)
            for each in given.matters
            for clock in each.clocks
            if clock.code == code
        ]
        if lights:
            late = Count(key for light, key in lights if light is Light.LATE)
            kept = Count(key for light, key in lights if light is Light.STOPPED)
            ended = {Light.LATE, Light.STOPPED}
            cells = (
                code,
                Term(vocabulary=_V.CLOCK, code=code),
                Count(key for _, key in lights),
                kept,
                late,
                Count(key for light, key in lights if light not in ended),
                share(kept, kept + late),
            )
            href = f"/reports/late?period={given.period_text}&clock={code}"
            rows.append(LedgerRow(cells=cells, href=href))
    return rows


def late_rows(given: Reckoning, code: str) -> list[LedgerRow]:
    """Return the clocks that were missed, of one code or of all: the worst first."""
    found = []
    for each in given.matters:
        for clock in each.clocks:
            if clock.light(given.now_utc) is Light.LATE and code in {"", clock.code}:
                until = clock.stopped_at_utc or given.now_utc
                found.append((until - clock.due_at_utc, each.matter, clock))
    found.sort(key=lambda item: item[0], reverse=True)
    return [
        LedgerRow(
            cells=(
                matter.record.number,
                Term(vocabulary=_V.REQUEST_CLASS, code=matter.record.request_class),
                clock.code,
                Term(vocabulary=_V.CLOCK, code=clock.code),
                clock.due_at_utc,
                clock.stopped_at_utc,
                round(over.total_seconds() / 60),
                Term(vocabulary=_V.ACCOUNT, code=matter.record.owner),
            ),
            href=f"/requests/{matter.record.request_id}",
        )
        for over, matter, clock in found
    ]


def request_rows(given: Reckoning) -> list[LedgerRow]:
    """Return the hotline's ledger: one row for each request, the oldest first (rule D-31)."""
    rows = []
    for each in given.matters:
        record = each.matter.record
        cells = (
            record.number,
            record.received_at_utc,
            record.recorded_at_utc,
            yes(is_late_entry(record.received_at_utc, record.recorded_at_utc, given.zone)),
            Term(vocabulary=_V.CHANNEL, code=record.channel),
            Term(vocabulary=_V.KIND, code=record.kind),
            Term(vocabulary=_V.REQUEST_CLASS, code=record.request_class),
            Term(vocabulary=_V.COMMUNITY, code=record.community_id or ""),
            Term(vocabulary=_V.ACCOUNT, code=record.first_contact),
            Term(vocabulary=_V.ACCOUNT, code=record.owner),
            Term(vocabulary=_V.STATE, code=record.state),
            _moment(each.matter, _E.FINISH, _E.SOLVE),
            _moment(each.matter, _E.REPLY, _E.SOLVE, _E.DECLINE),
        )
        rows.append(LedgerRow(cells=cells, href=f"/requests/{record.request_id}"))
    return rows


def is_late_entry(received_utc: datetime, recorded_utc: datetime, zone: tzinfo) -> bool:
    """Return whether it was entered in a later ISO week than it happened in (rule C-29, K15)."""
    happened = received_utc.astimezone(zone).isocalendar()[:2]
    return recorded_utc.astimezone(zone).isocalendar()[:2] > happened


def slip_class(matter: Matter) -> str:
    """Return which of the registers a slip belongs to (rule C-16)."""
    record = matter.record
    if record.kind is RequestKind.REPAIR:
        return "in_home" if record.premises_id else "public_area"
    return str(record.kind)


SLIP_CLASSES = ("in_home", "public_area", "complaint", "application")
"""In-home repairs, repairs in public areas, complaints (rule C-16), applications (rule E-14)."""


def slip_rows(given: Reckoning, days: Sequence[str]) -> list[LedgerRow]:
    """Return the daily register of slips, and the sum: classes, warranty, entry, replies."""
    rows = []
    for day in days:
        of_day = [each.matter for each in given.matters if _day(each.matter, given.zone) == day]
        if of_day:
            rows.append(LedgerRow(cells=(day, *_slip_cells(of_day, given))))
    total = _slip_cells([each.matter for each in given.matters], given)
    rows.append(LedgerRow(cells=(Term(vocabulary=_V.TOTAL, code="total"), *total)))
    return rows


def _slip_cells(matters: Sequence[Matter], given: Reckoning) -> tuple[Count, ...]:
    sent = [each for each in matters if _moment(each, _E.DISPATCH) is not None]
    return (
        *(_those([each for each in matters if slip_class(each) == of]) for of in SLIP_CLASSES),
        _noted(matters, NoteKind.IN_WARRANTY),
        _noted(matters, NoteKind.OUT_OF_WARRANTY),
        _those(
            matters,
            lambda each: is_late_entry(
                each.record.received_at_utc, each.record.recorded_at_utc, given.zone
            ),
        ),
        _those(sent),
        _those(sent, lambda each: _moment(each, _E.REPLY, _E.DECLINE) is None),
        _noted(matters, NoteKind.REMINDER),
    )


def _noted(matters: Sequence[Matter], kind: NoteKind) -> Count:
    return _those(matters, lambda each: any(note.kind is kind for note in each.notes))


def _those(matters: Sequence[Matter], is_one: Callable[[Matter], bool] = lambda _: True) -> Count:
    """Return how many are such ones, and which."""
    return Count(each.record.request_id for each in matters if is_one(each))


def _day(matter: Matter, zone: tzinfo) -> str:
    return matter.record.received_at_utc.astimezone(zone).date().isoformat()


def team_rows(given: Reckoning) -> list[LedgerRow]:
    """Return crews with their slips, the ones with most that is late first (rules C-15, C-22)."""
    teams = sorted({each.matter.record.team or "" for each in given.matters})
    found = []
    for team in teams:
        own = [each for each in given.matters if (each.matter.record.team or "") == team]
        kept = [each for each in own if _moment(each.matter, _E.DISPATCH) is not None]
        sent = [each.matter for each in kept]
        late = _those([each.matter for each in kept if _is_late(each, given.now_utc)])
        if sent:
            in_time = [each.matter for each in kept if not _is_late(each, given.now_utc)]
            cells = (
                Term(vocabulary=_V.CREW, code=team),
                _those(sent),
                _those(sent, lambda each: _moment(each, _E.BOUNCE) is not None),
                _those(sent, lambda each: _moment(each, _E.FINISH) is not None),
                _those(sent, lambda each: _moment(each, _E.REPLY) is not None),
                _those(sent, lambda each: each.record.state not in ENDED),
                _those(sent, lambda each: each.record.reopen_count > 0),
                late,
                share(_those(in_time), len(sent)),
            )
            found.append((-late, team, LedgerRow(cells=cells)))
    return [row for _, _, row in sorted(found, key=lambda item: item[:2])]


def _is_late(each: Counted, now_utc: datetime) -> bool:
    return any(clock.light(now_utc) is Light.LATE for clock in each.clocks)


def complaint_rows(given: Reckoning) -> list[LedgerRow]:
    """Return classes of complaints: how many, repeated, verdicts, appeals, replied, satisfied."""
    kinds = {RequestKind.COMPLAINT, RequestKind.WHISTLE_BLOW}
    own = [each.matter for each in given.matters if each.matter.record.kind in kinds]
    classes = sorted({each.record.request_class for each in own})
    rows = [
        LedgerRow(
            cells=(
                Term(vocabulary=_V.REQUEST_CLASS, code=each),
                *_complaint_cells([one for one in own if one.record.request_class == each], given),
            )
        )
        for each in classes
    ]
    total = (Term(vocabulary=_V.TOTAL, code="total"), *_complaint_cells(own, given))
    return [*rows, LedgerRow(cells=total)] if rows else []


def _complaint_cells(own: Sequence[Matter], given: Reckoning) -> tuple[Cell, ...]:
    def outcome(each: Matter) -> bool | None:
        found = given.complaints.get(each.record.request_id)
        return None if found is None else OUTCOME.get(found.state)

    def is_appealed(each: Matter) -> bool:
        found = given.complaints.get(each.record.request_id)
        return found is not None and found.state in _APPEALED

    said = [each for each in own if each.record.is_satisfied is not None]
    replied = _those(own, lambda each: _moment(each, _E.REPLY, _E.SOLVE, _E.DECLINE) is not None)
    return (
        _those(own),
        _those(own, lambda each: each.record.is_major),
        _those(own, lambda each: each.record.repeat_of is not None),
        _those(own, lambda each: outcome(each) is True),
        _those(own, lambda each: outcome(each) is False),
        _those(own, lambda each: outcome(each) is None),
        _those(own, is_appealed),
        share(replied, len(own)),
        share(_those(said, lambda each: each.record.is_satisfied is True), len(said)),
    )


_APPEALED = frozenset({ComplaintState.APPEALED, ComplaintState.UPHELD, ComplaintState.CHANGED})


def cause_rows(given: Reckoning) -> list[LedgerRow]:
    """Return causes of judged complaints with measures agreed and carried out (B-08, C-14)."""
    causes = Counter(str(each.cause) for each in given.complaints.values() if each.cause)
    rows = []
    for code, _ in causes.most_common():
        own = Count(key for key, each in given.complaints.items() if str(each.cause) == code)
        agreed = sum(given.measures.get(each, (0, 0))[0] for each in own.of)
        done = sum(given.measures.get(each, (0, 0))[1] for each in own.of)
        cells = (
            Term(vocabulary=_V.CAUSE, code=code),
            own,
            share(own, sum(causes.values())),
            agreed,
            done,
        )
        rows.append(LedgerRow(cells=cells))
    return rows


def _moment(matter: Matter, *events: RequestEvent) -> datetime | None:
    """Return when one of the events first happened."""
    return next((each.happened_at_utc for each in matter.steps if each.event in events), None)
