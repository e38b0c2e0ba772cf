"""The network on the map: pipes and points of one area in columns, on the site's own plane."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.quantities import Medium

ENTITY = "network"
"""The entity type in sync messages; its id is `<area>:<part>`."""

METRES_PER_DEGREE = 111_320.0
"""Metres per degree of latitude on the mean sphere (GRS 80: 110.6 to 111.7 km)."""

_MOST_ITEMS = 20_000
_MOST_NUMBERS = 4_000
_LONGEST_ID = 64
_LONGEST_NAME = 200
_DECIMETRES = 10


class PipeLevel(StrEnum):
    """How a pipe works: by pressure for gas and water, by direction for heat."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    SUPPLY = "supply"
    RETURN = "return"


class PointKind(StrEnum):
    """What stands or lies at a point of the network."""

    VALVE_WELL = "valve_well"
    VALVE = "valve"
    REGULATOR = "regulator"
    SUBSTATION = "substation"
    GATEWAY = "gateway"


class LayerPart(StrEnum):
    """Which part of an area's network a row holds."""

    PIPES = "pipes"
    POINTS = "points"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The site's plane: metres east and north of an origin in WGS 84.

    Good to 0.1 % within 50 km of the origin: a town, not a country.
    """

    latitude_deg: float
    longitude_deg: float

    def to_plane(self, latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
        """Return metres east and north of the origin."""
        east = (longitude_deg - self.longitude_deg) * self._east_m()
        return east, (latitude_deg - self.latitude_deg) * METRES_PER_DEGREE

    def to_earth(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return latitude and longitude in degrees."""
        latitude = self.latitude_deg + y_m / METRES_PER_DEGREE
        return latitude, self.longitude_deg + x_m / self._east_m()

    def _east_m(self) -> float:
        return METRES_PER_DEGREE * math.cos(math.radians(self.latitude_deg))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe:
    """One section of pipe.

    Attributes:
        line_m: Its corners in order, metres east and north.
        closed_by: The points whose valves close this section.
    """

    pipe_id: str
    medium: Medium
    level: PipeLevel
    line_m: Sequence[tuple[float, float]]
    diameter_mm: int = 0
    closed_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPoint:
    """A well, a valve, a regulator box, a substation; `name` is what is written on it."""

    point_id: str
    kind: PointKind
    medium: Medium
    level: PipeLevel
    x_m: float
    y_m: float
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPart:
    """The pipes, or the points, of one area."""

    area_id: str
    plane: Plane
    pipes: Sequence[Pipe] = ()
    points: Sequence[NetworkPoint] = ()


def pipes_json(part: NetworkPart) -> JsonObject:
    """Return the pipes of an area as the document of a row: columns, whole decimetres."""
    pipes = part.pipes
    return {
        **_head(part, LayerPart.PIPES),
        "ids": [pipe.pipe_id for pipe in pipes],
        "media": [str(pipe.medium) for pipe in pipes],
        "levels": [str(pipe.level) for pipe in pipes],
        "diameters_mm": [pipe.diameter_mm for pipe in pipes],
        "lines_dm": [_steps(pipe.line_m) for pipe in pipes],
        "closed_by": [list(pipe.closed_by) for pipe in pipes],
    }


def points_json(part: NetworkPart) -> JsonObject:
    """Return the points of an area as the document of a row: columns, whole decimetres."""
    points = part.points
    return {
        **_head(part, LayerPart.POINTS),
        "ids": [point.point_id for point in points],
        "kinds": [str(point.kind) for point in points],
        "media": [str(point.medium) for point in points],
        "levels": [str(point.level) for point in points],
        "x_dm": [round(point.x_m * _DECIMETRES) for point in points],
        "y_dm": [round(point.y_m * _DECIMETRES) for point in points],
        "names": [point.name for point in points],
    }


def _head(part: NetworkPart, which: LayerPart) -> Mapping[str, JsonValue]:
    return {
        "area_id": part.area_id,
        "part": str(which),
        "origin": {"lat_deg": part.plane.latitude_deg, "lon_deg": part.plane.longitude_deg},
    }


