"""Finds energy or gas use that does not fit the weather: too much or too little for too long."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sync_server.detection.hours.history import (
    HOLD_SHARE,
    LEARN_LAG_DAYS,
    HistoryState,
    HourBlock,
    is_clean,
    mark_bad,
    median_of_known,
    or_else,
    raised_and_held,
    was_found_lately,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

RULE = "signature"

DAYS = 400
"""Days that the fit looks back: one heating season and a bit (CalTRACK caps at 12 months)."""

BASES_DEGC = np.arange(9.0, 21.1, 1.0)
"""Outdoor temperatures from which heating begins, as tried by the fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRule:
    """Parameters; docs/detectors.md#signature says where each comes from."""

    least_days: int = 60
    refit_days: int = 14
    allowance: float = 0.9
    decision: float = 6.5
    gate: float = 0.2
    clip: float = 6.0
    fast_z: float = 7.0
    fast_gate: float = 0.5
    stuck_share: float = 0.03
    drop_most: float = 0.88
    drop_scatter: float = 1.6
    record_factor: float = 1.15
    record_cusum: float = 1.0
    calm_days: float = 3.0
    least_effect: float = 0.2
    idle_share: float = 0.3
    idle_effect: float = 0.9
    drop_least: float = 0.3
    surely_cold_degc: float = 9.0
    surely_base: float = 1.6
    least_expected: float = 0.03
    drop_beyond: float = 1.3
    drop_sigmas: float = 1.0
    drop_sigmas_warm: float = 1.05
    tenth: tuple[float, float] = (0.08, 0.125)
    early_cold_k: float = 3.0
    known_on_k: float = 1.4
    known_on_share: float = 0.7
    least_heating: float = 0.1


@dataclass(slots=True, kw_only=True)
class SignatureState:
    """By row: days, the fit, and the two CUSUMs (index 0 up, 1 down)."""

    used: Floats
    temp: Floats
    day: Floats
    count: Ints
    fit: Floats
    fitted: Floats
    weekday: Floats
    cusum: Floats
    since: Floats
    seen: Floats
    due: Floats
    record: Floats
    highest: Floats
    calm: Floats
    share: Floats
    missed: Floats
    missed_lately: Floats
    reached: Floats
    lately: Floats
    heated: Floats


def empty_signature(count: int) -> SignatureState:
    """Return the state before the first day."""
    return SignatureState(
        used=np.full((count, DAYS), np.nan),
        temp=np.full((count, DAYS), np.nan),
        day=np.zeros((count, DAYS)),
        count=np.zeros(count, dtype=np.int64),
        fit=np.full((count, 9), np.nan),
        fitted=np.zeros(count),
        weekday=np.ones((count, 7)),
        cusum=np.zeros((count, 2)),
        since=np.zeros((count, 2)),
        seen=np.zeros((count, 2)),
        due=np.zeros((count, 2)),
        record=np.zeros(count),
        highest=np.zeros((count, 6)),
        calm=np.zeros((count, 2)),
        share=np.full((count, SHARE_DAYS + SCATTER_DAYS), np.nan),
        missed=np.zeros(count),
        missed_lately=np.zeros((count, 12)),
        reached=np.zeros((count, 2)),
        lately=np.zeros((count, 12, 2)),
        heated=np.full((count, HEATED_DAYS), NEVER_HEATED_DEGC),
    )


CUSUM_MOST = 80.0
"""In sigmas; more says nothing that is not said yet."""

SHARE_DAYS = 5
SCATTER_DAYS = 20
"""Days before them whose shares tell how much comes and goes by itself."""

HEATED_DAYS = 14
NEVER_HEATED_DEGC = -99.0
"""Days whose temperature tells that a building is heated at it; a day on which it was not."""

LEAST_SCATTER_DAYS = 8
LEVEL_DAYS = (7, 42)
"""The level is that of the last six weeks without the last one (METHODS 6.4)."""

