"""A push -> one transaction per group: effects, change index, ledger, reviews, or none of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from traceback import extract_tb

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from sync_server.access.account_store import areas_of
from sync_server.access.tablet_store import TabletIdentity, accounts_of_tablet
from sync_server.db.change_store import last_seq_of
from sync_server.sync.apply import CrewContext, Effect, apply_operation, refused
from sync_server.sync.event_time import EventTime, corrected_time
from sync_server.sync.inbox import Broken, ReadPush, clean_text, payload_hash
from sync_server.sync.ledger_store import (
    KnownOperation,
    LedgerEntry,
    is_number_reused,
    is_replica_retired,
    keep_operation,
    known_operations,
    note_replica,
    retire_replica,
    write_conflict,
    write_ledger,
)
from sync_server.sync.review_store import NewReview, ReviewKind, add_review
from sync_server.sync.scope import buckets_of_tablet
from sync_server.work_orders.order_rows_store import find_order, show_order
from wire_contracts.codes import Code
from wire_contracts.operations import Operation, OperationResult, Outcome
from wire_contracts.orders import ENTITY

_LOG = structlog.get_logger("sync_server.sync.push")

TRIES = 3
"""A group that lost a race (the same push sent twice at once, a deadlock) is applied again."""

LONGEST_DETAIL = 2000
"""What a tablet reads of an outcome's text; a longer one would spoil the whole answer."""

Entry = Operation | Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOutcome:
    """One result per operation in the order sent, and whether the store must be renewed."""

    results: Sequence[OperationResult]
    must_renew_replica: bool


def take_push(
    engine: Engine, tablet: TabletIdentity, push: ReadPush, now_utc: datetime
) -> PushOutcome:
    """Return the permanent outcome of every operation.

    Each group commits before the next begins. Only a database that cannot be written raises:
    then the tablet asks again, and what was committed answers as before.
    """
    results: list[OperationResult] = []
    for group in _groups(push.entries):
        results += _take_group(engine, tablet, push.replica_id, group, now_utc)
    with engine.begin() as connection:
        note_replica(connection, push.replica_id, tablet.tablet_id, _last_n(push), now_utc)
        must_renew = is_replica_retired(connection, push.replica_id)
    return PushOutcome(results=results, must_renew_replica=must_renew)


def _last_n(push: ReadPush) -> int:
    numbers = [entry.n for entry in push.entries if isinstance(entry, Operation)]
    return max(numbers, default=0)


def _groups(entries: Iterable[Entry]) -> Iterable[list[Entry]]:
    """Neighbours of one group are one transaction; an unreadable operation stands alone."""
    keyed = groupby(
        entries, key=lambda each: each.op_id if isinstance(each, Broken) else each.group
    )
    return [list(group) for _, group in keyed]


def _take_group(
    engine: Engine,
    tablet: TabletIdentity,
    replica_id: str,
    group: list[Entry],
    now_utc: datetime,
) -> list[OperationResult]:
    for attempt in range(1, TRIES + 1):
        try:
            with engine.begin() as connection:
                job = _GroupJob(connection, tablet, replica_id, now_utc)
                return job.run(group)
        except OperationalError:
            if attempt == TRIES:
                raise
        except IntegrityError as error:
            if attempt == TRIES:
                _log_refusal(group, error)
        except Exception as error:  # a poison group is refused, kept, logged
            if _is_servers_trouble(error):
                raise
            _log_refusal(group, error)
            break
    with engine.begin() as connection:
        job = _GroupJob(connection, tablet, replica_id, now_utc)
        return job.refuse(group)


def _is_servers_trouble(error: Exception) -> bool:
    """Return whether the error says nothing of the group: no free connection, or a lost one."""
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_lost or isinstance(error, PoolTimeoutError)


def _log_refusal(group: list[Entry], error: Exception) -> None:
    """Name the operations and the place; an error's own text may hold a customer's words."""
    places = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
    _LOG.error(
        "group_refused",
        ops=[entry.op_id for entry in group],
        error=type(error).__name__,
        place=places[-1] if places else "",
        ours=[place for place in places if "sync_server" in place][-1:],
    )


