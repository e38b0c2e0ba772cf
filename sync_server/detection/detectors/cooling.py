"""Finds water that comes back too warm, or temperatures that do not fit load and weather."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.hours.history import (
    HOLD_SHARE,
    HistoryState,
    HourBlock,
    Singles,
    faded,
    is_clean,
    mark_bad,
    or_else,
    quantile_of_known,
    raised_and_held,
    was_found_lately,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.slots import Sum
from wire_contracts.kinds import Kind

RULE = "cooling"

FEATURES = 11
LOAD, SUPPLY, BACK = 3, 9, 10
"""Places of the logarithm of the load (its square follows it), supply and return temperature in
the vector of features; 1, weather and hour are the others."""

LAG_H = 96
LEAST_POWER_W = 150.0
EXTREME_DAYS = 60
LEAST_EXTREMES = 10
FIT_DAYS = 3
"""Days between two fits of a meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoolingRule:
    """Parameters; docs/detectors.md#cooling says where each comes from.

    Attributes:
        fade_h: Hours after which a residual counts a third: of the return, of the supply, and of
            the return once more for what drifts.
        least_k: Least mean residual of each.
        beyond: And beyond this multiple of what nine days in ten reached at most.
        least_hours: Learned hours before a meter is judged.
        keep_h: Hours after which what was learned counts a third.
        ridge: Share of each feature's own square that is added.
        excess: Use beyond this multiple of what the weather explains makes it an open valve.
        warm_degc: Outdoors warmer than this only hot water is made, and little flows.
        warm_factor: Then the limit of a return that is too warm is this much wider.
        small_load: At a smaller share of what the weather explains no sensor is blamed: load that
            passes the meter by looks alike,
        sure: unless the temperature is off by this multiple of the limit.
    """

    fade_h: tuple[float, float, float] = (10.0, 36.0, 48.0)
    least_k: tuple[float, float, float] = (5.5, 3.8, 2.6)
    beyond: float = 2.4
    least_hours: float = 24.0 * 20
    keep_h: float = 24.0 * 150
    ridge: float = 1e-4
    excess: float = 1.3
    warm_degc: float = 14.0
    warm_factor: float = 1.2
    small_load: float = 0.6
    sure: float = 1.5


@dataclass(slots=True, kw_only=True)
class CoolingState:
    """By row: hourly values not learned yet, what was learned, fading residuals, extremes.

    The last axis of length 3 is return, supply, and return over a longer time.
    """

    recent: Singles
    products: Floats
    hours: Floats
    return_fit: Floats
    supply_fit: Floats
    residual: Floats
    weight: Floats
    extremes: Floats
    limit: Floats


