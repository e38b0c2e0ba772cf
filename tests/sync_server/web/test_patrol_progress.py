"""The map shows how far the patrols of the day are: which stops are done, which are open."""

from datetime import timedelta

from sync_server.patrols.inspection_store import Inspected
from sync_server.web.patrol_progress import progress
from sync_server.work_orders.order import Fact
from tests.sync_server.real_parts import NOON
from wire_contracts.fields import JsonObject
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import (
    PatrolPoint,
    PatrolRun,
    PointOutcome,
    RunPhase,
    point_json,
    run_json,
)
from wire_contracts.patrols import Checkpoint, CheckpointKind, PatrolPlan
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

NAME = BilingualText(en="North", zh="北线")
PLANS = {
    "plan": Inspected(
        entity_id="plan",
        crew_id="crew-1",
        thing=PatrolPlan(name=NAME, crew_id="crew-1", stops=("a", "b"), interval_s=86_400),
    )
}
PLACES = {
    stop: Inspected(
        entity_id=stop,
        crew_id="crew-1",
        thing=Checkpoint(
            kind=CheckpointKind.VALVE_WELL,
            medium=Medium.GAS,
            name=NAME,
            address="",
            latitude_deg=39.9,
            longitude_deg=116.4,
        ),
    )
    for stop in ("a", "b")
}


def fact(fact_type: FactType, payload: JsonObject, minutes_ago: float) -> Fact:
    return Fact(
        fact_id=f"{fact_type}-{minutes_ago}",
        fact_type=fact_type,
        order_id=None,
        actor="a-1",
        tablet_id="t-1",
        op_id="op",
        payload=payload,
        happened_at_utc=NOON - timedelta(minutes=minutes_ago),
        received_at_utc=NOON,
        supersedes=None,
        waits_for=None,
        visit=1,
    )


def run(run_id: str, minutes_ago: float) -> Fact:
    begun = PatrolRun(run_id=run_id, plan_id="plan", phase=RunPhase.STARTED, stops=("a", "b"))
    return fact(FactType.PATROL_RUN, run_json(begun), minutes_ago)


def point(run_id: str, stop: str, outcome: PointOutcome, minutes_ago: float) -> Fact:
    seen = PatrolPoint(run_id=run_id, plan_id="plan", checkpoint_id=stop, outcome=outcome)
    return fact(FactType.PATROL_POINT, point_json(seen), minutes_ago)


def test_the_newest_run_of_a_route_tells_which_stops_are_done() -> None:
    facts = [
        point("new", "a", PointOutcome.DEFECT, 5),
        run("new", 30),
        point("old", "b", PointOutcome.OK, 200),
        run("old", 300),
    ]

    stops = progress(facts, PLANS, PLACES, NOON)

    assert [(each.number, each.outcome) for each in stops] == [
        (1, PointOutcome.DEFECT),
        (2, None),
    ]


def test_a_point_that_was_corrected_counts_as_it_is_now() -> None:
    facts = [
        point("new", "a", PointOutcome.OK, 1),
        point("new", "a", PointOutcome.SKIPPED, 5),
        run("new", 30),
    ]

    assert progress(facts, PLANS, PLACES, NOON)[0].outcome is PointOutcome.OK


def test_yesterdays_run_and_unknown_routes_are_not_on_the_map() -> None:
    assert progress([run("old", 60 * 25)], PLANS, PLACES, NOON) == []
    assert progress([run("new", 5)], {}, PLACES, NOON) == []
