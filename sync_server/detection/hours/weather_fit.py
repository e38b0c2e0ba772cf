"""Learns what use fits the weather: a line per customer, its weekdays, its level, its spread."""

from dataclasses import dataclass

import numpy as np

from sync_server.detection.hours.history import (
    LEARN_LAG_DAYS,
    HistoryState,
    median_of_known,
    or_else,
)
from sync_server.detection.meters.columns import Flags, Floats, Ints

DAYS = 400
"""Days that the fit looks back: one heating season and a bit (CalTRACK caps at 12 months)."""

BASES_DEGC = np.arange(9.0, 21.1, 1.0)
"""Outdoor temperatures from which heating begins, as tried by the fit."""

LEVEL_DAYS = (7, 42)
"""The level is that of the last six weeks without the last one (METHODS 6.4)."""

LEAST_LEVEL_DAYS = 10
LEAST_SPREAD_DAYS = 15
WIDEN_LEAST = 1.1

A, B, TB, LOW_SIGMA, REL_SIGMA, MEDIAN, LEVEL, FITTED_DAYS, WIDEN = range(9)
"""The columns of `FittedUse.fit`."""

_TINY = 1e-9


@dataclass(slots=True, kw_only=True)
class FittedUse:
    """By row: the days that are learnt from, the fit, when it was made, factors by weekday."""

    used: Floats
    temp: Floats
    day: Floats
    count: Ints
    fit: Floats
    fitted: Floats
    weekday: Floats


def predict(state: FittedUse, rows: Ints, temp: Floats, weekday: Ints) -> tuple[Floats, Floats]:
    """Return what is to be expected at these temperatures, and its sigma."""
    fit = _fit_of(state, rows, temp)
    expected = expected_use(state, rows, temp, weekday)
    sigma = np.hypot(fit[:, LOW_SIGMA], fit[:, REL_SIGMA] * expected)
    return expected, np.maximum(fit[:, WIDEN] * sigma, 0.05 * fit[:, MEDIAN])


def expected_use(state: FittedUse, rows: Ints, temp: Floats, weekday: Ints) -> Floats:
    """Return what is to be expected of rows, or rows x hours, at these temperatures."""
    fit = _fit_of(state, rows, temp)
    heating = np.maximum(0.0, fit[:, TB] - temp)
    base = np.maximum(fit[:, A] + fit[:, B] * heating, 0.0)
    expected: Floats = base * fit[:, LEVEL]
    expected *= state.weekday[rows[:, None] if temp.ndim > 1 else rows, weekday]
    return expected


def _fit_of(state: FittedUse, rows: Ints, temp: Floats) -> Floats:
    """Return the fits in the shape of the temperatures: rows, or rows x hours."""
    return state.fit[rows] if temp.ndim == 1 else state.fit[rows][:, :, None]


def forget_bad(state: FittedUse, history: HistoryState, rows: Ints, slot: int) -> None:
    """Take abnormal days out of what is learned from, where they are not over for long."""
    rows = rows[history.bad_to[rows] >= slot - 24 * LEARN_LAG_DAYS]
    if not len(rows):
        return
    bad = (state.day[rows] * 24 > history.bad_from[rows, None]) & (
        (state.day[rows] - 1) * 24 < history.bad_to[rows, None]
    )
    used = state.used[rows]
    used[bad] = np.nan
    state.used[rows] = used


def follow_level(state: FittedUse, rows: Ints, day: Floats) -> None:
    """Follow the level of the last weeks: a permanent change of set-point is no fault."""
    places = (state.count[rows, None] - 1 - np.arange(LEVEL_DAYS[1] + 1)) % DAYS
    used, temp = state.used[rows[:, None], places], state.temp[rows[:, None], places]
    age = day[:, None] - state.day[rows[:, None], places]
    recent = (age > LEVEL_DAYS[0]) & (age <= LEVEL_DAYS[1]) & ~np.isnan(used)
    fit = state.fit[rows][:, :, None]
    base = fit[:, A] + fit[:, B] * np.maximum(0.0, fit[:, TB] - temp)
    total = np.where(recent, base, 0.0).sum(axis=1)
    seen = np.where(recent, used, 0.0).sum(axis=1)
    level = np.clip(seen / np.maximum(total, 1e-6), 0.8, 1.25)
    state.fit[rows, LEVEL] = np.where(recent.sum(axis=1) >= LEAST_LEVEL_DAYS, level, 1.0)


def fit_lines(state: FittedUse, rows: Ints, day: Floats, least_days: int) -> None:
    """Fit use = a + b max(0, Tb - T) robustly, for every row that is due and has enough days."""
    used, temp = state.used[rows], state.temp[rows]
    known = ~np.isnan(used) & (day[:, None] - state.day[rows] <= DAYS)
    enough = known.sum(axis=1) >= least_days
    rows, used, temp, known = rows[enough], used[enough], temp[enough], known[enough]
    if not len(rows):
        return
    state.fitted[rows] = day[enough]
    for first in range(0, len(rows), ROWS_A_FIT):
        part = slice(first, first + ROWS_A_FIT)
        line = _best_line(temp[part], np.where(known[part], used[part], 0.0), known[part])
        state.fit[rows[part], A], state.fit[rows[part], B], state.fit[rows[part], TB] = line
    _spread(state, rows, (used, temp, known))


ROWS_A_FIT = 32
"""Rows that are fitted at once, with all bases: few enough to stay in the processor's cache."""


