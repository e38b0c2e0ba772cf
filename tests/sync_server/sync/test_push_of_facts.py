"""What becomes of what a crew saw, did or photographed."""

from dataclasses import replace

from sqlalchemy import select

from sync_server.db.order_tables import FACT
from sync_server.sync.review_store import ReviewKind
from sync_server.work_orders.fact_store import facts_of_order
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.sync.push_parts import push, reviews
from wire_contracts.operations import (
    OperationKind,
    Outcome,
)
from wire_contracts.orders import (
    FactType,
)


def test_a_fact_never_changes_and_a_second_content_is_kept_for_a_person(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    first = pen.answers(order_id, fact_id="fact-1")
    same = pen.answers(order_id, fact_id="fact-1")
    other = replace(pen.answers(order_id, fact_id="fact-1"), payload={"order_id": order_id})

    results = push(utility, pen, first, same, other)

    assert [result.outcome for result in results] == [
        Outcome.APPLIED,
        Outcome.NOOP,
        Outcome.CONFLICT,
    ]
    with utility.engine.connect() as connection:
        assert [each.payload for each in facts_of_order(connection, order_id)] == [first.payload]


def test_a_fact_of_an_unknown_order_waits_and_a_person_hears_of_it(
    utility: Utility, pen: Pen
) -> None:
    results = push(utility, pen, pen.answers("not-there"))

    assert results[0].outcome is Outcome.APPLIED
    assert reviews(utility, ReviewKind.ORPHAN_FACT) == [results[0].op_id]
    with utility.engine.connect() as connection:
        assert connection.execute(select(FACT.c.is_orphan)).scalars().all() == [True]


def test_a_photo_is_named_before_it_arrives(utility: Utility, pen: Pen, order_id: str) -> None:
    attach = pen.operation(OperationKind.ATTACH, order_id, "", payload={"sha256": "0" * 64})
    results = push(utility, pen, attach)

    assert results[0].outcome is Outcome.APPLIED
    with utility.engine.connect() as connection:
        facts = facts_of_order(connection, order_id)
    assert [fact.fact_type for fact in facts] == [FactType.PHOTO_REF]
