"""Decides which sections lose the supply when valves are closed, and which places hang there."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wire_contracts.network import Pipe
from wire_contracts.quantities import Medium

REACH_M = 300.0
"""How far a home hangs from its section at most; judgement: courtyards of the demo end at 200 m."""

Spot = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedSections:
    """Sections that lose the supply, and those that keep it through another valve."""

    lost: frozenset[str]
    doubtful: frozenset[str]


def closed_sections(
    pipes: Sequence[Pipe], medium: Medium, valves: frozenset[str]
) -> ClosedSections:
    """Return what closing the valves does: lost when each valve of the section is closed."""
    own = [each for each in pipes if each.medium is medium and each.closed_by]
    lost = {each.pipe_id for each in own if set(each.closed_by) <= valves}
    touched = {each.pipe_id for each in own if set(each.closed_by) & valves}
    return ClosedSections(lost=frozenset(lost), doubtful=frozenset(touched - lost))


def hanging_there(
    pipes: Sequence[Pipe], medium: Medium, sections: frozenset[str], spots: Mapping[str, Spot]
) -> frozenset[str]:
    """Return the ids of the places whose nearest section of the medium is one of these."""
    own = [each for each in pipes if each.medium is medium and len(each.line_m) > 1]
    lines = [each.line_m for each in own if each.pipe_id in sections]
    if not lines:
        return frozenset()
    known: dict[Spot, bool] = {}
    found = set()
    for name, spot in spots.items():
        if spot not in known:
            known[spot] = _is_near(spot, lines) and _nearest(spot, own) in sections
        if known[spot]:
            found.add(name)
    return frozenset(found)


def _is_near(spot: Spot, lines: Sequence[Sequence[Spot]]) -> bool:
    return any(_distance_m(spot, line) <= REACH_M for line in lines)


def _nearest(spot: Spot, pipes: Sequence[Pipe]) -> str:
    return min(pipes, key=lambda each: (_distance_m(spot, each.line_m), each.pipe_id)).pipe_id


def _distance_m(spot: Spot, line: Sequence[Spot]) -> float:
    return min(_to_segment_m(spot, a, b) for a, b in pairwise(line))


def _to_segment_m(spot: Spot, a: Spot, b: Spot) -> float:
    along = (b[0] - a[0], b[1] - a[1])
    length2 = along[0] ** 2 + along[1] ** 2
    offset = (spot[0] - a[0], spot[1] - a[1])
    part = 0.0 if length2 == 0 else (offset[0] * along[0] + offset[1] * along[1]) / length2
    part = max(0.0, min(1.0, part))
    return math.hypot(offset[0] - part * along[0], offset[1] - part * along[1])
