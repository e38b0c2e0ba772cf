"""Decides how a fleet is cut so that each part can be judged without the others."""

from collections.abc import Sequence

import numpy as np

from sync_server.detection.meters.columns import Ints
from sync_server.detection.meters.fleet import Fleet

METERS_IN_PART = 200
"""Meters of a part: ten days of quarter-hours of theirs are 100 MB while they are read. A station
and what hangs behind it are never apart, so that a part may have more."""


def cut_fleet(fleet: Fleet, most: int = METERS_IN_PART) -> Sequence[Ints]:
    """Return the rows of each part, ascending; every row is in one part.

    Meters know of each other only by `Fleet.children` (RULINGS R18: one that is replayed alone has
    no peers). The cut follows from the fleet alone and never from who does the work.
    """
    parts: list[Ints] = []
    waiting: list[int] = []
    for group in _groups(fleet):
        if waiting and len(waiting) + len(group) > most:
            parts.append(np.array(sorted(waiting), dtype=np.int64))
            waiting = []
        waiting += group
    if waiting:
        parts.append(np.array(sorted(waiting), dtype=np.int64))
    return parts


def _groups(fleet: Fleet) -> Sequence[Sequence[int]]:
    """Return the rows that hang together, in the order of the first of each group."""
    head = list(range(len(fleet.specs)))

    def found(row: int) -> int:
        while head[row] != row:
            head[row] = head[head[row]]
            row = head[row]
        return row

    for station, children in fleet.children.items():
        for child in children:
            one, other = sorted((found(station), found(child)))
            head[other] = one
    groups: dict[int, list[int]] = {}
    for row in range(len(head)):
        groups.setdefault(found(row), []).append(row)
    return list(groups.values())
