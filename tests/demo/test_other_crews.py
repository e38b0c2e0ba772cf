"""Inspectors walk and ring, two tablets of one crew disagree: real tablets, the real server."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from demo.inspecting import HOMES_TO_CHECK
from demo.inspections import plan_inspections
from demo.inspectors_io import ring_on, walk_on
from demo.tablet_crews import HOME_CREW, PATROL_CREWS
from demo.town import Town
from demo.two_tablets_io import disagree
from field_app.crew import HeadlessCrew
from sync_server.db.engine_io import reading
from sync_server.patrols.inspection_store import (
    CHECKPOINTS,
    HOUSEHOLDS,
    PLANS,
    Inspected,
    load_all,
    put,
)
from sync_server.patrols.result_store import latest_facts
from sync_server.sync.ledger_store import conflict_of_operation
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.work_orders.order import Fact
from sync_server.work_orders.order_store import list_orders
from tests.field_app.office_parts import Office, found_office, office_app, serving
from tests.sync_server.real_parts import HandClock
from wire_contracts.fields import FieldReader
from wire_contracts.home_checks import HouseholdState
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import (
    PatrolPoint,
    PatrolRun,
    PointOutcome,
    RunPhase,
    parse_point,
    parse_run,
)
from wire_contracts.quantities import Medium

MANY = 500


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    founded = found_office(tmp_path / "template.sqlite3")
    engine = founded.copy_to(tmp_path / "server.sqlite3")
    yield founded.office(engine, HandClock())
    engine.dispose()


@pytest.fixture
def url(office: Office) -> Iterator[str]:
    with serving(office_app(office)) as found:
        yield found


def tablet(office: Office, url: str, folder: Path) -> HeadlessCrew:
    crew = HeadlessCrew(folder, office.clock)
    crew.enrol(url, office.code(), device_name=folder.name)
    crew.sync_now()
    return crew


def run_of(fact: Fact) -> PatrolRun:
    assert isinstance(fact.payload, Mapping)
    return parse_run(FieldReader(place="run", values=fact.payload))


def point_of(fact: Fact) -> PatrolPoint:
    assert isinstance(fact.payload, Mapping)
    return parse_point(FieldReader(place="point", values=fact.payload))


def plan(office: Office, town: Town) -> None:
    """Give the town's first route and its homes to the tests' only crew."""
    now_utc = office.clock.now_utc()
    found = plan_inspections(town, now_utc)
    with office.engine.begin() as connection:
        for shape, things, former in (
            (CHECKPOINTS, found.checkpoints, PATROL_CREWS[0]),
            (PLANS, found.plans, PATROL_CREWS[0]),
            (HOUSEHOLDS, found.homes, HOME_CREW),
        ):
            rows = [
                Inspected(entity_id=each.entity_id, crew_id="crew-1", thing=each.thing)
                for each in things
                if each.crew_id == former
            ]
            put(connection, shape, rows, now_utc)  # type: ignore[misc]  # each with its own


def test_an_inspector_walks_the_route_once_and_finds_what_is_not_in_order(
    office: Office, url: str, town: Town, tmp_path: Path
) -> None:
    plan(office, town)
    with closing(tablet(office, url, tmp_path / "patrol")) as crew:
        while walk_on(crew, office.clock.now_utc()):
            office.clock.advance(minutes=20)
            crew.sync_now()

    with reading(office.engine) as connection:
        runs = latest_facts(connection, (FactType.PATROL_RUN,), MANY)
        points = latest_facts(connection, (FactType.PATROL_POINT,), MANY)
        orders = list_orders(connection)
    assert [run_of(each).phase for each in runs] == [
        RunPhase.SUBMITTED,
        RunPhase.STARTED,
    ]
    ended = run_of(runs[0])
    found = [point_of(each) for each in points]
    assert {each.checkpoint_id for each in found} == set(ended.stops)
    assert sum(each.outcome is PointOutcome.DEFECT for each in found) == 2
    assert sum(each.outcome is PointOutcome.NOT_REACHABLE for each in found) == 1
    assert ended.track_m > 0
    assert orders == [], "no find of an inspector comes into the town's story"


def test_inspectors_check_some_homes_and_stop(
    office: Office, url: str, town: Town, tmp_path: Path
) -> None:
    plan(office, town)
    with closing(tablet(office, url, tmp_path / "homes")) as crew:
        while ring_on(crew, office.clock.now_utc()):
            office.clock.advance(minutes=20)
            crew.sync_now()

    with reading(office.engine) as connection:
        states = [each.thing.state for each in load_all(connection, HOUSEHOLDS).values()]
    visited = [state for state in states if state is not HouseholdState.DUE]
    assert len(visited) == HOMES_TO_CHECK
    assert visited.count(HouseholdState.HAZARD) == 2
    assert visited.count(HouseholdState.NO_ACCESS) == 1


def test_two_tablets_that_disagree_leave_cause_and_words_to_the_office(
    office: Office, url: str, tmp_path: Path
) -> None:
    office.new_order(Medium.HEAT)
    with (
        closing(tablet(office, url, tmp_path / "first")) as first,
        closing(tablet(office, url, tmp_path / "second")) as second,
    ):
        has_disagreed = disagree(first, second)
        is_over = not disagree(first, second)

    with reading(office.engine) as connection:
        reviews = list_reviews(connection)
        conflicts = [conflict_of_operation(connection, str(each.op_id)) for each in reviews]
    assert has_disagreed
    assert is_over
    assert [each.kind for each in reviews] == [ReviewKind.MERGED, ReviewKind.MERGED]
    assert {(each.field, each.office) for each in conflicts if each is not None} == {
        ("cause", "communication"),
        ("diagnosis", "通讯线松动，已紧固。Cable tightened."),
    }
