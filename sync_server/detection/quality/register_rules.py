"""Decides which candidates registers, clocks and lines give: data quality (pipeline A)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.registers import RegisterEvent
from sync_server.detection.quality.stamps import NEEDED, ClockShift, Col
from sync_server.detection.quality.telemetry import (
    FROZEN_READINGS,
    STUCK_LEAST_H,
    STUCK_READINGS,
    STUCK_STEPS,
    SWAPPED_READINGS,
    Plausibility,
)
from wire_contracts.kinds import Kind

SILENCE_LEAST_H = 26.0
SILENCE_INTERVALS = 2.6
"""A meter is silent after so many hours and reading intervals, the longer (METHODS 6.3)."""

MAINS_LEAST_H = 2.0
MAINS_INTERVALS = 3.0
"""The same of a meter that is fed from the mains (METHODS 6.3); two hours, so that a gateway that
is started anew is no alert."""

TOLD_EVERY = 24
"""A run that goes on is told again after so many readings, to hold its alert."""

_SURE: dict[Kind, float] = {
    Kind.ROLLOVER: 3.0,
    Kind.EXCHANGE: 2.0,
    Kind.UNIT_SCALE: 3.0,
    Kind.REVERSED: 1.6,
    Kind.COMM_FROZEN: 1.0,
}


def silence_limit_s(fleet: Fleet) -> Floats:
    """Return after how many seconds of silence each row's line counts as down."""
    battery = np.maximum(SILENCE_LEAST_H * 3600.0, SILENCE_INTERVALS * fleet.interval_s)
    mains = np.maximum(MAINS_LEAST_H * 3600.0, MAINS_INTERVALS * fleet.interval_s)
    limit: Floats = np.where(fleet.is_mains > 0, mains, battery)
    return limit


def clock_candidates(fleet: Fleet, shifts: Sequence[ClockShift]) -> Iterator[Candidate]:
    """Yield a candidate for each clock that differs, and again while it does."""
    for shift in shifts:
        if shift.run > NEEDED and shift.run % TOLD_EVERY:
            continue
        hours = -shift.lag_s / 3600.0
        yield Candidate(
            row=shift.row,
            meter_id=fleet.specs[shift.row].meter_id,
            kind=Kind.CLOCK_SHIFT,
            rule="stamps",
            start_s=int(shift.start_s),
            at_s=int(shift.at_s),
            score=2.0,
            statistic=abs(hours),
            threshold=0.4,
            observed=hours,
            expected=0.0,
            expected_low=-0.4,
            expected_high=0.2,
            unit="h",
            evidence=(EvidenceValue(name="regular_arrivals", value=shift.run, unit="1"),),
        )


def register_candidates(
    fleet: Fleet, events: Sequence[RegisterEvent], readings: Floats, unit: str
) -> Iterator[Candidate]:
    """Yield a candidate for each odd step; `unit` is m³ or kWh, registers are in thousandths."""
    for event in events:
        is_reversed = event.kind is Kind.REVERSED
        sure = _SURE[event.kind] + (0.2 * min(event.count, 5) if is_reversed else 0.0)
        yield Candidate(
            row=event.row,
            meter_id=fleet.specs[event.row].meter_id,
            kind=event.kind,
            rule="register",
            start_s=int(event.start_s),
            at_s=int(readings[event.index, Col.RECEIVED]),
            score=sure,
            statistic=(event.after - event.before) / 1000.0,
            threshold=0.0,
            observed=event.after / 1000.0,
            expected=event.before / 1000.0,
            expected_low=event.before / 1000.0,
            expected_high=event.before / 1000.0,
            unit=unit,
            evidence=(
                EvidenceValue(name="register_before", value=event.before / 1000.0, unit=unit),
                EvidenceValue(name="register_after", value=event.after / 1000.0, unit=unit),
                EvidenceValue(name="factor", value=event.factor, unit="1"),
                EvidenceValue(name="steps", value=event.count, unit="1"),
            ),
        )


def telemetry_candidates(
    fleet: Fleet, row: Ints, readings: Floats, runs: Plausibility
) -> Iterator[Candidate]:
    """Yield a candidate where a heat meter's values cannot all be true."""
    steps = np.nan_to_num(fleet.volume.resolution[row], nan=10.0)
    is_stuck = (runs.stuck >= STUCK_READINGS) & (runs.stuck_h >= STUCK_LEAST_H)
    is_stuck &= runs.stuck_litres > STUCK_STEPS * steps
    told = (
        (Kind.COMM_FROZEN, runs.frozen, runs.frozen >= FROZEN_READINGS),
        (Kind.REVERSED, runs.swapped, runs.swapped >= SWAPPED_READINGS),
        (Kind.STUCK, runs.stuck, is_stuck),
    )
    for kind, run, holds in told:
        for place in np.flatnonzero(holds):
            yield _telemetry(fleet, kind, int(row[place]), readings[place], float(run[place]))


