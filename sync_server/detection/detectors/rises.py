"""Finds use that rose from one day to the next and stayed high, the weather allowed for."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.hours.history import (
    LONGEST_HOURLY_S,
    HistoryState,
    HourBlock,
    abnormal_days,
    mark_bad,
    median_of_known,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.slots import Sum
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

RULE = "rises"

DAYS = 76
WINDOWS_DAYS = (2, 3, 5, 8, 14)
BEFORE_DAYS = 28
"""Days kept; the windows that are judged; the known days before them that they are held against.
One day between is left out: the leak began in it."""

LATEST_DAYS = 4
"""The last days before the rise must still have been as all before: what glides is no step."""

PARTS_A_DAY = 4
"""The lowest flow of a day is that of six hours: a register of coarse steps rests in between."""

EXCESS, USED, HEAT = range(3)
_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class RisesRule:
    """Parameters; docs/detectors.md#rises says where each comes from.

    Attributes:
        sigmas: Rise of the median, in standard errors of the days before and of the window.
        share: Least rise as a share of what is used, and of what the weather explains. Today's use
            is beyond it without the level of the last weeks, too: use that comes back is mended.
        beyond: And this multiple of the second largest deviation of the days before.
        glide: The last days before may be off by this share of the rise.
        every_day: Each day of the window shows at least this share of the rise,
        day_sigmas: or is off it by no more than so many standard deviations of a day; two fifths
            of the rise at least.
        load_power: Days scatter with the load: by this power of how much more the weather explains
            in the window than before.
        by_volume: Of this share of the rise at most may heat have grown against volume: water
            that runs through an open valve cools less, a drifting sensor makes heat of nothing.
        rest: Gas that leaks flows at night, too: the lowest six hours of the day show this share.
        least_spread: Least standard deviation of a day, as a share of what is used.
        spread_share: Share of the days' own standard deviation, where it is more than robust.
        least_days: Known days before the window.
        longest_days: Days that the days before may span.
    """

    sigmas: float = 8.0
    share: float = 0.3
    beyond: float = 1.3
    glide: float = 0.3
    every_day: float = 0.7
    day_sigmas: float = 1.5
    load_power: float = 0.5
    by_volume: float = 0.5
    rest: float = 0.4
    least_spread: float = 0.06
    spread_share: float = 0.7
    least_days: int = 10
    longest_days: int = 60


@dataclass(slots=True, kw_only=True)
class RisesState:
    """By row: days x values, the newest day first; NaN where not known.

    Use beyond what the weather explains, use (both in litres or watt-hours), and the logarithm of
    heat over volume. `today` are heat and volume since the last day ended.
    """

    days: Floats
    today: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Rows x known days, the newest first: excess, use, heat over volume, ages in days.

    `usual` is the excess without days in which something abnormal was found.
    """

    excess: Floats
    used: Floats
    heat: Floats
    age: Ints
    usual: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A window and the usual days before it, rows x days each.

    `level` is the least that a share is taken of, `load` how much more the days scatter.
    """

    now: Floats
    before: Floats
    level: Floats
    load: Floats


def empty_rises(count: int) -> RisesState:
    """Return the state before the first day."""
    return RisesState(days=np.full((count, DAYS, 3), np.nan), today=np.zeros((count, 2)))


def detect_rises(
    fleet: Fleet, state: RisesState, history: HistoryState, block: HourBlock, rule: RisesRule
) -> Iterator[Candidate]:
    """Yield candidates of meters judged by the weather, at the end of a day."""
    rows = fleet.signature_rows
    state.today[rows] += block.sums[rows][:, :, [Sum.ENERGY, Sum.VOLUME]].sum(axis=1)
    hour = block.closes[rows]
    rows, hour = rows[hour >= 0], hour[hour >= 0]
    if not len(rows):
        return
    today = _today(fleet, state, block, (rows, hour))
    days = state.days[rows]
    days[:, 1:] = days[:, :-1]
    days[:, 0] = today
    state.days[rows] = days
    due = (today[:, USED] - today[:, EXCESS]) / np.minimum(block.level[rows], 1.0)
    with np.errstate(invalid="ignore"):
        may = today[:, USED] > (1.0 + rule.share) * due
    may &= block.is_beyond_choice[rows, hour] & block.is_judged[rows, hour]
    rows, hour = rows[may], hour[may]
    if not len(rows):
        return
    score, window, rise = _best(fleet, state, history, (rows, block), rule)
    for place in np.flatnonzero(score >= 1.0).tolist():
        row, slot = int(rows[place]), block.first + int(hour[place])
        mark_bad(history, row, slot - 24 * int(window[place]), slot)
        found = (int(window[place]), float(min(score[place], 3.0)), float(rise[place]))
        yield _candidate(fleet, block, (row, int(hour[place])), found)


def _today(fleet: Fleet, state: RisesState, block: HourBlock, at: tuple[Ints, Ints]) -> Floats:
    """Return rows x values of the day; begin the next day's sums."""
    rows, hour = at
    today = np.full((len(rows), 3), np.nan)
    today[:, EXCESS] = block.excess[rows, hour]
    today[:, USED] = block.day_used[rows, hour]
    heat, volume = state.today[rows].T
    both = (fleet.is_heat[rows] > 0) & (heat > 0) & (volume > 0)
    today[both, HEAT] = np.log(heat[both] / volume[both])
    state.today[rows] = 0.0
    return today


