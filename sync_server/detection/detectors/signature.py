"""Finds energy or gas use that does not fit the weather: too much or too little for too long."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sync_server.detection.hours.history import (
    HOLD_SHARE,
    HistoryState,
    HourBlock,
    is_clean,
    mark_bad,
    median_of_known,
    or_else,
    raised_and_held,
    was_found_lately,
)
from sync_server.detection.hours.weather_fit import (
    DAYS,
    LEVEL,
    MEDIAN,
    A,
    FittedUse,
    expected_use,
    fit_lines,
    follow_level,
    forget_bad,
    predict,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

RULE = "signature"


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
class SignatureState(FittedUse):
    """By row: the fit with its days, and the two CUSUMs (index 0 up, 1 down)."""

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
_TINY = 1e-9


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
    expected, sigma = predict(state, rows, temp, weekday)
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
    forget_bad(state, history, rows, block.first)
    due = (~(state.fitted[rows] > 0) | (day - state.fitted[rows] >= rule.refit_days)) & (
        state.count[rows] >= rule.least_days
    )
    if due.any():
        fit_lines(state, rows[due], day[due], rule.least_days)
    follow_level(state, rows, day)
    expected, sigma = predict(state, rows, temp, weekday)
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
    return expected_use(state, rows, temp - rule.early_cold_k, weekday)


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
