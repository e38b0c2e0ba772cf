"""Decides at which true time each reading was taken, and says when a meter's clock is wrong.

A meter that is asked every hour answers with its own stamp. A stamp ahead of the server's clock
cannot be; a stamp behind it is either a reading that was kept somewhere (it comes in a burst) or
a slow clock (it comes as regularly as ever). Three regular arrivals with one and the same
difference are a shifted clock; until then such readings wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from sync_server.detection.meters.columns import Flags, Floats, Ints

AHEAD_S = 600.0
"""A stamp further ahead of the server's clock than this is wrong (METHODS 6.3: 10 minutes)."""

BEHIND_S = 1500.0
"""A stamp further behind than this is kept back or wrong (METHODS 6.3: 25 minutes)."""

SAME_S = 900.0
"""Differences within a quarter of an hour are the same difference (METHODS 6.3)."""

NEEDED = 3
"""Regular arrivals with the same difference that make a shifted clock (METHODS 6.3)."""

REGULAR_INTERVALS = (0.4, 2.6)
"""Spacing of arrivals, in reading intervals, that is no burst (METHODS 6.3)."""

ON_THE_WAY_S = 20.0
"""Usual time from meter to server; what a corrected stamp is set back by."""


class Col(IntEnum):
    """Columns of the matrix of readings, in seconds, litres, watt-hours, litres an hour, degC."""

    MEASURED = 0
    RECEIVED = 1
    VOLUME = 2
    ENERGY = 3
    FLOW = 4
    POWER = 5
    SUPPLY = 6
    RETURN = 7
    INFO = 8
    CORRECTED = 9


@dataclass(slots=True, kw_only=True)
class StampState:
    """By row: the newest arrival and the run of differing stamps.

    Attributes:
        received_s: The newest arrival; 0 before the first.
        run: Arrivals in the run.
        run_lag_s: The run's difference, server minus stamp.
        run_from_s: Arrival that began the run.
        waiting: Readings of the run that wait until it is long enough; NaN where none does.
    """

    received_s: Floats
    run: Floats
    run_lag_s: Floats
    run_from_s: Floats
    waiting: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockShift:
    """A row's clock differs by `lag_s` (server minus stamp) since `start_s`, known at `at_s`."""

    row: int
    start_s: float
    at_s: float
    lag_s: float
    run: int


def empty_stamps(count: int) -> StampState:
    """Return the state of meters that were never heard of."""
    return StampState(
        received_s=np.zeros(count),
        run=np.zeros(count),
        run_lag_s=np.zeros(count),
        run_from_s=np.zeros(count),
        waiting=np.full((count, NEEDED - 1, len(Col)), np.nan),
    )


def settle_stamps(
    state: StampState, interval_s: Ints, row: Ints, readings: Floats
) -> tuple[Ints, Floats, Sequence[ClockShift]]:
    """Return rows and readings with true times in order of row and time, and clocks that differ.

    Args:
        state: Updated in place.
        interval_s: Reading interval of each row of the fleet.
        row: N rows.
        readings: N x `Col`, in any order; duplicates are dropped.
    """
    order = _order(row, readings[:, Col.RECEIVED], readings[:, Col.MEASURED])
    row, readings = row[order], readings[order]
    lag_s = readings[:, Col.RECEIVED] - readings[:, Col.MEASURED]
    is_odd = (lag_s < -AHEAD_S) | (lag_s > BEHIND_S) | (state.run[row] > 0)
    shifts: list[ClockShift] = []
    if is_odd.any():
        odd_rows = np.unique(row[is_odd])
        is_odd = np.isin(row, odd_rows)
        pieces_row, pieces = [row[~is_odd]], [readings[~is_odd]]
        for each in odd_rows:
            settled = _settle_row(state, interval_s, int(each), readings[row == each], shifts)
            pieces.append(settled)
            pieces_row.append(np.full(len(settled), each, dtype=row.dtype))
        _heard(state, row[~is_odd], readings[~is_odd])
        row, readings = np.concatenate(pieces_row), np.concatenate(pieces)
    else:
        _heard(state, row, readings)
    same, step = np.diff(row) == 0, np.diff(readings[:, Col.MEASURED])
    if ((step <= 0) & same).any() or (np.diff(row) < 0).any():
        order = np.lexsort((readings[:, Col.RECEIVED], readings[:, Col.MEASURED], row))
        row, readings = row[order], readings[order]
    is_first = _differs(row, readings[:, Col.MEASURED])
    return row[is_first], readings[is_first], shifts


