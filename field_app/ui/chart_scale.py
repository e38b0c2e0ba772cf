"""Decides where the evidence chart puts its grid, its line and its band."""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

Pair = tuple[float, float]
"""x in 0..1 along the chart, and a value in the unit of the chart."""


def tick_values(top: float, wanted: int = 4) -> tuple[float, ...]:
    """Return round values from 0 up to the first one at or above `top`, about `wanted` steps.

    Steps are 1, 2, 2.5 or 5 times a power of ten. A top that is not positive gives (0, 1).
    """
    if not top > 0 or not math.isfinite(top):
        return (0.0, 1.0)
    raw = top / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(
        (factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9)),
        10 * power,
    )
    count = math.ceil(top / step - 1e-9)
    return tuple(step * index for index in range(count + 1))


def tick_text(value: float, step: float) -> str:
    """Return the tick as text with the decimals its step needs."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    if step > 0 and round(step, decimals) != step:
        decimals += 1
    return f"{value:,.{min(decimals, 6)}f}"


def stretches(
    points: Sequence[tuple[float, float | None]],
) -> tuple[tuple[Pair, ...], ...]:
    """Return the runs without a gap; a missing value separates two runs, it is never a zero."""
    runs = []
    for is_gap, group in groupby(points, key=lambda point: point[1] is None):
        if not is_gap:
            runs.append(tuple((x, y) for x, y in group if y is not None))
    return tuple(runs)


def thinned(run: Sequence[Pair], columns: int) -> tuple[Pair, ...]:
    """Return at most two points per column of the chart, the lowest and the highest, in order.

    A month of quarter hours has more points than the screen has pixels; peaks must stay.
    """
    if columns < 1 or len(run) <= 2 * columns:
        return tuple(run)
    first, last = run[0][0], run[-1][0]
    width = (last - first) / columns or 1.0
    kept: list[Pair] = []
    for _, group in groupby(run, key=lambda point: min(int((point[0] - first) / width), columns)):
        members = list(group)
        low, high = min(members, key=_value), max(members, key=_value)
        kept.extend(sorted({low, high}))
    return tuple(kept)


def _value(point: Pair) -> float:
    return point[1]


def clipped(run: Sequence[Pair], from_x: float, to_x: float) -> tuple[Pair, ...]:
    """Return the part of a run inside a window of x, cut at its edges by straight lines."""
    if len(run) == 1:
        return tuple(run) if from_x <= run[0][0] <= to_x else ()
    part: list[Pair] = []
    for start, end in pairwise(run):
        for edge in _cut(start, end, from_x, to_x):
            if not part or part[-1] != edge:
                part.append(edge)
    return tuple(part)


def _cut(start: Pair, end: Pair, from_x: float, to_x: float) -> tuple[Pair, ...]:
    low, high = max(start[0], from_x), min(end[0], to_x)
    if low > high or start[0] >= end[0]:
        return ()
    slope = (end[1] - start[1]) / (end[0] - start[0])
    return tuple(
        point if point[0] == x else (x, start[1] + slope * (x - start[0]))
        for point, x in ((start, low), (end, high))
    )
