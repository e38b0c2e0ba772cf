"""A transaction is whole or absent at every point, and a sequence never overtakes a commit."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import Connection, Engine, event

from sync_server.db.change_store import broken_buckets, head_and_horizon
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.self_check import check_all
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.order_store import (
    OfficeChange,
    change_fields,
    create_from_alert,
    get_order,
)
from tests.sync_server.people_parts import Pen, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.sync.push_parts import repeated
from wire_contracts.operations import OperationResult, Outcome
from wire_contracts.orders import ENTITY
from wire_contracts.pulls import EntityRow
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderState


class PowerCut(BaseException):
    """Ends the process, as far as the code under test can see."""


@contextmanager
def power_cut_before(engine: Engine, statement: int) -> Iterator[list[int]]:
    """Cut the power before the n-th statement; yields how many statements were begun."""
    begun = [0]

    def count(*_details: object) -> None:
        begun[0] += 1
        if begun[0] == statement:
            raise PowerCut

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield begun
    finally:
        event.remove(engine, "before_cursor_execute", count)


def ordered(connection: Connection, utility: Utility, meter_id: str = "M-1") -> str:
    medium = {"M-1": Medium.WATER, "M-2": Medium.GAS, "M-3": Medium.HEAT}[meter_id]
    alert_id = raise_leak(connection, meter_id, medium=medium)
    actor = utility.dispatcher.account_id
    return create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id


def test_a_finding_is_whole_or_absent_at_every_statement(
    sqlite_engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(sqlite_engine, clock)
    with sqlite_engine.begin() as connection:
        order_id = ordered(connection, utility)
    pen = Pen(actor=utility.member.account_id, clock=clock)
    pen.push(utility.sync(), *pen.steps_to_work(order_id))
    finding = pen.finding(order_id)
    statement, is_done = 0, False
    seen: set[tuple[WorkOrderState, int, int]] = set()
    while not is_done:
        statement += 1
        with power_cut_before(sqlite_engine, statement) as begun:
            with suppress(PowerCut):
                pen.push(utility.sync(), *finding)
            is_done = begun[0] < statement
        with sqlite_engine.connect() as connection:
            state = get_order(connection, order_id).state
            facts = len(facts_of_order(connection, order_id))
            seen.add((state, facts, len(read_ledger(connection))))
            assert broken_buckets(connection) == []

    assert statement > 30
    assert seen == {(WorkOrderState.WORKING, 0, 4), (WorkOrderState.FINISHED, 1, 9)}


def test_the_same_push_sent_by_two_connections_at_once_has_one_effect(
    engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(engine, clock)
    with engine.begin() as connection:
        order_id = ordered(connection, utility)
    pen = Pen(actor=utility.member.account_id, clock=clock)
    operations = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    answers: list[list[OperationResult]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(pen.push(utility.sync(), *operations)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 4
    first = next(answer for answer in answers if not any(each.at_ms for each in answer))
    assert all(answer in (first, repeated(first, pen)) for answer in answers)
    assert {result.outcome for result in answers[0]} == {Outcome.APPLIED}
    with engine.connect() as connection:
        assert len(facts_of_order(connection, order_id)) == 1
        assert len(read_ledger(connection)) == len(operations)


def test_a_reader_never_passes_a_change_that_is_not_committed(
    postgres_engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(postgres_engine, clock)
    with postgres_engine.begin() as connection:
        slow_id = ordered(connection, utility)
        quick_id = ordered(connection, utility, "M-2")
    token = utility.sync().pull(None, 500).token
    actor = utility.dispatcher.account_id

    def change_quickly() -> None:
        with postgres_engine.begin() as connection:
            change_fields(connection, quick_id, OfficeChange(priority=4), actor, NOON)

    quick = threading.Thread(target=change_quickly)
    with postgres_engine.begin() as connection:
        change_fields(connection, slow_id, OfficeChange(priority=4), actor, NOON)
        quick.start()
        during = utility.sync().pull(token, 500)
    quick.join()
    after = utility.sync().pull(during.token, 500)

    assert during.buckets == ()
    rows = [row.entity_id for page in after.buckets for row in page.rows if row.entity == ENTITY]
    assert rows == [slow_id, quick_id]


class _ChangedMyMindError(Exception):
    """Rolls a transaction back."""


def change_or_not(
    engine: Engine, order_id: str, address: str, actor: str, *, is_kept: bool
) -> None:
    with suppress(_ChangedMyMindError), engine.begin() as connection:
        change_fields(connection, order_id, OfficeChange(address=address), actor, NOON)
        if not is_kept:
            raise _ChangedMyMindError


def read_while(utility: Utility, writers: list[threading.Thread]) -> list[EntityRow]:
    """Pull in small pages until the writers are done and everything is read."""
    token, rows, is_over = None, [], False
    while True:
        answer = utility.sync().pull(token, 2)
        token = answer.token
        rows += [row for page in answer.buckets for row in page.rows if row.entity == ENTITY]
        if is_over and not answer.has_more:
            return rows
        is_over = not any(writer.is_alive() for writer in writers)


@pytest.mark.parametrize("seed", [1, 2])
def test_writers_at_once_never_show_a_reader_the_hole_between_two_numbers(
    engine: Engine, clock: HandClock, seed: int
) -> None:
    utility = found_utility(engine, clock)
    with engine.begin() as connection:
        order_ids = [ordered(connection, utility, meter) for meter in ("M-1", "M-2", "M-3")]
    actor, ready = utility.dispatcher.account_id, threading.Barrier(4)

    def write(number: int) -> None:
        chance = random.Random(seed * 10 + number)  # a pinned seed, no secret
        ready.wait(20)
        for turn in range(25):
            is_kept = chance.random() < 0.8
            change_or_not(engine, order_ids[number], f"{number}-{turn}", actor, is_kept=is_kept)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    ready.wait(20)
    read = read_while(utility, writers)

    fresh = utility.sync().pull(None, 500)
    stands = [row for page in fresh.buckets for row in page.rows if row.entity == ENTITY]
    assert {row.entity_id: row for row in read} == {row.entity_id: row for row in stands}
    assert [row.seq for row in read] == sorted(row.seq for row in read)
    with engine.connect() as connection:
        assert check_all(connection) == []


def test_a_change_that_is_rolled_back_leaves_no_hole_and_no_row(
    engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(engine, clock)
    with engine.begin() as connection:
        order_id = ordered(connection, utility)
        before = head_and_horizon(connection)
    actor = utility.dispatcher.account_id
    with engine.connect() as connection, connection.begin() as transaction:
        change_fields(connection, order_id, OfficeChange(priority=4), actor, NOON)
        transaction.rollback()
    with engine.begin() as connection:
        change_fields(connection, order_id, OfficeChange(priority=1), actor, NOON)
        after = head_and_horizon(connection)

    assert after[0] == before[0] + 1
    rows = [row for page in utility.sync().pull(None, 500).buckets for row in page.rows]
    assert [row.document["priority"] for row in rows if row.entity == ENTITY] == [1]
