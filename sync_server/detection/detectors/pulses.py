"""Finds a register that moves in tens, hundreds or thousands of its steps: a wrong pulse value."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.candidates import CHECKS, Candidate, EvidenceValue
from sync_server.detection.columns import Floats
from sync_server.detection.fleet import Fleet
from sync_server.detection.history import HistoryState, HourBlock, mark_bad
from sync_server.detection.slots import Sum
from wire_contracts.kinds import Kind

RULE = "pulses"

FACTORS = np.array([10.0, 100.0, 1000.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseRule:
    """Parameters; docs/detectors.md#pulses says where each comes from.

    Attributes:
        threshold: Sum of the logarithms of how rare such advances are for this meter.
        keep: Weight of what was learned, per advance.
        usual_most: A meter whose advances are so round anyway is not judged.
        least: Advances before a meter is judged.
    """

    threshold: float = 24.0
    keep: float = 0.998
    usual_most: float = 0.5
    least: float = 200.0


@dataclass(slots=True, kw_only=True)
class PulseState:
    """By row: weighted advances, share of round ones by factor, the running surprise by factor."""

    count: Floats
    round_count: Floats
    surprise: Floats


def empty_pulses(count: int) -> PulseState:
    """Return the state before the first hour."""
    return PulseState(
        count=np.zeros(count), round_count=np.zeros((count, 3)), surprise=np.zeros((count, 3))
    )


def detect_pulses(
    fleet: Fleet, state: PulseState, history: HistoryState, block: HourBlock, rule: PulseRule
) -> Iterator[Candidate]:
    """Yield candidates for meters whose advances became round; hours without use say nothing."""
    step = np.nan_to_num(fleet.volume.resolution, nan=1.0)
    for hour in range(block.count):
        advance = np.round(block.sums[:, hour, Sum.VOLUME] / step)
        moved = (advance > 0) & (block.sums[:, hour, Sum.HOURS] < 1.5)  # noqa: PLR2004 -- one advance
        if not moved.any():
            continue
        is_round = (advance[:, None] % FACTORS == 0) & moved[:, None]
        share = (state.round_count + 1.0) / (state.count[:, None] + 10.0)
        surprise = np.where(is_round, state.surprise - np.log(share), 0.0)
        state.surprise = np.where(moved[:, None], surprise, state.surprise)
        over = (state.surprise >= rule.threshold) & (share < rule.usual_most) & is_round
        over &= (block.is_judged[:, hour] & (state.count >= rule.least))[:, None]
        for row in np.flatnonzero(over.any(axis=1)):
            which = int(np.flatnonzero(over[row])[-1])
            mark_bad(history, int(row), block.first + hour - 12, block.first + hour)
            told = (which, float(state.surprise[row, which]), rule.threshold)
            yield _candidate(fleet, block, (int(row), hour), told)
        learns = moved & ~(state.surprise > 0.5 * rule.threshold).any(axis=1)
        state.count = np.where(learns, state.count * rule.keep + 1.0, state.count)
        state.round_count = np.where(
            learns[:, None], state.round_count * rule.keep + is_round, state.round_count
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
        check_first=CHECKS[Kind.UNIT_SCALE],
    )
