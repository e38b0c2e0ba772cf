"""A push -> transactions of whole groups: effects, change index, ledger, reviews, or none of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from traceback import extract_tb
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from sync_server.access.account_store import areas_of
from sync_server.access.tablet_store import (
    TabletIdentity,
    accounts_of_tablet,
    enrolments_of,
)
from sync_server.db.change_store import last_seqs_of
from sync_server.db.server_store import restored_at, server_epoch
from sync_server.sync.apply import apply_operation, is_doubtful, why_strange
from sync_server.sync.effects import (
    CrewContext,
    Effect,
    Repeat,
    actors_of_crew,
    context_of,
    refused,
)
from sync_server.sync.event_time import BootTimes, EventTime, corrected_time, last_word_utc
from sync_server.sync.inbox import Broken, ReadPush, clean_text, payload_hash
from sync_server.sync.late_work import (
    LateOperation,
    LateWork,
    late_work,
    note_refused,
    note_taken,
    orders_with_late_work,
    tell_crew,
)
from sync_server.sync.ledger_store import (
    KnownOperation,
    LedgerEntry,
    is_replica_retired,
    keep_operation,
    known_boots,
    known_operations,
    note_replica,
    numbers_in_use,
    replica_standing,
    retire_replica,
    write_conflict,
    write_ledger,
)
from sync_server.sync.review_store import (
    NewReview,
    ReviewKind,
    add_review,
    add_review_once,
)
from sync_server.sync.scope import buckets_among, buckets_of_tablet
from sync_server.sync.word_store import FieldWords
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.operations import Operation, OperationKind, OperationResult, Outcome
from wire_contracts.orders import ENTITY, FIELD_OWNED, FactType
from wire_contracts.work_order_states import CREW_EVENTS, WorkOrderEvent

_LOG = structlog.get_logger("sync_server.sync.push")

TRIES = 3
"""A group that lost a race (the same push sent twice at once, a deadlock) is applied again."""

LONGEST_DETAIL = 2000
"""What a tablet reads of an outcome's text; a longer one would spoil the whole answer."""

ACCOUNT_ENTITY = "account"

Entry = Operation | Broken

Thing = tuple[str, str]
"""(entity, id)."""

_ON_ORDERS = frozenset({OperationKind.GO, OperationKind.SET})

