"""The shape of a course as one small path: its own scale, no numbers.

A desk shows hundreds: whole numbers, each relative to the one before, are a third of the bytes.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wire_contracts.evidence import ChartPoint
from wire_contracts.frames import ms_from_utc

WIDTH = 144
HEIGHT = 56
"""The box of the paths; it is drawn at half the size, so a whole number is half a pixel."""

_MARGIN = 6
_STEPS = 36
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """Two SVG paths and a band.

    Attributes:
        measured: Path of the course up to where the rule looked; empty when nothing was measured.
        looked_at: Path of the stretch that the rule looked at, from there on, drawn in red.
        band: y and height of the expected band, or None.
    """

    measured: str
    looked_at: str
    band: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A course as columns of equal length: milliseconds since 1970 UTC, values, expected band."""

    times_ms: Sequence[int]
    observed: Sequence[float | None]
    low: Sequence[float | None]
    high: Sequence[float | None]


def thin(values: Sequence[float | None], steps: int = _STEPS) -> list[float | None]:
    """Return at most `steps` values, each the mean of its share; a share without any is a gap."""
    if len(values) <= steps:
        return list(values)
    shares = (
        values[index * len(values) // steps : (index + 1) * len(values) // steps]
        for index in range(steps)
    )
    return [_mean(share) for share in shares]


def _mean(share: Sequence[float | None]) -> float | None:
    present = [value for value in share if value is not None]
    return sum(present) / len(present) if present else None


def _spots(values: Sequence[float | None], low: float, high: float) -> list[tuple[int, int] | None]:
    step = WIDTH / max(1, len(values) - 1)
    scale = (HEIGHT - 2 * _MARGIN) / (high - low)
    return [
        None
        if value is None
        else (round(index * step), round(HEIGHT - _MARGIN - (value - low) * scale))
        for index, value in enumerate(values)
    ]


def _path(spots: Sequence[tuple[int, int] | None]) -> str:
    """Return the path through the spots, broken at each gap: `M0 40l4-3 4 1M20 9l4 2`."""
    parts: list[str] = []
    before: tuple[int, int] | None = None
    is_first_step = True
    for spot in spots:
        if spot is not None and before is None:
            parts.append(f"M{spot[0]} {spot[1]}")
            is_first_step = True
        elif spot is not None and before is not None:
            across, down = spot[0] - before[0], spot[1] - before[1]
            parts.append(f"{'l' if is_first_step else ' '}{across}{'' if down < 0 else ' '}{down}")
            is_first_step = False
        before = spot
    return "".join(parts)


def _band(columns: Columns, low: float, high: float) -> tuple[int, int] | None:
    floor, ceiling = _mean(columns.low), _mean(columns.high)
    if floor is None or ceiling is None:
        return None
    scale = (HEIGHT - 2 * _MARGIN) / (high - low)
    top = max(0.0, HEIGHT - _MARGIN - (ceiling - low) * scale)
    bottom = min(float(HEIGHT), HEIGHT - _MARGIN - (floor - low) * scale)
    is_seen = bottom > 0 and top < HEIGHT
    return (round(top), max(4, round(bottom - top))) if is_seen else None


def _newest(columns: Columns, rule_from_ms: int) -> Columns:
    if not columns.times_ms:
        return columns
    from_ms = min(columns.times_ms[-1] - 2 * _DAY_MS, rule_from_ms - _DAY_MS)
    first = bisect_left(columns.times_ms, from_ms)
    return Columns(
        times_ms=columns.times_ms[first:],
        observed=columns.observed[first:],
        low=columns.low[first:],
        high=columns.high[first:],
    )


def draw(points: Sequence[ChartPoint], rule_from_utc: datetime) -> Sparkline:
    """Return the sparkline of a chart; red from `rule_from_utc` on."""
    columns = Columns(
        times_ms=[ms_from_utc(point.at_utc) for point in points],
        observed=[point.observed for point in points],
        low=[point.expected_low for point in points],
        high=[point.expected_high for point in points],
    )
    return draw_columns(columns, ms_from_utc(rule_from_utc))


def draw_columns(columns: Columns, rule_from_ms: int) -> Sparkline:
    """Return the sparkline of a chart that is kept as columns, its times ascending.

    It shows the last two days, and more when the rule looked further back: of a week's chart a
    night's stretch would be less than a pixel.
    """
    columns = _newest(columns, rule_from_ms)
    values = thin(columns.observed)
    present = [value for value in values if value is not None]
    if not present:
        return Sparkline(measured="", looked_at="", band=None)
    low, high = min(present), max(present)
    high = high if high > low else low + 1
    before = bisect_left(columns.times_ms, rule_from_ms)
    first = before * len(values) // max(1, len(columns.times_ms))
    spots = _spots(values, low, high)
    return Sparkline(
        measured=_path(spots[: first + 1]),
        looked_at=_path(spots[first:]),
        band=_band(columns, low, high),
    )
