"""Finds use that fell from one day to the next and stayed low, the weather allowed for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sync_server.detection.hours.history import (
    HOLD_SHARE,
    HistoryState,
    HourBlock,
    abnormal_days,
    mark_bad,
    median_of_known,
    was_found_lately,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.slots import Sum
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

RULE = "steps"

DAYS = 76
WINDOWS_DAYS = (2, 3, 5, 8, 14)
BEFORE_DAYS = 28
"""Days kept; the windows that are judged; the known days before them that they are held against.
One day between is left out: the fault began in it."""

LATEST_DAYS = 4
"""The last days before the step must still have been as all before: what glides is no step."""

LOWEST_SHARE = 0.02
_TINY = 1e-9
KWH_OF_GAS_M3 = 10.0
"""A cubic metre of natural gas, rounded."""

SHARE, HEAT, RETURN, SLOPE, BEND = range(5)

RETURN_HOURS = 6
RETURN_DAYS = 8
RETURN_SPREAD_K = 0.8
"""Hours with flow that tell a day's return; days that tell the usual one; daily means scatter by
at least this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsRule:
    """Parameters; docs/detectors.md#steps says where each comes from.

    Attributes:
        sigmas: Fall of the median, in standard errors of the days before and of the window.
        fall: Least fall of the logarithm of the share of what was expected.
        below: The window must be below what the weather explains by this logarithm as well: what
            comes back to it is mended, not broken.
        most: A larger fall is an empty building.
        beyond: And this multiple of the second largest deviation of the days before.
        glide: The last days before may be off by this share of the fall.
        every_day: Each day of the window shows at least this share of the fall,
        day_sigmas: or is off it by no more than so many standard deviations of a day; two fifths
            of the fall at least.
        by_volume: Of this share of the fall at most may heat have changed against volume: water
            that passes the meter by takes its heat along, a drifting sensor does not.
        by_heat: And by this logarithm at most may heat have fallen against volume: who uses less
            lets water through that cools less, what passes the meter by has no effect on the rest.
        witness: Logarithm of how much likelier the return temperature makes it that heat passes the
            meter by than that less is used, from which on
        sure: the score counts so many times more.
        least_spread: Least standard deviation of a day's logarithm.
        spread_share: Share of the days' own standard deviation, where it is more than robust.
        least_days: Known days before the window.
        longest_days: Days that the days before may span.
        least_kwh: Less energy a day is not worth a visit; of gas as much as it holds.
    """

    sigmas: float = 8.0
    fall: float = 0.4
    below: float = 0.3
    most: float = 2.2
    beyond: float = 1.5
    glide: float = 0.3
    every_day: float = 0.7
    day_sigmas: float = 1.5
    witness: float = 1.0
    sure: float = 2.2
    by_volume: float = 0.5
    by_heat: float = 0.2
    least_spread: float = 0.06
    spread_share: float = 0.7
    least_days: int = 10
    longest_days: int = 60
    least_kwh: float = 4.0


@dataclass(slots=True, kw_only=True)
class StepsState:
    """By row: days x values, the newest day first; NaN where not known.

    Logarithms of the share of what was expected and of heat over volume; of the return temperature
    how far it was off, and what a bypass would make of it (slope and bend). `today` are sums of the
    hours since the last day ended: heat, volume, hours with a return, and its three values.
    """

    days: Floats
    today: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Falls:
    """By row, of the window that tells most: its score and days, the fall, what was usual."""

    score: Floats
    days: Ints
    fall: Floats
    usual: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    fleet: Fleet
    history: HistoryState
    block: HourBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """The day that is judged: rows, the hour that closes it, use and what was expected of it."""

    rows: Ints
    hour: Ints
    used: Floats
    expected: Floats


def empty_steps(count: int) -> StepsState:
    """Return the state before the first day."""
    return StepsState(days=np.full((count, DAYS, 5), np.nan), today=np.zeros((count, 6)))


def detect_steps(
    fleet: Fleet, state: StepsState, history: HistoryState, block: HourBlock, rule: StepsRule
) -> Iterator[Candidate]:
    """Yield candidates of meters judged by the weather, at the end of a day."""
    rows = fleet.signature_rows
    _add_hours(fleet, state, block)
    hour = block.closes[rows]
    rows, hour = rows[hour >= 0], hour[hour >= 0]
    if not len(rows):
        return
    _add_day(state, history, rows, _today(state, block, rows, hour), block.first)
    with np.errstate(invalid="ignore"):
        may = state.days[rows, 0, SHARE] < -HOLD_SHARE * rule.every_day * rule.below
    may &= block.is_decisive[rows, hour] & block.is_judged[rows, hour]
    if may.any():
        where = _Where(fleet=fleet, history=history, block=block)
        yield from _judge(where, state, (rows[may], hour[may]), rule)


