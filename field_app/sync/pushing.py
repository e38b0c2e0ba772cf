"""Sends the outbox: whole groups, one permanent outcome each; one poison blocks no other."""

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.store import outbox_store, settings_store
from field_app.store.database_io import Database
from field_app.store.record_states import OpStatus
from field_app.store.settings_store import Key
from field_app.sync import sync_store
from field_app.sync.epochs import take_epoch
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from wire_contracts.clock import Clock
from wire_contracts.operations import Operation, PushAnswer, PushRequest
from wire_contracts.sync import PROTOCOL, SyncApi

RenewReplica = Callable[[Connection], None]
"""Draws a new replica id inside the given transaction."""


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

    def push_all(self) -> int:
        """Send until nothing is queued; return how many operations got their outcome.

        Raises:
            SyncProblem: No usable answer; what was on its way is queued again, untouched.
        """
        settled = 0
        is_one_by_one = False
        while batch := self._database.write(_take_group if is_one_by_one else _take_batch):
            try:
                answer = self._ask(batch)
            except RequestRefused as refused:
                self._set_aside_or_split(batch, refused, is_one_by_one=is_one_by_one)
                is_one_by_one = True
                continue
            self._database.write(partial(self._take_answer, answer))
            settled += len(batch)
        return settled

    def _ask(self, batch: Sequence[Operation]) -> PushAnswer:
        replica_id = self._database.read(_replica_id)
        try:
            answer = self._api.push(
                PushRequest(replica_id=replica_id, operations=batch, protocol=PROTOCOL)
            )
            _demand_all_results(batch, answer)
        except BaseException:
            self._database.write(lambda connection: _mark(connection, batch, OpStatus.QUEUED))
            raise
        return answer

    def _set_aside_or_split(
        self, batch: Sequence[Operation], refused: RequestRefused, *, is_one_by_one: bool
    ) -> None:
        if not is_one_by_one and len({operation.group for operation in batch}) > 1:
            return  # one of them may be the poison: they go one by one from here
        op_ids = [operation.op_id for operation in batch]

        def work(connection: Connection) -> None:
            outbox_store.hold(connection, op_ids, refused.detail)
            order_store.rebuild_lines(connection, sorted(outbox_store.order_ids_of(batch)))

        self._database.write(work)

    def _take_answer(self, answer: PushAnswer, connection: Connection) -> None:
        sync_store.note_contact(connection, self._clock, answer.server_now_ms)
        round_no = settings_store.load_integer(connection, Key.PULL_ROUND)
        settled = outbox_store.settle(
            connection, answer.results, round_no=round_no, at_ms=answer.server_now_ms
        )
        take_epoch(connection, answer.server_epoch)
        if answer.must_renew_replica:
            self._renew_replica(connection)
        order_store.rebuild_lines(connection, settled.undone)
        order_store.refresh_marks(connection, settled.records - settled.undone)


def _replica_id(connection: Connection) -> str:
    return settings_store.load_text(connection, Key.REPLICA_ID) or ""


def _take_batch(connection: Connection) -> list[Operation]:
    batch = outbox_store.next_batch(connection)
    _mark(connection, batch, OpStatus.SENDING)
    return batch


def _take_group(connection: Connection) -> list[Operation]:
    batch = outbox_store.next_batch(connection)
    group = [operation for operation in batch if operation.group == batch[0].group]
    _mark(connection, group, OpStatus.SENDING)
    return group


def _mark(connection: Connection, batch: Sequence[Operation], status: OpStatus) -> None:
    if batch:
        op_ids = [operation.op_id for operation in batch]
        outbox_store.mark_status(connection, op_ids, status)
        order_store.refresh_marks(connection, outbox_store.order_ids_of(batch))


def _demand_all_results(batch: Sequence[Operation], answer: PushAnswer) -> None:
    missing = {operation.op_id for operation in batch} - {each.op_id for each in answer.results}
    if missing:
        detail = f"push: {len(missing)} of {len(batch)} operations have no outcome in the answer"
        raise SyncProblem(Reason.SERVER, detail)