class _GroupJob:
    """Applies one group inside one transaction."""

    def __init__(
        self,
        connection: Connection,
        tablet: TabletIdentity,
        replica_id: str,
        now_utc: datetime,
    ) -> None:
        self._connection = connection
        self._tablet = tablet
        self._replica_id = replica_id
        self._now_utc = now_utc

    def run(self, group: list[Entry]) -> list[OperationResult]:
        """Return the outcomes of the group; everything is written, or nothing."""
        self._lock_orders(group)
        context = CrewContext(
            tablet=self._tablet,
            actors=accounts_of_tablet(self._connection, self._tablet.tablet_id),
            area_ids=frozenset(areas_of(self._connection, self._tablet.crew_id)),
            now_utc=self._now_utc,
        )
        fresh, told = self._sort_out(group)
        effects = {entry.op_id: self._apply(context, entry) for entry in fresh}
        return self._finish(group, fresh, effects, told)

    def refuse(self, group: list[Entry]) -> list[OperationResult]:
        """Return refusals for a group that broke the server: kept, reviewed, in nobody's way."""
        fresh, told = self._sort_out(group)
        effect = refused(Code.OPERATION_FAILED, "the server could not apply it; a person will look")
        return self._finish(group, fresh, {entry.op_id: effect for entry in fresh}, told)

    def _lock_orders(self, group: list[Entry]) -> None:
        """Lock in one order, before the head of the change index, so that nobody deadlocks."""
        order_ids = {
            entry.entity_id
            for entry in group
            if isinstance(entry, Operation) and entry.entity == ENTITY
        }
        for order_id in sorted(order_ids):
            find_order(self._connection, order_id, is_locked=True)

    def _sort_out(self, group: list[Entry]) -> tuple[list[Entry], dict[str, OperationResult]]:
        """Return the operations never seen before, and the answers for those seen before."""
        known = known_operations(self._connection, {entry.op_id for entry in group})
        fresh: dict[str, Entry] = {}
        told: dict[str, OperationResult] = {}
        for entry in group:
            if entry.op_id in known:
                told[entry.op_id] = self._tell_again(entry, known[entry.op_id])
            else:
                fresh.setdefault(entry.op_id, entry)
        return list(fresh.values()), told

    def _tell_again(self, entry: Entry, known: KnownOperation) -> OperationResult:
        if payload_hash(entry) == known.payload_hash:
            return known.result
        if keep_operation(self._connection, entry, self._now_utc):
            self._review(ReviewKind.OP_ID_REUSE, entry, Code.OP_ID_REUSE)
        detail = "this operation id came before with another content; both are kept"
        return OperationResult(
            op_id=entry.op_id, outcome=Outcome.REFUSED, code=Code.OP_ID_REUSE, detail=detail
        )

    def _apply(self, context: CrewContext, entry: Entry) -> Effect:
        if isinstance(entry, Broken):
            return refused(entry.code, entry.reason)
        self._watch_for_clones(entry)
        return apply_operation(self._connection, context, entry, self._time_of(entry))

    def _watch_for_clones(self, operation: Operation) -> None:
        if not is_number_reused(self._connection, self._replica_id, operation):
            return
        note_replica(self._connection, self._replica_id, self._tablet.tablet_id, 0, self._now_utc)
        if retire_replica(self._connection, self._replica_id, self._now_utc):
            self._review(ReviewKind.CLONED_STORE, operation, Code.CONFLICT)

    def _time_of(self, entry: Entry) -> EventTime:
        if isinstance(entry, Broken):
            return EventTime(at_utc=self._now_utc, is_suspect=True)
        return corrected_time(
            entry.at, earliest_utc=self._tablet.enrolled_at_utc, received_at_utc=self._now_utc
        )

    def _finish(
        self,
        group: list[Entry],
        fresh: list[Entry],
        effects: dict[str, Effect],
        told: dict[str, OperationResult],
    ) -> list[OperationResult]:
        for entry in fresh:
            self._keep(entry, effects[entry.op_id])
        touched = {effect.order_id for effect in effects.values() if effect.order_id is not None}
        for order_id in sorted(touched):
            show_order(self._connection, order_id, self._now_utc)
        results = {entry.op_id: self._result(entry, effects[entry.op_id]) for entry in fresh}
        write_ledger(
            self._connection,
            self._replica_id,
            self._tablet,
            (self._ledger_entry(entry, results[entry.op_id]) for entry in fresh),
            self._now_utc,
        )
        return [(told | results)[entry.op_id] for entry in group]

    def _keep(self, entry: Entry, effect: Effect) -> None:
        if effect.outcome in {Outcome.CONFLICT, Outcome.REFUSED, Outcome.MERGED}:
            keep_operation(self._connection, entry, self._now_utc)
        if effect.conflict is not None:
            write_conflict(self._connection, effect.conflict, self._now_utc)
        if effect.review is not None:
            self._review(effect.review, entry, effect.code or Code.CONFLICT)

    def _result(self, entry: Entry, effect: Effect) -> OperationResult:
        return OperationResult(
            op_id=entry.op_id,
            outcome=effect.outcome,
            code=effect.code,
            detail=effect.detail[:LONGEST_DETAIL],
            seq=self._seq_of(entry),
        )

    def _seq_of(self, entry: Entry) -> int:
        """Return the sequence at which this tablet sees the thing as it stands now, 0 if never."""
        if isinstance(entry, Broken):
            return 0
        buckets = buckets_of_tablet(self._connection, self._tablet)
        return last_seq_of(self._connection, entry.entity, entry.entity_id, buckets)

    def _ledger_entry(self, entry: Entry, result: OperationResult) -> LedgerEntry:
        time = self._time_of(entry)
        return LedgerEntry(
            operation=entry,
            result=result,
            happened_at_utc=time.at_utc,
            is_clock_suspect=time.is_suspect,
        )

    def _review(self, kind: ReviewKind, entry: Entry, code: Code) -> None:
        entity, entity_id = "operation", entry.op_id
        if isinstance(entry, Operation):
            entity, entity_id = clean_text(entry.entity), clean_text(entry.entity_id)
        new = NewReview(kind=kind, op_id=entry.op_id, entity=entity, entity_id=entity_id, code=code)
        add_review(self._connection, new, self._now_utc)
