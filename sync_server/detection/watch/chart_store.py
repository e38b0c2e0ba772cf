"""Owns how stored readings become the chart of an alert."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, select

from sync_server.db.reading_tables import READING
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats, Ints
from sync_server.detection.telling.explain_candidate import charted_quantity, unit_of
from sync_server.detection.telling.wording import unit_words
from wire_contracts.evidence import ChartPoint
from wire_contracts.frames import utc_from_ms
from wire_contracts.quantities import Medium, Quantity

SHOWN_MS = 7 * 86_400_000
"""The chart begins a week before the abnormal state (METHODS 6.6: start - 7 d to now)."""

_LEARNT_MS = 28 * 86_400_000
_LONGEST_MS = 35 * 86_400_000
"""A state that began earlier is charted from here on: the chart must stay readable."""

_MOST_POINTS = 700
_LEAST_SAMPLES = 5
_BAND = (5, 95)
_HOUR_MS = 3_600_000

_TOTALISERS = {
    Quantity.FLOW_M3H: (Quantity.VOLUME_M3,),
    Quantity.POWER_KW: (Quantity.ENERGY_KWH,),
    Quantity.FLOW_ACTUAL_M3H: (Quantity.VOLUME_BASE_M3, Quantity.VOLUME_ACTUAL_M3),
    Quantity.VOLUME_ACTUAL_M3: (Quantity.VOLUME_BASE_M3, Quantity.VOLUME_ACTUAL_M3),
}
"""A rate is charted from the totaliser: base and measuring conditions are never mixed."""

_RATES = frozenset({Quantity.FLOW_M3H, Quantity.FLOW_ACTUAL_M3H, Quantity.POWER_KW})


def chart_of(connection: Connection, candidate: Candidate, medium: Medium) -> Sequence[ChartPoint]:
    """Return the series with what was expected, from a week before the start to the newest."""
    quantity = charted_quantity(candidate, medium)
    to_ms = candidate.at_s * 1000
    start_ms = max(min(candidate.start_s * 1000, to_ms), to_ms - _LONGEST_MS)
    at_ms, values = _series(
        connection, candidate.meter_id, quantity, (start_ms - SHOWN_MS - _LEARNT_MS, to_ms)
    )
    low, high = _band(candidate, quantity, at_ms, values)
    shown = np.flatnonzero(at_ms >= start_ms - SHOWN_MS)
    step = max(1, -(-len(shown) // _MOST_POINTS))
    return tuple(
        ChartPoint(
            at_utc=utc_from_ms(int(at_ms[at])),
            observed=_known(float(values[at])),
            expected_low=_known(float(low[at])),
            expected_high=_known(float(high[at])),
        )
        for at in shown[::step].tolist()
    )


def _series(
    connection: Connection, meter_id: str, quantity: Quantity, span_ms: tuple[int, int]
) -> tuple[Ints, Floats]:
    names = _TOTALISERS.get(quantity, (quantity,))
    rows = connection.execute(
        select(READING.c.measured_at_ms, *(READING.c[str(name)] for name in names))
        .where(
            READING.c.meter_id == meter_id,
            READING.c.measured_at_ms >= span_ms[0],
            READING.c.measured_at_ms <= span_ms[1],
        )
        .order_by(READING.c.measured_at_ms)
    ).all()
    columns = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(len(rows), -1)
    if not len(columns):
        return np.empty(0, dtype=np.int64), np.empty(0)
    known = [column for column in columns.T[1:] if not np.isnan(column).all()]
    values = known[0] if known else columns[:, 1]
    is_known = ~np.isnan(values)
    at_ms, values = columns[is_known, 0].astype(np.int64), values[is_known]
    if quantity not in _RATES:
        return at_ms, values
    elapsed_h = np.diff(at_ms) / _HOUR_MS
    used_m3 = np.diff(values)
    flow = np.where((used_m3 >= 0) & (elapsed_h > 0), used_m3 / np.maximum(elapsed_h, 1e-9), np.nan)
    return at_ms[1:], flow


def _band(
    candidate: Candidate, quantity: Quantity, at_ms: Ints, values: Floats
) -> tuple[Floats, Floats]:
    """Return what was expected: the rule's own ends, or what this hour of day saw before."""
    low, high = np.full(len(at_ms), np.nan), np.full(len(at_ms), np.nan)
    is_after = at_ms >= candidate.start_s * 1000
    if unit_words(candidate.unit).unit == unit_of(quantity):
        low[is_after], high[is_after] = candidate.expected_low, candidate.expected_high
    if quantity not in _RATES:
        return low, high
    hour = (at_ms // _HOUR_MS) % 24
    for each in np.unique(hour):
        is_hour = hour == each
        learnt = values[is_hour & ~is_after]
        learnt = learnt[~np.isnan(learnt)]
        if len(learnt) >= _LEAST_SAMPLES:
            low[is_hour], high[is_hour] = np.percentile(learnt, _BAND)
    return low, high


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
