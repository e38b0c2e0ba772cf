"""Finds flow that stays on at the quietest hours, above what this meter ever needed then."""

from dataclasses import dataclass, field

import numpy as np

from sync_server.assets.assets import MeterClass
from sync_server.detection.meters.columns import (
    FAR_FUTURE_MS,
    Columns,
    Flags,
    Floats,
    Ints,
    per_class,
)
from sync_server.detection.simple.flows import (
    HOUR_MS,
    MIN_NIGHT_HOURS,
    NIGHT_HOURS,
    night_minima,
)
from sync_server.detection.simple.verdicts import State, States, Verdicts
from wire_contracts.quantities import Medium

RULE = "night_flow"

_W, _G = Medium.WATER, Medium.GAS
_C = MeterClass


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFlowRule:
    """Parameters; docs/detectors.md#night-flow says where each comes from.

    Attributes:
        floor_m3h: By medium and class: less than this is never a finding. A class that is not
            listed is not judged: flow at night is what it is there for.
        without_history_m3h: The threshold while a meter has fewer than `min_nights` of its own;
            a class that is not listed waits for its history.
        factor: Threshold over the 95th percentile of the meter's own nightly minima.
        min_nights: Nights that make a history.
        history_nights: Nights of which the percentile is taken.
        early: With two of three hours known, the threshold is this much higher.
        hold: Below this share of the threshold the condition is over.
        burst: At this multiple of the usual night it may be a burst,
        burst_of_peak: if it is also this multiple of the meter's own highest hour before.
        onset: A leak has run since the last hour below this share of the night's lowest flow.
        fleet_size: Meters of one medium and class that tell a cold night from a leak.
        fleet_most: A cold night raises thresholds by at most this factor.
    """

    floor_m3h: dict[tuple[Medium, MeterClass], float] = field(
        default_factory=lambda: {
            (_W, _C.HOUSEHOLD): 0.010,
            (_W, _C.PUBLIC_WELFARE): 0.050,
            (_W, _C.CONSUMER): 0.020,
            (_W, _C.INDUSTRIAL): 0.100,
            (_W, _C.MAKEUP): 0.050,
            (_W, _C.DMA): 0.500,
            (_G, _C.HOUSEHOLD): 0.020,
            (_G, _C.PUBLIC_WELFARE): 0.050,
            (_G, _C.CONSUMER): 0.050,
            (_G, _C.INDUSTRIAL): 0.200,
        }
    )
    without_history_m3h: dict[tuple[Medium, MeterClass], float] = field(
        default_factory=lambda: {
            (_W, _C.HOUSEHOLD): 0.020,
            (_W, _C.CONSUMER): 0.100,
            (_W, _C.PUBLIC_WELFARE): 0.500,
            (_G, _C.HOUSEHOLD): 0.020,
            (_G, _C.CONSUMER): 0.200,
            (_G, _C.PUBLIC_WELFARE): 0.500,
        }
    )
    factor: float = 1.5
    min_nights: int = 7
    history_nights: int = 28
    early: float = 3.0
    hold: float = 0.6
    burst: float = 5.0
    burst_of_peak: float = 1.75
    onset: float = 0.8
    fleet_size: int = 8
    fleet_most: float = 3.0


def detect_night_flow(columns: Columns, rule: NightFlowRule) -> Verdicts:
    """Return the verdict on each meter's newest judgeable night.

    A leak flows all the time: one later hour below the hold level says that it has ended, and a
    night that began before a crew's finding says nothing any more.
    """
    days = np.unique(columns.local_days)
    minima, counts = night_minima(columns.flow_m3h, columns.local_hours, columns.local_days, days)
    starts_ms = _night_starts(columns, days)
    is_judgeable = (counts >= MIN_NIGHT_HOURS) & (
        starts_ms[None, :] >= columns.judged_from_ms[:, None]
    )
    newest = _last_true(is_judgeable)
    has_night = newest >= 0
    at = np.where(has_night, newest, 0)
    rows = np.arange(len(columns.meter_ids))
    statistic = np.where(has_night, minima[rows, at], np.nan)
    usual, history_count, median = _history(columns, rule, (days, minima, starts_ms), at)
    threshold = _threshold(columns, rule, usual, history_count)
    threshold *= _fleet_factor(columns, rule, statistic, median)
    night_from_ms = np.where(has_night, starts_ms[at], 0)
    night_to_ms = night_from_ms + len(NIGHT_HOURS) * HOUR_MS
    is_whole = (counts[rows, at] == len(NIGHT_HOURS)) | (columns.now_ms >= night_to_ms + HOUR_MS)
    needed = np.where(is_whole, threshold, threshold * rule.early)
    is_over = _fell_below(columns, night_to_ms, rule.hold * threshold)
    state = _states(statistic, needed, rule.hold * threshold, is_over=is_over)
    floor = per_class(columns, rule.floor_m3h)
    has_history = history_count >= rule.min_nights
    is_burst = (state == State.RAISED) & has_history
    is_burst &= statistic >= rule.burst * np.fmax(usual, floor)
    lowest_of_stretch = np.fmax(rule.hold * threshold, rule.onset * statistic)
    started_at_ms = _started(columns, night_from_ms, lowest_of_stretch, state)
    is_burst &= statistic >= rule.burst_of_peak * _peak_before(columns, started_at_ms)
    return Verdicts(
        state=state,
        statistic=statistic,
        threshold=threshold,
        usual=usual,
        history_count=history_count,
        is_burst=is_burst,
        started_at_ms=started_at_ms,
        rule_from_ms=night_from_ms,
        rule_to_ms=np.minimum(night_to_ms, columns.now_ms),
    )