def _steps(line_m: Sequence[tuple[float, float]]) -> list[JsonValue]:
    """Return the first corner and then the step to each next one: small numbers pack well."""
    steps: list[JsonValue] = []
    last_x, last_y = 0, 0
    for x_m, y_m in line_m:
        x, y = round(x_m * _DECIMETRES), round(y_m * _DECIMETRES)
        steps += [x - last_x, y - last_y]
        last_x, last_y = x, y
    return steps


def parse_network(reader: FieldReader) -> NetworkPart:
    """Return what a row holds; raise ContractError that names the field.

    A pipe or point of a kind that this app does not know is left out: half a map is better than
    none, and a newer server must not take the old one away.
    """
    origin = reader.object("origin")
    plane = Plane(latitude_deg=origin.number("lat_deg"), longitude_deg=origin.number("lon_deg"))
    area_id = reader.text("area_id", longest=_LONGEST_ID)
    if reader.choice("part", LayerPart) is LayerPart.PIPES:
        return NetworkPart(area_id=area_id, plane=plane, pipes=_pipes(reader))
    return NetworkPart(area_id=area_id, plane=plane, points=_points(reader))


def _pipes(reader: FieldReader) -> tuple[Pipe, ...]:
    ids = _texts(reader, "ids")
    media, levels = _texts(reader, "media"), _texts(reader, "levels")
    diameters = _numbers(reader, "diameters_mm")
    lines = _rows(reader, "lines_dm")
    closed_by = _rows(reader, "closed_by")
    return tuple(
        Pipe(
            pipe_id=pipe_id,
            medium=Medium(medium),
            level=PipeLevel(level),
            line_m=_corners(line),
            diameter_mm=int(diameter),
            closed_by=tuple(str(each) for each in valves),
        )
        for pipe_id, medium, level, diameter, line, valves in zip(
            ids, media, levels, diameters, lines, closed_by, strict=False
        )
        if medium in _MEDIA and level in _LEVELS
    )


def _points(reader: FieldReader) -> tuple[NetworkPoint, ...]:
    columns = (
        _texts(reader, "ids"),
        _texts(reader, "kinds"),
        _texts(reader, "media"),
        _texts(reader, "levels"),
        _numbers(reader, "x_dm"),
        _numbers(reader, "y_dm"),
        _texts(reader, "names"),
    )
    return tuple(
        NetworkPoint(
            point_id=point_id,
            kind=PointKind(kind),
            medium=Medium(medium),
            level=PipeLevel(level),
            x_m=x / _DECIMETRES,
            y_m=y / _DECIMETRES,
            name=name[:_LONGEST_NAME],
        )
        for point_id, kind, medium, level, x, y, name in zip(*columns, strict=False)
        if kind in _KINDS and medium in _MEDIA and level in _LEVELS
    )


_MEDIA = frozenset(map(str, Medium))
_LEVELS = frozenset(map(str, PipeLevel))
_KINDS = frozenset(map(str, PointKind))


def _texts(reader: FieldReader, key: str) -> tuple[str, ...]:
    return tuple(str(each) for each in reader.array(key, longest=_MOST_ITEMS))


def _numbers(reader: FieldReader, key: str) -> tuple[float, ...]:
    return tuple(_number(each) for each in reader.array(key, longest=_MOST_ITEMS))


def _number(value: JsonValue) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isinstance(value, int | float) else 0.0


def _rows(reader: FieldReader, key: str) -> tuple[Sequence[JsonValue], ...]:
    """Return a column of lists; what is no list counts as an empty one."""
    rows = reader.array(key, longest=_MOST_ITEMS)
    return tuple(
        row if isinstance(row, Sequence) and not isinstance(row, str) else () for row in rows
    )


def _corners(steps: Sequence[JsonValue]) -> tuple[tuple[float, float], ...]:
    numbers = [_number(each) for each in steps[:_MOST_NUMBERS]]
    corners: list[tuple[float, float]] = []
    x, y = 0.0, 0.0
    for step_x, step_y in zip(numbers[::2], numbers[1::2], strict=False):
        x, y = x + step_x, y + step_y
        corners.append((x / _DECIMETRES, y / _DECIMETRES))
    return tuple(corners)
