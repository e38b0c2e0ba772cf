"""What one operation comes to, and for whom it is judged: words of `apply` and `facts`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sync_server.access.tablet_store import TabletIdentity
from sync_server.sync.event_time import SUSPECT_OFFSET, EventTime
from sync_server.sync.ledger_store import FieldConflict
from sync_server.sync.review_store import ReviewKind
from sync_server.sync.word_store import FieldWords
from sync_server.work_orders.order import OrderHead, OrderRecord
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.codes import Code
from wire_contracts.frames import utc_from_ms
from wire_contracts.operations import NO_EFFECT, Outcome
from wire_contracts.work_order_states import WorkOrderEvent


def had_until_ms(told_ms: int) -> int:
    """Return until when a crew surely had the order of which a server took something at a moment.

    Who had a word of the server at that very moment knew what it had taken.
    """
    return told_ms - 1


class Repeat(NamedTuple):
    """A step that a tablet repeats, and the server's last word that its author knew."""

    event: WorkOrderEvent
    word_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewContext:
    """Who pushes: the tablet, whose work it carries until when, where its crew may take orders.

    `book` holds the orders of the transaction, `words` what their fields took; a revoked tablet's
    work came in sealed.
    `restored_at_utc`: since when this server goes on from a backup, None when it never did.
    `step_words`: order -> the newest word of the server before what this push does on it;
    `finished` and `worked`: the orders that it finishes, and on which it takes more than a first
    step or writes a field. `steps`: order -> the steps that it takes there, with the last word
    before each. `replica_id`: the copy of the store that pushes; with
    `are_numbers_doubted` its numbers order nothing. `told_ms`: when a server took the operation
    before the restore, as it told the tablet; NO_EFFECT, None: it told nothing.
    `finished_ms`: when it took the step by which the same user action finished the visit.
    """

    tablet: TabletIdentity
    actors: Mapping[str, datetime | None]
    area_ids: frozenset[str]
    now_utc: datetime
    book: OrderBook
    words: FieldWords
    is_revoked: bool = False
    restored_at_utc: datetime | None = None
    step_words: Mapping[str, datetime] = field(default_factory=dict)
    finished: Collection[str] = ()
    worked: Collection[str] = ()
    steps: Mapping[str, Sequence[Repeat]] = field(default_factory=dict)
    replica_id: str = ""
    are_numbers_doubted: bool = False
    told_ms: int | None = None
    finished_ms: int | None = None

    @property
    def was_refused(self) -> bool:
        """Whether the tablet was told before the restore that the operation had no effect."""
        return self.told_ms == NO_EFFECT

    def may_be_forgotten(self, word_utc: datetime) -> bool:
        """Return whether this server may have forgotten what was true at its last word.

        Not what the former server refused: that took nothing then and takes nothing now.
        """
        return self.is_from_before(word_utc) and not self.was_refused

    def is_from_before(self, word_utc: datetime) -> bool:
        """Return whether a word of the server is from before its restore.

        One later than now is of a server whose clock was ahead of this machine's. What a server has
        told of, and this one does not know, is from before whatever the clocks say.
        """
        if self.restored_at_utc is None:
            return False
        if self.told_ms is not None:
            return True
        is_ahead = word_utc > self.now_utc + SUSPECT_OFFSET
        return is_ahead or word_utc <= self.restored_at_utc

    def claim_utc(self, order_id: str, word_utc: datetime) -> datetime:
        """Return up to when the crew knew before the restore that it has the order.

        Who goes on after a later word of the server had not lost it by then.
        """
        newest_utc = self.step_words.get(order_id, word_utc)
        known_utc = max(word_utc, newest_utc) if self.may_be_forgotten(newest_utc) else word_utc
        return self.had_it_utc(known_utc)

    def counts_of_utc(self, word_utc: datetime) -> datetime | None:
        """Return of when a step of before the restore counts; None: of now."""
        return self.had_it_utc(word_utc) if self.may_be_forgotten(word_utc) else None

    def had_it_utc(self, word_utc: datetime) -> datetime:
        """Return of when it is known that the crew had the order: what was taken was its own then.

        No backup is of later, for it would hold the operation.
        """
        taken_utc = utc_from_ms(had_until_ms(self.told_ms)) if self.told_ms else word_utc
        return min(max(word_utc, taken_utc), max(word_utc, self.now_utc))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What became of an operation.

    `review` asks a person to look.
    """

    outcome: Outcome
    code: Code | None = None
    detail: str = ""
    review: ReviewKind | None = None
    conflict: FieldConflict | None = None


APPLIED = Effect(outcome=Outcome.APPLIED)
NOOP = Effect(outcome=Outcome.NOOP)


def refused(code: Code, detail: str, review: ReviewKind = ReviewKind.REFUSED) -> Effect:
    """Return a refusal: an acknowledgement all the same, kept and given to a person."""
    return Effect(outcome=Outcome.REFUSED, code=code, detail=detail, review=review)


def visit_of(order: OrderHead | OrderRecord, time: EventTime, word_utc: datetime | None) -> int:
    """Return the visit that a tap belongs to: one made before the reopening is an earlier one.

    A tablet's clock may be off by as much as is not flagged. Of a time that is doubted only the
    server's last word before the tap, `word_utc`, is known (None: not that either): who had heard
    nothing since the reopening was at work on the visit before.
    """
    start_utc = order.visit_from_utc
    known_utc = time.at_utc + SUSPECT_OFFSET
    if time.is_doubtful and word_utc is not None:
        known_utc = word_utc
    is_earlier = start_utc is not None and known_utc < start_utc
    return order.visit - 1 if is_earlier else order.visit


def context_of(
    contexts: Sequence[CrewContext], word_utc: datetime, holder_crew_id: str | None
) -> CrewContext:
    """Return for whom a tap is judged: the enrolment under which it was made, newest given first.

    The tablet had nothing of a new crew before its first pull under the new enrolment: a tap whose
    last word of the server, `word_utc`, is not after that belongs to the enrolment before. A
    restored server may not know every enrolment: then it is that of the crew which has the order.
    """
    made_under = (each for each in contexts if each.tablet.enrolled_at_utc < word_utc)
    found = next(made_under, contexts[-1])
    if not found.may_be_forgotten(word_utc):
        return found
    holders = (each for each in contexts if each.tablet.crew_id == holder_crew_id)
    return next(holders, found)


def actors_of_crew(
    enrolments: Iterable[tuple[TabletIdentity, Mapping[str, datetime | None]]], crew_id: str
) -> dict[str, datetime | None]:
    """Return whom any enrolment of one device lets in for a crew, and until when; None: still."""
    found: dict[str, datetime | None] = {}
    for tablet, actors in enrolments:
        for account_id, until_utc in actors.items() if tablet.crew_id == crew_id else ():
            known_utc = found.get(account_id, until_utc)
            if known_utc is None or until_utc is None:
                found[account_id] = None
            else:
                found[account_id] = max(known_utc, until_utc)
    return found