def _order(row: Ints, first_s: Floats, then_s: Floats) -> Ints:
    """Return the order by row and these two instants; one sort where no two are alike."""
    if not len(row):
        return np.zeros(0, dtype=np.int64)
    since_s = (first_s - first_s.min()).astype(np.int64)
    key = row * (since_s.max() + 1) + since_s
    order: Ints = np.argsort(key)
    if (np.diff(key[order]) == 0).any():
        return np.lexsort((then_s, first_s, row))
    return order


def _differs(row: Ints, measured_s: Floats) -> Flags:
    is_first = np.ones(len(row), dtype=np.bool_)
    is_first[1:] = (row[1:] != row[:-1]) | (measured_s[1:] != measured_s[:-1])
    return is_first


def _heard(state: StampState, row: Ints, readings: Floats) -> None:
    np.maximum.at(state.received_s, row, readings[:, Col.RECEIVED])


def _settle_row(
    state: StampState,
    interval_s: Ints,
    row: int,
    readings: Floats,
    shifts: list[ClockShift],
) -> Floats:
    """Return one row's readings with true times; those that must wait are kept in the state."""
    settled: list[Floats] = []
    for reading in readings:
        settled.extend(_settle_one(state, float(interval_s[row]), row, reading, shifts))
        state.received_s[row] = max(state.received_s[row], reading[Col.RECEIVED])
    return np.array(settled).reshape(-1, len(Col))


def _settle_one(
    state: StampState, interval_s: float, row: int, reading: Floats, shifts: list[ClockShift]
) -> Sequence[Floats]:
    received_s = float(reading[Col.RECEIVED])
    lag_s = received_s - float(reading[Col.MEASURED])
    spacing = (received_s - float(state.received_s[row])) / interval_s
    is_regular = REGULAR_INTERVALS[0] < spacing < REGULAR_INTERVALS[1]
    is_same = state.run[row] > 0 and abs(lag_s - state.run_lag_s[row]) < SAME_S
    if lag_s < -AHEAD_S or (lag_s > BEHIND_S and is_regular):
        if not is_same:
            freed = _end_run(state, row)
            state.run_lag_s[row], state.run_from_s[row] = lag_s, received_s
        else:
            freed = []
        state.run[row] += is_regular or state.run[row] == 0
        return [*freed, *_in_run(state, row, reading, shifts)]
    if is_same and not is_regular:
        return _in_run(state, row, reading, shifts)
    return [*_end_run(state, row), reading]


def _in_run(
    state: StampState, row: int, reading: Floats, shifts: list[ClockShift]
) -> Sequence[Floats]:
    run, lag_s = int(state.run[row]), float(state.run_lag_s[row])
    if lag_s > 0 and run < NEEDED:
        free = np.flatnonzero(np.isnan(state.waiting[row, :, Col.MEASURED]))
        if len(free):
            state.waiting[row, free[0]] = reading
            return []
        return [reading]
    if run >= NEEDED:
        start_s, at_s = float(state.run_from_s[row]), float(reading[Col.RECEIVED])
        shifts.append(ClockShift(row=row, start_s=start_s, at_s=at_s, lag_s=lag_s, run=run))
    return [_corrected(each) for each in [*_freed(state, row), reading]]


def _corrected(reading: Floats) -> Floats:
    mended = reading.copy()
    mended[Col.MEASURED] = reading[Col.RECEIVED] - ON_THE_WAY_S
    mended[Col.CORRECTED] = 1.0
    return mended


def _freed(state: StampState, row: int) -> list[Floats]:
    waiting = state.waiting[row]
    freed = [each.copy() for each in waiting[~np.isnan(waiting[:, Col.MEASURED])]]
    state.waiting[row] = np.nan
    return freed


def _end_run(state: StampState, row: int) -> list[Floats]:
    state.run[row] = 0
    return _freed(state, row)
