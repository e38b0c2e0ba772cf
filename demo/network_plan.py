"""The town's network as GeoJSON, as a utility would export it: pipes, wells, boxes, valves."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from demo.areas import area_of_block, north_m
from demo.town import PipeSection, PressureLevel, Town
from demo.town_places import BLOCK_HEIGHT_M, BLOCK_WIDTH_M, COLUMNS, ROWS
from wire_contracts.fields import JsonValue
from wire_contracts.network import PipeLevel, Plane, PointKind
from wire_contracts.quantities import Medium

ORIGIN = Plane(latitude_deg=38.0, longitude_deg=114.5)
"""South-western corner of the town: somewhere in the north of China, where no town of it is."""

_DIAMETER_MM = {PressureLevel.HIGH: 300, PressureLevel.MEDIUM: 160, PressureLevel.LOW: 90}
_CLOSING = 2
"""Valves that close one section: one at each side."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One pipe before it is written: corners in metres east and north."""

    pipe_id: str
    medium: Medium
    level: PipeLevel
    corners: Sequence[Point]
    diameter_mm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    """One thing at a place before it is written."""

    point_id: str
    kind: PointKind
    medium: Medium
    level: PipeLevel
    place: Point
    name: str


def network_geojson(town: Town) -> Mapping[str, JsonValue]:
    """Return the FeatureCollection of the town; the same town always gives the same one.

    Gas as planned: every section along its street, wells beside their pipes, boxes where they
    stand. Water and heat: a main along the middle avenue and a branch to every metered place.
    """
    gas = [_gas_line(section) for section in town.pipes]
    wells = [_well(town, index, gas) for index in range(len(town.valve_wells))]
    boxes = [
        _Sign(
            point_id=box.asset_id,
            kind=PointKind.REGULATOR,
            medium=Medium.GAS,
            level=PipeLevel.MEDIUM,
            place=_north((box.place.x_m, box.place.y_m)),
            name=box.asset_id.removeprefix("reg-").upper(),
        )
        for box in town.regulators
    ]
    others = [*_branches(town, Medium.WATER), *_branches(town, Medium.HEAT)]
    lines = [*gas, *others]
    signs = [*wells, *boxes, *_shut_offs(others)]
    closing = _closing(lines, [each for each in signs if each.kind is not PointKind.REGULATOR])
    features: list[JsonValue] = [_line_feature(line, closing[line.pipe_id]) for line in lines]
    features += [_sign_feature(sign) for sign in signs]
    return {"type": "FeatureCollection", "features": features}


def _north(place: Point) -> Point:
    return place[0], north_m(place[1])


def _gas_line(section: PipeSection) -> _Line:
    start, end = (section.start.x_m, section.start.y_m), (section.end.x_m, section.end.y_m)
    corners = [start, end]
    if start[1] != end[1] and section.level is not PressureLevel.LOW:
        edge = 0.0 if start[0] + end[0] < COLUMNS * BLOCK_WIDTH_M else COLUMNS * BLOCK_WIDTH_M
        corners = [start, (edge, start[1]), (edge, end[1]), end]
    elif section.level is PressureLevel.LOW:
        corners = [start, (end[0], start[1]), end]
    return _Line(
        pipe_id=section.asset_id,
        medium=Medium.GAS,
        level=PipeLevel(section.level),
        corners=[_north(corner) for corner in corners],
        diameter_mm=_DIAMETER_MM[section.level],
    )


def _well(town: Town, index: int, gas: Sequence[_Line]) -> _Sign:
    """Return a well on the nearest pipe of its level: a valve lies on its pipe."""
    well = town.valve_wells[index]
    level = PipeLevel(well.level)
    place = _north((well.place.x_m, well.place.y_m))
    beside = [line for line in gas if line.level is level]
    on_pipe = min((_foot(place, line) for line in beside), key=lambda foot: math.dist(foot, place))
    return _Sign(
        point_id=well.asset_id,
        kind=PointKind.VALVE_WELL,
        medium=Medium.GAS,
        level=level,
        place=on_pipe,
        name=f"VW-{index + 1:03d}",
    )


def _foot(place: Point, line: _Line) -> Point:
    """Return the point of a line that is nearest to a place."""
    feet = [_foot_on(place, start, end) for start, end in pairwise(line.corners)]
    return min(feet, key=lambda foot: math.dist(foot, place))


