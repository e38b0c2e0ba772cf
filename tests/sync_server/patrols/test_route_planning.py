"""The office plans a route: stops in order, one crew for a route and its places."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from sync_server.access.account_store import Crew, create_crew
from sync_server.db.engine_io import reading
from sync_server.patrols.inspection_store import CHECKPOINTS, Inspected, load_all, put
from sync_server.patrols.route_store import (
    RouteDraft,
    change_route,
    change_stop,
    get_route,
    make_route,
)
from sync_server.patrols.routes import StopChange, changed_stops
from tests.sync_server.real_parts import NOON
from wire_contracts.errors import ContractError
from wire_contracts.patrols import Checkpoint, CheckpointKind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText


def text(word: str) -> BilingualText:
    return BilingualText(en=word, zh=word)


def draft(crew_id: str = "walk-1", days: int = 7) -> RouteDraft:
    return RouteDraft(
        name=text("North"),
        crew_id=crew_id,
        interval_s=days * 86_400,
        due_at_utc=NOON + timedelta(days=1),
    )


def place(place_id: str, crew_id: str = "walk-1") -> Inspected[Checkpoint]:
    thing = Checkpoint(
        kind=CheckpointKind.VALVE_WELL,
        medium=Medium.GAS,
        name=text(f"well {place_id}"),
        address="",
        latitude_deg=38.0,
        longitude_deg=114.5,
    )
    return Inspected(entity_id=place_id, crew_id=crew_id, thing=thing)


@pytest.fixture
def walked(engine: Engine) -> Engine:
    with engine.begin() as connection:
        for crew_id in ("walk-1", "walk-2"):
            create_crew(connection, Crew(crew_id=crew_id, name=crew_id), NOON)
        put(connection, CHECKPOINTS, [*map(place, "abc"), place("x", "walk-2")], NOON)
    return engine


def test_stops_are_added_moved_and_taken_off(walked: Engine) -> None:
    """Rule A-40: rounds are planned."""
    with walked.begin() as connection:
        route_id = make_route(connection, draft(), "office", NOON)
        for change, stop in (
            (StopChange.ADD, "a"),
            (StopChange.ADD, "b"),
            (StopChange.ADD, "c"),
            (StopChange.EARLIER, "c"),
            (StopChange.REMOVE, "b"),
        ):
            change_stop(connection, route_id, change, stop, "office", NOON)
        stops = get_route(connection, route_id).stops

        with pytest.raises(ContractError, match="is another crew's"):
            change_stop(connection, route_id, StopChange.ADD, "x", "office", NOON)
        with pytest.raises(ContractError, match="does not exist"):
            change_stop(connection, route_id, StopChange.ADD, "nowhere", "office", NOON)

    assert stops == ("a", "c")


def test_a_route_takes_its_places_to_the_other_crew_unless_they_are_shared(
    walked: Engine,
) -> None:
    with walked.begin() as connection:
        first = make_route(connection, draft(), "office", NOON)
        second = make_route(connection, draft(), "office", NOON)
        for route_id in (first, second):
            change_stop(connection, route_id, StopChange.ADD, "a", "office", NOON)
        change_stop(connection, first, StopChange.ADD, "b", "office", NOON)
        with pytest.raises(ContractError, match="a is on another route of walk-1"):
            change_route(connection, first, draft("walk-2"), "office", NOON)
        change_stop(connection, second, StopChange.REMOVE, "a", "office", NOON)
        change_route(connection, first, draft("walk-2", days=30), "office", NOON)

    with reading(walked) as connection:
        crews = {key: each.crew_id for key, each in load_all(connection, CHECKPOINTS).items()}
        plan = get_route(connection, first)
    assert crews == {"a": "walk-2", "b": "walk-2", "c": "walk-1", "x": "walk-2"}
    assert (plan.crew_id, plan.interval_s) == ("walk-2", 30 * 86_400)


def test_a_route_without_a_crew_is_refused(walked: Engine) -> None:
    with walked.begin() as connection, pytest.raises(ContractError, match="crew 'nobody'"):
        make_route(connection, draft("nobody"), "office", NOON)


@given(st.lists(st.sampled_from("abcd"), unique=True), st.sampled_from(StopChange))
def test_no_change_loses_or_doubles_another_stop(stops: list[str], change: StopChange) -> None:
    before = set(stops) - {"a"}
    try:
        after = changed_stops(stops, change, "a")
    except ContractError:
        return

    assert set(after) - {"a"} == before
    assert len(after) == len(set(after))