def _night_starts(columns: Columns, days: Ints) -> Ints:
    """Return the first instant of each day's night; a far future when it is not on the grid.

    Where clocks go forward at 02:00 the night begins at 03:00.
    """
    starts = np.full(len(days), FAR_FUTURE_MS, dtype=np.int64)
    is_night = np.isin(columns.local_hours, NIGHT_HOURS)
    for index, day in enumerate(days):
        inside = (columns.local_days == day) & is_night
        if inside.any():
            starts[index] = columns.hours_ms[inside][0]
    return starts


def _peak_before(columns: Columns, started_at_ms: Ints) -> Floats:
    """Return the highest hourly flow of each meter before it began; 0 where none is known."""
    is_before = columns.hours_ms[None, :] < started_at_ms[:, None]
    known = np.where(is_before & np.isfinite(columns.flow_m3h), columns.flow_m3h, 0.0)
    peak: Floats = np.fmax(known.max(axis=1, initial=0.0), columns.peak_m3h)
    return peak


def _last_true(flags: Flags) -> Ints:
    reversed_at = np.argmax(flags[:, ::-1], axis=1)
    last: Ints = np.where(flags.any(axis=1), flags.shape[1] - 1 - reversed_at, -1)
    return last


def _history(
    columns: Columns,
    rule: NightFlowRule,
    nights: tuple[Ints, Floats, Ints],
    at: Ints,
) -> tuple[Floats, Ints, Floats]:
    """Return the 95th percentile, the number and the median of the nights before the judged one."""
    days, minima, starts_ms = nights
    all_days = np.concatenate([columns.night_days, days])
    is_normal = starts_ms[None, :] < columns.abnormal_from_ms[:, None]
    values = np.concatenate([columns.night_min_m3h, np.where(is_normal, minima, np.nan)], axis=1)
    judged_day = days[at]
    age = judged_day[:, None] - all_days[None, :]
    values = np.where((age > 0) & (age <= rule.history_nights), values, np.nan)
    counts = (~np.isnan(values)).sum(axis=1)
    usual = np.full(len(at), np.nan)
    median = np.full(len(at), np.nan)
    some = counts > 0
    if some.any():
        usual[some] = np.nanpercentile(values[some], 95, axis=1)
        median[some] = np.nanmedian(values[some], axis=1)
    return usual, counts, median


def _threshold(columns: Columns, rule: NightFlowRule, usual: Floats, history_count: Ints) -> Floats:
    floor = per_class(columns, rule.floor_m3h)
    without = per_class(columns, rule.without_history_m3h)
    own = np.fmax(floor, rule.factor * usual)
    has_history = history_count >= rule.min_nights
    threshold = np.where(np.isnan(floor), np.nan, np.where(has_history, own, without))
    result: Floats = threshold * columns.multipliers
    return result


def _fleet_factor(
    columns: Columns, rule: NightFlowRule, statistic: Floats, median: Floats
) -> Floats:
    """Return by how much all meters of a kind are above themselves: weather, not leaks."""
    factor = np.ones(len(columns.meter_ids))
    is_usable = ~np.isnan(statistic) & (median > 0)
    ratio = np.full(len(factor), np.nan)
    ratio[is_usable] = statistic[is_usable] / median[is_usable]
    kinds = list(zip(columns.media, columns.classes, strict=True))
    for kind in set(kinds):
        members = np.array([each == kind for each in kinds], dtype=np.bool_)
        known = members & ~np.isnan(ratio)
        if known.sum() >= rule.fleet_size:
            factor[members] = np.clip(np.median(ratio[known]), 1.0, rule.fleet_most)
    return factor


def _fell_below(columns: Columns, from_ms: Ints, level: Floats) -> Flags:
    is_later = columns.hours_ms[None, :] >= from_ms[:, None]
    below = is_later & (columns.flow_m3h < level[:, None])
    return np.asarray(below.any(axis=1), dtype=np.bool_)


def _states(statistic: Floats, needed: Floats, hold: Floats, *, is_over: Flags) -> States:
    state = np.full(len(statistic), State.UNKNOWN, dtype=np.int8)
    is_known = ~np.isnan(statistic) & ~np.isnan(needed)
    state[is_known] = State.CLEAR
    state[is_known & (statistic >= hold)] = State.HELD
    state[is_known & (statistic >= needed)] = State.RAISED
    state[is_known & is_over] = State.CLEAR
    return state


def _started(columns: Columns, night_from_ms: Ints, level: Floats, state: States) -> Ints:
    """Return the first hour of the unbroken stretch at or above the level that holds the night."""
    started = np.zeros(len(night_from_ms), dtype=np.int64)
    for row in np.flatnonzero(state == State.RAISED):
        before = columns.hours_ms < night_from_ms[row]
        low = before & (columns.flow_m3h[row] < level[row])
        started[row] = (
            columns.hours_ms[np.flatnonzero(low)[-1]] + HOUR_MS
            if low.any()
            else columns.hours_ms[0]
        )
        started[row] = min(started[row], night_from_ms[row])
    return started
