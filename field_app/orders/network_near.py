"""Decides which pipes and valves of the map are near a place, and which valves close a section."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from wire_contracts.network import NetworkPart, NetworkPoint, Pipe, PointKind
from wire_contracts.orders import WorkOrderDocument

_NEAR = 6
"""Valves that are offered: the ones that close the nearest pipes, then the nearest."""

_NEAR_PIPES = 3

_VALVES = frozenset({PointKind.VALVE, PointKind.VALVE_WELL})


@dataclass(frozen=True, slots=True, kw_only=True)
class NearValve:
    """A valve of the map near an order; `is_closing` says that it closes the nearest pipe."""

    point: NetworkPoint
    distance_m: float
    is_closing: bool


def near_valves(parts: Sequence[NetworkPart], document: WorkOrderDocument) -> tuple[NearValve, ...]:
    """Return the valves of the order's medium: those that close the nearest pipes first."""
    site = document.site
    if site is None or site.x_m is None or site.y_m is None:
        return ()
    here = (site.x_m, site.y_m)
    medium = document.medium
    pipes = [pipe for part in parts for pipe in part.pipes if pipe.medium is medium]
    nearest = sorted(pipes, key=lambda pipe: distance_to_line(here, pipe))[:_NEAR_PIPES]
    closing = {valve for pipe in nearest for valve in pipe.closed_by}
    points = [
        NearValve(
            point=point,
            distance_m=math.dist(here, (point.x_m, point.y_m)),
            is_closing=point.point_id in closing,
        )
        for part in parts
        for point in part.points
        if point.medium is medium and point.kind in _VALVES
    ]
    points.sort(key=lambda each: (not each.is_closing, each.distance_m))
    return tuple(points[:_NEAR])


def distance_to_line(here: tuple[float, float], pipe: Pipe) -> float:
    """Return the metres from a place to a pipe; a pipe without corners is far away."""
    ends = list(pipe.line_m)
    if len(ends) == 1:
        return math.dist(here, ends[0])
    return min(
        (_to_segment(here, start, end) for start, end in pairwise(ends)),
        default=math.inf,
    )


def _to_segment(
    here: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> float:
    width, height = end[0] - start[0], end[1] - start[1]
    length = width * width + height * height
    if length == 0:
        return math.dist(here, start)
    share = ((here[0] - start[0]) * width + (here[1] - start[1]) * height) / length
    share = min(max(share, 0.0), 1.0)
    return math.dist(here, (start[0] + share * width, start[1] + share * height))
