"""Decides what a GeoJSON file of the network means: lines are pipes, points are what has a name."""

from collections.abc import Sequence
from dataclasses import dataclass

from sync_server.assets.assets import AssetError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.network import (
    NetworkPart,
    NetworkPoint,
    Pipe,
    PipeLevel,
    Plane,
    PointKind,
)
from wire_contracts.quantities import Medium

_MOST_FEATURES = 200_000
_MOST_CORNERS = 2_000
_MOST_VALVES = 50
_WIDEST_MM = 3000
_POSITION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feature:
    """One feature with the area it belongs to."""

    area_id: str
    pipe: Pipe | None = None
    point: NetworkPoint | None = None


def parse_geojson(root: FieldReader, plane: Plane) -> list[NetworkPart]:
    """Return the network of a FeatureCollection, one part per area, in the order of the areas.

    Positions are longitude and latitude in WGS 84 (RFC 7946). A LineString is a pipe with the
    properties `id`, `area_id`, `medium`, `level`, and optionally `diameter_mm` and `closed_by`; a
    Point is something at a place with `id`, `area_id`, `kind`, `medium`, `level`, `name`.

    Raises:
        ContractError: A feature cannot be read; the text names its place and field.
        AssetError: A geometry is neither a LineString nor a Point.
    """
    features = [
        _feature(reader, plane) for reader in root.objects("features", longest=_MOST_FEATURES)
    ]
    areas = sorted({each.area_id for each in features})
    return [
        NetworkPart(
            area_id=area_id,
            plane=plane,
            pipes=tuple(
                each.pipe for each in features if each.area_id == area_id and each.pipe is not None
            ),
            points=tuple(
                each.point
                for each in features
                if each.area_id == area_id and each.point is not None
            ),
        )
        for area_id in areas
    ]


def _feature(reader: FieldReader, plane: Plane) -> _Feature:
    geometry, properties = reader.object("geometry"), reader.object("properties")
    area_id = properties.text("area_id", longest=40)
    kind = geometry.text("type")
    if kind == "LineString":
        return _Feature(area_id=area_id, pipe=_pipe(geometry, properties, plane))
    if kind == "Point":
        return _Feature(area_id=area_id, point=_point(geometry, properties, plane))
    message = (
        f"{reader.place}: {geometry.name_of('type')}: {kind!r} is not drawn; "
        "send pipes as LineString and everything else as Point"
    )
    raise AssetError(message)


def _pipe(geometry: FieldReader, properties: FieldReader, plane: Plane) -> Pipe:
    corners = geometry.array("coordinates", longest=_MOST_CORNERS)
    valves: Sequence[JsonValue] = ()
    if properties.has("closed_by"):
        valves = properties.array("closed_by", longest=_MOST_VALVES)
    has_width = properties.has("diameter_mm")
    return Pipe(
        pipe_id=properties.text("id", longest=64),
        medium=properties.choice("medium", Medium),
        level=properties.choice("level", PipeLevel),
        line_m=tuple(_place(geometry, corner, plane) for corner in corners),
        diameter_mm=properties.integer("diameter_mm", low=0, high=_WIDEST_MM) if has_width else 0,
        closed_by=tuple(str(each) for each in valves),
    )


def _point(geometry: FieldReader, properties: FieldReader, plane: Plane) -> NetworkPoint:
    corner = geometry.array("coordinates", longest=3)
    x_m, y_m = _place(geometry, corner, plane)
    return NetworkPoint(
        point_id=properties.text("id", longest=64),
        kind=properties.choice("kind", PointKind),
        medium=properties.choice("medium", Medium),
        level=properties.choice("level", PipeLevel),
        x_m=x_m,
        y_m=y_m,
        name=properties.text("name") if properties.values.get("name") else "",
    )


def _place(geometry: FieldReader, corner: JsonValue, plane: Plane) -> tuple[float, float]:
    has_two = isinstance(corner, Sequence) and not isinstance(corner, str)
    pair = list(corner)[:_POSITION] if has_two and isinstance(corner, Sequence) else []
    values: dict[str, JsonValue] = {}
    values.update(zip(("longitude", "latitude"), pair, strict=False))
    reader = FieldReader(place=geometry.place, values=values, path=geometry.name_of("coordinates"))
    return plane.to_plane(reader.number("latitude"), reader.number("longitude"))
