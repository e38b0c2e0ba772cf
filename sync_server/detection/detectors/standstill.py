"""Finds a register that stands still for longer than this meter's use ever did.

One that makes up for its standstill in a single step did not stand: its payload was frozen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.hours.history import (
    HistoryState,
    HourBlock,
    first_and_last,
    mark_bad,
    or_else,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.slots import Sum
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
        caught_least_h: A standstill this long may have been a frozen payload.
        caught_surprise: And so improbable.
        caught_beyond: The step that ends it, in multiples of the highest hour ever.
        caught_share: And the share of what is usually used in such a time, at least and at most.
    """

    home_h: float = 145.0
    other_h: float = 54.0
    network_h: float = 4.0
    beyond: float = 1.5
    surprise: float = 22.0
    network_beyond: float = 2.0
    caught_least_h: float = 20.0
    caught_surprise: float = 10.0
    caught_beyond: float = 1.2
    caught_share: tuple[float, float] = (0.35, 3.0)


@dataclass(slots=True, kw_only=True)
class StandstillState:
    """By row.

    Attributes:
        run_h: The running standstill, in hours.
        surprise: How improbable it is.
        longest_h: The longest that ended by itself, fading.
        seen_h: Hours seen.
        peak: The highest advance of one hour on the days before today, fading.
        usual: Mean advance in an hour of the last weeks.
        today: The highest advance of one hour today, advance and hours of today.
    """

    run_h: Floats
    surprise: Floats
    longest_h: Floats
    seen_h: Floats
    peak: Floats
    usual: Floats
    today: Floats


def empty_standstill(count: int) -> StandstillState:
    """Return the state before the first hour."""
    return StandstillState(
        run_h=np.zeros(count),
        surprise=np.zeros(count),
        longest_h=np.zeros(count),
        seen_h=np.zeros(count),
        peak=np.zeros(count),
        usual=np.zeros(count),
        today=np.zeros((count, 3)),
    )


def _limits(fleet: Fleet, rows: Ints, rule: StandstillRule) -> tuple[Floats, Floats]:
    """Return the least standstill of each of these rows, and the multiple of the longest."""
    others = np.maximum(rule.other_h, 3.0 * fleet.interval_s[rows] / 3600.0)
    base = np.where(fleet.is_home[rows] > 0, rule.home_h, others)
    is_inflow = fleet.is_inflow[rows] > 0
    base = np.where(is_inflow, rule.network_h, base)
    return base, np.where(is_inflow, rule.network_beyond, rule.beyond)


def detect_standstill(
    fleet: Fleet,
    state: StandstillState,
    history: HistoryState,
    block: HourBlock,
    rule: StandstillRule,
) -> Iterator[Candidate]:
    """Yield candidates for registers that stand; `block.rest_log` says how usual rest is."""
    rows = fleet.standing_rows
    if not len(rows):
        return
    hours, volume = block.sums[rows, :, Sum.HOURS], block.sums[rows, :, Sum.VOLUME]
    known = hours > 0
    ended = known & (volume > 0)
    rest = np.where(known, -0.5 * or_else(block.rest_log[rows], 0.0), 0.0)
    run = _since_end(hours, ended, state.run_h[rows])
    surprise = _since_end(rest, ended, state.surprise[rows])
    stood = np.concatenate([state.run_h[rows, None], run[:, :-1]], axis=1)
    stood_surprise = np.concatenate([state.surprise[rows, None], surprise[:, :-1]], axis=1)
    longest = np.maximum.accumulate(np.where(ended, stood, 0.0), axis=1)
    longest = np.maximum(longest, state.longest_h[rows, None])
    base, beyond = _limits(fleet, rows, rule)
    limit = np.maximum(base[:, None], beyond[:, None] * longest)
    needs = (fleet.interval_s[rows] <= _HOURLY_S) & (fleet.is_inflow[rows] == 0)
    enough = ~needs[:, None] | (surprise >= rule.surprise)
    score = np.where(known & enough, run / limit, 0.0)
    caught = _makes_up(state, rows, (stood, stood_surprise), (hours, volume), rule)
    state.run_h[rows], state.surprise[rows] = run[:, -1], surprise[:, -1]
    state.longest_h[rows] = longest[:, -1]
    state.seen_h[rows] += hours.sum(axis=1)
    may = block.is_judged[rows] & (state.seen_h[rows] >= _WARM_H)[:, None]
    for place, hour in first_and_last((score >= 1.0) & may):
        row, slot = int(rows[place]), block.first + hour
        mark_bad(history, row, slot - int(run[place, hour]), slot)
        found = (float(run[place, hour]), float(score[place, hour]))
        yield _candidate(fleet, block, (row, hour), found)
    for place, hour in first_and_last(caught & may):
        row, slot, stood_h = int(rows[place]), block.first + hour, float(stood[place, hour])
        mark_bad(history, row, slot - int(stood_h), slot)
        yield _frozen(fleet, block, (row, hour), stood_h, float(state.usual[row]))
    _follow(state, rows, hours, np.where(caught, 0.0, volume))
    if block.ends_day:
        _learn(state)


