"""Sends the outbox: whole groups, one permanent outcome each; one poison blocks no other."""

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, runtime_checkable

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.store import order_copy_store, outcome_store, outgoing_store, settings_store
from field_app.store.database_io import Database
from field_app.store.outgoing_store import Outgoing
from field_app.store.record_states import OpStatus
from field_app.store.settings_store import Key
from field_app.sync import sync_store
from field_app.sync.epochs import is_another, take_epoch
from field_app.sync.passing import ENOUGH, OF_ONE, Choose, Passing, Turn, first_group
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from wire_contracts.clock import Clock
from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.order_copies import MAX_COPIES, OrderCopy
from wire_contracts.sync import PROTOCOL, SyncApi

_ORDERS_SINCE: Final = 2
"""The protocol whose servers take orders of a push; an earlier one answers and leaves them out."""

_log = logging.getLogger(__name__)

RenewReplica = Callable[[Connection], None]
"""Draws a new replica id inside the given transaction."""


@runtime_checkable
class TellsWhenSent(Protocol):
    """A way to the server that says when a push is out and only its answer is waited for."""

    def call_when_sent(self, call: Callable[[], None]) -> None:
        """Call once, when the body of the next push has been handed to the network."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Whole groups that are marked as on their way, and from which copy of the store."""

    replica_id: str
    operations: Sequence[Outgoing]


Take = Callable[[PushAnswer, Choose, Connection], _Batch]
"""Keeps the outcomes of an answer and returns what goes next."""


class _Line:
    """What one push still has before it: batches to come, and answers that are to be kept."""

    def __init__(self, database: Database, take: Take, opening: Choose, choose: Choose) -> None:
        self._database = database
        self._take = take
        self._choose = choose
        self.coming: deque[Future[_Batch]] = deque()
        self.answered: deque[PushAnswer] = deque()
        self.coming.append(database.submit(partial(_set_out, opening, ())))

    def look_ahead(self) -> None:
        """Have the next batch taken, unless one comes with the answer before it."""
        if not self.coming and not self.answered:
            self.coming.append(self._database.submit(partial(_set_out, self._choose, ())))

    def keep(self) -> None:
        """Have what was answered kept, and the next batch taken with it."""
        while self.answered:
            work = partial(self._take, self.answered.popleft(), self._choose)
            self.coming.append(self._database.submit(work))

    def next_batch(self) -> _Batch | None:
        """Return what goes next, None when there is nothing left to send or to keep."""
        if not self.coming:
            self.keep()
        return self.coming.popleft().result() if self.coming else None

    def begin_again(self, choose: Choose) -> None:
        """Choose otherwise from here on; what was to come was taken back."""
        self._choose = choose
        self.coming.clear()
        self.look_ahead()


