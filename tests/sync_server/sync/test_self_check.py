"""The server notices by itself when what it kept does not fit together."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, delete, insert, update

from sync_server.db.order_tables import FACT, WORK_ORDER, WORK_ORDER_EVENT
from sync_server.db.sync_tables import (
    BUCKET_SUM,
    CHANGE,
    KEPT_OPERATION,
    OP_LEDGER,
    REVIEW_ITEM,
)
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.sync.self_check import RULES, check_all
from sync_server.sync.upkeep import keep_up
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.people_parts import Pen, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.work_order_states import WorkOrderEvent


@pytest.fixture
def utility(sqlite_engine: Engine, clock: HandClock) -> Utility:
    return utility_at_work(sqlite_engine, clock)


def utility_at_work(engine: Engine, clock: HandClock) -> Utility:
    """Return a utility with a day's work: steps, facts, a conflict and a refusal."""
    found = found_utility(engine, clock)
    pen, sync = Pen(actor=found.member.account_id, clock=clock), found.sync()
    with engine.begin() as connection:
        actor, alert_id = found.dispatcher.account_id, raise_leak(connection)
        order_id = create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id
    pen.push(sync, *pen.steps_to_work(order_id), *pen.finding(order_id))
    pen.push(sync, pen.set(order_id, "priority", 3, 1), pen.go(order_id, WorkOrderEvent.BEGIN))
    pen.push(sync, pen.answers("not-there"))
    return found


def test_a_days_work_fits_together(engine: Engine, clock: HandClock) -> None:
    utility = utility_at_work(engine, clock)
    with utility.engine.connect() as connection:
        assert check_all(connection) == []


DAMAGE: dict[str, Callable[[Connection], object]] = {
    "bucket sums": lambda db: db.execute(update(BUCKET_SUM).values(checksum=1)),
    "changes beyond the head": lambda db: db.execute(
        update(CHANGE).where(CHANGE.c.entity == "work_order").values(seq=10**9)
    ),
    "documents and hashes": lambda db: db.execute(update(WORK_ORDER).values(document="{}")),
    "orders in a foreign bucket": lambda db: db.execute(
        update(WORK_ORDER).values(crew_id="crew-2")
    ),
    "effects without an operation": lambda db: db.execute(
        delete(OP_LEDGER).where(OP_LEDGER.c.kind == "fact")
    ),
    "operations without their effect": lambda db: db.execute(delete(FACT)),
    "refusals nobody was shown": lambda db: db.execute(delete(REVIEW_ITEM)),
    "paths of orders": lambda db: db.execute(
        delete(WORK_ORDER_EVENT).where(WORK_ORDER_EVENT.c.event == "arrive")
    ),
}


@pytest.mark.parametrize("rule", DAMAGE)
def test_each_rule_names_what_it_is_about_and_a_person_hears_of_it_once(
    utility: Utility, rule: str
) -> None:
    with utility.engine.begin() as connection:
        DAMAGE[rule](connection)
    with utility.engine.begin() as connection:
        first = keep_up(connection, NOON)
        keep_up(connection, NOON)
        items = [
            each.entity_id
            for each in list_reviews(connection)
            if each.kind is ReviewKind.SELF_CHECK
        ]

    assert rule in {finding.rule for finding in first.findings}
    assert sorted(items) == sorted({finding.rule for finding in first.findings})


def test_every_rule_is_damaged_by_a_test() -> None:
    assert DAMAGE.keys() == RULES.keys()


def test_a_refusal_whose_content_was_lost_is_found(utility: Utility) -> None:
    with utility.engine.begin() as connection:
        connection.execute(delete(KEPT_OPERATION))
        found = check_all(connection)

    assert {finding.rule for finding in found} == {"refusals nobody was shown"}


def test_a_broken_table_does_not_fill_the_log(utility: Utility) -> None:
    row = {"order_id": "x", "event": "accept", "from_state": "released", "to_state": "accepted"}
    with utility.engine.begin() as connection:
        for number in range(30):
            fact = {
                "fact_id": f"f{number}",
                "fact_type": "comment",
                "is_orphan": False,
                "actor": row["order_id"],
                "tablet_id": "t",
                "op_id": f"op-{number}",
                "payload": "{}",
                "happened_at_ms": 0,
                "received_at_ms": 0,
            }
            connection.execute(insert(FACT).values(**fact))
        found = check_all(connection)

    assert len(found) == 20