def _best_line(temp: Floats, y: Floats, known: Flags) -> tuple[Floats, Floats, Floats]:
    """Return a, b and the base of the robust line that fits each row best."""
    count, days = temp.shape
    bases = len(BASES_DEGC)
    heating = np.maximum(0.0, BASES_DEGC[:, None, None] - temp)
    x = np.where(known, heating, 0.0).reshape(-1, days)
    a, b, loss = _robust_line(x, np.tile(y, (bases, 1)), np.tile(known, (bases, 1)))
    best = loss.reshape(bases, count).argmin(axis=0)
    row = np.arange(count)
    return a.reshape(bases, count)[best, row], b.reshape(bases, count)[best, row], BASES_DEGC[best]


def _robust_line(x: Floats, y: Floats, known: Flags) -> tuple[Floats, Floats, Floats]:
    weight = known.astype(np.float64)
    a, b, sigma = np.zeros(len(x)), np.zeros(len(x)), np.ones(len(x))
    scaled = np.zeros(x.shape)
    for _ in range(4):
        total = weight.sum(axis=1)
        mean_x, mean_y = (weight * x).sum(axis=1) / total, (weight * y).sum(axis=1) / total
        spread = (weight * (x - mean_x[:, None]) ** 2).sum(axis=1)
        b = (weight * (x - mean_x[:, None]) * (y - mean_y[:, None])).sum(axis=1)
        b = np.where(spread > _TINY, b / np.maximum(spread, 1e-9), 0.0)
        a = mean_y - b * mean_x
        residual = np.where(known, y - a[:, None] - b[:, None] * x, np.nan)
        sigma = 1.4826 * median_of_known(np.abs(residual), 1) + 1e-9
        scaled = np.abs(residual) / sigma[:, None]
        weight = np.where(known, 1.0 / np.maximum(1.0, or_else(scaled, 0.0) / 1.5), 0.0)
    loss = np.where(known, np.minimum(or_else(scaled, 0.0), 3.0), 0.0).sum(axis=1) * sigma
    return a, b, loss


def _spread(state: FittedUse, rows: Ints, days: tuple[Floats, Floats, Flags]) -> None:
    """Set weekday factors and sigmas of the fit."""
    used, temp, known = days
    fit = state.fit[rows][:, :, None]
    expected = np.maximum(fit[:, A] + fit[:, B] * np.maximum(0.0, fit[:, TB] - temp), 0.0)
    weekday = ((np.ceil(state.day[rows]) * 24 - 12) // 24 + 3) % 7
    middle = median_of_known(np.where(known, used, np.nan), 1)
    lifted = np.maximum(expected, 0.1 * middle[:, None])
    ratio = np.where(known & (lifted > 0), used / np.where(lifted > 0, lifted, 1.0), np.nan)
    overall = median_of_known(ratio, 1)
    for each in range(7):
        inside = np.where(weekday == each, ratio, np.nan)
        number = (~np.isnan(inside)).sum(axis=1)
        with np.errstate(all="ignore"):
            factor = np.where(number > 0, _nanmedian(inside) / overall, 1.0)
        weight = number / (number + 6.0)
        state.weekday[rows, each] = np.clip(
            np.where(np.isnan(factor), 1, factor) ** weight, 0.2, 3.0
        )
    factors = np.take_along_axis(state.weekday[rows], weekday.astype(np.int64), axis=1)
    residual = np.where(known, used - expected * factors, np.nan)
    cut = np.nanquantile(np.where(known, expected, np.nan), 0.35, axis=1)
    is_low = expected < cut[:, None]
    low = _sigma_of(np.where(is_low, residual, np.nan))
    every = _sigma_of(residual)
    enough = (is_low & known).sum(axis=1) > LEAST_SPREAD_DAYS
    state.fit[rows, LOW_SIGMA] = np.where(enough, low, every)
    relative = np.where(~is_low, residual / np.maximum(expected, 1e-6), np.nan)
    state.fit[rows, REL_SIGMA] = np.where(
        (~is_low & known).sum(axis=1) > LEAST_SPREAD_DAYS, _sigma_of(relative), 0.2
    )
    scaled = residual / np.hypot(
        state.fit[rows, LOW_SIGMA][:, None], state.fit[rows, REL_SIGMA][:, None] * expected
    )
    state.fit[rows, WIDEN] = _widening(np.clip(scaled, -3.0, 3.0))
    state.fit[rows, MEDIAN] = middle
    state.fit[rows, FITTED_DAYS] = known.sum(axis=1)


def _widening(scaled: Floats) -> Floats:
    """Return by how much sigma must grow because one day's residual is like the day before's."""
    one, other = scaled[:, 1:], scaled[:, :-1]
    known = ~np.isnan(one) & ~np.isnan(other)
    product = np.where(known, one * other, 0.0).sum(axis=1)
    square = np.where(known, one * one + other * other, 0.0).sum(axis=1) / 2.0
    alike = np.clip(product / np.maximum(square, 1e-9), 0.0, 0.7)
    widening: Floats = WIDEN_LEAST * np.sqrt((1.0 + alike) / (1.0 - alike))
    return widening


def _nanmedian(values: Floats) -> Floats:
    middle = median_of_known(values, 1)
    median: Floats = np.where(np.isnan(middle), 1.0, middle)
    return median


def _sigma_of(values: Floats) -> Floats:
    middle = median_of_known(values, 1)
    spread = median_of_known(np.abs(values - middle[:, None]), 1)
    sigma: Floats = 1.4826 * or_else(spread, 0.0) + _TINY
    return sigma
