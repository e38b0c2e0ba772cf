"""Judges an order anew that several tablets repeat after a restore: in the order it happened in.

Tablets come in any order, and each arrival is judged against what came before it. Where that leaves
the order elsewhere than all of it together does, what was taken or refused too early is put right,
and somebody is asked. So whoever comes first does not decide (ADR 0037).
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from sync_server.access.tablet_store import TabletIdentity, enrolments_of, tablet_as_it_was
from sync_server.sync.apply import apply_operation
from sync_server.sync.crew_calls import TELL_NEXT_CREW, effect_of_call
from sync_server.sync.crews import Crews, Papers, crews_of, orders_of
from sync_server.sync.effects import CrewContext, had_until_ms, visit_of
from sync_server.sync.event_time import EventTime, last_word_utc
from sync_server.sync.forgotten_steps import recall_order
from sync_server.sync.inbox import Entry, readable
from sync_server.sync.late_work import note_visit
from sync_server.sync.ledger_store import replica_standing
from sync_server.sync.new_verdicts import Verdict, ask_about_order, put_right, rewrite
from sync_server.sync.retold_store import (
    CHANGED_BY_CREWS,
    LONGEST_ORDER_ID,
    Cells,
    OrderBefore,
    Repeated,
    RepeatedRow,
    find_before,
    forget_steps,
    forget_words,
    keep_before,
    keep_repeated,
    note_left,
    repeated_of,
    standing,
)
from sync_server.sync.senders import Sender
from sync_server.sync.server_trouble import is_servers_trouble
from sync_server.sync.told_steps import ToldSteps
from sync_server.sync.word_store import FieldWords
from sync_server.work_orders.fact_store import find_fact
from sync_server.work_orders.order_book import OrderBook
from sync_server.work_orders.step_store import last_step_at
from wire_contracts.frames import LATEST_MS, ms_from_utc
from wire_contracts.operations import NO_EFFECT, Operation, OperationKind, Outcome
from wire_contracts.work_order_states import WorkOrderEvent

_LOG = structlog.get_logger("sync_server.sync.retelling")

_SAYS = ("state", "crew_id", "result", "cause", "diagnosis", "visit")
"""What an order says beside its remarks: where that is the same, nothing has to be put right."""


class Retelling:
    """Notes what one push repeats, and judges its orders anew at the end."""

    def __init__(self, connection: Connection, book: OrderBook, now_utc: datetime) -> None:
        """Work in the caller's transaction, on its orders."""
        self._connection = connection
        self._book = book
        self._now_utc = now_utc
        self._rows: dict[str, RepeatedRow] = {}
        self._open: dict[str, datetime] = {}
        self._closed: set[str] = set()

    def see(self, context: CrewContext, entry: Entry, time: EventTime) -> None:
        """Note an operation before it is judged: a repeat, or something new.

        Also of an order that is not here yet: it may be asked for, or made again, later.
        """
        restored_at_utc = context.restored_at_utc
        order_id = next(orders_of([entry]), None) if isinstance(entry, Operation) else None
        if not isinstance(entry, Operation) or order_id is None or restored_at_utc is None:
            return
        word_utc = last_word_utc(entry.at, time)
        if not context.is_from_before(word_utc):
            self._closed.add(order_id)
        elif len(order_id) <= LONGEST_ORDER_ID:
            if self._book.find(order_id) is not None:
                self._begin(order_id, restored_at_utc)
            is_fact = entry.kind in {OperationKind.FACT, OperationKind.ATTACH}
            self._rows[entry.op_id] = RepeatedRow(
                entry.op_id,
                order_id,
                ms_from_utc(word_utc),
                context.told_ms,
                context.finished_ms,
                None if is_fact else readable(entry),
            )

    def see_late(self, order_id: str, op_ids: Collection[str], restored_at_utc: datetime) -> None:
        """Begin with an order that has come after steps and words on it, before they are judged.

        One with which a crew has gone on before it came stays as it is; somebody is asked.
        """
        noted = {each.op_id for each in repeated_of(self._connection, order_id)}
        if not noted:
            return
        if not noted.issuperset(op_ids):
            self._closed.add(order_id)
        self._begin(order_id, restored_at_utc)

    def judge(self, op_ids: Collection[str]) -> list[str]:
        """Return the orders of which something was decided otherwise; `op_ids`: what was judged."""
        keep_repeated(
            self._connection, [row for op_id, row in self._rows.items() if op_id in op_ids]
        )
        return [
            order_id
            for order_id, restored_at_utc in sorted(self._open.items())
            if self._is_judged_anew(order_id, restored_at_utc, op_ids)
        ]

    def _begin(self, order_id: str, restored_at_utc: datetime) -> None:
        if order_id in self._open:
            return
        self._open[order_id] = restored_at_utc
        self._book.write()  # steps of this push count, too
        before = find_before(self._connection, order_id, restored_at_utc)
        if before is None:
            keep_before(self._connection, self._book, order_id, restored_at_utc)
        elif before.left != standing(self._connection, self._book, order_id):
            self._closed.add(order_id)  # the office or a crew has gone on since

    def _is_judged_anew(
        self, order_id: str, restored_at_utc: datetime, op_ids: Collection[str]
    ) -> bool:
        """Return whether the order stands elsewhere now than where this push left it.

        One with which the office or a crew has gone on since stays as it is: there somebody is
        asked.
        """
        connection, now_utc = self._connection, self._now_utc
        before = find_before(connection, order_id, restored_at_utc)
        if before is None:
            return False
        is_closed, is_changed = order_id in self._closed, False
        work = repeated_of(connection, order_id)
        if len({each.replica_id for each in work if each.operation}) >= _SEVERAL:
            said, is_sure = _tried(_Again(connection, order_id, now_utc), before, work)
            stood = _left(before) if is_closed else _said(_cells(connection, order_id, now_utc))
            if not is_sure or said != stood:
                ask_about_order(connection, order_id, work[-1].op_id, now_utc)
            if said not in {None, stood} and not is_closed:
                is_changed = True
                again = _Again(connection, order_id, now_utc)
                put_right(connection, again.judge(before, work), now_utc, op_ids)
                again.book.show()
        if not is_closed:
            book = OrderBook(connection, now_utc)
            note_left(connection, order_id, standing(connection, book, order_id))
        return is_changed


