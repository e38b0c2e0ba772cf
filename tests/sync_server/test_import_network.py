"""`sync-server import-network`: a GeoJSON file becomes the map, area by area."""

import json
from pathlib import Path

import pytest

from sync_server.__main__ import main
from sync_server.db.engine_io import open_engine, reading
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.network import NetworkPart, parse_network


def feature(shape: str, coordinates: JsonValue, **properties: JsonValue) -> JsonObject:
    given: JsonObject = {"medium": "gas", "level": "medium", "area_id": "north", **properties}
    return {
        "type": "Feature",
        "geometry": {"type": shape, "coordinates": coordinates},
        "properties": given,
    }


WELL = feature("Point", [117.12, 36.65], id="vw-1", kind="valve_well", name="Well 1")
PIPE = feature("LineString", [[117.12, 36.65], [117.14, 36.65]], id="p-1", closed_by=["vw-1"])


def send(data: Path, name: str, *features: JsonObject) -> int:
    path = data / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return main(["--data", str(data), "import-network", str(path)])


def on_the_map(data: Path) -> list[NetworkPart]:
    engine = open_engine(f"sqlite:///{data / 'server.sqlite3'}")
    with reading(engine) as connection:
        texts = connection.exec_driver_sql("SELECT document FROM network_part").scalars().all()
    engine.dispose()
    return [parse_network(FieldReader(place="part", values=json.loads(text))) for text in texts]


def test_a_file_replaces_its_areas_and_keeps_the_plane_of_the_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send(tmp_path, "town.geojson", WELL, PIPE) == 0
    assert "1 areas, 1 pipes, 1 points" in capsys.readouterr().out
    south = feature("Point", [118.0, 36.0], id="rb-1", kind="regulator", area_id="south")
    assert send(tmp_path, "south.geojson", south) == 0
    parts = on_the_map(tmp_path)

    assert {part.area_id for part in parts} == {"north", "south"}
    assert {(each.plane.latitude_deg, each.plane.longitude_deg) for each in parts} == {
        (36.65, 117.13)
    }
    (pipe,) = [pipe for part in parts for pipe in part.pipes]
    assert pipe.closed_by == ("vw-1",)
    assert pipe.line_m[0][0] == pytest.approx(-pipe.line_m[1][0], abs=0.2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "is no FeatureCollection"),
        ("{", "is no JSON"),
        ('{"features": []}', "no position"),
    ],
)
def test_a_file_that_holds_no_network_is_refused_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "town.geojson"
    path.write_text(text)

    assert main(["--data", str(tmp_path), "import-network", str(path)]) == 1
    assert f"town.geojson: {said}" in capsys.readouterr().err.replace(": features", "")