def empty_cooling(count: int) -> CoolingState:
    """Return the state before the first hour."""
    return CoolingState(
        recent=np.full((count, LAG_H, FEATURES), np.nan, dtype=np.float32),
        products=np.zeros((count, FEATURES, FEATURES)),
        hours=np.zeros(count),
        return_fit=np.full((count, FEATURES - 1), np.nan),
        supply_fit=np.full((count, FEATURES - 2), np.nan),
        residual=np.zeros((count, 3)),
        weight=np.zeros((count, 3)),
        extremes=np.full((count, EXTREME_DAYS, 3), np.nan),
        limit=np.full((count, 3), np.nan),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooled:
    """Heat meters, their M x K features and M x K x 3 residuals."""

    rows: Ints
    features: Floats
    residual: Floats


def observe_cooling(
    fleet: Fleet, state: CoolingState, block: HourBlock, features: Floats
) -> Cooled:
    """Return what temperatures show; what the return says of the load goes into the block.

    `features` are those of the block's hours (see `cooling_features`).
    """
    rows = np.flatnonzero(fleet.is_heat > 0)
    if not len(rows):
        return Cooled(rows=rows, features=features, residual=np.zeros((0, 0)))
    residual = _residual(state, rows, features)
    fit = state.return_fit[rows]
    bend = fit[:, LOAD + 1, None]
    slope = fit[:, LOAD, None] + 2.0 * bend * features[:, :, LOAD]
    block.return_off_k[rows] = residual[:, :, 0]
    block.return_slope[rows] = np.stack([slope, np.broadcast_to(bend, slope.shape)], axis=2)
    return Cooled(rows=rows, features=features, residual=residual)


def detect_cooling(
    fleet: Fleet,
    state: CoolingState,
    history: HistoryState,
    at: tuple[HourBlock, Cooled],
    rule: CoolingRule,
) -> Iterator[Candidate]:
    """Yield candidates of heat meters; learn at the end of a day."""
    block, cooled = at
    rows, features, residual = cooled.rows, cooled.features, cooled.residual
    if not len(rows):
        return
    means, known = _faded(state, rows, np.clip(residual, -25.0, 25.0), rule)
    off_k = np.where(np.isnan(means) | ~known, 0.0, np.abs(means))[:, :, :2].max(axis=2)
    block.temp_off_k[rows] = off_k
    limit = np.maximum(rule.least_k, rule.beyond * state.limit[rows])[:, None, :]
    is_warm = block.signature_temp_degc[rows] > rule.warm_degc
    is_warm = is_warm[:, :, None] & (means > 0) & np.array([True, False, True])
    limit = np.where(is_warm, rule.warm_factor, 1.0) * limit
    with np.errstate(invalid="ignore"):
        score = np.abs(means) / limit
        may = known & block.is_judged[rows][:, :, None]
        flags = (score >= 1.0) & may
        held = (score >= HOLD_SHARE) & may
        is_small = (block.use_ratio[rows] < rule.small_load)[:, :, None] & (score < rule.sure)
        blames_sensor = (means < 0) | np.array([False, True, False])
        flags &= ~(is_small & blames_sensor)
    held &= was_found_lately(history, block.first)[rows, None, None]
    for side in np.flatnonzero((flags | held).any(axis=(0, 1))).tolist():
        for place, hour, is_raised in raised_and_held(flags[:, :, side], held[:, :, side]):
            row = int(rows[place])
            if is_raised:
                mark_bad(history, row, block.first + hour - 24, block.first + hour)
            mean = float(means[place, hour, side])
            kind = _kind(side, mean, float(block.use_ratio[row, hour]), rule)
            value = features[place, hour, SUPPLY if side == 1 else BACK]
            numbers = (float(value), mean, float(limit[place, hour, side]))
            yield _candidate(fleet, block, (row, hour), numbers, (kind, is_raised))
    highest = np.where(known & ~np.isnan(means), np.abs(means), -np.inf).max(axis=1)
    highest = np.where(np.isfinite(highest), highest, np.nan)
    state.extremes[rows, 0] = np.fmax(state.extremes[rows, 0], highest)
    places = (block.first + np.arange(block.count)) % LAG_H
    state.recent[rows[:, None], places] = features
    if block.ends_day:
        _learn(fleet, state, history, (block, rows), rule)


def _residual(state: CoolingState, rows: Ints, features: Floats) -> Floats:
    """Return M x K x 3 what load and weather do not explain, in kelvin."""
    fit_return, fit_supply = state.return_fit[rows], state.supply_fit[rows]
    back = features[:, :, BACK] - (features[:, :, :BACK] @ fit_return[:, :, None])[:, :, 0]
    supply = features[:, :, SUPPLY] - (features[:, :, :SUPPLY] @ fit_supply[:, :, None])[:, :, 0]
    return np.stack([back, supply, back], axis=2)


def _kind(side: int, mean: float, use_ratio: float, rule: CoolingRule) -> Kind:
    if side != 1 and mean > 0:
        return Kind.VALVE_OPEN if use_ratio > rule.excess else Kind.RETURN_HIGH
    return Kind.TEMP_DRIFT


def cooling_features(fleet: Fleet, hours: Floats, first: int, temps: Floats) -> Floats:
    """Return R x K x `FEATURES` of the R heat meters; NaN where no flow or no telemetry is.

    Args:
        fleet: The M meters.
        hours: M x K x `Sum`.
        first: The first hour, in hours since 1970.
        temps: M x K outdoor temperature as a building feels it; NaN without weather.
    """
    rows = np.flatnonzero(fleet.is_heat > 0)
    sums = hours[rows]
    count = sums[:, :, Sum.COUNT]
    power = np.full(count.shape, np.nan)
    np.divide(sums[:, :, Sum.POWER], count, out=power, where=count > 0)
    power = np.where(power >= LEAST_POWER_W, power, np.nan)
    load = np.log(power)
    temp = or_else(temps[rows], 10.0)
    angle = 2 * np.pi * ((first + np.arange(count.shape[1])) % 24) / 24.0
    known = count > 0
    supply, back = np.full(count.shape, np.nan), np.full(count.shape, np.nan)
    np.divide(sums[:, :, Sum.SUPPLY], count, out=supply, where=known)
    np.divide(sums[:, :, Sum.RETURN], count, out=back, where=known)
    ones = np.ones(count.shape)
    return np.stack(
        [
            ones,
            temp / 10.0,
            np.maximum(0.0, 15.0 - temp) / 10.0,
            load - 8.0,
            (load - 8.0) ** 2,
            ones * np.sin(angle),
            ones * np.cos(angle),
            ones * np.sin(2 * angle),
            ones * np.cos(2 * angle),
            supply,
            back,
        ],
        axis=2,
    )


def _faded(
    state: CoolingState, rows: Ints, residual: Floats, rule: CoolingRule
) -> tuple[Floats, Flags]:
    """Return M x K x 3 fading means of the residuals, and whether enough hours are behind them."""
    keep = np.exp(-1.0 / np.array(rule.fade_h))
    is_known = ~np.isnan(residual)
    both = np.concatenate([np.where(is_known, residual, 0.0), is_known], axis=2)
    carried = np.concatenate([state.residual[rows], state.weight[rows]], axis=1)
    sums = faded(both, carried, np.concatenate([keep, keep]))
    total, weight = sums[:, :, :3], sums[:, :, 3:]
    means = total / np.maximum(weight, 1e-9)
    known = weight >= 0.45 / (1.0 - keep)
    state.residual[rows], state.weight[rows] = total[:, -1], weight[:, -1]
    return means, known


def _learn(
    fleet: Fleet,
    state: CoolingState,
    history: HistoryState,
    at: tuple[HourBlock, Ints],
    rule: CoolingRule,
) -> None:
    block, rows = at
    last = block.first + block.count - 1
    clean = is_clean(history, last - LAG_H, last)[rows]
    places = (last - LAG_H + 1 + np.arange(24)) % LAG_H
    day = state.recent[rows[:, None], places].astype(np.float64)
    known = ~np.isnan(day).any(axis=2) & clean[:, None]
    day = np.where(known[:, :, None], day, 0.0)
    keep = np.exp(-24.0 / rule.keep_h)
    state.products[rows] = state.products[rows] * keep + day.transpose(0, 2, 1) @ day
    state.hours[rows] = state.hours[rows] * keep + known.sum(axis=1)
    due = rows[
        (state.hours[rows] >= rule.least_hours) & ((last // 24 + fleet.turn[rows]) % FIT_DAYS == 0)
    ]
    if len(due):
        state.return_fit[due] = _solve(state.products[due], BACK, rule)
        state.supply_fit[due] = _solve(state.products[due], SUPPLY, rule)
    enough = rows[(~np.isnan(state.extremes[rows, 4:, 0])).sum(axis=1) >= LEAST_EXTREMES]
    if len(enough):
        state.limit[enough] = quantile_of_known(state.extremes[enough, 4:], 0.9)
    state.extremes[rows, 1:] = state.extremes[rows, :-1]
    bad = rows[~clean]
    state.extremes[bad, 4] = np.nan
    state.extremes[rows, 0] = np.nan


def _solve(products: Floats, target: int, rule: CoolingRule) -> Floats:
    left: Floats = np.array(products[:, :target, :target], dtype=np.float64)
    index = np.arange(target)
    diagonal = np.asarray(left[:, index, index] * (1.0 + rule.ridge) + 1e-6, dtype=np.float64)
    left[:, index, index] = diagonal
    right: Floats = products[:, :target, target]
    return np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0], dtype=np.float64)


def _candidate(
    fleet: Fleet,
    block: HourBlock,
    place: tuple[int, int],
    numbers: tuple[float, float, float],
    told: tuple[Kind, bool],
) -> Candidate:
    row, hour = place
    kind, is_raised = told
    value, mean, limit = numbers
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=kind,
        rule=RULE,
        start_s=(block.first + hour - 12) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=min(abs(mean) / limit, 3.0),
        statistic=abs(mean),
        threshold=limit,
        observed=value,
        expected=value - mean,
        expected_low=value - mean - limit,
        expected_high=value - mean + limit,
        unit="degC",
        evidence=(EvidenceValue(name="mean_residual", value=mean, unit="K"),),
        is_raised=is_raised,
    )
