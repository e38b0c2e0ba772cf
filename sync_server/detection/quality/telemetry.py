"""Decides whether a heat meter's register and its instantaneous values can both be true."""

from dataclasses import dataclass

import numpy as np

from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.quality.stamps import Col

SWAPPED_K = 1.0
"""Supply this much colder than return, with flow, is a swapped pair (METHODS 6.3)."""

FROZEN_READINGS = 4
SWAPPED_READINGS = 3
STUCK_READINGS = 3
"""Readings in a row (METHODS 6.3)."""

STUCK_STEPS = 5.0
"""A register is stuck when the flow would have moved it by so many of its steps (METHODS 6.3)."""

STUCK_LEAST_H = 3.0


@dataclass(slots=True, kw_only=True)
class TelemetryState:
    """By row: the newest values, and the runs of what cannot be.

    Attributes:
        newest: Flow, power, supply and return of the newest reading; NaN before the first.
        frozen: Readings in a row in which nothing changed although water flows.
        swapped: Readings in a row with the supply colder than the return.
        stuck: Readings in a row in which the registers stood although water flowed.
        stuck_litres: What flowed meanwhile, by the instantaneous flow.
        stuck_h: How long.
    """

    newest: Floats
    frozen: Floats
    swapped: Floats
    stuck: Floats
    stuck_litres: Floats
    stuck_h: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Plausibility:
    """N readings: the length of each run that the reading ends, 0 where it does not hold."""

    frozen: Floats
    swapped: Floats
    stuck: Floats
    stuck_litres: Floats
    stuck_h: Floats


def empty_telemetry(count: int) -> TelemetryState:
    """Return the state of meters that were never read."""
    return TelemetryState(
        newest=np.full((count, 4), np.nan),
        frozen=np.zeros(count),
        swapped=np.zeros(count),
        stuck=np.zeros(count),
        stuck_litres=np.zeros(count),
        stuck_h=np.zeros(count),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """N readings: what the registers advanced since the reading before; NaN where not known."""

    elapsed_h: Floats
    litres: Floats
    watt_hours: Floats


def settle_telemetry(
    state: TelemetryState, row: Ints, readings: Floats, progress: Progress
) -> Plausibility:
    """Return the runs of N readings in order of row and time; the state is updated in place."""
    values = readings[:, [Col.FLOW, Col.POWER, Col.SUPPLY, Col.RETURN]]
    is_first = np.ones(len(row), dtype=np.bool_)
    is_first[1:] = row[1:] != row[:-1]
    before = np.empty_like(values)
    before[1:] = values[:-1]
    before[is_first] = state.newest[row[is_first]]
    flow = values[:, 0]
    flows = flow > 0
    stands = (progress.litres <= 0) & flows
    is_frozen = (values == before).all(axis=1) & stands
    is_stuck = stands & (progress.watt_hours <= 0) & ~is_frozen
    is_swapped = flows & (values[:, 2] < values[:, 3] - SWAPPED_K)
    litres = np.nan_to_num(flow * progress.elapsed_h)
    hours = np.nan_to_num(progress.elapsed_h)
    ones = np.ones(len(row))
    runs = Plausibility(
        frozen=run_sums(is_frozen, ones, is_first, state.frozen[row]),
        swapped=run_sums(is_swapped, ones, is_first, state.swapped[row]),
        stuck=run_sums(is_stuck, ones, is_first, state.stuck[row]),
        stuck_litres=run_sums(is_stuck, litres, is_first, state.stuck_litres[row]),
        stuck_h=run_sums(is_stuck, hours, is_first, state.stuck_h[row]),
    )
    is_last = np.ones(len(row), dtype=np.bool_)
    is_last[:-1] = row[1:] != row[:-1]
    last = row[is_last]
    state.newest[last] = values[is_last]
    state.frozen[last], state.swapped[last] = runs.frozen[is_last], runs.swapped[is_last]
    state.stuck[last], state.stuck_h[last] = runs.stuck[is_last], runs.stuck_h[is_last]
    state.stuck_litres[last] = runs.stuck_litres[is_last]
    return runs


def run_sums(holds: Flags, amount: Floats, is_first: Flags, carried: Floats) -> Floats:
    """Return at each place the sum of `amount` over the unbroken run of `holds` that ends there.

    A run does not cross the first place of a row, but goes on from what the row carried.
    """
    places = np.arange(len(holds))
    first = np.maximum.accumulate(np.where(is_first, places, 0))
    broken = np.maximum.accumulate(np.where(holds, -1, places))
    total = np.concatenate([[0.0], np.cumsum(amount)])
    from_carry = broken < first
    start = np.where(from_carry, first, broken + 1)
    sums = total[places + 1] - total[start] + np.where(from_carry, carried, 0.0)
    run: Floats = np.where(holds, sums, 0.0)
    return run
