"""Decides how lines become triangles: one mesh per look, as wide as they are on the screen."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

Place = tuple[float, float]

MOST_QUADS = 8_000
"""Quads of one mesh: OpenGL ES 2 counts vertices with 16 bits, and a quad has four."""

_SMALLEST_M = 0.01


def quads(
    lines: Sequence[Sequence[Place]], half_width_m: float
) -> Iterator[tuple[list[float], list[int]]]:
    """Yield vertices (x, y, u, v) and indices of meshes that draw the lines.

    Every piece is a rectangle that is longer by half a width at both ends, so that corners close.
    """
    vertices: list[float] = []
    indices: list[int] = []
    for line in lines:
        for start, end in pairwise(line):
            corners = _corners(start, end, half_width_m)
            if corners is None:
                continue
            first = len(vertices) // 4
            vertices += corners
            indices += [first, first + 1, first + 2, first, first + 2, first + 3]
            if len(indices) >= MOST_QUADS * 6:
                yield vertices, indices
                vertices, indices = [], []
    if indices:
        yield vertices, indices


def _corners(start: Place, end: Place, half_m: float) -> list[float] | None:
    east, north = end[0] - start[0], end[1] - start[1]
    length = math.hypot(east, north)
    if length < _SMALLEST_M:
        return None
    along_x, along_y = east / length * half_m, north / length * half_m
    x0, y0 = start[0] - along_x, start[1] - along_y
    x1, y1 = end[0] + along_x, end[1] + along_y
    return [
        *(x0 - along_y, y0 + along_x, 0.0, 0.0),
        *(x1 - along_y, y1 + along_x, 0.0, 0.0),
        *(x1 + along_y, y1 - along_x, 0.0, 0.0),
        *(x0 + along_y, y0 - along_x, 0.0, 0.0),
    ]


def zoom_step(pixels_per_metre: float) -> int:
    """Return which step of the zoom this is; lines are meshed anew when it changes."""
    return round(math.log(max(pixels_per_metre, 1e-6), 1.35))


def step_zoom(step: int) -> float:
    """Return the pixels per metre for which the lines of a step are meshed."""
    return float(1.35**step)


def round_length_m(longest_m: float) -> float:
    """Return the longest of 1, 2 and 5 times a power of ten that is not longer, for the scale."""
    power = 10.0 ** math.floor(math.log10(max(longest_m, 1.0)))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= max(longest_m, 1.0))
