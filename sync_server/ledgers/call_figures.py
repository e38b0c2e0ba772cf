"""Decides how calls are counted: by day, by number, by person (rules C-10, C-45, C-52, B-10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sync_server.ledgers.figures import Counted, Reckoning
from sync_server.ledgers.ledger import Cell, LedgerRow, Term, Vocabulary, share
from sync_server.service_desk.calls import call_back_by
from sync_server.service_desk.clocks import Light
from wire_contracts.request_states import RequestEvent

_E = RequestEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as ledgers count it."""

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
            share(len(own), len(calls)),
        )
        rows.append((-len(own), number, LedgerRow(cells=cells)))
    return [row for _, _, row in sorted(rows, key=lambda item: item[:2])]


def _call_cells(calls: Sequence[Call], terms: CallTerms) -> tuple[Cell, ...]:
    answered = [each for each in calls if each.answered_at_utc is not None]
    missed = [each for each in calls if each.is_missed]
    in_time = sum(_is_back_in_time(each, terms) for each in missed)
    never = sum(each.called_back_at_utc is None for each in missed)
    quick = sum(each.is_quick(terms.limits.get("sla.CL1.seconds", 15.0)) for each in answered)
    return (
        len(calls),
        len(answered),
        share(quick, len(answered)),
        len(missed),
        in_time,
        len(missed) - in_time - never,
        never,
        share(len(missed), len(calls)),
        sum(each.hung_up_by == "agent" for each in calls),
    )


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
    answered = [each for each in calls if each.answered_by == account_id and not each.is_missed]
    quick = sum(each.is_quick(terms.limits.get("sla.CL1.seconds", 15.0)) for each in answered)
    taken = [each for each in given.matters if each.matter.record.first_contact == account_id]
    owned = [each for each in given.matters if each.matter.record.owner == account_id]
    said = [
        each.matter.record.is_satisfied
        for each in owned
        if each.matter.record.is_satisfied is not None
    ]
    late = sum(clock.light(given.now_utc) is Light.LATE for each in owned for clock in each.clocks)
    return (
        Term(vocabulary=Vocabulary.ACCOUNT, code=account_id),
        len(answered),
        share(quick, len(answered)),
        len(taken),
        share(sum(_did(each, _E.SOLVE, account_id) for each in taken), len(taken)),
        sum(_did(each, _E.REPLY, account_id) for each in given.matters),
        sum(_did(each, _E.CONFIRM, account_id) for each in given.matters),
        share(said.count(True), len(said)),
        late,
        penalties.get(account_id, 0),
    )


def _did(each: Counted, event: RequestEvent, account_id: str) -> bool:
    return any(step.event is event and step.actor == account_id for step in each.matter.steps)
