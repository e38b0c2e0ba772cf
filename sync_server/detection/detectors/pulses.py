"""Finds a register that moves in steps that are not its own: a wrong pulse value or unit.

Tens, hundreds or thousands of its steps where single ones were usual; or parts of a step, which
the register cannot show: somebody divides or multiplies on the way.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.hours.history import (
    LONGEST_HOURLY_S,
    HistoryState,
    HourBlock,
    first_and_last,
    mark_bad,
    or_else,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.slots import HOUR_S, Sum
from wire_contracts.kinds import Kind

RULE = "pulses"

FACTORS = np.array([10.0, 100.0, 1000.0, 3.6])
"""Wrong pulse values, and kilowatt-hours taken for megajoules; multiples of 3.6 are rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseRule:
    """Parameters; docs/detectors.md#pulses says where each comes from.

    Attributes:
        threshold: Sum of the logarithms of how rare such advances are for this meter.
        keep: Weight of what was learned, per advance.
        usual_most: A meter whose advances are so round anyway is not judged.
        least: Advances before a meter is judged.
        whole_steps: Advances in whole steps, and none other, before parts of a step are odd.
        part_of_step: This far from a whole step, in steps, is a part of one.
        parts_needed: Advances in parts of a step that are needed.
    """

    threshold: float = 24.0
    threshold_daily: float = 13.0
    keep: float = 0.998
    usual_most: float = 0.5
    least: float = 200.0
    whole_steps: float = 60.0
    part_of_step: float = 0.05
    parts_needed: float = 2.0


@dataclass(slots=True, kw_only=True)
class PulseState:
    """By row.

    Attributes:
        count: Weighted advances of the days before today.
        round_count: Those that were round, by factor.
        today: Advances of today, all and round by factor.
        run: Round advances in a row, by factor.
        whole: Advances in whole steps since the last other one, of volume and of energy.
        parts: Advances in parts of a step, likewise.
    """

    count: Floats
    round_count: Floats
    today: Floats
    run: Floats
    whole: Floats
    parts: Floats


def empty_pulses(count: int) -> PulseState:
    """Return the state before the first hour."""
    return PulseState(
        count=np.zeros(count),
        round_count=np.zeros((count, len(FACTORS))),
        today=np.zeros((count, 1 + len(FACTORS))),
        run=np.zeros((count, len(FACTORS))),
        whole=np.zeros((count, 2)),
        parts=np.zeros((count, 2)),
    )


def detect_pulses(
    fleet: Fleet, state: PulseState, history: HistoryState, block: HourBlock, rule: PulseRule
) -> Iterator[Candidate]:
    """Yield candidates for meters whose advances became round; hours without use say nothing."""
    yield from _broken_steps(fleet, state, history, block, rule)
    step = or_else(fleet.volume.resolution, 1.0)
    advance = np.round(block.sums[:, :, Sum.VOLUME] / step[:, None])
    one_advance_h = _ONE_ADVANCE * np.maximum(fleet.interval_s / HOUR_S, 1.0)
    moved = (advance > 0) & (block.sums[:, :, Sum.HOURS] < one_advance_h[:, None])
    share = (state.round_count + 1.0) / (state.count[:, None] + 10.0)
    may = (share < rule.usual_most) & (state.count >= rule.least)[:, None]
    learns = np.ones(len(moved), dtype=np.bool_)
    state.today[:, 0] += moved.sum(axis=1)
    off = advance[:, None] - FACTORS[:, None] * np.round(advance[:, None] / FACTORS[:, None])
    is_round = moved[:, None] & (np.abs(off) <= HALF_STEP)
    state.today[:, 1:] += is_round.sum(axis=2)
    run = _runs(is_round, moved[:, None], state.run)
    state.run[:] = run[:, :, -1]
    surprise = -np.log(share)[:, :, None] * run
    learns &= surprise.max(axis=(1, 2)) <= 0.5 * rule.threshold
    is_daily = fleet.interval_s > LONGEST_HOURLY_S
    threshold = np.where(is_daily, rule.threshold_daily, rule.threshold)
    over = (surprise >= threshold[:, None, None]) & is_round & may[:, :, None]
    over &= block.is_judged[:, None]
    for which in np.flatnonzero(over.any(axis=(0, 2))).tolist():
        for row, hour in first_and_last(over[:, which]):
            mark_bad(history, row, block.first + hour - 12, block.first + hour)
            told = (which, float(surprise[row, which, hour]), float(threshold[row]))
            yield _candidate(fleet, block, (row, hour), told)
    state.today[~learns] = np.nan
    if block.ends_day:
        _learn(state, rule)