LEAST_LEVEL_DAYS = 10
LEAST_SPREAD_DAYS = 15
WIDEN_LEAST = 1.1
_TINY = 1e-9

A, B, TB, LOW_SIGMA, REL_SIGMA, MEDIAN, LEVEL, FITTED_DAYS, WIDEN = range(9)


def detect_signature(
    fleet: Fleet,
    state: SignatureState,
    history: HistoryState,
    block: HourBlock,
    rule: SignatureRule,
) -> Iterator[Candidate]:
    """Yield candidates; days are closed at midnight UTC, of daily meters with their reading."""
    rows = fleet.signature_rows
    if not len(rows):
        return
    where = _Where(fleet=fleet, history=history, block=block)
    yield from _fast(where, state, rows, rule)
    hour = block.closes[rows]
    closing = hour >= 0
    rows, hour = rows[closing], hour[closing]
    if len(rows):
        yield from _close_days(where, state, (rows, hour), rule)


def _predict(
    state: SignatureState, rows: Ints, temp: Floats, weekday: Ints
) -> tuple[Floats, Floats]:
    """Return what is to be expected at these temperatures, and its sigma."""
    fit = _fit_of(state, rows, temp)
    expected = _expected(state, rows, temp, weekday)
    sigma = np.hypot(fit[:, LOW_SIGMA], fit[:, REL_SIGMA] * expected)
    return expected, np.maximum(fit[:, WIDEN] * sigma, 0.05 * fit[:, MEDIAN])


def _expected(state: SignatureState, rows: Ints, temp: Floats, weekday: Ints) -> Floats:
    """Return what is to be expected of rows, or rows x hours, at these temperatures."""
    fit = _fit_of(state, rows, temp)
    heating = np.maximum(0.0, fit[:, TB] - temp)
    base = np.maximum(fit[:, A] + fit[:, B] * heating, 0.0)
    expected: Floats = base * fit[:, LEVEL]
    expected *= state.weekday[rows[:, None] if temp.ndim > 1 else rows, weekday]
    return expected


