"""Two server processes over one PostgreSQL push and pull at once: every invariant holds."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from sqlalchemy import Engine, select

from sync_server.db.change_store import bucket_state
from sync_server.db.order_tables import FACT, WORK_ORDER
from sync_server.db.server_store import server_epoch
from sync_server.sync.ledger_store import kept_bodies, read_ledger
from sync_server.sync.self_check import check_all
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import create_order
from tests.sync_server.people_parts import Pen, Utility, enrol, found_utility
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.operations import write_operation
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

ROOT = Path(__file__).parents[3]
ORDERS = 6
SHARED_PUSHES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one server's tablets have in the end, and what they were told."""

    shared: Mapping[str, str]
    noted: Sequence[str]
    made: Sequence[str]
    told: Mapping[str, str]
    seqs: Sequence[int]
    buckets: Sequence[Mapping[str, tuple[int, int]]]


def order_of(utility: Utility, number: int) -> str:
    new = NewOrder(
        order_type=OrderType.METER_CHECK,
        medium=Medium.WATER,
        safety_class=SafetyClass.C,
        priority=1,
        title=BilingualText(en="Look", zh="查看"),
        address=f"Road {number}",
        crew_id="crew-1" if number % 2 else "crew-2",
    )
    with utility.engine.begin() as connection:
        return create_order(connection, new, utility.dispatcher.account_id, NOON).order_id


def instructions(utility: Utility, orders: Sequence[str]) -> list[str]:
    """Return one line for each server: its own tablets, and pushes that reach both of them."""
    people = (utility.member.account_id, utility.other_member.account_id)
    with utility.engine.begin() as connection:
        server_epoch(connection)
        tablets = [
            {
                enrol(connection, crew_id, f"{server} {crew_id}").tablet_id: actor
                for crew_id, actor in zip(("crew-1", "crew-2"), people, strict=True)
            }
            for server in range(2)
        ]
    pen = Pen(actor=people[0], clock=utility.clock)
    pushes = [
        [
            write_operation(pen.answers(orders[1])),
            write_operation(pen.set(orders[1], "cause", "", f"cause {number}")),
        ]
        for number in range(SHARED_PUSHES)
    ]
    common = {
        "dispatcher": utility.dispatcher.account_id,
        "orders": orders,
        "shared": utility.tablet.tablet_id,
        "pushes": pushes,
    }
    return [json.dumps({"tablets": each, **common}) for each in tablets]


def tell(servers: Sequence[subprocess.Popen[str]], lines: Sequence[str]) -> None:
    for each, line in zip(servers, lines, strict=True):
        assert each.stdin is not None
        each.stdin.write(f"{line}\n")
        each.stdin.flush()


def heard(servers: Sequence[subprocess.Popen[str]]) -> list[str]:
    return [each.stdout.readline() for each in servers if each.stdout is not None]


def run_both(url: str, lines: Sequence[str]) -> list[Told]:
    """Return what both servers told after they had worked at once."""
    servers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.sync_server.sync.second_server_child", url, str(seed)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(len(lines))
    ]
    try:
        tell(servers, lines)
        assert heard(servers) == ["ready\n", "ready\n"]
        tell(servers, ["begin", "begin"])
        assert heard(servers) == ["done\n", "done\n"]
        ended = [each.communicate("settle\n", timeout=120)[0] for each in servers]
    finally:
        for each in servers:
            each.kill()
            each.communicate()
    return [Told(**json.loads(text)) for text in ended]


def test_two_servers_at_once_lose_and_double_nothing(
    postgres_engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(postgres_engine, clock)
    orders = [order_of(utility, number) for number in range(ORDERS)]
    lines = instructions(utility, orders)

    told = run_both(postgres_engine.url.render_as_string(hide_password=False), lines)

    first, second = told
    with postgres_engine.connect() as connection:
        assert check_all(connection) == []
        ledger = {each.op_id: str(each.outcome) for each in read_ledger(connection)}
        facts = set(connection.execute(select(FACT.c.op_id)).scalars())
        kept = {op_id: kept_bodies(connection, op_id) for op_id in ledger}
        lines_of_notes = list(
            chain.from_iterable(
                str(note).splitlines()
                for note in connection.execute(select(WORK_ORDER.c.note)).scalars()
            )
        )
        for buckets in (*first.buckets, *second.buckets):
            for name, (count, checksum) in buckets.items():
                state = bucket_state(connection, name)
                assert (state.row_count, state.checksum) == (count, checksum)
    assert first.shared == second.shared
    assert len(first.shared) == 2 * SHARED_PUSHES
    assert ledger == {**first.shared, **first.told, **second.told}
    assert set(ledger) == {*first.shared, *first.made, *second.made}
    assert facts <= ledger.keys()
    words = [*first.noted, *second.noted]
    in_conflict = json.dumps(list(kept.values()), ensure_ascii=False)
    for each in words:
        assert lines_of_notes.count(each) == 1 or (
            lines_of_notes.count(each) == 0 and each in in_conflict
        )
    assert max(min(first.seqs), min(second.seqs)) < min(max(first.seqs), max(second.seqs)), (
        "they worked one after the other"
    )
