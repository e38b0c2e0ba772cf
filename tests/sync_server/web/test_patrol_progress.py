"""The map shows how far the patrols of the day are: which stops are done, which are open."""

from datetime import timedelta

from sync_server.patrols.inspection_store import Inspected
from sync_server.web.map_views import LiveSource, live_layers
from sync_server.web.patrol_progress import last_seen, progress
from sync_server.work_orders.order import Fact
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.test_page_values import WORDS
from wire_contracts.fields import JsonObject
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import (
    CheckIn,
    CheckInWay,
    PatrolPoint,
    PatrolRun,
    PointOutcome,
    RunPhase,
    SeenFix,
    check_in_json,
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


def check_in(minutes_ago: float, *, stop: str = "a", is_mock: bool = False) -> Fact:
    fix = SeenFix(latitude_deg=39.95, longitude_deg=116.45, accuracy_m=8.0, is_mock=is_mock)
    seen = CheckIn(
        run_id="new", plan_id="plan", checkpoint_id=stop, way=CheckInWay.GEOFENCE, fix=fix
    )
    return fact(FactType.CHECK_IN, check_in_json(seen), minutes_ago)


def test_a_crew_on_its_round_stands_where_its_tablet_was_last() -> None:
    facts = [run("new", 1), check_in(4), point("new", "b", PointOutcome.OK, 20)]

    [seen] = last_seen(facts, PLACES, NOON)

    assert (seen.crew_id, seen.latitude_deg, seen.longitude_deg) == ("crew-1", 39.95, 116.45)
    assert seen.at_utc == NOON - timedelta(minutes=4)


def test_a_made_up_position_and_yesterdays_one_are_not_believed() -> None:
    [seen] = last_seen([check_in(4, is_mock=True)], PLACES, NOON)

    assert (seen.latitude_deg, seen.longitude_deg) == (39.9, 116.4)
    assert last_seen([check_in(60 * 25)], PLACES, NOON) == []
    assert last_seen([check_in(4, stop="gone")], PLACES, NOON) == []


def test_a_crew_that_was_seen_long_ago_is_grey_and_every_one_has_its_time() -> None:
    live = LiveSource(
        parts=(),
        meter_count=0,
        silent=(),
        alerts=(),
        crews=(),
        calls=(),
        crew_names={"crew-1": "North crew"},
        stops=(),
        seen=[*last_seen([check_in(5)], PLACES, NOON), *last_seen([check_in(6)], PLACES, NOON)],
        now_utc=NOON,
    )

    crews = live_layers(live, WORDS)["crews"]

    assert isinstance(crews, list)
    told = [(each["title"], each["is_old"]) for each in crews if isinstance(each, dict)]
    assert [is_old for _, is_old in told] == [False, True]
    assert all(str(title).startswith("North crew · North · ") for title, _ in told)
