"""The town's network on the map: what a tablet is given is what the town planned."""

import pytest

from demo.network_plan import ORIGIN, network_geojson
from demo.seed_plan_io import load_town
from sync_server.assets.assets import AssetError
from sync_server.assets.network_geojson import parse_geojson
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.network import PipeLevel


def reader(document: JsonObject) -> FieldReader:
    return FieldReader(place="network.geojson", values=document)


def test_every_section_is_closed_by_valves_that_are_on_the_map() -> None:
    town = load_town()

    parts = parse_geojson(reader(network_geojson(town)), ORIGIN)

    points = {point.point_id for part in parts for point in part.points}
    pipes = [pipe for part in parts for pipe in part.pipes]
    assert {section.asset_id for section in town.pipes} <= {pipe.pipe_id for pipe in pipes}
    assert {well.asset_id for well in town.valve_wells} <= points
    assert {pipe.level for pipe in pipes} == set(PipeLevel)
    closable = [pipe for pipe in pipes if not pipe.pipe_id.endswith("main")]
    assert all(pipe.closed_by and set(pipe.closed_by) <= points for pipe in closable)


def test_a_geometry_that_is_not_drawn_is_refused_with_its_place() -> None:
    feature: JsonObject = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": []},
        "properties": {"id": "x", "area_id": "west"},
    }

    with pytest.raises(AssetError, match=r"geometry.type: 'Polygon' is not drawn"):
        parse_geojson(reader({"features": [feature]}), ORIGIN)
