"""Finds a register that stands still for longer than this meter's use ever did."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.candidates import CHECKS, Candidate, EvidenceValue
from sync_server.detection.columns import Flags, Floats
from sync_server.detection.fleet import Fleet
from sync_server.detection.history import HistoryState, HourBlock, first_and_last, mark_bad
from sync_server.detection.slots import Sum
from wire_contracts.kinds import Kind

RULE = "standstill"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandstillRule:
    """Parameters; docs/detectors.md#standstill says where each comes from.

    Attributes:
        home_h: A home may stand empty for so long without a word.
        other_h: Another customer.
        network_h: A district never rests.
        beyond: Multiple of the longest standstill that was seen to end.
        surprise: And so improbable (log likelihood ratio) by the hours of the day.
        network_beyond: The multiple for a district's inflow.
    """

    home_h: float = 145.0
    other_h: float = 54.0
    network_h: float = 4.0
    beyond: float = 1.5
    surprise: float = 22.0
    network_beyond: float = 2.0


@dataclass(slots=True, kw_only=True)
class StandstillState:
    """By row: the running standstill in hours, its surprise, the longest that ended, hours seen."""

    run_h: Floats
    surprise: Floats
    longest_h: Floats
    seen_h: Floats


def empty_standstill(count: int) -> StandstillState:
    """Return the state before the first hour."""
    return StandstillState(
        run_h=np.zeros(count),
        surprise=np.zeros(count),
        longest_h=np.zeros(count),
        seen_h=np.zeros(count),
    )


def _limits(fleet: Fleet, rule: StandstillRule) -> tuple[Floats, Floats, Flags]:
    """Return by row the least standstill, the multiple of the longest, and who is judged."""
    others = np.maximum(rule.other_h, 3.0 * fleet.interval_s / 3600.0)
    base = np.where(fleet.is_home > 0, rule.home_h, others)
    base = np.where(fleet.is_inflow > 0, rule.network_h, base)
    beyond = np.where(fleet.is_inflow > 0, rule.network_beyond, rule.beyond)
    judged = np.zeros(len(base), dtype=np.bool_)
    judged[fleet.standing_rows] = True
    return base, beyond, judged


def detect_standstill(
    fleet: Fleet,
    state: StandstillState,
    history: HistoryState,
    block: HourBlock,
    rule: StandstillRule,
) -> Iterator[Candidate]:
    """Yield candidates for registers that stand; `block.rest_log` says how usual rest is."""
    base, beyond, judged = _limits(fleet, rule)
    hours = block.sums[:, :, Sum.HOURS]
    moves = block.sums[:, :, Sum.VOLUME] > 0
    score = np.zeros((len(fleet.specs), block.count))
    run, surprise = state.run_h, state.surprise
    runs = np.zeros_like(score)
    is_hourly = fleet.interval_s <= 3600  # noqa: PLR2004 -- an hour
    needs = is_hourly & (fleet.is_inflow == 0)
    for hour in range(block.count):
        known = hours[:, hour] > 0
        ended = known & moves[:, hour]
        state.longest_h = np.where(ended, np.maximum(state.longest_h, run), state.longest_h)
        run = np.where(ended, 0.0, run + hours[:, hour])
        log = np.nan_to_num(block.rest_log[:, hour])
        surprise = np.where(ended, 0.0, np.where(known, surprise - 0.5 * log, surprise))
        limit = np.maximum(base, beyond * state.longest_h)
        enough = ~needs | (surprise >= rule.surprise)
        score[:, hour] = np.where(known & enough & judged, run / limit, 0.0)
        runs[:, hour] = run
    state.run_h, state.surprise = run, surprise
    state.seen_h = state.seen_h + hours.sum(axis=1)
    flags = (score >= 1.0) & block.is_judged & (state.seen_h >= 24.0 * 40)[:, None]
    for row, hour in first_and_last(flags):
        slot = block.first + hour
        mark_bad(history, row, slot - int(runs[row, hour]), slot)
        yield _candidate(
            fleet, block, (row, hour), (float(runs[row, hour]), float(score[row, hour]))
        )
    if block.ends_day:
        state.longest_h *= 0.9985


def _candidate(
    fleet: Fleet, block: HourBlock, place: tuple[int, int], found: tuple[float, float]
) -> Candidate:
    row, hour = place
    run_h, score = found
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=Kind.STUCK,
        rule=RULE,
        start_s=int((block.first + hour - run_h) * 3600),
        at_s=int(block.received_s[row, hour]),
        score=min(score, 3.0),
        statistic=run_h,
        threshold=run_h / score,
        observed=run_h,
        expected=run_h / score,
        expected_low=0.0,
        expected_high=run_h / score,
        unit="h without any use",
        evidence=(EvidenceValue(name="standstill", value=run_h, unit="h"),),
        check_first=CHECKS[Kind.STUCK],
    )
