"""A push that comes twice, from a copy of a store, or from an app that is too old."""

from dataclasses import replace

import pytest

from sync_server.sync.ledger_store import kept_bodies, read_ledger
from sync_server.sync.review_store import ReviewKind
from sync_server.sync.service import SyncService, SyncTerms
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.order_store import (
    get_order,
)
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.sync.push_parts import outcome, push, refused, repeated, reviews
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.operations import (
    Outcome,
    PushRequest,
    operation_json,
    write_push,
)


def test_a_repeated_push_gives_the_same_answer_and_no_second_effect(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    operations = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    first = push(utility, pen, *operations)
    told = repeated(first, pen)
    pen.clock.advance(minutes=5)
    second = push(utility, pen, *operations)

    assert second == told
    with utility.engine.connect() as connection:
        assert len(facts_of_order(connection, order_id)) == 1
        assert len(read_ledger(connection)) == len(operations)


def test_an_operation_id_with_another_content_is_refused_kept_and_alarmed(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    operation = pen.set(order_id, "diagnosis", "", "dry")
    forged = replace(operation, new="wet")
    push(utility, pen, operation)

    results = push(utility, pen, forged)
    push(utility, pen, forged)

    assert outcome(results[0]) == refused(Code.OP_ID_REUSE)
    assert reviews(utility, ReviewKind.OP_ID_REUSE) == [operation.op_id]
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.diagnosis == "dry"
        assert kept_bodies(connection, operation.op_id) == [operation_json(forged)]


def test_a_number_used_twice_means_a_cloned_store(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, pen.set(order_id, "diagnosis", "", "a"))
    clone = Pen(actor=pen.actor, clock=pen.clock)
    request = PushRequest(
        replica_id=clone.replica_id,
        operations=(clone.set(order_id, "cause", "", "joint"),),
    )

    answer = utility.sync().push(write_push(request))

    assert answer.must_renew_replica
    assert answer.results[0].outcome is Outcome.APPLIED
    assert reviews(utility, ReviewKind.CLONED_STORE) == [request.operations[0].op_id]
    renewed = PushRequest(replica_id="fresh", operations=(pen.set(order_id, "note", "", "b"),))
    assert not utility.sync().push(write_push(renewed)).must_renew_replica


def test_an_app_that_is_too_old_keeps_its_outbox_and_is_told_why(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    service = SyncService(utility.engine, utility.clock, SyncTerms(oldest_protocol=2))
    request = PushRequest(
        replica_id="r", operations=(pen.set(order_id, "note", "", "x"),), protocol=1
    )
    with pytest.raises(ContractError, match="update the app; what is not sent yet stays"):
        service.for_tablet(utility.tablet).push(write_push(request))

    with utility.engine.connect() as connection:
        assert read_ledger(connection) == []
