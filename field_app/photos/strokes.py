"""Decides what a signature on the glass looks like as a picture: smooth lines, black on white."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import hypot

WIDTH, HEIGHT = 1200, 480
"""Pixels of the picture: a signature of 10 cm at 300 dots per inch, 2 to 8 kB as PNG."""

PEN = 4
"""Radius of the pen in pixels."""

LEAST_LENGTH = 0.15
"""Share of the width that the lines must cover in all: a dot is no signature."""

_STEPS = 6
"""Points between two touches on the curve."""

Point = tuple[float, float]
"""0..1 from the left and from the top."""

Stroke = Sequence[Point]


def length(strokes: Iterable[Stroke]) -> float:
    """Return the length of all lines, as a share of the width."""
    return sum(
        hypot(right[0] - left[0], (right[1] - left[1]) * HEIGHT / WIDTH)
        for stroke in strokes
        for left, right in pairwise(stroke)
    )


def is_signature(strokes: Iterable[Stroke]) -> bool:
    """Return whether somebody has really written."""
    return length(strokes) >= LEAST_LENGTH


def smoothed(stroke: Stroke) -> list[Point]:
    """Return the stroke as a Catmull-Rom curve through its points: few touches, no corners."""
    if len(stroke) < 3:  # noqa: PLR2004 - a curve needs three
        return list(stroke)
    padded = [stroke[0], *stroke, stroke[-1]]
    curve: list[Point] = []
    for index in range(1, len(padded) - 2):
        before, start, end, after = padded[index - 1 : index + 3]
        for step in range(_STEPS):
            share = step / _STEPS
            curve.append(
                (
                    _between(before[0], start[0], end[0], after[0], share),
                    _between(before[1], start[1], end[1], after[1], share),
                )
            )
    return [*curve, stroke[-1]]


def _between(before: float, start: float, end: float, after: float, share: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * share
        + (2 * before - 5 * start + 4 * end - after) * share**2
        + (3 * start - before - 3 * end + after) * share**3
    )


def png_of(strokes: Iterable[Stroke]) -> bytes:
    """Return the strokes as a PNG of two colours (PNG specification, sections 11 and 12)."""
    rows = [bytearray(b"\xff" * WIDTH) for _ in range(HEIGHT)]
    for stroke in strokes:
        points = [(x * (WIDTH - 1), y * (HEIGHT - 1)) for x, y in smoothed(stroke)]
        for start, end in zip(points, points[1:] or points, strict=False):
            _draw(rows, start, end)
    packed = b"".join(b"\0" + _bits(row) for row in rows)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(packed, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in parts)


def _draw(rows: list[bytearray], start: Point, end: Point) -> None:
    """Draw one straight piece as discs of the pen."""
    steps = max(int(max(abs(end[0] - start[0]), abs(end[1] - start[1])) / 2), 1)
    for step in range(steps + 1):
        x = start[0] + (end[0] - start[0]) * step / steps
        y = start[1] + (end[1] - start[1]) * step / steps
        _dot(rows, round(x), round(y))


def _dot(rows: list[bytearray], x: int, y: int) -> None:
    for row in range(max(y - PEN, 0), min(y + PEN + 1, HEIGHT)):
        half = int((PEN**2 - (row - y) ** 2) ** 0.5)
        left, right = max(x - half, 0), min(x + half + 1, WIDTH)
        if left < right:
            rows[row][left:right] = b"\0" * (right - left)


def _bits(row: bytearray) -> bytes:
    """Return eight pixels per byte, the first one in the highest bit."""
    return int("".join("1" if pixel else "0" for pixel in row), 2).to_bytes(WIDTH // 8, "big")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