class Pusher:
    """Empties the outbox of one tablet."""

    def __init__(
        self, database: Database, api: SyncApi, clock: Clock, renew_replica: RenewReplica
    ) -> None:
        """Send the outbox of `database` to `api`."""
        self._database = database
        self._api = api
        self._clock = clock
        self._renew_replica = renew_replica
        way: object = api
        self._teller = way if isinstance(way, TellsWhenSent) else None
        self._passing = Passing(clock)
        self._passed_copies: list[str] = []

    def push_all(self, *, are_steps_held: bool = False, may_pass: bool = True) -> int:
        """Send until nothing is queued; return how many operations got their outcome.

        With `are_steps_held` no step of an order goes, nor what was tapped together with it, nor a
        word about the order behind it. With `may_pass` the server is known to answer: what it
        answers badly by itself, for the second contact, is passed over (`passing`).

        While the server has one batch, the outcomes of the one before it are kept and the next one
        is taken, in one transaction: begun when the batch is on its way, so that the server does
        not wait for it.

        Raises:
            SyncProblem: No usable answer; what was on its way is queued again, untouched.
        """
        settled = 0
        turn = Turn(self._passing, are_steps_held=are_steps_held, may_pass=may_pass)
        line = _Line(self._database, self._take_answer, turn.choose_first, turn.choose_next)
        while (batch := line.next_batch()) is not None:
            if not batch.operations:
                continue
            line.look_ahead()
            try:
                answer = self._ask(batch, line.keep)
            except RequestRefused as refused:
                self._take_back(line.coming, partial(_set_aside, batch, refused.detail))
                line.begin_again(partial(first_group, turn.choose_next))  # one may be the poison
            except SyncProblem as problem:
                self._pass_over(line, turn, batch, problem)
            except BaseException:
                self._take_back(line.coming)
                raise
            else:
                settled += len(batch.operations)
                turn.note_answer()
                line.answered.append(answer)
        turn.end(settled)
        return settled

    def _pass_over(self, line: _Line, turn: Turn, batch: _Batch, problem: SyncProblem) -> None:
        """Let those behind a batch pass that was answered badly; raise where that cannot help."""
        is_of_one = turn.take(batch.operations, problem) and self._is_push_answered(turn)
        if not is_of_one:
            self._take_back(line.coming)
            raise problem
        self._take_back(line.coming, partial(turn.pass_over, batch.operations))
        if turn.has_enough:  # no captive portal: it has just let others through
            raise SyncProblem(Reason.SERVER, problem.detail)
        line.begin_again(turn.choose_next)

    def _is_push_answered(self, turn: Turn) -> bool:
        """Return whether the server answers a push at all: an empty one, unless it is known."""
        if turn.is_answered:
            return True
        replica_id = self._database.read(_replica_id)
        try:
            self._api.push(WrittenPush(replica_id=replica_id, bodies=(), protocol=PROTOCOL))
        except SyncProblem:
            return False
        turn.is_answered = True
        return True

    def tell_orders(self) -> int:
        """Tell a restored server of orders that it does not show any more; return of how many.

        One that it cannot even read stops none behind it, nor does one that is answered badly, by
        it or by a filter before it: another contact tells of that one again, after the others.
        Three of those are enough for one contact.

        Raises:
            SyncProblem: No contact; what was not told is told at the next one.
        """
        told, most, failed = 0, MAX_COPIES, 0
        if not self._next_copies(1):
            self._passed_copies.clear()
        while failed < ENOUGH and (copies := self._next_copies(most)):
            push = WrittenPush(
                replica_id=self._database.read(_replica_id),
                bodies=(),
                protocol=PROTOCOL,
                orders=copies,
            )
            try:
                answer = self._api.push(push)
            except SyncProblem as problem:
                if problem.reason not in OF_ONE:
                    raise
                if len(copies) == 1:
                    failed += self._leave_copy(copies[0], problem)
                most = 1  # one of them may be the poison
                continue
            if not self._database.write(partial(self._note_told, copies, answer)):
                break
            told += len(copies)
        return told

    def _next_copies(self, most: int) -> Sequence[OrderCopy]:
        but = tuple(self._passed_copies)
        return self._database.read(partial(order_copy_store.next_copies, most=most, but=but))

    def _leave_copy(self, copy: OrderCopy, problem: SyncProblem) -> bool:
        """Return whether one is passed over for now; what cannot be read is never told again."""
        _log.warning("an order is not told of: %s", problem.detail)
        is_unread = isinstance(problem, RequestRefused)
        if is_unread:
            note = partial(order_copy_store.note_told, is_taken=False)
            self._database.write(partial(note, order_ids=(copy.order_id,)))
        else:
            self._passed_copies.append(copy.order_id)
        return not is_unread

    def _note_told(
        self, copies: Sequence[OrderCopy], answer: PushAnswer, connection: Connection
    ) -> bool:
        """Return False where the rest waits: the server is another one, or reads no orders yet."""
        sync_store.note_contact(connection, self._clock, answer.server_now_ms)
        if answer.protocol < _ORDERS_SINCE:
            take_epoch(connection, answer.server_epoch)
            return False
        order_copy_store.note_told(connection, [each.order_id for each in copies])
        return not take_epoch(connection, answer.server_epoch)

    def queue_again(self) -> None:
        """Queue what is marked as on its way though nobody sends it."""
        self._take_back(())

    def _ask(self, batch: _Batch, when_sent: Callable[[], None]) -> PushAnswer:
        """Return the answer to a batch; `when_sent` is called once it is out, or before."""
        if self._teller is None:
            when_sent()
        else:
            self._teller.call_when_sent(when_sent)
        push = WrittenPush(
            replica_id=batch.replica_id,
            bodies=[each.body for each in batch.operations],
            protocol=PROTOCOL,
            told={
                each.op_id: each.told_ms for each in batch.operations if each.told_ms is not None
            },
        )
        try:
            answer = self._api.push(push)
        finally:
            when_sent()
        _demand_all_results(batch, answer)
        return answer

    def _take_back(
        self,
        coming: Collection["Future[_Batch]"],
        first: Callable[[Connection], None] = lambda _connection: None,
    ) -> None:
        """Queue again what is on its way, after `first` was done."""

        def work(connection: Connection) -> None:
            first(connection)
            order_store.refresh_marks(connection, outgoing_store.recover_sending(connection))

        wait(coming)
        self._database.write(work)

    def _take_answer(self, answer: PushAnswer, choose: Choose, connection: Connection) -> _Batch:
        """Keep the outcomes; return what goes next."""
        sync_store.note_contact(connection, self._clock, answer.server_now_ms)
        round_no = settings_store.load_integer(connection, Key.PULL_ROUND)
        settled = outcome_store.settle(
            connection,
            answer.results,
            round_no=round_no,
            at_ms=answer.server_now_ms,
            is_restored=is_another(connection, answer.server_epoch),
        )
        take_epoch(connection, answer.server_epoch)
        if answer.must_renew_replica:
            self._renew_replica(connection)
        order_store.rebuild_lines(connection, settled.undone)
        return _set_out(choose, settled.records - settled.undone, connection)


def _set_out(choose: Choose, moved: Collection[str], connection: Connection) -> _Batch:
    """Mark what goes next as on its way, and the records of `moved` as they stand by now."""
    operations = choose(connection)
    outgoing_store.mark_status(connection, [each.op_id for each in operations], OpStatus.SENDING)
    order_store.refresh_marks(connection, {*moved, *(each.order_id for each in operations)})
    return _Batch(replica_id=_replica_id(connection), operations=operations)


def _replica_id(connection: Connection) -> str:
    return settings_store.load_text(connection, Key.REPLICA_ID) or ""


def _set_aside(batch: _Batch, detail: str, connection: Connection) -> None:
    """Hold a group that the server cannot even read; among several none is known to be the one."""
    if len({each.group for each in batch.operations}) == 1:
        outgoing_store.hold(connection, [each.op_id for each in batch.operations], detail)
        order_store.rebuild_lines(connection, {each.order_id for each in batch.operations})


def _demand_all_results(batch: _Batch, answer: PushAnswer) -> None:
    sent = {each.op_id for each in batch.operations}
    missing = sent - {each.op_id for each in answer.results}
    if missing:
        detail = f"push: {len(missing)} of {len(sent)} operations have no outcome in the answer"
        raise SyncProblem(Reason.SERVER, detail)
