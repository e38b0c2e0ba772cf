"""A stop has a number on its lid and another one on the map: both are shown, either finds it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from field_app.presenters.run import SEARCHED_FROM
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands, checkpoint, inspection_rows
from tests.field_app_ui.inspector_parts import go, sheet, start_route, told
from tests.field_app_ui.town_office import NOW_UTC, small_network
from wire_contracts.fields import JsonObject
from wire_contracts.orders import FactType
from wire_contracts.patrols import (
    CHECKPOINT_ENTITY,
    PLAN_ENTITY,
    PatrolPlan,
    checkpoint_json,
    plan_json,
)
from wire_contracts.texts import BilingualText


def long_route() -> list[tuple[str, str, JsonObject]]:
    """Return a route of more stops than a page shows; the map knows the first as VW-031."""
    name, first = checkpoint(0)
    more = {
        f"lid-{number}": replace(
            first,
            name=BilingualText(en=f"Valve well {number}", zh=f"阀门井 {number}"),
            tag=str(number),
        )
        for number in range(100, 100 + SEARCHED_FROM)
    }
    stops = {name: replace(first, tag="31"), **more}
    plan = PatrolPlan(
        name=BilingualText(en="Long round", zh="长环线"),
        crew_id="crew-3",
        stops=tuple(stops),
        interval_s=604_800,
        due_at_utc=NOW_UTC + timedelta(hours=2),
    )
    return [
        *((CHECKPOINT_ENTITY, each, checkpoint_json(thing)) for each, thing in stops.items()),
        (PLAN_ENTITY, "plan-1", plan_json(plan)),
    ]


@pytest.fixture
def inspector(crew: Field) -> Iterator[Field]:
    """Return a tablet whose crew has a route."""
    crew.office.orders = ()
    crew.office.extra = inspection_rows()
    crew.office.network = [small_network()]
    crew.hardware = Hands().hardware()
    yield crew
    if crew.ui is not None:
        crew.ui.resize(harness.WIDTH, harness.HEIGHT)


def type_number(ui: harness.Driver, number: str) -> None:
    """Type what was read at the lid, and use it."""
    ui.tap_hint("tag")
    ui.type(number)
    ui.settle()
    go(ui, "typed")


@pytest.mark.both_languages
def test_the_number_of_the_map_stands_at_the_stop_and_shows_that_one_is_there(
    inspector: Field,
) -> None:
    ui = start_route(inspector)
    on_map = inspector.says("on the map {number}", number="VW-031")
    assert ui.get("RunScreen").view.stops[0].detail.startswith(on_map)
    go(ui, "next-stop")
    assert sheet(ui).subtitle.startswith(on_map)

    type_number(ui, "vw 031")

    check_in = told(inspector, FactType.CHECK_IN)[0]
    assert (check_in["way"], check_in["tag"]) == ("typed", "vw 031")


def test_the_number_of_another_lid_says_which_place_that_is(inspector: Field) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")

    type_number(ui, "04:a2:b3:2")

    said = "{number} belongs to another place: {place}."
    place = checkpoint(2)[1].name.in_language(inspector.language)
    assert sheet(ui).message == inspector.says(said, number="04:a2:b3:2", place=place)
    assert told(inspector, FactType.CHECK_IN) == []


@pytest.mark.parametrize("wanted", ["31", "VW031", "vw-031"])
def test_a_long_route_is_searched_by_the_number_on_the_lid_or_on_the_map(
    inspector: Field, wanted: str
) -> None:
    inspector.office.extra = long_route()
    ui = start_route(inspector)
    assert len(ui.get("RunScreen").view.stops) == SEARCHED_FROM + 1

    ui.tap_hint("search-stop")
    ui.type(wanted)
    ui.settle()

    assert [row.checkpoint_id for row in ui.get("RunScreen").view.stops] == ["vw-031"]


def test_a_route_that_the_page_shows_whole_asks_for_no_search(inspector: Field) -> None:
    ui = start_route(inspector)

    assert not ui.get("RunScreen").view.can_search
