"""Decides which pieces of the network lie under the sketch of a route."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from wire_contracts.network import NetworkPart, Pipe, Plane

Spot = tuple[float, float]
"""Where on the sketch: 0..1 from the west and from the south."""

EDGE: Final = 2.0
"""How far beyond the outermost stops pipes are told, as a share of the route's own size: the
screen round a narrow route is wider than it."""

MOST_PIECES: Final = 120
"""Pieces that a frame draws; a route of a day crosses some dozens of pipes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchPipe:
    """One straight piece of a pipe in the colour of its medium."""

    tone: str
    start: Spot
    end: Spot


def pipes_under(
    parts: Sequence[NetworkPart],
    spot_of: Callable[[float, float], Spot],
    tone_of: Callable[[Pipe], str],
) -> tuple[SketchPipe, ...]:
    """Return the pieces that are on the sketch; `spot_of` takes latitude and longitude."""
    found: list[SketchPipe] = []
    for part in parts:
        for pipe in part.pipes:
            for start, end in _pieces(pipe, part.plane, spot_of):
                found.append(SketchPipe(tone=tone_of(pipe), start=start, end=end))
                if len(found) >= MOST_PIECES:
                    return tuple(found)
    return tuple(found)


def _pieces(
    pipe: Pipe, plane: Plane, spot_of: Callable[[float, float], Spot]
) -> Iterator[tuple[Spot, Spot]]:
    spots = [spot_of(*plane.to_earth(*corner)) for corner in pipe.line_m]
    for start, end in pairwise(spots):
        piece = clipped(start, end)
        if piece is not None:
            yield piece


def clipped(start: Spot, end: Spot) -> tuple[Spot, Spot] | None:
    """Return the part of a line that is on the sketch, None when none of it is (Liang-Barsky)."""
    low, high = 0.0, 1.0
    for axis in (0, 1):
        step = end[axis] - start[axis]
        before, behind = -EDGE - start[axis], 1 + EDGE - start[axis]
        if step == 0:
            if before > 0 or behind < 0:
                return None
            continue
        enters, leaves = sorted((before / step, behind / step))
        low, high = max(low, enters), min(high, leaves)
    if low >= high:
        return None
    return _at(start, end, low), _at(start, end, high)


def _at(start: Spot, end: Spot, share: float) -> Spot:
    return (
        start[0] + (end[0] - start[0]) * share,
        start[1] + (end[1] - start[1]) * share,
    )