def _add_hours(fleet: Fleet, state: StepsState, block: HourBlock) -> None:
    """Add the hours to the sums of the day: heat, volume, hours with a return, its three values."""
    rows = fleet.signature_rows[fleet.is_heat[fleet.signature_rows] > 0]
    off = block.return_off_k[rows]
    known = ~np.isnan(off)
    values = np.concatenate([off[:, :, None], block.return_slope[rows]], axis=2)
    state.today[rows, 0] += block.sums[rows, :, Sum.ENERGY].sum(axis=1)
    state.today[rows, 1] += block.sums[rows, :, Sum.VOLUME].sum(axis=1)
    state.today[rows, 2] += known.sum(axis=1)
    state.today[rows, 3:] += np.where(known[:, :, None], values, 0.0).sum(axis=1)


def _today(state: StepsState, block: HourBlock, rows: Ints, hour: Ints) -> Floats:
    """Return rows x logarithms of the day and what the return says; begin the next day's sums."""
    ratio = block.use_ratio[rows, hour]
    known = np.isfinite(ratio) & (ratio >= 0.0)
    today = np.full((len(rows), 5), np.nan)
    today[:, SHARE] = np.where(known, np.log(np.where(known, ratio, 1.0) + LOWEST_SHARE), np.nan)
    sums = state.today[rows]
    both = (sums[:, 0] > 0) & (sums[:, 1] > 0)
    today[both, HEAT] = np.log(sums[both, 0] / sums[both, 1])
    told = both & (sums[:, 2] >= RETURN_HOURS)
    today[told, RETURN:] = sums[told, 3:] / sums[told, 2, None]
    state.today[rows] = 0.0
    return today


def _judge(
    where: _Where, state: StepsState, at: tuple[Ints, Ints], rule: StepsRule
) -> Iterator[Candidate]:
    fleet, history, block = where.fleet, where.history, where.block
    rows, hour = at
    used = block.day_used[rows, hour]
    level = np.log(np.maximum(block.level[rows], LOWEST_SHARE))
    abnormal = abnormal_days(history, rows, block.first, DAYS)
    found = _falls(state.days[rows], abnormal, level, rule)
    expected = np.exp(found.usual) * (used - block.excess[rows, hour])
    day = _Day(rows=rows, hour=hour, used=used, expected=expected)
    effect_kwh = (expected - used) / 1000.0
    effect_kwh *= np.where(fleet.is_gas[rows] > 0, KWH_OF_GAS_M3, 1.0)
    over = (found.score >= 1.0) & (effect_kwh >= rule.least_kwh)
    held = (found.score >= HOLD_SHARE) & was_found_lately(history, block.first)[rows]
    for place in np.flatnonzero(over | held):
        row, slot = int(rows[place]), block.first + int(hour[place])
        if over[place]:
            mark_bad(history, row, slot - 24 * int(found.days[place]), slot)
        told = _candidate(fleet, block, day, found, int(place))
        yield replace(told, is_raised=bool(over[place]))


def _add_day(
    state: StepsState, history: HistoryState, rows: Ints, today: Floats, first: int
) -> None:
    """Remember the day; abnormal days that no window reaches any more are forgotten."""
    days = state.days[rows]
    days[:, 1:] = days[:, :-1]
    days[:, 0] = today
    longest = WINDOWS_DAYS[-1] + 1
    days[:, longest:][abnormal_days(history, rows, first, DAYS)[:, longest:]] = np.nan
    state.days[rows] = days


def _falls(days: Floats, abnormal: Flags, level: Floats, rule: StepsRule) -> _Falls:
    """Return what each row's best window shows; a score of 1 is a step."""
    newest, age, usual = _known_first(-days[:, :, SHARE], abnormal)
    heat = np.take_along_axis(days[:, :, HEAT], age, axis=1)
    told = np.take_along_axis(days[:, :, RETURN:], age[:, :, None], axis=1)
    count = len(days)
    score, best = np.zeros(count), np.zeros(count, dtype=np.int64)
    fall, middle = np.zeros(count), np.zeros(count)
    for window in WINDOWS_DAYS:
        near = age[:, window + 1 :] <= window + rule.longest_days
        before = np.where(near, usual[:, window + 1 :], np.nan)
        order = np.argsort(np.isnan(before), axis=1, kind="stable")[:, :BEFORE_DAYS]
        before = np.take_along_axis(before, order, axis=1)
        value, rise, usually = _window(newest[:, :window], before, rule)
        usual_heat = np.take_along_axis(heat[:, window + 1 :], order, axis=1)
        changed = median_of_known(heat[:, :window], 1) - median_of_known(usual_heat, 1)
        may = median_of_known(newest[:, :window], 1) - level > rule.below
        may &= (age[:, window - 1] <= window + 2) & ~(np.abs(changed) > rule.by_volume * rise)
        may &= ~(changed < -rule.by_heat)
        is_sure = _witness(told, window, order, rise) >= rule.witness
        value = value * np.where(is_sure, rule.sure, 1.0)
        better = may & (value > score)
        score, best = np.where(better, value, score), np.where(better, window, best)
        fall, middle = np.where(better, rise, fall), np.where(better, usually, middle)
    return _Falls(score=score, days=best, fall=fall, usual=-middle)


