"""Applies the groups of a push inside one transaction: effects, change index, ledger, reviews."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from sync_server.access.tablet_store import enrolments_of
from sync_server.db.change_store import last_seqs_of
from sync_server.sync.apply import apply_operation
from sync_server.sync.crews import Papers, crews_of, orders_of
from sync_server.sync.effects import CrewContext, Effect, refused
from sync_server.sync.event_time import BootTimes, EventTime, corrected_time, had_by
from sync_server.sync.inbox import Broken, Entry, clean_text, payload_hash
from sync_server.sync.late_work import note_told
from sync_server.sync.ledger_store import (
    KnownOperation,
    LedgerEntry,
    keep_operation,
    known_boots,
    known_operations,
    write_conflict,
    write_ledger,
)
from sync_server.sync.questions import ask, ask_who
from sync_server.sync.retelling import Retelling
from sync_server.sync.review_store import ReviewKind
from sync_server.sync.scope import buckets_of_tablet
from sync_server.sync.senders import Sender
from sync_server.sync.store_copies import CopyWatch
from sync_server.sync.told_steps import ToldSteps, finish_of, told_by_action
from sync_server.sync.word_store import FieldWords
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Operation, OperationKind, OperationResult, Outcome
from wire_contracts.orders import ENTITY

LONGEST_DETAIL = 2000
"""What a tablet reads of an outcome's text; a longer one would spoil the whole answer."""

Thing = tuple[str, str]
"""(entity, id)."""

_KEPT_AS_IT_CAME = frozenset({Outcome.CONFLICT, Outcome.REFUSED, Outcome.MERGED})
_NEEDS_OTHERS = frozenset({Code.STATE, Code.EVIDENCE_MISSING})


class _Judged(NamedTuple):
    """An operation never seen before, with everything that was decided about it."""

    entry: Entry
    payload_hash: str
    time: EventTime
    effect: Effect


