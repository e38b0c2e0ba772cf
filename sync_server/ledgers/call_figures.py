"""Decides how calls are counted: by day, by number, by person (rules C-10, C-45, C-52, B-10)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sync_server.ledgers.figures import Counted, Reckoning
from sync_server.ledgers.ledger import Cell, Count, LedgerRow, Term, Vocabulary, share, yes
from sync_server.service_desk.calls import call_back_by
from sync_server.service_desk.clocks import Light
from wire_contracts.request_states import RequestEvent

_E = RequestEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as ledgers count it."""

    call_id: str
    number: str
    rang_at_utc: datetime
    answered_at_utc: datetime | None
    answered_by: str | None
    is_missed: bool
    called_back_at_utc: datetime | None
    hung_up_by: str

    def is_quick(self, within_s: float) -> bool:
        """Return whether it was answered within three rings (policy K1)."""
        at_utc = self.answered_at_utc
        return at_utc is not None and at_utc - self.rang_at_utc <= timedelta(seconds=within_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTerms:
    """The limits of calls and the site's zone."""

    limits: Mapping[str, float]
    zone: tzinfo


def call_rows(calls: Sequence[Call], days: Sequence[str], terms: CallTerms) -> list[LedgerRow]:
    """Return the calls by day and their sum, with the loss rate (rule C-52)."""
    rows = []
    for day in days:
        own = [
            each
            for each in calls
            if each.rang_at_utc.astimezone(terms.zone).date().isoformat() == day
        ]
        if own:
            rows.append(LedgerRow(cells=(day, *_call_cells(own, terms))))
    total = Term(vocabulary=Vocabulary.TOTAL, code="total")
    return [*rows, LedgerRow(cells=(total, *_call_cells(calls, terms)))] if rows else []


def number_rows(calls: Sequence[Call], terms: CallTerms) -> list[LedgerRow]:
    """Return the numbers that were dialled, the busiest first (rule C-10)."""
    numbers = sorted({each.number for each in calls})
    rows = []
    for number in numbers:
        own = [each for each in calls if each.number == number]
        cells: tuple[Cell, ...] = (
            number or "—",
            *_call_cells(own, terms),
            share(_those(own), len(calls)),
        )
        rows.append((-len(own), number, LedgerRow(cells=cells)))
    return [row for _, _, row in sorted(rows, key=lambda item: item[:2])]


def _call_cells(calls: Sequence[Call], terms: CallTerms) -> tuple[Cell, ...]:
    within_s = terms.limits.get("sla.CL1.seconds", 15.0)
    answered = [each for each in calls if each.answered_at_utc is not None]
    missed = [each for each in calls if each.is_missed]
    in_time = [each for each in missed if _is_back_in_time(each, terms)]
    never = [each for each in missed if each.called_back_at_utc is None]
    late = [each for each in missed if each not in in_time and each not in never]
    return (
        _those(calls),
        _those(answered),
        share(_those(each for each in answered if each.is_quick(within_s)), len(answered)),
        _those(missed),
        _those(in_time),
        _those(late),
        _those(never),
        share(_those(missed), len(calls)),
        _those(each for each in calls if each.hung_up_by == "agent"),
    )


def one_call_rows(calls: Sequence[Call]) -> list[LedgerRow]:
    """Return the calls one by one: when, which number, who answered, missed, called back."""
    return [
        LedgerRow(
            cells=(
                each.rang_at_utc,
                each.number or "—",
                Term(vocabulary=Vocabulary.ACCOUNT, code=each.answered_by or "—"),
                each.answered_at_utc,
                yes(each.is_missed),
                each.called_back_at_utc,
            )
        )
        for each in calls
    ]


def _those(calls: Iterable[Call]) -> Count:
    """Return how many calls, and which."""
    return Count(f"{CALL}{each.call_id}" for each in calls)


CALL = "call:"
"""Before the id of a call, to tell it from a request."""


def _is_back_in_time(call: Call, terms: CallTerms) -> bool:
    back_utc = call.called_back_at_utc
    due_utc = call_back_by(call.rang_at_utc, terms.zone, terms.limits)
    return back_utc is not None and back_utc <= due_utc


def people_rows(
    given: Reckoning, calls: Sequence[Call], penalties: Mapping[str, int], terms: CallTerms
) -> list[LedgerRow]:
    """Return what each person did: calls, requests, replies, callbacks, lateness (rule B-10)."""
    people = {each.answered_by for each in calls if each.answered_by}
    people |= {each.matter.record.first_contact for each in given.matters}
    people |= {each.matter.record.owner for each in given.matters}
    return [
        LedgerRow(cells=_person_cells(each, given, calls, penalties, terms))
        for each in sorted(people)
    ]


def _person_cells(
    account_id: str,
    given: Reckoning,
    calls: Sequence[Call],
    penalties: Mapping[str, int],
    terms: CallTerms,
) -> tuple[Cell, ...]:
    within_s = terms.limits.get("sla.CL1.seconds", 15.0)
    answered = [each for each in calls if each.answered_by == account_id and not each.is_missed]
    taken = [each for each in given.matters if each.matter.record.first_contact == account_id]
    owned = [each for each in given.matters if each.matter.record.owner == account_id]
    said = [each for each in owned if each.matter.record.is_satisfied is not None]
    late = [
        each for each in owned for clock in each.clocks if clock.light(given.now_utc) is Light.LATE
    ]
    return (
        Term(vocabulary=Vocabulary.ACCOUNT, code=account_id),
        _those(answered),
        share(_those(each for each in answered if each.is_quick(within_s)), len(answered)),
        _matters(taken),
        share(_done(taken, _E.SOLVE, account_id), len(taken)),
        _done(given.matters, _E.REPLY, account_id),
        _done(given.matters, _E.CONFIRM, account_id),
        share(_matters(each for each in said if each.matter.record.is_satisfied), len(said)),
        _matters(late),
        penalties.get(account_id, 0),
    )


def _matters(matters: Iterable[Counted]) -> Count:
    return Count(each.matter.record.request_id for each in matters)


def _done(matters: Iterable[Counted], event: RequestEvent, account_id: str) -> Count:
    return _matters(each for each in matters if _did(each, event, account_id))


def _did(each: Counted, event: RequestEvent, account_id: str) -> bool:
    return any(step.event is event and step.actor == account_id for step in each.matter.steps)