_SEVERAL = 2
"""Copies of a store; of what one alone tells, nothing comes too early."""


def _tried(
    again: "_Again", before: OrderBefore, work: Sequence[Repeated]
) -> tuple[str | None, bool]:
    """Return what the order would say, and whether that is sure; nothing is kept.

    None where it cannot be found out.
    """
    trial = again.connection.begin_nested()
    try:
        is_sure = not _is_of_visit_before(again.judge(before, work), work)
        return _said(again.cells()), is_sure
    except Exception as error:
        if is_servers_trouble(error):
            raise
        _LOG.exception("retelling_failed", order_id=again.order_id)
        return None, False
    finally:
        trial.rollback()


def _is_of_visit_before(verdicts: Sequence[Verdict], work: Sequence[Repeated]) -> bool:
    """Return whether an end that no server took may be of a visit before that of a colleague.

    The colleague had a word of the server after the end was tapped, and began then: the office may
    have heard of the end from a restored server and have given the order out again.
    """
    begun = [each for each in work if each.told_ms and _is_step(each.operation, _BEGINNINGS)]
    return any(
        verdict.effect.outcome is Outcome.APPLIED
        and _is_step(verdict.operation, _ENDS)
        and not verdict.work.told_ms
        and verdict.work.replica_id != each.replica_id
        and verdict.work.time.at_utc < each.word_utc
        for verdict in verdicts
        for each in begun
    )