def _telemetry(fleet: Fleet, kind: Kind, row: int, reading: Floats, run: float) -> Candidate:
    by_flow = kind is not Kind.REVERSED
    observed = reading[Col.FLOW] / 1000.0 if by_flow else reading[Col.SUPPLY]
    expected = 0.0 if by_flow else reading[Col.RETURN]
    interval_s = fleet.specs[row].interval_s
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=kind,
        rule="telemetry",
        start_s=int(reading[Col.MEASURED] - run * interval_s),
        at_s=int(reading[Col.RECEIVED]),
        score=1.5 + min(run / 24.0, 1.0) * 0.5,
        statistic=run,
        threshold=float(FROZEN_READINGS if kind is Kind.COMM_FROZEN else SWAPPED_READINGS),
        observed=float(observed),
        expected=float(expected),
        expected_low=float(expected),
        expected_high=float(expected),
        unit="m³/h" if by_flow else "degC",
        evidence=(EvidenceValue(name="readings_in_a_row", value=run, unit="1"),),
    )


def silence_candidates(
    fleet: Fleet,
    heard: tuple[Ints, Floats],
    state: tuple[Floats, Floats],
    now_s: int,
    deaf_s: tuple[int, int] = (0, 0),
) -> Iterator[Candidate]:
    """Yield a candidate for each silence that was too long, and one to hold it while it lasts.

    Args:
        fleet: The meters.
        heard: Rows and instants of the new arrivals, by row and time.
        state: By row: newest arrival before these, and the one whose silence was told (updated).
        now_s: The present.
        deaf_s: From when to when the server was away: such time is no meter's silence.
    """
    row, received_s = heard
    newest_s, told_s = state
    limit_s = silence_limit_s(fleet)
    before_s = np.empty(len(row))
    before_s[1:] = received_s[:-1]
    is_first = np.ones(len(row), dtype=np.bool_)
    is_first[1:] = row[1:] != row[:-1]
    before_s[is_first] = newest_s[row[is_first]]
    silent_s = received_s - before_s - _shared_s(before_s, received_s, deaf_s)
    is_silence = (before_s > 0) & (silent_s > limit_s[row])
    for place in np.flatnonzero(is_silence):
        silent_row, from_s = int(row[place]), float(before_s[place])
        away = float(received_s[place] - from_s - silent_s[place])
        if told_s[silent_row] != from_s:
            yield _silence(fleet, silent_row, from_s, from_s + limit_s[silent_row] + away)
        ended = _silence(fleet, silent_row, from_s, float(received_s[place]))
        yield replace(ended, is_raised=False)
    last_s = newest_s.copy()
    np.maximum.at(last_s, row, received_s)
    away_s = _shared_s(last_s, np.full(len(last_s), float(now_s)), deaf_s)
    for each in np.flatnonzero((last_s > 0) & (now_s - last_s - away_s > limit_s)):
        if told_s[each] != last_s[each]:
            at_s = float(last_s[each] + limit_s[each] + away_s[each])
            yield _silence(fleet, int(each), float(last_s[each]), at_s)
        told_s[each] = last_s[each]
        going_on = _silence(fleet, int(each), float(last_s[each]), float(now_s))
        yield replace(going_on, is_raised=False)


def _shared_s(from_s: Floats, to_s: Floats, span_s: tuple[int, int]) -> Floats:
    """Return how much of each stretch lies inside the span."""
    shared: Floats = np.minimum(to_s, span_s[1]) - np.maximum(from_s, span_s[0])
    return np.maximum(shared, 0.0)


def _silence(fleet: Fleet, row: int, last_s: float, at_s: float) -> Candidate:
    """Return the candidate of a row last heard at `last_s`."""
    limit_s = float(silence_limit_s(fleet)[row])
    interval_h = fleet.specs[row].interval_s / 3600.0
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=Kind.COMM_GAP,
        rule="silence",
        start_s=int(last_s),
        at_s=int(at_s),
        score=1.5,
        statistic=(at_s - last_s) / 3600.0,
        threshold=limit_s / 3600.0,
        observed=(at_s - last_s) / 3600.0,
        expected=interval_h,
        expected_low=0.0,
        expected_high=limit_s / 3600.0,
        unit="h",
    )
