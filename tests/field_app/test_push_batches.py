"""A long outbox goes out in batches: one at the server, the next one taken, nothing left behind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from typing_extensions import override

from field_app.store import outbox_store
from field_app.store.database_io import Database
from field_app.store.outbox_store import NewOperation, TapStamp
from field_app.store.outgoing_store import FIRST_OF_MANY
from field_app.store.record_states import OpStatus
from field_app.store.settings_store import Key, save
from field_app.store.tables import order_copy, outbox_op
from field_app.sync.passing import ENOUGH
from field_app.sync.pushing import Pusher
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import (
    MAX_OPERATIONS,
    DeviceTime,
    OperationKind,
    OperationResult,
    Outcome,
    PushAnswer,
    WrittenPush,
    dump_written,
    parse_push,
)
from wire_contracts.payloads import read_json
from wire_contracts.pulls import PullAnswer

NOW_MS = ms_from_utc(NOON)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "tablet.sqlite3")
    opened.write(lambda connection: save(connection, Key.REPLICA_ID, "replica-1"))
    yield opened
    opened.close()


@dataclass(slots=True, kw_only=True)
class Office:
    """A server that applies everything, unless `trouble` has something to say about a push."""

    trouble: Callable[[int, list[str]], None] = lambda _number, _order_ids: None
    pushes: list[list[str]] = field(default_factory=list)

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        raise SyncProblem(Reason.SERVER, f"pull of {limit} after {token}")

    def push(self, push: WrittenPush) -> PushAnswer:
        operations = parse_push(read_json("push", dump_written(push))).operations
        self.pushes.append([each.entity_id for each in operations])
        self.trouble(len(self.pushes), self.pushes[-1])
        results = [
            OperationResult(op_id=each.op_id, outcome=Outcome.APPLIED, seq=1) for each in operations
        ]
        return PushAnswer(server_epoch=1, server_now_ms=NOW_MS, results=results)


def tap(connection: Connection, order_ids: list[str]) -> None:
    at = DeviceTime(wall_ms=NOW_MS, mono_ms=1, boot_id="b", offset_ms=0)
    for order_id in order_ids:
        change = NewOperation(
            kind=OperationKind.SET,
            entity="work_order",
            entity_id=order_id,
            order_id=order_id,
            field="note",
            old="",
            new="x",
        )
        outbox_store.append_group(connection, [change], TapStamp(actor="a", at=at, app="1"))


def pusher(database: Database, office: Office) -> Pusher:
    return Pusher(database, office, HandClock(), lambda _connection: None)


def statuses(database: Database) -> dict[str, str]:
    query = select(outbox_op.c.order_id, outbox_op.c.status)
    return database.read(
        lambda connection: {row.order_id: row.status for row in connection.execute(query)}
    )


def orders(count: int) -> list[str]:
    return [f"o-{number:04d}" for number in range(count)]


def test_every_operation_goes_once_in_the_order_of_the_taps(database: Database) -> None:
    wanted = orders(FIRST_OF_MANY + 3 * MAX_OPERATIONS + 7)
    database.write(lambda connection: tap(connection, wanted))
    office = Office()

    settled = pusher(database, office).push_all()

    assert settled == len(wanted)
    assert [each for batch in office.pushes for each in batch] == wanted
    sizes = [len(batch) for batch in office.pushes]
    assert sizes == [FIRST_OF_MANY, *[MAX_OPERATIONS] * 3, 7]
    assert set(statuses(database).values()) == {OpStatus.RECEIVED}


def test_while_a_batch_is_at_the_server_the_next_one_is_taken(database: Database) -> None:
    waiting = FIRST_OF_MANY + MAX_OPERATIONS + 1
    database.write(lambda connection: tap(connection, orders(waiting)))
    sending: list[int] = []

    def look(_number: int, _order_ids: list[str]) -> None:
        database.write(lambda _connection: None)  # what was queued for the writer is done
        sending.append(list(statuses(database).values()).count(OpStatus.SENDING))

    pusher(database, Office(trouble=look)).push_all()

    assert sending == [waiting - 1, MAX_OPERATIONS + 1, 1]


def test_what_one_push_takes_goes_in_one(database: Database) -> None:
    wanted = orders(MAX_OPERATIONS)
    database.write(lambda connection: tap(connection, wanted))
    office = Office()

    pusher(database, office).push_all()

    assert office.pushes == [wanted]


def test_a_tap_made_meanwhile_goes_with_the_same_contact(database: Database) -> None:
    database.write(lambda connection: tap(connection, ["first"]))

    def tap_again(number: int, _order_ids: list[str]) -> None:
        if number == 1:
            database.write(lambda connection: tap(connection, ["meanwhile"]))

    office = Office(trouble=tap_again)
    pusher(database, office).push_all()

    assert office.pushes == [["first"], ["meanwhile"]]


def test_what_was_on_its_way_when_contact_broke_is_queued_again(database: Database) -> None:
    wanted = orders(3 * MAX_OPERATIONS)
    database.write(lambda connection: tap(connection, wanted))

    def break_off(number: int, _order_ids: list[str]) -> None:
        if number == 2:
            raise SyncProblem(Reason.NO_NETWORK, "the cable is cut")

    with pytest.raises(SyncProblem, match="the cable is cut"):
        pusher(database, Office(trouble=break_off)).push_all()

    found = statuses(database)
    assert {found[each] for each in wanted[:FIRST_OF_MANY]} == {OpStatus.RECEIVED}
    assert {found[each] for each in wanted[FIRST_OF_MANY:]} == {OpStatus.QUEUED}


def test_one_group_that_cannot_be_read_is_held_and_the_rest_goes(database: Database) -> None:
    wanted = orders(5)
    database.write(lambda connection: tap(connection, wanted))

    def cannot_read(_number: int, order_ids: list[str]) -> None:
        if wanted[2] in order_ids:
            raise RequestRefused(f"{wanted[2]} cannot be read")

    office = Office(trouble=cannot_read)
    settled = pusher(database, office).push_all()

    found = statuses(database)
    assert settled == len(wanted) - 1
    assert found.pop(wanted[2]) == OpStatus.HELD
    assert set(found.values()) == {OpStatus.RECEIVED}
    assert office.pushes[1:] == [[each] for each in wanted]


@dataclass(slots=True, kw_only=True)
class Restored(Office):
    """A server that takes orders: its epochs in turn, in a protocol."""

    epochs: tuple[int, ...]
    protocol: int
    told: list[str] = field(default_factory=list)
    refusal: tuple[set[str], Reason] = (set(), Reason.SERVER)

    @override
    def push(self, push: WrittenPush) -> PushAnswer:
        assert len(self.told) <= LOST + ENOUGH, "told without end"
        bad, reason = self.refusal
        if bad & {each.order_id for each in push.orders}:
            raise SyncProblem(reason, "answered by what stands before the server")
        epoch = self.epochs[len(self.told) % len(self.epochs)]
        self.told += [each.order_id for each in push.orders]
        return PushAnswer(
            server_epoch=epoch, server_now_ms=NOW_MS, results=[], protocol=self.protocol
        )


LOST = 3


def lose_orders(connection: Connection, count: int = LOST) -> None:
    rows = [
        {"order_id": each, "document": "{}", "as_of_ms": NOW_MS, "is_told": 0}
        for each in orders(count)
    ]
    connection.execute(order_copy.insert(), rows)


def untold(database: Database) -> list[str]:
    query = select(order_copy.c.order_id).where(order_copy.c.is_told == 0)
    return database.read(lambda connection: list(connection.execute(query).scalars()))


@pytest.mark.parametrize("epochs", [(1,), (1, 2)], ids=["one server", "two behind one address"])
def test_lost_orders_are_told_once_in_a_contact_whichever_server_answers(
    database: Database, epochs: tuple[int, ...]
) -> None:
    database.write(lambda connection: save(connection, Key.SERVER_EPOCH, epochs[-1]))
    database.write(lose_orders)
    office = Restored(epochs=epochs, protocol=2)

    pusher(database, office).tell_orders()

    assert office.told == orders(LOST)
    assert untold(database) == ([] if len(epochs) == 1 else orders(LOST))


@pytest.mark.parametrize("reason", [Reason.SERVER, Reason.CAPTIVE_PORTAL])
@pytest.mark.parametrize("poisoned", [1, ENOUGH])
def test_copies_that_are_answered_badly_are_passed_over_and_told_once_they_are_let_through(
    database: Database, reason: Reason, poisoned: int
) -> None:
    wanted = orders(ENOUGH + 2)
    bad = set(wanted[:poisoned])
    database.write(partial(lose_orders, count=len(wanted)))
    office = Restored(epochs=(1,), protocol=2, refusal=(bad, reason))
    sender = pusher(database, office)

    sender.tell_orders()
    sender.tell_orders()  # a new one in a row of three ends a contact
    assert untold(database) == sorted(bad)
    sender.tell_orders()
    bad.clear()
    sender.tell_orders()

    assert untold(database) == []
    assert sorted(office.told) == sorted(wanted)


def test_without_contact_nothing_is_told_of_and_nothing_passed_over(database: Database) -> None:
    database.write(lose_orders)
    office = Restored(epochs=(1,), protocol=2, refusal=(set(orders(LOST)), Reason.NO_NETWORK))

    with pytest.raises(SyncProblem):
        pusher(database, office).tell_orders()

    assert untold(database) == orders(LOST)


def test_a_server_that_reads_no_orders_yet_is_told_of_them_once_it_does(
    database: Database,
) -> None:
    database.write(lose_orders)
    pusher(database, Restored(epochs=(1,), protocol=1)).tell_orders()
    assert untold(database) == orders(LOST)

    pusher(database, Restored(epochs=(1,), protocol=2)).tell_orders()

    assert untold(database) == []