_BEGINNINGS = frozenset({WorkOrderEvent.ACCEPT})
_ENDS = frozenset({WorkOrderEvent.FINISH, WorkOrderEvent.CANNOT_FINISH, WorkOrderEvent.NO_ACCESS})


def _is_step(operation: Operation | None, events: Collection[str]) -> bool:
    if operation is None or operation.kind is not OperationKind.GO:
        return False
    return operation.field in events


def _said(cells: Cells) -> str:
    """Return what an order says, to be compared; remarks may stand in any order."""
    remarks = sorted(str(cells["note"] or "").splitlines())
    return repr([*(cells[name] or None for name in _SAYS), remarks])


def _left(before: OrderBefore) -> str | None:
    return None if before.left is None else _said(json.loads(before.left)[0])


def _cells(connection: Connection, order_id: str, now_utc: datetime) -> Cells:
    return OrderBook(connection, now_utc).cells(order_id, CHANGED_BY_CREWS)


class _Store(NamedTuple):
    """Who repeats, and what its words are held against."""

    tablet: TabletIdentity
    crews: Crews
    words: FieldWords


class _Again:
    """Judges everything that was repeated of one order, from where the restore had left it."""

    def __init__(self, connection: Connection, order_id: str, now_utc: datetime) -> None:
        self.connection = connection
        self.order_id = order_id
        self.book = OrderBook(connection, now_utc)
        self._now_utc = now_utc
        self._stores: dict[tuple[str, str], _Store] = {}

    def judge(self, before: OrderBefore, work: Sequence[Repeated]) -> list[Verdict]:
        """Return what becomes of each step and word; the order, its steps and facts are written."""
        forget_steps(self.connection, self.order_id, before)
        forget_words(self.connection, [each.op_id for each in work if each.operation])
        self.book.change(self.order_id, before.cells)
        self.book.write()
        self._stores = self._stores_of(work)
        holder = _holder(work, self._crew_of, self._base(before))
        verdicts: list[Verdict] = []
        for each in in_true_order(work, self._crew_of, holder):
            if each.operation is not None:
                verdicts.append(self._judged(each, each.operation))
            elif each.fact_id is not None:
                self._link(each, each.fact_id)
        self.book.write()
        return verdicts

    def cells(self) -> Cells:
        """Return how the order stands."""
        return self.book.cells(self.order_id, CHANGED_BY_CREWS)

    def _base(self, before: OrderBefore) -> tuple[int, str | None]:
        """Return of when the last step of the copy is, and whose the order was in it."""
        at_utc = last_step_at(self.connection, self.order_id)
        crew_id = before.cells["crew_id"]
        at_ms = 0 if at_utc is None else ms_from_utc(at_utc)
        return at_ms, None if crew_id is None else str(crew_id)

    def _crew_of(self, work: Repeated) -> str:
        return self._stores[work.tablet_id, work.replica_id].tablet.crew_id

    def _stores_of(self, work: Sequence[Repeated]) -> dict[tuple[str, str], _Store]:
        found: dict[tuple[str, str], _Store] = {}
        words = FieldWords(self.connection, "")
        words.load(each.operation for each in work if each.operation)
        for key, mine in groupby(sorted(work, key=_store_of), key=_store_of):
            found[key] = self._store(key, list(mine), words.of_store(key[1]))
        return found

    def _store(self, key: tuple[str, str], work: Sequence[Repeated], words: FieldWords) -> _Store:
        tablet_id, replica_id = key
        tablet, is_revoked = tablet_as_it_was(self.connection, tablet_id)
        known = replica_standing(self.connection, replica_id)
        if known.is_retired or known.tablet_id not in {None, tablet_id}:
            words.doubt_numbers()
        sender = Sender(
            tablet=tablet, replica_id=replica_id, now_utc=self._now_utc, is_revoked=is_revoked
        )
        papers = Papers(self.book, words, ToldSteps())
        told = {each.op_id: each.told_ms for each in work if each.told_ms is not None}
        papers.told.note((each.operation for each in work if each.operation), told)
        enrolments = enrolments_of(self.connection, tablet)
        return _Store(tablet, crews_of(self.connection, sender, enrolments, papers), words)

    def _judged(self, work: Repeated, operation: Operation) -> Verdict:
        store = self._stores[work.tablet_id, work.replica_id]
        context = store.crews.context_of(operation, work.time)
        context = replace(context, told_ms=work.told_ms, finished_ms=work.finished_ms)
        effect = apply_operation(self.connection, context, operation, work.time)
        store.words.note(operation, work.time, effect.outcome)
        rewrite(self.connection, operation, effect)
        return Verdict(work, operation, store.tablet, effect)

    def _link(self, work: Repeated, fact_id: str) -> None:
        """Give a fact the visit that the order is at, and a hand-over to the next crew."""
        contexts = self._stores[work.tablet_id, work.replica_id].crews.contexts
        context = replace(contexts[0], told_ms=work.told_ms, finished_ms=work.finished_ms)
        recall_order(self.connection, context, self.order_id, work.word_utc)
        order, fact = self.book.get(self.order_id), find_fact(self.connection, fact_id)
        if fact is None:
            return
        time = work.time.doubted(is_so=fact.is_time_doubtful)
        visit = visit_of(order, time, work.word_utc)
        note_visit(self.connection, fact_id, visit)
        if fact.fact_type in TELL_NEXT_CREW:
            effect_of_call(context, replace(fact, visit=visit))