HALF_STEP = 0.5
_ONE_ADVANCE = 1.5
"""A slot whose advances cover no more than so many intervals (hours at least) holds one advance."""


def _runs(is_round: Flags, moved: Flags, carried: Floats) -> Floats:
    """Return M x F x K round advances in a row up to each hour; an hour without use breaks none."""
    number = np.cumsum(moved, axis=2)
    broken = np.maximum.accumulate(np.where(moved & ~is_round, number, 0), axis=2)
    runs: Floats = number - broken + np.where(broken == 0, carried[:, :, None], 0.0)
    return runs


def _learn(state: PulseState, rule: PulseRule) -> None:
    """Take in the day, unless it was odd."""
    today = or_else(state.today, 0.0)
    keep = rule.keep ** today[:, 0]
    state.count = state.count * keep + today[:, 0]
    state.round_count = state.round_count * keep[:, None] + today[:, 1:]
    state.today[:] = 0.0


def _broken_steps(
    fleet: Fleet, state: PulseState, history: HistoryState, block: HourBlock, rule: PulseRule
) -> Iterator[Candidate]:
    """Yield candidates for registers that show less than their own step."""
    resolutions = (fleet.volume.resolution, fleet.energy.resolution)
    for side, (part, step) in enumerate(zip((Sum.VOLUME, Sum.ENERGY), resolutions, strict=True)):
        advance = block.sums[:, :, part] / step[:, None]
        moved = advance > 0
        is_part = moved & (np.abs(advance - np.round(advance)) > rule.part_of_step)
        if not is_part.any():
            state.whole[:, side] += moved.sum(axis=1)
            state.parts[:, side] *= _FORGET_PARTS
            continue
        broken = is_part.any(axis=1)
        state.whole[:, side] += np.where(broken, 0, moved.sum(axis=1))
        for row in np.flatnonzero(broken):
            was_whole = state.whole[row, side] >= rule.whole_steps
            state.parts[row, side] = state.parts[row, side] * was_whole + is_part[row].sum()
            state.whole[row, side] *= was_whole * _FORGET_WHOLE
            places = np.flatnonzero(is_part[row] & block.is_judged[row])
            if was_whole and len(places) and state.parts[row, side] >= rule.parts_needed:
                hour = int(places[min(int(rule.parts_needed), len(places)) - 1])
                mark_bad(history, int(row), block.first + hour - 3, block.first + block.count)
                yield _part_candidate(fleet, block, (int(row), hour), float(advance[row, hour]))
        state.parts[:, side] *= np.where(broken, 1.0, _FORGET_PARTS)


_FORGET_PARTS = 0.9
_FORGET_WHOLE = 0.97
"""What a block without (with) parts of steps leaves of the count of such (of whole) advances."""


def _part_candidate(
    fleet: Fleet, block: HourBlock, place: tuple[int, int], steps: float
) -> Candidate:
    row, hour = place
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=Kind.UNIT_SCALE,
        rule=RULE,
        start_s=(block.first + hour - 3) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=2.0,
        statistic=steps,
        threshold=1.0,
        observed=steps,
        expected=float(round(steps)),
        expected_low=float(int(steps)),
        expected_high=float(int(steps) + 1),
        unit="steps of the register",
        evidence=(EvidenceValue(name="surprise", value=steps, unit="1"),),
    )


def _candidate(
    fleet: Fleet, block: HourBlock, place: tuple[int, int], found: tuple[int, float, float]
) -> Candidate:
    row, hour = place
    which, surprise, threshold = found
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=Kind.UNIT_SCALE,
        rule=RULE,
        start_s=(block.first + hour - 12) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=min(surprise / threshold, 3.0),
        statistic=surprise,
        threshold=threshold,
        observed=float(FACTORS[which]),
        expected=1.0,
        expected_low=1.0,
        expected_high=1.0,
        unit="common factor of advances",
        evidence=(EvidenceValue(name="surprise", value=surprise, unit="1"),),
    )