def _foot_on(place: Point, start: Point, end: Point) -> Point:
    width, height = end[0] - start[0], end[1] - start[1]
    length = width * width + height * height
    share = 0.0
    if length:
        share = ((place[0] - start[0]) * width + (place[1] - start[1]) * height) / length
        share = min(max(share, 0.0), 1.0)
    return start[0] + share * width, start[1] + share * height


def _branches(town: Town, medium: Medium) -> Iterable[_Line]:
    places = sorted({(m.place.x_m, m.place.y_m) for m in town.meters if m.medium is medium})
    if not places:
        return
    main_x = round(COLUMNS / 2) * BLOCK_WIDTH_M + (6.0 if medium is Medium.HEAT else -6.0)
    levels: tuple[PipeLevel, ...] = (PipeLevel.MEDIUM,)
    if medium is Medium.HEAT:
        levels = (PipeLevel.SUPPLY, PipeLevel.RETURN)
    for number, level in enumerate(levels):
        off = 5.0 * number
        top, bottom = min(y for _, y in places) + off, max(y for _, y in places) + off
        name = f"{medium}-{level}"
        trunk = [_north((main_x + off, top)), _north((main_x + off, bottom))]
        yield _Line(
            pipe_id=f"{name}-main", medium=medium, level=level, corners=trunk, diameter_mm=300
        )
        for index, (x_m, y_m) in enumerate(places, start=1):
            corners = [_north((main_x + off, y_m + off)), _north((x_m, y_m + off))]
            branch = level if medium is Medium.HEAT else PipeLevel.LOW
            yield _Line(
                pipe_id=f"{name}-{index:03d}",
                medium=medium,
                level=branch,
                corners=corners,
                diameter_mm=100,
            )


def _shut_offs(lines: Iterable[_Line]) -> list[_Sign]:
    """Return a valve at the beginning of every branch."""
    return [
        _Sign(
            point_id=f"valve-{line.pipe_id}",
            kind=PointKind.VALVE,
            medium=line.medium,
            level=line.level,
            place=line.corners[0],
            name=f"{line.medium[0].upper()}{line.level[0].upper()}-{line.pipe_id[-3:]}",
        )
        for line in lines
        if not line.pipe_id.endswith("main")
    ]


def _closing(lines: Sequence[_Line], valves: Sequence[_Sign]) -> dict[str, list[str]]:
    """Return the valves that close each section: its own, else the nearest of its level."""
    found: dict[str, list[str]] = {}
    for line in lines:
        own = [each.point_id for each in valves if each.point_id == f"valve-{line.pipe_id}"]
        middle = line.corners[len(line.corners) // 2]
        fitting = [each for each in valves if each.medium is line.medium]
        same = [each for each in fitting if each.level is line.level] or fitting
        near = sorted(same, key=lambda each: math.dist(each.place, middle))
        found[line.pipe_id] = own or [each.point_id for each in near[:_CLOSING]]
    return found


def _area_of(place: Point) -> str:
    column = min(int(place[0] / BLOCK_WIDTH_M), COLUMNS - 1)
    row = min(int(place[1] / BLOCK_HEIGHT_M), ROWS - 1)
    return area_of_block(1 + row * COLUMNS + column)


def _earth(place: Point) -> list[JsonValue]:
    latitude, longitude = ORIGIN.to_earth(*place)
    return [longitude, latitude]


def _line_feature(line: _Line, closed_by: Sequence[str]) -> Mapping[str, JsonValue]:
    coordinates: list[JsonValue] = [_earth(corner) for corner in line.corners]
    properties: dict[str, JsonValue] = {
        "id": line.pipe_id,
        "area_id": _area_of(line.corners[len(line.corners) // 2]),
        "medium": str(line.medium),
        "level": str(line.level),
        "diameter_mm": line.diameter_mm,
        "closed_by": list(closed_by),
    }
    geometry = {"type": "LineString", "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _sign_feature(sign: _Sign) -> Mapping[str, JsonValue]:
    properties: dict[str, JsonValue] = {
        "id": sign.point_id,
        "area_id": _area_of(sign.place),
        "kind": str(sign.kind),
        "medium": str(sign.medium),
        "level": str(sign.level),
        "name": sign.name,
    }
    geometry: dict[str, JsonValue] = {"type": "Point", "coordinates": _earth(sign.place)}
    return {"type": "Feature", "geometry": geometry, "properties": properties}