def _store_of(work: Repeated) -> tuple[str, str]:
    return work.tablet_id, work.replica_id


# --- the order in which things happened


CrewOf = Callable[[Repeated], str]


def in_true_order(
    work: Sequence[Repeated], crew_of: CrewOf, holder: str | None
) -> Iterator[Repeated]:
    """Yield what was repeated as a server that was never restored would have got it.

    What a former server had taken came when it took it. What no server had heard of comes after
    all that, first that of the crew which has the order: it took nothing from a crew that had it.
    Taps of one store stay in their order, and what they did together stays together.
    """
    placed: list[tuple[tuple[int, bool, int, str, int], list[Repeated]]] = []
    for _, mine in groupby(sorted(work, key=_tap_of), key=lambda each: each.replica_id):
        actions = [list(each) for _, each in groupby(mine, key=lambda each: each.group)]
        known_ms = LATEST_MS
        keys: list[int] = []
        for action in reversed(actions):
            told = [each.told_ms for each in action if each.told_ms]
            known_ms = min(known_ms, max(told, default=known_ms))
            keys.append(known_ms)
        at_ms = 0
        for key, action in zip(reversed(keys), actions, strict=True):
            at_ms = max(at_ms, action[0].time.at_ms)
            is_late = key == LATEST_MS and crew_of(action[0]) != holder
            place = (key, is_late, at_ms, action[0].replica_id, action[0].n)
            placed.append((place, action))
    for _, action in sorted(placed, key=lambda each: each[0]):
        yield from sorted(action, key=_part_of_action)


def _tap_of(work: Repeated) -> tuple[str, int]:
    return work.replica_id, work.n


def _part_of_action(work: Repeated) -> tuple[int, int]:
    """Words first, which may bring the order to their visit, then facts, then the step."""
    if work.operation is None:
        return 1, work.n
    return 2 if work.operation.kind is OperationKind.GO else 0, work.n


def _holder(work: Sequence[Repeated], crew_of: CrewOf, base: tuple[int, str | None]) -> str | None:
    """Return which crew was the last to have the order, as far as anybody tells."""
    last_ms, holder = base
    for each in work:
        if each.operation is None or each.told_ms == NO_EFFECT:
            continue
        had_ms = max(ms_from_utc(each.word_utc), had_until_ms(each.told_ms or 0))
        if had_ms > last_ms:
            last_ms, holder = had_ms, crew_of(each)
    return holder
