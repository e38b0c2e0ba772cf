"""Decides the mean flow of each hour from the totaliser, and each night's lowest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sync_server.detection.meters.columns import Floats, Ints

HOUR_MS = 3_600_000

NIGHT_HOURS = (2, 3, 4)
"""02:00 to 05:00 local, the window of minimum night flow (UKWIR 99/WM/08/21 and its tools)."""

MIN_NIGHT_HOURS = 2
"""A night with fewer known hours is not judged and is no baseline."""

_LEAST_SPAN_MS = 40 * 60_000
"""Within one hour alone, readings must span this long to stand for it (15-minute readings: 45)."""

_LONGEST_STEP_MS = 130 * 60_000
"""METHODS 6.2: never interpolate across more than about two intervals for lowest flows."""

HourCell = tuple[str, int, str | None, int | None, float | None, int | None, float | None]
"""Meter, hour, totaliser, first instant and value, last instant and value."""


NO_EXCHANGES: Mapping[str, Sequence[int]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class HourGrid:
    """Flows of M meters in H consecutive hours; NaN where not known."""

    hours_ms: Ints
    flow_m3h: Floats


def flows_on_grid(
    cells: Iterable[HourCell],
    meter_ids: Sequence[str],
    first_hour_ms: int,
    hour_count: int,
    exchanges: Mapping[str, Sequence[int]] = NO_EXCHANGES,
) -> HourGrid:
    """Return the mean flow of each hour: the difference of totalisers over the true time between.

    An hour reaches from its first reading to the first reading of the next hour; when that is
    not there yet, to its own last reading, if they are far enough apart. A totaliser that went
    back, or changed its kind, gives no flow: that is another detector's business. Nor does a
    step in which the meter got another device: `exchanges` has the instants by meter.
    """
    row_of = {meter_id: index for index, meter_id in enumerate(meter_ids)}
    shape = (len(meter_ids), hour_count + 1)
    first_ms, first_m3 = np.full(shape, np.nan), np.full(shape, np.nan)
    last_ms, last_m3 = np.full(shape, np.nan), np.full(shape, np.nan)
    kind = np.zeros(shape, dtype=np.int8)
    kinds: dict[str, int] = {}
    for meter_id, hour_ms, quantity, at_ms, value, end_ms, end_value in cells:
        row = row_of.get(meter_id)
        column = (hour_ms - first_hour_ms) // HOUR_MS
        if row is None or quantity is None or at_ms is None or not 0 <= column <= hour_count:
            continue
        first_ms[row, column], first_m3[row, column] = at_ms, value
        last_ms[row, column], last_m3[row, column] = end_ms, end_value
        kind[row, column] = kinds.setdefault(quantity, len(kinds) + 1)
    across = _rate(first_ms[:, 1:], first_ms[:, :-1], first_m3[:, 1:], first_m3[:, :-1])
    elapsed_ms = first_ms[:, 1:] - first_ms[:, :-1]
    is_sound = (kind[:, 1:] == kind[:, :-1]) & (elapsed_ms <= _LONGEST_STEP_MS)
    within = _rate(last_ms[:, :-1], first_ms[:, :-1], last_m3[:, :-1], first_m3[:, :-1])
    spans = last_ms[:, :-1] - first_ms[:, :-1] >= _LEAST_SPAN_MS
    flow = np.where(is_sound, across, np.where(spans, within, np.nan))
    for meter_id, moments_ms in exchanges.items():
        if meter_id in row_of:
            row = row_of[meter_id]
            _cut(flow[row], first_ms[row], first_hour_ms, moments_ms)
    hours = first_hour_ms + HOUR_MS * np.arange(hour_count, dtype=np.int64)
    return HourGrid(hours_ms=hours, flow_m3h=flow)


def _cut(
    flow_m3h: Floats, first_ms: Floats, first_hour_ms: int, exchanges_ms: Sequence[int]
) -> None:
    """Forget the hours of one meter that reach from one device's reading to another's."""
    for exchanged_ms in exchanges_ms:
        column = (exchanged_ms - first_hour_ms) // HOUR_MS
        if 0 <= column < len(flow_m3h) and first_ms[column] < exchanged_ms:
            flow_m3h[column] = np.nan
        if 0 < column < len(first_ms) and first_ms[column] >= exchanged_ms:
            flow_m3h[column - 1] = np.nan


def _rate(to_ms: Floats, from_ms: Floats, to_m3: Floats, from_m3: Floats) -> Floats:
    elapsed_h = (to_ms - from_ms) / HOUR_MS
    used_m3 = to_m3 - from_m3
    is_known = (elapsed_h > 0) & (used_m3 >= 0)
    rate: Floats = np.full(elapsed_h.shape, np.nan)
    np.divide(used_m3, elapsed_h, out=rate, where=is_known)
    return rate


def night_minima(
    flow_m3h: Floats, local_hours: Ints, local_days: Ints, days: Ints
) -> tuple[Floats, Ints]:
    """Return the lowest flow of each night (M x D) and how many of its hours are known."""
    minima = np.full((flow_m3h.shape[0], len(days)), np.nan)
    counts = np.zeros((flow_m3h.shape[0], len(days)), dtype=np.int64)
    is_night = np.isin(local_hours, NIGHT_HOURS)
    for index, day in enumerate(days):
        night = flow_m3h[:, is_night & (local_days == day)]
        known = ~np.isnan(night)
        counts[:, index] = known.sum(axis=1)
        lowest = np.where(known, night, np.inf).min(axis=1, initial=np.inf)
        minima[:, index] = np.where(counts[:, index] > 0, lowest, np.nan)
    return minima, counts