def _fit_of(state: SignatureState, rows: Ints, temp: Floats) -> Floats:
    """Return the fits in the shape of the temperatures: rows, or rows x hours."""
    return state.fit[rows] if temp.ndim == 1 else state.fit[rows][:, :, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    fleet: Fleet
    history: HistoryState
    block: HourBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """Closed days: rows, the hour of the block that closes each, use, what was expected, sigma."""

    rows: Ints
    hour: Ints
    used: Floats
    expected: Floats
    sigma: Floats


def _fast(
    where: _Where, state: SignatureState, rows: Ints, rule: SignatureRule
) -> Iterator[Candidate]:
    """Yield candidates for the 24 hours up to each hour: what cannot wait for the day's end."""
    history, block = where.history, where.block
    temp = block.signature_temp_degc[rows]
    used = block.day_used[rows]
    slots = block.first + np.arange(block.count)
    weekday = ((slots - 12) // 24 + 3) % 7
    expected, sigma = _predict(state, rows, temp, weekday)
    some = expected > 0
    ratio = np.full(used.shape, np.nan)
    np.divide(used, expected, out=ratio, where=some)
    block.use_ratio[rows] = ratio
    block.excess[rows] = used - expected
    block.level[rows] = state.fit[rows, LEVEL]
    is_cold_enough = _is_decisive(state, rows, temp, expected, rule)
    block.is_decisive[rows] = is_cold_enough | _is_on(state, rows, temp, expected, rule)
    may_heat = _may_heat(state, rows, (temp, weekday), rule)
    with np.errstate(invalid="ignore"):
        is_beyond = used > may_heat
        z = (used - expected) / sigma
        limit = np.maximum(rule.fast_z, rule.record_factor * state.record[rows])
        score = z / limit[:, None]
        flags = (score >= 1.0) & (used > (1 + rule.fast_gate) * expected) & is_beyond
        if flags.any():
            flags &= used - expected > _least_effect(where.fleet, state, rows, expected, rule)
    block.is_beyond_choice[rows] = is_beyond
    state.highest[rows, 0] = np.maximum(state.highest[rows, 0], or_else(z, 0.0).max(axis=1))
    if block.ends_day:
        clean = is_clean(history, block.first - 24 * 8, block.first + 24)[rows]
        oldest = np.where(clean & (state.fitted[rows] > 0), state.highest[rows, -1], 0.0)
        state.record[rows] = np.maximum(state.record[rows] * 0.998, np.minimum(oldest, 20.0))
        state.highest[rows, 1:] = state.highest[rows, :-1]
        state.highest[rows, 0] = 0.0
    flags &= block.is_judged[rows]
    held = (score >= HOLD_SHARE) & (used > (1 + rule.gate) * expected)
    held &= was_found_lately(history, block.first)[rows, None] & block.is_judged[rows]
    for place, hour, is_raised in raised_and_held(flags, held):
        row, slot = int(rows[place]), block.first + hour
        if is_raised:
            mark_bad(history, row, slot - 24, slot)
        numbers = (
            float(used[place, hour]),
            float(expected[place, hour]),
            float(sigma[place, hour]),
            float(min(score[place, hour], 3.0)),
        )
        told = _candidate(where, (row, hour, slot - 24), numbers, None)
        yield replace(told, is_raised=is_raised)


def _close_days(
    where: _Where, state: SignatureState, closing: tuple[Ints, Ints], rule: SignatureRule
) -> Iterator[Candidate]:
    history, block = where.history, where.block
    rows, hour = closing
    slot = block.first + hour
    day = (slot / 24.0).astype(np.float64)
    used, temp = block.day_used[rows, hour], block.signature_temp_degc[rows, hour]
    temp = np.where(np.isnan(temp), 99.0, temp)
    weekday = ((slot - 12) // 24 + 3) % 7
    _forget_bad(state, history, rows, block.first)
    due = (~(state.fitted[rows] > 0) | (day - state.fitted[rows] >= rule.refit_days)) & (
        state.count[rows] >= rule.least_days
    )
    if due.any():
        _fit(state, rows[due], day[due], rule)
    _level(state, rows, day)
    expected, sigma = _predict(state, rows, temp, weekday)
    z = np.clip((used - expected) / sigma, -rule.clip, rule.clip)
    known = ~np.isnan(z)
    days = _Days(rows=rows, hour=hour, used=used, expected=expected, sigma=sigma)
    _remember_heating(state, days, temp, rule)
    yield from _excess(where, state, days, rule)
    yield from _drop(where, state, days, rule)
    last = block.first + block.count - 1
    clean = is_clean(history, last - 24 * 13, last)[rows]
    oldest = np.where(clean[:, None], state.lately[rows, -1], 0.0)
    state.reached[rows] = np.maximum(state.reached[rows] * 0.9965, oldest)
    state.lately[rows, 1:] = state.lately[rows, :-1]
    state.lately[rows, 0] = state.cusum[rows]
    place = state.count[rows] % DAYS
    keep = known | np.isnan(state.fit[rows, A])
    keep &= ~np.isnan(used)
    put, place = rows[keep], place[keep]
    state.used[put, place], state.temp[put, place] = used[keep], temp[keep]
    state.day[put, place] = day[keep]
    state.count[put] += 1


def _excess(
    where: _Where, state: SignatureState, days: _Days, rule: SignatureRule
) -> Iterator[Candidate]:
    """Yield candidates for meters that use more than the weather asks for (CUSUM)."""
    history, block = where.history, where.block
    rows, hour, used, expected, sigma = days.rows, days.hour, days.used, days.expected, days.sigma
    slot = block.first + hour
    day = slot / 24.0
    z = np.clip((used - expected) / sigma, -rule.clip, rule.clip)
    known = ~np.isnan(z)
    total = np.maximum(0.0, state.cusum[rows, 0] + np.where(known, z - rule.allowance, 0.0))
    calm = np.where(known & (z < rule.allowance), state.calm[rows, 0] + 1, 0.0)
    state.calm[rows, 0] = np.where(known, calm, state.calm[rows, 0])
    total = np.where(state.calm[rows, 0] >= rule.calm_days, 0.0, total)
    is_new = total == 0
    state.since[rows, 0] = np.where(is_new, day, state.since[rows, 0])
    state.seen[rows, 0] = np.where(is_new, 0.0, state.seen[rows, 0] + np.where(known, used, 0.0))
    state.due[rows, 0] = np.where(is_new, 0.0, state.due[rows, 0] + np.where(known, expected, 0.0))
    decision = np.maximum(rule.decision, rule.record_cusum * state.reached[rows, 0])
    over = (total > decision) & (state.seen[rows, 0] > (1 + rule.gate) * state.due[rows, 0]) & known
    state.cusum[rows, 0] = np.minimum(total, CUSUM_MOST)
    if not over.any():
        return
    over &= (z > rule.allowance) & (used > (1 + rule.gate) * expected)
    over &= used - expected > _least_effect(where.fleet, state, rows, expected, rule)
    felt = block.signature_temp_degc[rows, hour]
    weekday = ((slot - 12) // 24 + 3) % 7
    over &= used > _may_heat(state, rows, (felt, weekday), rule)
    over &= block.is_judged[rows, hour]
    for place in np.flatnonzero(over):
        row = int(rows[place])
        start = int(state.since[row, 0] * 24)
        mark_bad(history, row, start, int(slot[place]))
        score = float(min(total[place] / decision[place], 3.0))
        numbers = (float(used[place]), float(expected[place]), float(sigma[place]), score)
        yield _candidate(where, (row, int(hour[place]), start), numbers, None)


def _drop(
    where: _Where, state: SignatureState, days: _Days, rule: SignatureRule
) -> Iterator[Candidate]:
    """Yield candidates for meters that show a smaller share of what the weather asks for."""
    history, block = where.history, where.block
    rows, hour, used, expected, sigma = days.rows, days.hour, days.used, days.expected, days.sigma
    felt = block.signature_temp_degc[rows, hour]
    enough = _is_decisive(state, rows, felt, expected, rule)
    share = np.full(len(rows), np.nan)
    np.divide(used, expected, out=share, where=enough & ~np.isnan(used))
    put = rows[~np.isnan(share)]
    state.share[put, 1:] = state.share[put, :-1]
    state.share[put, 0] = share[~np.isnan(share)]
    lately = state.share[rows, :SHARE_DAYS]
    week = median_of_known(lately, SHARE_DAYS)
    highest = np.sort(lately, axis=1)[:, -2]
    missed = or_else(1.0 - week, 0.0)
    sigmas = np.where(felt < rule.surely_cold_degc, rule.drop_sigmas, rule.drop_sigmas_warm)
    noise = sigmas * sigma / np.maximum(expected, _TINY)
    limit = np.maximum(rule.drop_least, np.maximum(rule.drop_beyond * state.missed[rows], noise))
    score = missed / limit
    may = (score >= HOLD_SHARE) & ~np.isnan(share) & (share < 1.0 - 0.6 * missed)
    if may.any():
        shares = (score, week, highest, may)
        yield from _dropped(where, state, days, shares, rule)
    last = block.first + block.count - 1
    clean = is_clean(history, last - 24 * 13, last)[rows] & (state.fitted[rows] > 0)
    oldest = np.where(clean, state.missed_lately[rows, -1], 0.0)
    state.missed[rows] = np.maximum(state.missed[rows] * 0.9965, np.minimum(oldest, 0.55))
    state.missed_lately[rows, 1:] = state.missed_lately[rows, :-1]
    state.missed_lately[rows, 0] = missed


def _dropped(
    where: _Where,
    state: SignatureState,
    days: _Days,
    shares: tuple[Floats, Floats, Floats, Flags],
    rule: SignatureRule,
) -> Iterator[Candidate]:
    """Yield candidates of the rows that may show too little.

    `shares` are by row the score, median and second highest share of the last days, and whether
    they may show too little.
    """
    history, block = where.history, where.block
    rows, hour, used, expected, sigma = days.rows, days.hour, days.used, days.expected, days.sigma
    score, week, highest, may = shares
    missed = or_else(1.0 - week, 0.0)
    slot = block.first + hour
    may &= block.is_judged[rows, hour]
    over = may & (score >= 1.0) & (highest < 1.0 - 0.3 * missed)
    is_tenth = (week > rule.tenth[0]) & (week < rule.tenth[1])
    is_stuck = highest < rule.stuck_share
    was_told = was_found_lately(history, block.first)[rows]
    over &= was_told | (missed >= rule.drop_scatter * _scatter(state.share[rows, SHARE_DAYS:]))
    over &= is_tenth | is_stuck | (missed <= rule.drop_most)
    held = may & was_told & ~over
    for place in np.flatnonzero(over | held):
        row = int(rows[place])
        start = int(slot[place]) - 24 * SHARE_DAYS
        if over[place]:
            mark_bad(history, row, start, int(slot[place]))
        numbers = (
            float(used[place]),
            float(expected[place]),
            float(sigma[place]),
            float(min(score[place], 3.0)),
        )
        kind = (
            Kind.UNIT_SCALE if is_tenth[place] else Kind.STUCK if is_stuck[place] else Kind.BYPASS
        )
        told = _candidate(where, (row, int(hour[place]), start), numbers, kind)
        yield replace(told, is_raised=bool(over[place]))


def _is_decisive(
    state: SignatureState, rows: Ints, felt: Floats, expected: Floats, rule: SignatureRule
) -> Flags:
    """Return where it is surely cold or surely nothing is heated, and some use is expected."""
    fit = state.fit[rows]
    if felt.ndim == 2:  # noqa: PLR2004 -- rows x hours
        fit = fit[:, :, None]
    is_base = expected <= rule.surely_base * fit[:, A] * fit[:, LEVEL]
    is_some = expected > rule.least_expected * fit[:, MEDIAN]
    decisive: Flags = ((felt < rule.surely_cold_degc) | is_base) & is_some
    return decisive


def _remember_heating(
    state: SignatureState, days: _Days, felt: Floats, rule: SignatureRule
) -> None:
    """Remember at which temperature it is heated: who did so days ago does so when it is colder."""
    rows, used, expected = days.rows, days.used, days.expected
    base = rule.surely_base * state.fit[rows, A] * state.fit[rows, LEVEL]
    least = np.maximum(base, rule.least_heating * state.fit[rows, MEDIAN])
    with np.errstate(invalid="ignore"):
        is_heated = (expected > least) & (used > rule.known_on_share * expected)
    state.heated[rows, 1:] = state.heated[rows, :-1]
    state.heated[rows, 0] = np.where(is_heated, felt, NEVER_HEATED_DEGC)


def _is_on(
    state: SignatureState, rows: Ints, felt: Floats, expected: Floats, rule: SignatureRule
) -> Flags:
    """Return where it is colder than when it was heated days ago."""
    heated = state.heated[rows].max(axis=1)[:, None]
    is_on: Flags = (felt <= heated - rule.known_on_k) & (
        expected > rule.least_expected * state.fit[rows, MEDIAN][:, None]
    )
    return is_on


def _scatter(share: Floats) -> Floats:
    """Return the standard deviation of each row's known shares; 0 where they are too few."""
    known = ~np.isnan(share)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, share, 0.0).sum(axis=1) / count
    squares = np.where(known, (share - mean[:, None]) ** 2, 0.0).sum(axis=1) / count
    scatter: Floats = np.where(count >= LEAST_SCATTER_DAYS, np.sqrt(squares), 0.0)
    return scatter


def _may_heat(
    state: SignatureState, rows: Ints, day: tuple[Floats, Ints], rule: SignatureRule
) -> Floats:
    """Return what may be used by who heats at this temperature though they did not before.

    When the heating season begins and ends is the customer's choice.
    """
    temp, weekday = day
    return _expected(state, rows, temp - rule.early_cold_k, weekday)


def _least_effect(
    fleet: Fleet, state: SignatureState, rows: Ints, expected: Floats, rule: SignatureRule
) -> Floats:
    """Return how much more must be used; of heat in summer more, when spread is known least."""
    middle = state.fit[rows, MEDIAN]
    is_heat = fleet.is_heat[rows] > 0
    if expected.ndim > middle.ndim:
        middle, is_heat = middle[:, None], is_heat[:, None]
    is_idle = is_heat & (expected < rule.idle_share * middle)
    least: Floats = np.where(is_idle, rule.idle_effect, rule.least_effect) * middle
    return least


def _forget_bad(state: SignatureState, history: HistoryState, rows: Ints, slot: int) -> None:
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


def _level(state: SignatureState, rows: Ints, day: Floats) -> None:
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


def _fit(state: SignatureState, rows: Ints, day: Floats, rule: SignatureRule) -> None:
    """Fit use = a + b max(0, Tb - T) robustly, for every row that is due."""
    used, temp = state.used[rows], state.temp[rows]
    known = ~np.isnan(used) & (day[:, None] - state.day[rows] <= DAYS)
    enough = known.sum(axis=1) >= rule.least_days
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


def _spread(state: SignatureState, rows: Ints, days: tuple[Floats, Floats, Flags]) -> None:
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
    low = _sigma(np.where(is_low, residual, np.nan))
    every = _sigma(residual)
    enough = (is_low & known).sum(axis=1) > LEAST_SPREAD_DAYS
    state.fit[rows, LOW_SIGMA] = np.where(enough, low, every)
    relative = np.where(~is_low, residual / np.maximum(expected, 1e-6), np.nan)
    state.fit[rows, REL_SIGMA] = np.where(
        (~is_low & known).sum(axis=1) > LEAST_SPREAD_DAYS, _sigma(relative), 0.2
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


def _sigma(values: Floats) -> Floats:
    middle = median_of_known(values, 1)
    spread = median_of_known(np.abs(values - middle[:, None]), 1)
    sigma: Floats = 1.4826 * or_else(spread, 0.0) + _TINY
    return sigma


def _candidate(
    where: _Where,
    place: tuple[int, int, int],
    numbers: tuple[float, float, float, float],
    kind: Kind | None,
) -> Candidate:
    row, hour, start = place
    fleet, block = where.fleet, where.block
    used, expected, sigma, score = numbers
    spec = fleet.specs[row]
    is_heat = spec.medium is Medium.HEAT
    if kind is None:
        kind = Kind.VALVE_OPEN if is_heat else Kind.SLOW_LEAK
    unit = "kWh/day" if is_heat else "m3/day"
    return Candidate(
        row=row,
        meter_id=spec.meter_id,
        kind=kind,
        rule=RULE,
        start_s=start * 3600,
        at_s=int(block.received_s[row, hour]),
        score=score,
        statistic=score,
        threshold=1.0,
        observed=used / 1000.0,
        expected=expected / 1000.0,
        expected_low=max(expected - 2 * sigma, 0.0) / 1000.0,
        expected_high=(expected + 2 * sigma) / 1000.0,
        unit=unit,
        effect_per_day=(used - expected) / 1000.0,
        effect_unit=unit,
        evidence=(EvidenceValue(name="sigma", value=sigma / 1000.0, unit=unit),),
    )
