"""What becomes of what an inspector sends: the office sees it, the tablet gets the new standing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from sync_server.patrols.inspection_store import (
    CHECKPOINTS,
    HOUSEHOLDS,
    PLANS,
    ROUND_METERS,
    Inspected,
    find,
    put,
)
from sync_server.sync.inbox import ReadPush
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.order_store import get_order, order_history
from tests.sync_server.patrols.test_outcomes import HOME, METER, PLAN, WELL
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.push_parts import push
from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.home_checks import HouseholdState, SafetyCheck, safety_check_json
from wire_contracts.meter_rounds import RoundReading, round_reading_json
from wire_contracts.operations import Operation, OperationKind, Outcome
from wire_contracts.orders import ENTITY, FactType, OrderType, SafetyClass, parse_order
from wire_contracts.patrol_facts import (
    Defect,
    OrderRequest,
    PatrolPoint,
    PatrolRun,
    PointOutcome,
    RunPhase,
    order_request_json,
    point_json,
    run_json,
)
from wire_contracts.patrols import Checkpoint, Measure, parse_checkpoint
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

ORDER = "01900000-0000-7000-8000-00000000a001"
RUN = "01900000-0000-7000-8000-00000000b001"

REQUEST = OrderRequest(
    order_id=ORDER,
    order_type=OrderType.LEAK_CHECK,
    medium=Medium.GAS,
    safety_class=SafetyClass.A,
    title=BilingualText(en="Gas in valve well 31", zh="31 号阀门井有燃气"),
    address="解放大街 97 号",
    note="22 % LEL",
    about="w",
)


def fact(pen: Pen, kind: FactType, payload: JsonObject, group: str | None = None) -> Operation:
    return pen.operation(
        OperationKind.FACT,
        next(pen.ids),
        str(kind),
        entity=str(kind),
        payload=payload,
        group=group,
    )


@pytest.fixture
def inspected(utility: Utility) -> Utility:
    """Return the utility with one thing of each type for crew 1."""
    with utility.engine.begin() as connection:
        well = Inspected(entity_id="w", crew_id="crew-1", thing=WELL)
        put(connection, CHECKPOINTS, [well], NOON)
        put(connection, PLANS, [Inspected(entity_id="p", crew_id="crew-1", thing=PLAN)], NOON)
        put(connection, HOUSEHOLDS, [Inspected(entity_id="h", crew_id="crew-1", thing=HOME)], NOON)
        put(
            connection,
            ROUND_METERS,
            [Inspected(entity_id="m", crew_id="crew-1", thing=METER)],
            NOON,
        )
    return utility


def pulled(utility: Utility, *, tablet_of_other_crew: bool = False) -> Mapping[str, JsonObject]:
    tablet = utility.other_tablet if tablet_of_other_crew else utility.tablet
    answer = utility.service.for_tablet(tablet).pull(None, 500)
    return {
        f"{row.entity}/{row.entity_id}": row.document
        for page in answer.buckets
        for row in page.rows
    }


def test_a_crew_is_given_what_it_inspects_and_no_other_crew_is(inspected: Utility) -> None:
    mine = {"checkpoint/w", "patrol_plan/p", "household/h", "round_meter/m"}

    assert mine <= pulled(inspected).keys()
    assert not mine & pulled(inspected, tablet_of_other_crew=True).keys()


def test_a_result_changes_the_checkpoint_that_the_tablet_is_given(
    inspected: Utility, pen: Pen
) -> None:
    point = PatrolPoint(
        run_id=RUN,
        plan_id="p",
        checkpoint_id="w",
        outcome=PointOutcome.NOT_REACHABLE,
        reason="a car stands on it",
    )

    results = push(inspected, pen, fact(pen, FactType.PATROL_POINT, point_json(point)))

    assert [result.outcome for result in results] == [Outcome.APPLIED]
    body = pulled(inspected)["checkpoint/w"]
    after: Checkpoint = parse_checkpoint(FieldReader(place="test", values=body))
    assert after.recheck_reason == "not_reachable"


def test_the_end_of_a_run_moves_the_route_on_and_marks_what_was_missed(
    inspected: Utility, pen: Pen
) -> None:
    run = PatrolRun(
        run_id=RUN, plan_id="p", phase=RunPhase.SUBMITTED, stops=("w",), missed=("w", "gone")
    )
    push(inspected, pen, fact(pen, FactType.PATROL_RUN, run_json(run)))

    with inspected.engine.begin() as connection:
        plan, well = find(connection, PLANS, "p"), find(connection, CHECKPOINTS, "w")
    assert plan is not None
    assert plan.thing.due_at_utc == NOON + timedelta(days=1)
    assert well is not None
    assert well.thing.recheck_reason == "missed"


def test_of_two_tablets_the_one_that_looked_last_says_what_a_checkpoint_is_like(
    inspected: Utility, pen: Pen
) -> None:
    late = Pen(actor=pen.actor, clock=pen.clock, replica_id="late", boot_id="late")
    blocked = PatrolPoint(
        run_id=RUN,
        plan_id="p",
        checkpoint_id="w",
        outcome=PointOutcome.NOT_REACHABLE,
        reason="smells of gas, not entered",
    )
    well = replace(blocked, outcome=PointOutcome.OK, reason="")
    seen_well = fact(late, FactType.PATROL_POINT, point_json(well))
    pen.clock.advance(hours=1)
    push(inspected, pen, fact(pen, FactType.PATROL_POINT, point_json(blocked)))
    late.push(inspected.sync(), seen_well)

    assert pulled(inspected)["checkpoint/w"]["recheck_reason"] == "not_reachable"


def test_a_tap_of_a_clock_that_is_hours_fast_hides_no_later_look(
    inspected: Utility, pen: Pen
) -> None:
    fast = Pen(actor=pen.actor, clock=pen.clock, replica_id="fast", boot_id="fast")
    blocked = PatrolPoint(
        run_id=RUN,
        plan_id="p",
        checkpoint_id="w",
        outcome=PointOutcome.NOT_REACHABLE,
        reason="smells of gas, not entered",
    )
    well = replace(blocked, outcome=PointOutcome.OK, reason="")
    seen_well = fact(fast, FactType.PATROL_POINT, point_json(well))
    five_hours_ms = 5 * 3_600_000
    at = replace(seen_well.at, wall_ms=seen_well.at.wall_ms + five_hours_ms)
    pen.clock.advance(hours=1)
    seen_blocked = fact(pen, FactType.PATROL_POINT, point_json(blocked))
    pen.clock.advance(minutes=30)
    fast.push(inspected.sync(), replace(seen_well, at=at))
    push(inspected, pen, seen_blocked)

    assert pulled(inspected)["checkpoint/w"]["recheck_reason"] == "not_reachable"


def test_a_visit_and_a_reading_come_back_to_the_tablet(inspected: Utility, pen: Pen) -> None:
    check = SafetyCheck(household_id="h", is_no_access=True, answers={})
    reading = RoundReading(meter_id="m", value=12.0)
    push(
        inspected,
        pen,
        fact(pen, FactType.SAFETY_CHECK, safety_check_json(check)),
        fact(pen, FactType.METER_READING, round_reading_json(reading)),
    )

    rows = pulled(inspected)
    assert rows["household/h"]["state"] == HouseholdState.NO_ACCESS
    assert len(list(rows["round_meter/m"]["readings"] or ())) == 1  # type: ignore[arg-type]  # JSON


def test_another_crews_result_is_kept_and_changes_nothing_of_ours(
    inspected: Utility, pen: Pen
) -> None:
    before = pulled(inspected)
    theirs = Pen(actor=inspected.other_member.account_id, clock=pen.clock, replica_id="other")
    check = SafetyCheck(household_id="h", is_no_access=True, answers={})
    operation = fact(theirs, FactType.SAFETY_CHECK, safety_check_json(check))
    sync = inspected.service.for_tablet(inspected.other_tablet)
    results = theirs.push(sync, operation)

    assert [result.outcome for result in results] == [Outcome.APPLIED]
    assert pulled(inspected) == before


def test_the_field_makes_an_order_that_another_crew_gets_at_once(
    inspected: Utility, pen: Pen
) -> None:
    group = next(pen.ids)
    point = PatrolPoint(
        run_id=RUN,
        plan_id="p",
        checkpoint_id="w",
        outcome=PointOutcome.DEFECT,
        values={Measure.GAS_LEL_PCT: 22.0},
        beyond=(Measure.GAS_LEL_PCT,),
        defect=Defect(severity=1, note="22 % LEL", order_id=ORDER),
    )
    results = push(
        inspected,
        pen,
        fact(pen, FactType.ORDER_REQUEST, order_request_json(REQUEST), group),
        fact(pen, FactType.PATROL_POINT, point_json(point), group),
    )

    assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.APPLIED]
    with inspected.engine.begin() as connection:
        order = get_order(connection, ORDER)
        history = order_history(connection, ORDER)
        facts = facts_of_order(connection, ORDER)
    assert order.state is WorkOrderState.RELEASED
    assert order.document.crew_id == "crew-2"
    assert order.document.safety_class is SafetyClass.A
    assert order.document.note == "22 % LEL"
    assert order.document.due_at_utc is not None
    assert [step.event for step in history] == [WorkOrderEvent.RELEASE]
    assert [each.fact_type for each in facts] == [FactType.ORDER_REQUEST]
    row = pulled(inspected, tablet_of_other_crew=True)[f"{ENTITY}/{ORDER}"]
    assert parse_order(FieldReader(place="test", values=row)).number == order.document.number


def test_an_order_asked_for_twice_is_made_once(inspected: Utility, pen: Pen) -> None:
    first = fact(pen, FactType.ORDER_REQUEST, order_request_json(REQUEST))
    again = fact(pen, FactType.ORDER_REQUEST, order_request_json(REQUEST))

    results = [*push(inspected, pen, first), *push(inspected, pen, first, again)]

    assert {result.outcome for result in results} == {Outcome.APPLIED}
    with inspected.engine.begin() as connection:
        assert len(order_history(connection, ORDER)) == 1


def test_what_was_seen_before_the_order_arrived_is_linked_to_it(
    inspected: Utility, pen: Pen
) -> None:
    photo = fact(pen, FactType.COMMENT, {"order_id": ORDER, "text": "cover lifted"})
    request = fact(pen, FactType.ORDER_REQUEST, order_request_json(REQUEST))
    push(inspected, pen, photo)
    push(inspected, pen, request)

    with inspected.engine.begin() as connection:
        assert [each.waits_for for each in facts_of_order(connection, ORDER)] == [None, None]


def test_a_result_that_cannot_be_read_is_refused_and_kept_for_a_person(
    inspected: Utility, pen: Pen
) -> None:
    broken = fact(pen, FactType.ORDER_REQUEST, {"order_id": ORDER, "safety_class": "Z"})
    entry = ReadPush(protocol=1, replica_id=pen.replica_id, entries=(broken,))
    results = inspected.service.push(inspected.tablet, entry).results

    assert [(each.outcome, each.code) for each in results] == [(Outcome.REFUSED, Code.FIELD_RANGE)]