def _best(
    fleet: Fleet,
    state: RisesState,
    history: HistoryState,
    at: tuple[Ints, HourBlock],
    rule: RisesRule,
) -> tuple[Floats, Ints, Floats]:
    """Return by row score, days and rise of the window that tells most; a score of 1 is a rise."""
    rows, block = at
    known = _known_first(state.days[rows], abnormal_days(history, rows, block.first, DAYS))
    lowest = 24.0 * _lowest(fleet, block, rows)
    score, best = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
    rise = np.zeros(len(rows))
    for window in WINDOWS_DAYS:
        value, more, may = _window(known, window, rule)
        better = may & ~(lowest < rule.rest * more) & (value > score)
        score, best = np.where(better, value, score), np.where(better, window, best)
        rise = np.where(better, more, rise)
    return score, best, rise


def _known_first(days: Floats, abnormal: Flags) -> _Known:
    age = np.argsort(np.isnan(days[:, :, EXCESS]), axis=1, kind="stable")
    ordered = np.take_along_axis(days, age[:, :, None], axis=1)
    excess = ordered[:, :, EXCESS]
    usual = np.where(np.take_along_axis(abnormal, age, axis=1), np.nan, excess)
    return _Known(
        excess=excess, used=ordered[:, :, USED], heat=ordered[:, :, HEAT], age=age, usual=usual
    )


def _window(known: _Known, window: int, rule: RisesRule) -> tuple[Floats, Floats, Flags]:
    """Return score and rise of the window, and whether nothing speaks against it."""
    first = window + 1
    near = known.age[:, first:] <= window + rule.longest_days
    before = np.where(near, known.usual[:, first:], np.nan)
    order = np.argsort(np.isnan(before), axis=1, kind="stable")[:, :BEFORE_DAYS]
    due = known.used - known.excess
    due_now = median_of_known(due[:, :window], 1)
    due_before = median_of_known(np.take_along_axis(due[:, first:], order, axis=1), 1)
    level = median_of_known(np.take_along_axis(known.used[:, first:], order, axis=1), 1)
    load = np.maximum(due_now / np.maximum(due_before, _TINY), 1.0) ** rule.load_power
    span = _Span(
        now=known.excess[:, :window],
        before=np.take_along_axis(before, order, axis=1),
        level=np.maximum(level, due_now),
        load=load,
    )
    score, rise = _rise(span, rule)
    usual_heat = median_of_known(np.take_along_axis(known.heat[:, first:], order, axis=1), 1)
    hotter = median_of_known(known.heat[:, :window], 1) - usual_heat
    grown = np.log1p(np.maximum(rise, 0.0) / np.maximum(due_now, _TINY))
    may = (known.age[:, window - 1] <= window + 2) & ~(hotter > rule.by_volume * grown)
    return score, rise, may


def _rise(span: _Span, rule: RisesRule) -> tuple[Floats, Floats]:
    """Return score and rise of one window; the smallest margin is the score."""
    number = (~np.isnan(span.before)).sum(axis=1)
    middle = median_of_known(span.before, rule.least_days)
    off = span.before - middle[:, None]
    robust = 1.4826 * median_of_known(np.abs(off), rule.least_days)
    squares = np.where(np.isnan(off), 0.0, off**2).sum(axis=1) / np.maximum(number, 1)
    rise = median_of_known(span.now, 1) - middle
    with np.errstate(invalid="ignore"):
        spread = np.maximum(robust, rule.spread_share * np.sqrt(squares))
        spread = np.maximum(spread, rule.least_spread * span.level) * span.load
        error = spread * np.sqrt(1.0 / span.now.shape[1] + 1.0 / np.maximum(number, 1))
        second = np.sort(np.where(np.isnan(off), -np.inf, off), axis=1)[:, -2]
        score = rise / np.maximum(rule.sigmas * error, _TINY)
        score = np.minimum(score, rise / np.maximum(rule.share * span.level, _TINY))
        score = np.minimum(score, rise / np.maximum(rule.beyond * span.load * second, _TINY))
        is_step = median_of_known(off[:, :LATEST_DAYS], 1) < rule.glide * rise
        apart = np.maximum((1.0 - rule.every_day) * rise, rule.day_sigmas * spread)
        is_step &= span.now.min(axis=1) - middle > rise - np.minimum(apart, 0.6 * rise)
    return np.where(is_step & (number >= rule.least_days), score, 0.0), rise


def _lowest(fleet: Fleet, block: HourBlock, rows: Ints) -> Floats:
    """Return the lowest flow of six hours of the day; NaN of heat and where hours are not read."""
    rate = block.rate[rows, -24:]
    parts = rate.reshape(len(rows), PARTS_A_DAY, -1).mean(axis=2)
    lowest = np.where(np.isnan(parts), np.inf, parts).min(axis=1).astype(np.float64)
    is_told = (fleet.is_gas[rows] > 0) & (fleet.interval_s[rows] <= LONGEST_HOURLY_S)
    return np.where(is_told, lowest, np.nan)


def _candidate(
    fleet: Fleet, block: HourBlock, place: tuple[int, int], found: tuple[int, float, float]
) -> Candidate:
    row, hour = place
    window, score, rise = found
    spec = fleet.specs[row]
    is_heat = spec.medium is Medium.HEAT
    kind = Kind.VALVE_OPEN if is_heat else Kind.SLOW_LEAK
    unit = "kWh/day" if is_heat else "m3/day"
    used = float(block.day_used[row, hour]) / 1000.0
    expected = max(used - rise / 1000.0, 0.0)
    return Candidate(
        row=row,
        meter_id=spec.meter_id,
        kind=kind,
        rule=RULE,
        start_s=(block.first + hour - 24 * (window + 1)) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=score,
        statistic=score,
        threshold=1.0,
        observed=used,
        expected=expected,
        expected_low=max(expected - rise / 1000.0 / score, 0.0),
        expected_high=expected + rise / 1000.0 / score,
        unit=unit,
        effect_per_day=used - expected,
        effect_unit=unit,
        evidence=(EvidenceValue(name="days_higher", value=float(window), unit="d"),),
    )