def _witness(told: Floats, window: int, order: Ints, fall: Floats) -> Floats:
    """Return how much likelier (logarithm) the return makes a bypass than less use; NaN: unknown.

    A return that cools with the load that the meter shows belongs to that load; one that stays as
    it was belongs to a load that the meter does not see.
    """
    before = np.take_along_axis(told[:, window + 1 :, 0], order, axis=1)
    usual = median_of_known(before, RETURN_DAYS)
    spread = 1.4826 * median_of_known(np.abs(before - usual[:, None]), RETURN_DAYS)
    off = median_of_known(told[:, :window, 0], 1) - usual
    slope = median_of_known(told[:, :window, 1], 1)
    passed = slope * fall + median_of_known(told[:, :window, 2], 1) * fall**2
    witness: Floats = passed * (off - passed / 2.0) / np.maximum(spread, RETURN_SPREAD_K) ** 2
    return witness


def _known_first(values: Floats, abnormal: Flags) -> tuple[Floats, Ints, Floats]:
    """Return known values first, their ages in days, and the values without the abnormal ones."""
    age = np.argsort(np.isnan(values), axis=1, kind="stable")
    newest = np.take_along_axis(values, age, axis=1)
    usual = np.where(np.take_along_axis(abnormal, age, axis=1), np.nan, newest)
    return newest, age, usual


def _window(window: Floats, before: Floats, rule: StepsRule) -> tuple[Floats, Floats, Floats]:
    """Return score, fall and usual value of one window; the smallest margin is the score.

    Values are negative logarithms: a fall of the share is a rise of the value.
    """
    number = (~np.isnan(before)).sum(axis=1)
    middle = median_of_known(before, rule.least_days)
    off = before - middle[:, None]
    robust = 1.4826 * median_of_known(np.abs(off), rule.least_days)
    squares = np.where(np.isnan(off), 0.0, off**2).sum(axis=1) / np.maximum(number, 1)
    now = median_of_known(window, 1)
    with np.errstate(invalid="ignore"):
        spread = np.maximum(robust, rule.spread_share * np.sqrt(squares))
        spread = np.maximum(spread, rule.least_spread)
        fall = now - middle
        error = spread * np.sqrt(1.0 / window.shape[1] + 1.0 / np.maximum(number, 1))
        second = np.sort(np.where(np.isnan(off), -np.inf, off), axis=1)[:, -2]
        glide = np.abs(median_of_known(off[:, :LATEST_DAYS], 1))
        score = np.minimum(fall / (rule.sigmas * error), fall / rule.fall)
        score = np.minimum(score, fall / np.maximum(rule.beyond * second, _TINY))
        is_step = (glide < rule.glide * fall) & (fall < rule.most)
        apart = np.maximum((1.0 - rule.every_day) * fall, rule.day_sigmas * spread)
        is_step &= window.min(axis=1) - middle > fall - np.minimum(apart, 0.6 * fall)
    return np.where(is_step & (number >= rule.least_days), score, 0.0), fall, middle


def _candidate(fleet: Fleet, block: HourBlock, day: _Day, found: _Falls, place: int) -> Candidate:
    row, hour = int(day.rows[place]), int(day.hour[place])
    spec = fleet.specs[row]
    is_heat = spec.medium is Medium.HEAT
    unit = "kWh/day" if is_heat else "m3/day"
    used, expected = float(day.used[place]) / 1000.0, float(day.expected[place]) / 1000.0
    score, share = float(min(found.score[place], 3.0)), float(np.exp(-found.fall[place]))
    return Candidate(
        row=row,
        meter_id=spec.meter_id,
        kind=Kind.BYPASS,
        rule=RULE,
        start_s=(block.first + hour - 24 * (int(found.days[place]) + 1)) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=score,
        statistic=score,
        threshold=1.0,
        observed=used,
        expected=expected,
        expected_low=0.8 * expected,
        expected_high=1.25 * expected,
        unit=unit,
        effect_per_day=used - expected,
        effect_unit=unit,
        evidence=(EvidenceValue(name="share_of_usual", value=share, unit="1"),),
    )
