"""What becomes of a crew's step along the life cycle of an order."""

from dataclasses import replace

from sync_server.alerts.alert_list_store import get_alert
from sync_server.sync.review_store import ReviewKind, reviews_of
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import (
    act,
    assign,
    create_order,
    get_order,
)
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.push_parts import outcome, push, refused, reviews
from wire_contracts.alert_states import Disposition
from wire_contracts.codes import Code
from wire_contracts.kinds import FindingResult, Label
from wire_contracts.operations import (
    Outcome,
)
from wire_contracts.orders import (
    ENTITY,
    OrderType,
    SafetyClass,
)
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


def test_a_step_out_of_turn_is_refused_and_says_what_is_possible(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    results = push(utility, pen, pen.go(order_id, WorkOrderEvent.BEGIN))

    assert outcome(results[0]) == refused(Code.STATE)
    assert results[0].detail == (
        "cannot begin a work order that is released; possible now: accept, reassign, cancel"
    )
    assert reviews(utility, ReviewKind.REFUSED) == [results[0].op_id]


def test_a_step_of_the_office_is_not_the_crews(utility: Utility, pen: Pen, order_id: str) -> None:
    results = push(utility, pen, pen.go(order_id, WorkOrderEvent.CLOSE))

    assert outcome(results[0]) == refused(Code.ROLE_REFUSED)


def test_finishing_needs_a_result_and_answers(utility: Utility, pen: Pen, order_id: str) -> None:
    push(utility, pen, *pen.steps_to_work(order_id))
    without = push(utility, pen, pen.go(order_id, WorkOrderEvent.FINISH))
    with_evidence = push(utility, pen, *pen.finding(order_id))

    assert outcome(without[0]) == refused(Code.EVIDENCE_MISSING)
    assert {result.outcome for result in with_evidence} == {Outcome.APPLIED}


def test_a_finding_that_was_begun_and_left_is_no_evidence(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, *pen.steps_to_work(order_id))
    answers = pen.answers(order_id)
    left = replace(answers, payload={**(answers.payload or {}), "is_unfinished": True})
    word = pen.set(order_id, "result", None, "leak")
    results = push(utility, pen, left, word, pen.go(order_id, WorkOrderEvent.FINISH))

    assert outcome(results[-1]) == refused(Code.EVIDENCE_MISSING)


def test_a_normal_finding_with_a_measurement_marks_the_alert_false(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, *pen.steps_to_work(order_id), *pen.finding(order_id, "normal"))

    with utility.engine.connect() as connection:
        alert = get_alert(connection, str(get_order(connection, order_id).document.alert_id))
    assert (alert.disposition, alert.label) == (Disposition.FINDING, Label.FALSE)


def test_a_corrected_result_corrects_the_label(utility: Utility, pen: Pen, order_id: str) -> None:
    push(utility, pen, *pen.steps_to_work(order_id), *pen.finding(order_id, "normal"))
    push(utility, pen, pen.set(order_id, "result", "normal", "leak"))

    with utility.engine.connect() as connection:
        alert = get_alert(connection, str(get_order(connection, order_id).document.alert_id))
    assert (alert.finding_result, alert.label) == (FindingResult.LEAK, Label.CONFIRMED)


def test_work_done_on_a_cancelled_order_is_kept_and_given_to_the_dispatcher(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, *pen.steps_to_work(order_id))
    with utility.engine.begin() as connection:
        act(connection, order_id, WorkOrderEvent.CANCEL, utility.dispatcher.account_id, NOON)
    results = push(utility, pen, *pen.finding(order_id))

    assert outcome(results[-1]) == refused(Code.STATE)
    with utility.engine.connect() as connection:
        order = get_order(connection, order_id)
        assert len(facts_of_order(connection, order_id)) == 1
        items = reviews_of(connection, ENTITY, order_id)
    assert (order.state, order.is_done_after_cancel) == (WorkOrderState.CANCELLED, True)
    assert order.document.result is FindingResult.LEAK
    late = [item for item in items if item.kind is ReviewKind.DONE_AFTER_CANCEL]
    assert len(late) == 1
    assert late[0].due_at_utc > late[0].created_at_utc


def test_work_done_on_an_order_given_to_another_crew_is_kept(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, *pen.steps_to_work(order_id))
    with utility.engine.begin() as connection:
        assign(connection, order_id, "crew-2", utility.dispatcher.account_id, NOON)
    results = push(utility, pen, *pen.finding(order_id))

    assert [outcome(result) for result in results] == [
        (Outcome.APPLIED, None),
        (Outcome.CONFLICT, Code.NOT_YOURS),
        (Outcome.CONFLICT, Code.NOT_YOURS),
        (Outcome.CONFLICT, Code.NOT_YOURS),
        (Outcome.REFUSED, Code.NOT_YOURS),
    ]
    assert reviews(utility, ReviewKind.DONE_AFTER_CANCEL) == [results[-1].op_id]
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).is_done_after_cancel


def test_of_two_crews_that_accept_the_first_has_the_order(utility: Utility, pen: Pen) -> None:

    new = NewOrder(
        order_type=OrderType.METER_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.C,
        priority=3,
        title=BilingualText(en="Check", zh="核查"),
        address="Lamp street",
        area_id="north",
    )
    actor = utility.dispatcher.account_id
    with utility.engine.begin() as connection:
        free_id = create_order(connection, new, actor, NOON).order_id
        act(connection, free_id, WorkOrderEvent.RELEASE, actor, NOON)
    other_sync = utility.service.for_tablet(utility.other_tablet)
    other_pen = Pen(actor=utility.other_member.account_id, clock=utility.clock, replica_id="r2")

    first = push(utility, pen, pen.go(free_id, WorkOrderEvent.ACCEPT))
    second = other_pen.push(other_sync, other_pen.go(free_id, WorkOrderEvent.ACCEPT))

    assert first[0].outcome is Outcome.APPLIED
    assert outcome(second[0]) == refused(Code.TAKEN)
    with utility.engine.connect() as connection:
        assert get_order(connection, free_id).document.crew_id == "crew-1"


def test_a_colleagues_step_taken_twice_is_no_error(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    push(utility, pen, pen.go(order_id, WorkOrderEvent.ACCEPT))
    results = push(utility, pen, pen.go(order_id, WorkOrderEvent.ACCEPT))

    assert results[0].outcome is Outcome.NOOP