_KEPT_AS_IT_CAME = frozenset({Outcome.CONFLICT, Outcome.REFUSED, Outcome.MERGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who pushes, with which copy of its store, and when it arrived.

    `is_revoked`: the tablet's access was ended; its work came in sealed, and people see it.
    `refused`: operations that a server told the tablet before to have had no effect.
    `has_closed`: earlier taps of the store wait for a key; a step that cannot be taken without them
    waits, too, and has no outcome.
    """

    tablet: TabletIdentity
    replica_id: str
    now_utc: datetime
    is_revoked: bool = False
    has_closed: bool = False
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOutcome:
    """One result per operation in the order sent, and whether the store must be renewed.

    None is of a step that waits (`Sender.has_closed`).

    `server_epoch` is the one under which the outcomes are kept.
    """

    results: Sequence[OperationResult]
    must_renew_replica: bool
    server_epoch: int


def take_push(
    engine: Engine,
    tablet: TabletIdentity,
    push: ReadPush,
    now_utc: datetime,
) -> PushOutcome:
    """Return the permanent outcome of every operation of a tablet in service, as `take_sent`."""
    sender = Sender(
        tablet=tablet, replica_id=push.replica_id, now_utc=now_utc, refused=push.refused
    )
    return take_sent(engine, sender, push.entries)


def take_sent(engine: Engine, sender: Sender, entries: Sequence[Entry]) -> PushOutcome:
    """Return the permanent outcome of every operation.

    All groups commit together; when that fails, each group commits before the next begins, so
    that one poison group delays no other. Only a database that cannot be written raises: then the
    tablet asks again, and what was committed answers as before.
    """
    groups = _groups(entries)
    outcome = _take_together(engine, sender, groups)
    if outcome is None:
        results = [result for group in groups for result in _take_group(engine, sender, group)]
        with engine.begin() as connection:
            outcome = _closed(connection, sender, groups, results)
    if any(map(_asks_for_order, entries)):
        judge_late_work(engine, sender.now_utc)
    return outcome


def _asks_for_order(entry: Entry) -> bool:
    return isinstance(entry, Operation) and entry.field == FactType.ORDER_REQUEST


def judge_late_work(engine: Engine, now_utc: datetime) -> None:
    """Judge again what was refused because its order was not here, once the order has come.

    A crew whose tablet comes before the inspector's after a restore is refused all that it did on
    an order which the inspector had asked for. Also called every few minutes: a server may end
    between the order and this. What fails is left to the people who were asked, and never tried
    again.
    """
    with engine.connect() as connection:
        order_ids = orders_with_late_work(connection)
    for order_id in order_ids:
        try:
            with engine.begin() as connection:
                _judge_late(connection, order_id, now_utc)
        except Exception as error:
            if _is_servers_trouble(error) or isinstance(error, OperationalError):
                raise
            _LOG.exception("late_work_failed", order_id=order_id)
            with engine.begin() as connection:
                for work in late_work(connection, order_id):
                    for late in work.operations:
                        note_refused(connection, late, Code.OPERATION_FAILED)


def _judge_late(connection: Connection, order_id: str, now_utc: datetime) -> None:
    lock = OrderBook(connection, now_utc)
    lock.lock([order_id])  # before it is asked what waits: another server may do the same
    for work in late_work(connection, order_id):
        sender = Sender(
            tablet=work.tablet,
            replica_id=work.replica_id,
            now_utc=now_utc,
            is_revoked=work.is_revoked,
        )
        _PushJob(connection, sender).judge_again(work)


def _closed(
    connection: Connection,
    sender: Sender,
    groups: Sequence[Sequence[Entry]],
    results: Sequence[OperationResult],
) -> PushOutcome:
    """Return the outcome, after noting how far the numbers of this copy of the store went."""
    numbers = [each.n for group in groups for each in group if isinstance(each, Operation)]
    last_n = max(numbers, default=0)
    tablet_id = sender.tablet.tablet_id
    note_replica(connection, sender.replica_id, tablet_id, last_n, sender.now_utc)
    return PushOutcome(
        results=results,
        must_renew_replica=is_replica_retired(connection, sender.replica_id),
        server_epoch=server_epoch(connection),
    )


def _groups(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Neighbours of one group stay together; an unreadable operation stands alone."""
    keyed = groupby(
        entries, key=lambda each: each.op_id if isinstance(each, Broken) else each.group
    )
    return [list(group) for _, group in keyed]


def _take_together(
    engine: Engine, sender: Sender, groups: Sequence[Sequence[Entry]]
) -> PushOutcome | None:
    """Return the outcomes of all groups in one transaction, None when that is not possible."""
    try:
        with engine.begin() as connection:
            results = _PushJob(connection, sender).run(groups)
            return _closed(connection, sender, groups, results)
    except Exception as error:  # the groups are tried one by one, each with its own verdict
        if _is_servers_trouble(error):
            raise
        _LOG.info("push_taken_apart", groups=len(groups), error=type(error).__name__)
        return None


def _take_group(engine: Engine, sender: Sender, group: list[Entry]) -> list[OperationResult]:
    for attempt in range(1, TRIES + 1):
        try:
            with engine.begin() as connection:
                return _PushJob(connection, sender).run([group])
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
        return _PushJob(connection, sender).refuse(group)


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


class _Judged(NamedTuple):
    """An operation never seen before, with everything that was decided about it."""

    entry: Entry
    payload_hash: str
    time: EventTime
    effect: Effect


class _PushJob:
    """Applies groups inside one transaction."""

    def __init__(self, connection: Connection, sender: Sender) -> None:
        self._connection = connection
        self._sender = sender
        self._now_utc = sender.now_utc
        self._now_ms = ms_from_utc(sender.now_utc)
        self._enrolments = enrolments_of(connection, sender.tablet)
        self._enrolled_ms = ms_from_utc(self._enrolments[-1].enrolled_at_utc)
        self._book = OrderBook(connection, sender.now_utc)
        self._words = FieldWords(connection, sender.replica_id)
        self._known: dict[str, KnownOperation] = {}
        self._numbers: dict[int, set[str]] = {}
        self._boots: dict[str, BootTimes] = {}
        self._judged: dict[str, _Judged] = {}
        self._reused: dict[int, OperationResult] = {}
        self._step_words: dict[str, datetime] = {}
        self._steps: dict[str, list[Repeat]] = {}
        self._finished: set[str] = set()
        self._worked: set[str] = set()
        self._waiting: set[str] = set()
        self._buckets: frozenset[str] | None = None

    def run(self, groups: Sequence[Sequence[Entry]]) -> list[OperationResult]:
        """Return the outcomes of the groups; everything is written, or nothing."""
        entries = [entry for group in groups for entry in group]
        self._prepare(entries)
        contexts = self._contexts()
        if contexts[0].restored_at_utc is not None:
            self._note_step_words(entries)
        for group in groups:
            fresh = [entry for entry in group if self._is_fresh(entry)]
            for entry in fresh:
                time = self._time_of(entry)
                context = self._context_of(contexts, entry, time)
                if entry.op_id in self._sender.refused:
                    context = replace(context, was_refused=True)
                effect = self._apply(context, entry, time)
                if self._sender.has_closed and _needs_others(entry, effect):
                    self._waiting.add(entry.op_id)
                    continue
                self._judge(entry, time, effect)
                self._ask_who(context, entry, time, effect)
            self._note_revoked(fresh)
        return self._finish(entries)

    def judge_again(self, work: LateWork) -> None:
        """Write what comes of operations whose order was not here when they came."""
        entries = [each.operation for each in work.operations]
        self._book.lock(_orders_of(entries))
        self._words.load(entries)
        contexts = self._contexts()
        self._note_step_words(entries)
        taken = [each for each in work.operations if self._is_taken_now(contexts, each)]
        self._book.show()
        tell_crew(self._connection, work, taken, self._now_utc)

    def _is_taken_now(self, contexts: Sequence[CrewContext], late: LateOperation) -> bool:
        operation, time = late.operation, late.time
        context = self._context_of(contexts, operation, time)
        effect = apply_operation(self._connection, context, operation, time)
        if effect.outcome is Outcome.REFUSED:
            note_refused(self._connection, late, effect.code or Code.STATE)
            return False
        self._words.note(operation, time, effect.outcome)
        note_taken(self._connection, late, effect, self._now_utc)
        if effect.conflict is not None:
            write_conflict(self._connection, effect.conflict, self._now_utc)
        if effect.review is not None:
            self._review(effect.review, operation, effect.code or Code.CONFLICT)
        return effect.outcome is not Outcome.CONFLICT

    def _ask_who(self, context: CrewContext, entry: Entry, time: EventTime, effect: Effect) -> None:
        """Ask once for a person whose work counts although the tablet is not theirs here.

        A backup may be older than the account, or than the day when the person changed the crew; a
        tablet without contact does not know of the change.
        """
        if isinstance(entry, Broken) or effect.code is Code.NOT_YOURS:
            return
        if is_doubtful(context, entry, time):
            new = NewReview(
                kind=ReviewKind.UNKNOWN_AUTHOR,
                op_id=entry.op_id,
                entity=ACCOUNT_ENTITY,
                entity_id=entry.actor,
                code=Code.NOT_FOUND,
            )
            add_review_once(self._connection, new, self._now_utc)

    def _contexts(self) -> list[CrewContext]:
        """Return for whom taps of this device are judged, one for each enrolment, newest first."""
        known = [
            (each, accounts_of_tablet(self._connection, each.tablet_id))
            for each in self._enrolments
        ]
        restored_at_utc = restored_at(self._connection)
        contexts = [
            CrewContext(
                tablet=tablet,
                actors=actors_of_crew(known, tablet.crew_id),
                area_ids=frozenset(areas_of(self._connection, tablet.crew_id)),
                now_utc=self._now_utc,
                book=self._book,
                words=self._words,
                is_revoked=self._sender.is_revoked,
                restored_at_utc=restored_at_utc,
                step_words=self._step_words,
                finished=self._finished,
                worked=self._worked,
                steps=self._steps,
                replica_id=self._sender.replica_id,
            )
            for tablet in self._enrolments
        ]
        (tablet, actors), area_ids = known[0], contexts[0].area_ids
        self._buckets = frozenset(buckets_among(tablet, area_ids, actors))
        return contexts

    def _context_of(
        self, contexts: Sequence[CrewContext], entry: Entry, time: EventTime
    ) -> CrewContext:
        """Return for whom a tap is judged: a tablet given on brings the former crew's work."""
        if isinstance(entry, Broken) or len(contexts) == 1:
            return contexts[0]
        head = self._book.head(next(_orders_of([entry]), ""))
        holder_crew_id = None if head is None else head.crew_id
        found = context_of(contexts, last_word_utc(entry.at, time), holder_crew_id)
        if not why_strange(found, entry, time):
            return found
        # the server's own clock was set back since: the author and the order tell the crew
        fitting = (
            each
            for each in contexts
            if holder_crew_id in {None, each.tablet.crew_id} and not why_strange(each, entry, time)
        )
        return next(fitting, found)

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
        self._book.lock(_orders_of(operations))
        self._known = known_operations(self._connection, {entry.op_id for entry in entries})
        unseen = [each for each in operations if each.op_id not in self._known]
        self._words.load(unseen)
        numbers = {each.n for each in unseen}
        self._numbers = numbers_in_use(self._connection, self._sender.replica_id, numbers)
        self._boots = known_boots(self._connection, unseen)
        if unseen:
            self._watch_for_copies(unseen)

    def _note_step_words(self, entries: Sequence[Entry]) -> None:
        """Note per order what the sender knew of the server when it last worked on it."""
        told = self._known.keys() | self._sender.refused
        for each in (each for each in entries if each.op_id not in told):
            if isinstance(each, Broken):
                continue
            if each.kind is OperationKind.GO and each.field in CREW_EVENTS:
                self._note_step(each)
            if each.kind is OperationKind.SET and each.field in FIELD_OWNED:
                self._worked.add(each.entity_id)  # a tablet writes on its crew's orders alone
            if each.kind in _ON_ORDERS and each.at.contact_ms is not None:
                word_utc = utc_from_ms(each.at.contact_ms)
                known_utc = self._step_words.get(each.entity_id, word_utc)
                self._step_words[each.entity_id] = max(known_utc, word_utc)

    def _note_step(self, step: Operation) -> None:
        event, at = WorkOrderEvent(step.field), step.at
        known_ms = at.wall_ms + at.offset_ms if at.contact_ms is None else at.contact_ms
        self._steps.setdefault(step.entity_id, []).append(Repeat(event, utc_from_ms(known_ms)))
        if event is WorkOrderEvent.FINISH:
            self._finished.add(step.entity_id)
        if event is not WorkOrderEvent.ACCEPT:
            self._worked.add(step.entity_id)

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
            self._review(ReviewKind.OP_ID_REUSE, entry, Code.OP_ID_REUSE)
        detail = "this operation id came before with another content; both are kept"
        self._reused[id(entry)] = OperationResult(
            op_id=entry.op_id, outcome=Outcome.REFUSED, code=Code.OP_ID_REUSE, detail=detail
        )

    def _time_of(self, entry: Entry) -> EventTime:
        """Return when the tap happened; ask once, because the boot remembers the answer."""
        if isinstance(entry, Broken):
            return EventTime(at_ms=self._now_ms, is_suspect=True, is_doubtful=True)
        return corrected_time(
            entry.at,
            earliest_ms=self._enrolled_ms,
            received_at_ms=self._now_ms,
            boot=self._boots[clean_text(entry.at.boot_id)],
        )

    def _apply(self, context: CrewContext, entry: Entry, time: EventTime) -> Effect:
        if isinstance(entry, Broken):
            return refused(entry.code, entry.reason)
        self._watch_for_clones(entry)
        return apply_operation(self._connection, context, entry, time)

    def _watch_for_clones(self, operation: Operation) -> None:
        """Two operations with one number are two copies of a store at work (trap T7)."""
        holders = self._numbers.setdefault(operation.n, set())
        holders.add(operation.op_id)
        if len(holders) > 1:
            self._retire(operation)

    def _watch_for_copies(self, unseen: Sequence[Operation]) -> None:
        """Believe no numbers of a store that another tablet has, or that counts anew (trap T7)."""
        standing = replica_standing(self._connection, self._sender.replica_id)
        is_anothers = standing.tablet_id not in {None, self._sender.tablet.tablet_id}
        is_used = bool(self._numbers)  # by an operation of another id, for none of these is known
        if is_anothers:
            self._retire(unseen[0])
        if is_anothers or is_used or standing.is_retired:
            self._words.doubt_numbers()

    def _retire(self, operation: Operation) -> None:
        replica_id, tablet_id = self._sender.replica_id, self._sender.tablet.tablet_id
        note_replica(self._connection, replica_id, tablet_id, 0, self._now_utc)
        if retire_replica(self._connection, replica_id, self._now_utc):
            self._review(ReviewKind.CLONED_STORE, operation, Code.CONFLICT)

    def _note_revoked(self, fresh: Sequence[Entry]) -> None:
        """Show people what a revoked tablet did, one item per user action."""
        if self._sender.is_revoked and fresh:
            self._review(ReviewKind.REVOKED_TABLET, fresh[0], Code.TOKEN_REVOKED)

    def _judge(self, entry: Entry, time: EventTime, effect: Effect) -> None:
        """Remember the verdict, keep what was not applied as it came, ask a person to look."""
        judged = _Judged(entry, payload_hash(entry), time, effect)
        self._judged[entry.op_id] = judged
        if isinstance(entry, Operation):
            self._words.note(entry, time, effect.outcome)
        if effect.outcome in _KEPT_AS_IT_CAME:
            keep_operation(self._connection, entry, self._now_utc)
        if effect.conflict is not None:
            write_conflict(self._connection, effect.conflict, self._now_utc)
        if effect.review is not None:
            self._review(effect.review, entry, effect.code or Code.CONFLICT)

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

    def _review(self, kind: ReviewKind, entry: Entry, code: Code) -> None:
        entity, entity_id = "operation", entry.op_id
        if isinstance(entry, Operation):
            entity, entity_id = clean_text(entry.entity), clean_text(entry.entity_id)
        new = NewReview(kind=kind, op_id=entry.op_id, entity=entity, entity_id=entity_id, code=code)
        add_review(self._connection, new, self._now_utc)


def _needs_others(entry: Entry, effect: Effect) -> bool:
    """Return whether a step did nothing, maybe for want of what came before it."""
    is_step = isinstance(entry, Operation) and entry.kind is OperationKind.GO
    return is_step and effect.review is ReviewKind.REFUSED and effect.code in _NEEDS_OTHERS


_NEEDS_OTHERS = frozenset({Code.STATE, Code.EVIDENCE_MISSING})


def _orders_of(operations: Iterable[Operation]) -> Iterator[str]:
    """Yield every order that is looked at: locked one by one, two pushes would wait crosswise."""
    for each in operations:
        order_id = None if each.payload is None else each.payload.get("order_id")
        if each.entity == ENTITY:
            yield each.entity_id
        elif isinstance(order_id, str):
            yield order_id


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