_HOURLY_S = 3600
_WARM_H = 24.0 * 40
_SPOT_H = 2.5
"""Two readings no further apart than this, in hours: the step between them is one of use."""

_USUAL_H = 24.0 * 30
_FADE = 0.9985


def _since_end(amount: Floats, ended: Flags, carried: Floats) -> Floats:
    """Return rows x hours: sum of `amount` since the last hour that ended a standstill."""
    total = np.cumsum(np.where(ended, 0.0, amount), axis=1)
    at_end = np.maximum.accumulate(np.where(ended, total, 0.0), axis=1)
    has_ended = np.logical_or.accumulate(ended, axis=1)
    since: Floats = total - np.where(has_ended, at_end, -carried[:, None])
    return since


def _makes_up(
    state: StandstillState,
    rows: Ints,
    before: tuple[Floats, Floats],
    now: tuple[Floats, Floats],
    rule: StandstillRule,
) -> Flags:
    """Return where an hour's advance is what was used while the register stood."""
    stood_h, surprise = before
    hours, volume = now
    peak, due = state.peak[rows, None], state.usual[rows, None] * stood_h
    made: Flags = (stood_h >= rule.caught_least_h) & (surprise >= rule.caught_surprise)
    made &= (hours > 0) & (hours <= _SPOT_H) & (peak > 0) & (volume > rule.caught_beyond * peak)
    made &= (volume >= rule.caught_share[0] * due) & (volume <= rule.caught_share[1] * due)
    return made


def _follow(state: StandstillState, rows: Ints, hours: Floats, volume: Floats) -> None:
    spot = np.where((hours > 0) & (hours <= _SPOT_H), volume, 0.0)
    state.today[rows, 0] = np.maximum(state.today[rows, 0], spot.max(axis=1))
    state.today[rows, 1] += volume.sum(axis=1)
    state.today[rows, 2] += hours.sum(axis=1)


def _learn(state: StandstillState) -> None:
    """Take in the day."""
    state.longest_h *= _FADE
    state.peak = np.maximum(state.peak * _FADE, state.today[:, 0])
    hours = state.today[:, 2]
    rate = np.zeros(len(hours))
    np.divide(state.today[:, 1], hours, out=rate, where=hours > 0)
    state.usual = state.usual + np.minimum(hours / _USUAL_H, 1.0) * (rate - state.usual)
    state.today[:] = 0.0


def _frozen(
    fleet: Fleet, block: HourBlock, place: tuple[int, int], run_h: float, usual_lph: float
) -> Candidate:
    row, hour = place
    litres = float(block.sums[row, hour, Sum.VOLUME])
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=Kind.COMM_FROZEN,
        rule=RULE,
        start_s=int((block.first + hour - run_h) * 3600),
        at_s=int(block.received_s[row, hour]),
        score=1.5,
        statistic=run_h,
        threshold=run_h / 1.5,
        observed=litres / 1000.0,
        expected=usual_lph / 1000.0,
        expected_low=0.0,
        expected_high=usual_lph / 250.0,
        unit="m³/h",
        evidence=(EvidenceValue(name="standstill", value=run_h, unit="h"),),
    )


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
    )