class PushJob:
    """Applies groups inside one transaction."""

    def __init__(self, connection: Connection, sender: Sender) -> None:
        """Work in the caller's transaction."""
        self._connection = connection
        self._sender = sender
        self._now_utc = sender.now_utc
        self._now_ms = ms_from_utc(sender.now_utc)
        self._enrolments = enrolments_of(connection, sender.tablet)
        self._enrolled_ms = ms_from_utc(self._enrolments[-1].enrolled_at_utc)
        self._book = OrderBook(connection, sender.now_utc)
        self._words = FieldWords(connection, sender.replica_id)
        self._copies = CopyWatch(connection, sender)
        self._retelling = Retelling(connection, self._book, sender.now_utc)
        self._known: dict[str, KnownOperation] = {}
        self._boots: dict[str, BootTimes] = {}
        self._had_ms: dict[str, int] = {}
        self._judged: dict[str, _Judged] = {}
        self._reused: dict[int, OperationResult] = {}
        self._waiting: set[str] = set()
        self._buckets: frozenset[str] | None = None

    def run(self, groups: Sequence[Sequence[Entry]]) -> list[OperationResult]:
        """Return the outcomes of the groups; everything is written, or nothing."""
        entries = [entry for group in groups for entry in group]
        self._prepare(entries)
        papers = Papers(self._book, self._words, ToldSteps())
        crews = crews_of(self._connection, self._sender, self._enrolments, papers)
        self._buckets = crews.buckets
        told = told_by_action(groups, self._sender.told)
        if crews.is_after_a_restore:
            unknown = (each for each in entries if each.op_id not in self._known)
            papers.told.note(unknown, told)
        for group in groups:
            fresh = [entry for entry in group if self._is_fresh(entry)]
            for entry in fresh:
                time = self._time_of(entry)
                context = crews.context_of(entry, time)
                if entry.op_id in told:
                    finished_ms = finish_of(group, told)
                    context = replace(context, told_ms=told[entry.op_id], finished_ms=finished_ms)
                self._retelling.see(context, entry, time)
                effect = self._apply(context, entry, time)
                if self._sender.has_closed and _needs_others(entry, effect):
                    self._waiting.add(entry.op_id)
                    continue
                self._judge(entry, time, effect)
                ask_who(self._connection, context, entry, time, effect)
            self._note_revoked(fresh)
        return self._finish(entries)

    def refuse(self, group: Sequence[Entry]) -> list[OperationResult]:
        """Return refusals for a group that broke the server: kept, reviewed, in nobody's way."""
        self._prepare(group)
        effect = refused(Code.OPERATION_FAILED, "the server could not apply it; a person will look")
        for entry in group:
            if self._is_fresh(entry):
                self._judge(entry, self._time_of(entry), effect)
        return self._finish(group)

    def _prepare(self, entries: Sequence[Entry]) -> None:
        """Read what all of them need; orders are locked before the head of the change index."""
        operations = [entry for entry in entries if isinstance(entry, Operation)]
        self._book.lock(orders_of(operations))
        self._known = known_operations(self._connection, {entry.op_id for entry in entries})
        unseen = [each for each in operations if each.op_id not in self._known]
        self._words.load(unseen)
        self._copies.begin(unseen, self._words)
        self._boots = known_boots(self._connection, unseen)
        if self._sender.told:
            self._had_ms = had_by(((each.op_id, each.at) for each in unseen), self._sender.told)

    def _is_fresh(self, entry: Entry) -> bool:
        """Return whether the operation was never seen before, in the ledger or in this push."""
        known = self._judged.get(entry.op_id) or self._known.get(entry.op_id)
        if known is None:
            return True
        if payload_hash(entry) != known.payload_hash:
            self._quarantine(entry)
        return False

    def _quarantine(self, entry: Entry) -> None:
        """Keep a second content of one id, and let a person hear of it (sync spec 1.3)."""
        if keep_operation(self._connection, entry, self._now_utc):
            self._ask(ReviewKind.OP_ID_REUSE, entry, Code.OP_ID_REUSE)
        detail = "this operation id came before with another content; both are kept"
        self._reused[id(entry)] = OperationResult(
            op_id=entry.op_id, outcome=Outcome.REFUSED, code=Code.OP_ID_REUSE, detail=detail
        )

    def _time_of(self, entry: Entry) -> EventTime:
        """Return when the tap happened; ask once, because the boot remembers the answer.

        Before a former server had it, where one told of it.
        """
        if isinstance(entry, Broken):
            return EventTime(at_ms=self._now_ms, is_suspect=True, is_doubtful=True)
        return corrected_time(
            entry.at,
            earliest_ms=self._enrolled_ms,
            received_at_ms=self._now_ms,
            had_at_ms=self._had_ms.get(entry.op_id),
            boot=self._boots[clean_text(entry.at.boot_id)],
        )

    def _apply(self, context: CrewContext, entry: Entry, time: EventTime) -> Effect:
        if isinstance(entry, Broken):
            return refused(entry.code, entry.reason)
        self._copies.see(entry)
        if self._copies.are_doubted:
            context = replace(context, are_numbers_doubted=True)
        return apply_operation(self._connection, context, entry, time)

    def _note_revoked(self, fresh: Sequence[Entry]) -> None:
        """Show people what a revoked tablet did, one item per user action."""
        if self._sender.is_revoked and fresh:
            self._ask(ReviewKind.REVOKED_TABLET, fresh[0], Code.TOKEN_REVOKED)

    def _judge(self, entry: Entry, time: EventTime, effect: Effect) -> None:
        """Remember the verdict, keep what was not applied as it came, ask a person to look."""
        judged = _Judged(entry, payload_hash(entry), time, effect)
        self._judged[entry.op_id] = judged
        if isinstance(entry, Operation):
            self._words.note(entry, time, effect.outcome)
            if entry.entity == ENTITY:
                note_told(self._connection, entry.op_id, self._sender.told)
        if effect.outcome in _KEPT_AS_IT_CAME:
            keep_operation(self._connection, entry, self._now_utc)
            if effect.code is Code.GONE:
                note_told(self._connection, entry.op_id, self._sender.told)
        if effect.conflict is not None:
            write_conflict(self._connection, effect.conflict, self._now_utc)
        if effect.review is not None:
            self._ask(effect.review, entry, effect.code or Code.CONFLICT)

    def _finish(self, entries: Sequence[Entry]) -> list[OperationResult]:
        seqs = self._seqs(self._book.show())
        results = {
            op_id: _result(judged, seqs.get(_thing(judged.entry), 0))
            for op_id, judged in self._judged.items()
        }
        write_ledger(
            self._connection,
            self._sender.replica_id,
            self._sender.tablet,
            (_ledger_entry(judged, results[op_id]) for op_id, judged in self._judged.items()),
            self._now_utc,
        )
        if self._retelling.judge(self._judged.keys()):
            again = known_operations(self._connection, results)
            results |= {op_id: known.result for op_id, known in again.items()}
        told = {op_id: known.result for op_id, known in self._known.items()} | results
        return [
            self._reused.get(id(entry)) or told[entry.op_id]
            for entry in entries
            if entry.op_id not in self._waiting
        ]

    def _seqs(self, shown: Mapping[Thing, Mapping[str, int]]) -> dict[Thing, int]:
        """Return at which sequence this tablet sees each thing as it stands now.

        What was just shown need not be looked up.
        """
        buckets = self._buckets or frozenset(
            buckets_of_tablet(self._connection, self._sender.tablet)
        )
        things = {_thing(judged.entry) for judged in self._judged.values()}
        seqs = {
            thing: max([seqs[bucket] for bucket in seqs.keys() & buckets], default=0)
            for thing, seqs in shown.items()
            if thing in things
        }
        return seqs | last_seqs_of(self._connection, things - seqs.keys(), buckets)

    def _ask(self, kind: ReviewKind, entry: Entry, code: Code) -> None:
        ask(self._connection, kind, entry, code, self._now_utc)


def _needs_others(entry: Entry, effect: Effect) -> bool:
    """Return whether a step did nothing, maybe for want of what came before it."""
    is_step = isinstance(entry, Operation) and entry.kind is OperationKind.GO
    return is_step and effect.review is ReviewKind.REFUSED and effect.code in _NEEDS_OTHERS


def _thing(entry: Entry) -> Thing:
    return ("", "") if isinstance(entry, Broken) else (entry.entity, entry.entity_id)


def _result(judged: _Judged, seq: int) -> OperationResult:
    effect = judged.effect
    return OperationResult(
        op_id=judged.entry.op_id,
        outcome=effect.outcome,
        code=effect.code,
        detail=effect.detail[:LONGEST_DETAIL],
        seq=seq,
    )


def _ledger_entry(judged: _Judged, result: OperationResult) -> LedgerEntry:
    return LedgerEntry(judged.entry, judged.payload_hash, result, judged.time)
