"""Decides what a register honestly advanced between two readings, and what its odd steps mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import RegisterFacts
from wire_contracts.kinds import Kind

FACTORS = (10.0, 100.0, 1000.0, 3.6, 0.1, 0.01, 0.001, 1 / 3.6)
"""Mistaken units and pulse values: powers of ten, and kWh for MJ (METHODS 6.3)."""

FACTOR_WITHIN = 0.01
"""A register that jumped by a factor does so to within the use of one interval."""

LEAST_FOR_FACTOR = 2000.0
"""A register below this is too small for its ratio to say anything (litres, watt-hours)."""

NEAR_END, NEAR_BEGIN = 0.98, 0.02
"""Shares of the modulus between which a register wraps (METHODS 6.3)."""

IMPOSSIBLE = 6.0
"""An advance of more than this multiple of the meter's own peak is no use (METHODS 6.3)."""

PEAK_KEEP_H = 24.0 * 365
"""The peak fades over a year: a building may be rebuilt."""

PEAK_GROWTH = 2.0
"""One reading may raise the peak at most by this factor: an error must not teach itself."""

WARM_READINGS = 72
"""Before so many accepted advances the peak is not known and only negative steps are odd."""

NEGATIVE_FORGOTTEN_H = 36.0
"""Two negative steps within this time are a meter that counts backwards, not a correction."""

LONGEST_STOOD_H = 24.0 * 21
CATCH_UP = 1.5
"""A payload that was frozen for days catches up in one step: up to so many times the peak for all
the time that the register stood. That is no exchange."""

JUMPS_FORGOTTEN_H = 48.0
JUMPS_NEEDED = 2
"""A meter is exchanged once; a second impossible advance at once is a wrong unit."""

NEGATIVE_NEEDED = 2
"""One negative step is a correction or a reading out of order; two are a direction."""


@dataclass(slots=True, kw_only=True)
class RegisterState:
    """By row, for one register (volume in litres or energy in watt-hours).

    Attributes:
        measured_s: Newest settled reading; 0 before the first.
        raw: Its register; NaN before the first.
        scale: What the register's advance is divided by; 1 when its unit is right.
        peak: The highest advance in an hour, fading.
        accepted: Accepted advances, up to `WARM_READINGS`.
        moved_s: When it last moved.
        negative_s: The newest negative step.
        negatives: Negative steps, each within `NEGATIVE_FORGOTTEN_H` of the one before.
        jump_s: The newest impossible advance.
        jumps: Impossible advances in a row.
    """

    measured_s: Floats
    raw: Floats
    scale: Floats
    peak: Floats
    accepted: Floats
    moved_s: Floats
    negative_s: Floats
    negatives: Floats
    jump_s: Floats
    jumps: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEvent:
    """An odd step of a row's register from `before` to `after`; `index` is the reading's place."""

    row: int
    index: int
    kind: Kind
    start_s: float
    before: float
    after: float
    factor: float = 1.0
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Advances:
    """N honest advances, in the order of the readings.

    Attributes:
        elapsed_h: Time since the reading before; NaN for the first.
        advance: Litres or watt-hours; NaN where it is not known.
        is_mended: Whether the step was odd and was taken out or corrected.
        events: What the odd steps mean.
    """

    elapsed_h: Floats
    advance: Floats
    is_mended: Flags
    events: Sequence[RegisterEvent]


def empty_registers(count: int) -> RegisterState:
    """Return the state of registers that were never read."""
    return RegisterState(
        measured_s=np.zeros(count),
        raw=np.full(count, np.nan),
        scale=np.ones(count),
        peak=np.zeros(count),
        accepted=np.zeros(count),
        moved_s=np.zeros(count),
        negative_s=np.zeros(count),
        negatives=np.zeros(count),
        jump_s=np.zeros(count),
        jumps=np.zeros(count),
    )


def settle_registers(
    state: RegisterState, facts: RegisterFacts, row: Ints, measured_s: Floats, register: Floats
) -> Advances:
    """Return the honest advances of N readings in order of row and time; NaN registers are absent.

    Args:
        state: Updated in place.
        facts: What is known of each row's register.
        row: N rows, ascending.
        measured_s: N instants, ascending within a row and later than the state's.
        register: N registers; NaN where it was not read.
    """
    known = np.flatnonzero(~np.isnan(register))
    elapsed_h, advance = np.full(len(row), np.nan), np.full(len(row), np.nan)
    is_mended = np.zeros(len(row), dtype=np.bool_)
    steps = _steps(state, row[known], measured_s[known], register[known])
    events: list[RegisterEvent] = []
    limit = np.maximum(steps.elapsed_h, 1.0) * _limits(state, facts, steps.row)
    is_odd = (steps.advance < 0) | (steps.advance > limit)
    for each in np.unique(steps.row[is_odd]):
        places = np.flatnonzero(steps.row == each)
        row_limit = float(_limits(state, facts, np.array([each]))[0])
        modulus, scale = float(facts.modulus[each]), float(state.scale[each])
        for place in places:
            if is_odd[place] or state.scale[each] != scale:
                found = _judge_step(state, steps, int(place), (row_limit, modulus))
                is_mended[known[place]] = found.is_mended
                steps.advance[place] = found.advance
                if found.kind is not None:
                    events.append(_event(steps, int(place), int(known[place]), found))
            if is_mended[known[place]] or steps.advance[place] > 0:
                state.moved_s[each] = steps.measured_s[place]
    _learn(state, steps, is_mended[known])
    elapsed_h[known], advance[known] = steps.elapsed_h, steps.advance
    return Advances(elapsed_h=elapsed_h, advance=advance, is_mended=is_mended, events=events)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """From the reading before (of the row, or of the state) to each reading."""

    row: Ints
    before_s: Floats
    measured_s: Floats
    elapsed_h: Floats
    before: Floats
    after: Floats
    advance: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    advance: float
    is_mended: bool = True
    kind: Kind | None = None
    factor: float = 1.0
    count: int = 1


def _steps(state: RegisterState, row: Ints, measured_s: Floats, register: Floats) -> _Steps:
    before_s, before = np.empty(len(row)), np.empty(len(row))
    before_s[1:], before[1:] = measured_s[:-1], register[:-1]
    is_first = np.ones(len(row), dtype=np.bool_)
    is_first[1:] = row[1:] != row[:-1]
    before_s[is_first], before[is_first] = state.measured_s[row[is_first]], state.raw[row[is_first]]
    return _Steps(
        row=row,
        before_s=before_s,
        measured_s=measured_s,
        elapsed_h=np.where(np.isnan(before), np.nan, (measured_s - before_s) / 3600.0),
        before=before,
        after=register,
        advance=(register - before) / state.scale[row],
    )


def _limits(state: RegisterState, facts: RegisterFacts, row: Ints) -> Floats:
    limit: Floats = np.where(
        state.accepted[row] < WARM_READINGS,
        np.inf,
        np.maximum(IMPOSSIBLE * state.peak[row], facts.floor[row]),
    )
    return limit


def _judge_step(
    state: RegisterState, steps: _Steps, place: int, limit_modulus: tuple[float, float]
) -> _Found:
    row = int(steps.row[place])
    limit, modulus = limit_modulus
    raw_step = float(steps.after[place] - steps.before[place])
    advance = raw_step / float(state.scale[row])
    still_h = (steps.measured_s[place] - state.moved_s[row]) / 3600.0 if state.moved_s[row] else 0.0
    stood_h = min(float(still_h), LONGEST_STOOD_H)
    span_limit = limit * max(float(steps.elapsed_h[place]), 1.0)
    if span_limit < advance <= limit / IMPOSSIBLE * CATCH_UP * stood_h:
        return _Found(advance=np.nan, kind=Kind.COMM_FROZEN)
    if np.isnan(advance) or 0 <= advance <= span_limit:
        return _Found(advance=advance, is_mended=False)
    before, after = float(steps.before[place]), float(steps.after[place])
    if _wraps(before, after, modulus) and raw_step + modulus <= span_limit:
        return _Found(advance=raw_step + modulus, is_mended=False, kind=Kind.ROLLOVER)
    factor = _factor(before, after)
    if factor is not None and abs(raw_step) > span_limit / 2:
        return _rescaled(state, row, factor)
    if raw_step < 0 and -raw_step < min(3.0 * limit, before / 2 + 1):
        return _backwards(state, row, float(steps.measured_s[place]))
    state.scale[row] = 1.0
    return _jumped(state, row, steps, place)


def _jumped(state: RegisterState, row: int, steps: _Steps, place: int) -> _Found:
    """Return an exchange; impossible advances again and again are a wrong unit."""
    since_h = (steps.measured_s[place] - state.jump_s[row]) / 3600.0
    is_again = since_h <= JUMPS_FORGOTTEN_H and steps.advance[place] > 0
    state.jumps[row] = state.jumps[row] + 1 if is_again else 1
    state.jump_s[row] = steps.measured_s[place]
    if state.jumps[row] < JUMPS_NEEDED:
        return _Found(advance=np.nan, kind=Kind.EXCHANGE)
    rate = float(steps.advance[place]) / max(float(steps.elapsed_h[place]), 1.0)
    return _Found(
        advance=np.nan,
        kind=Kind.UNIT_SCALE,
        factor=rate / max(float(state.peak[row]), 1.0),
        count=int(state.jumps[row]),
    )


def _wraps(before: float, after: float, modulus: float) -> bool:
    return before > NEAR_END * modulus and after < NEAR_BEGIN * modulus


def _factor(before: float, after: float) -> float | None:
    """Return the mistaken factor by which the register jumped, if it is one."""
    if before <= LEAST_FOR_FACTOR or after <= 0:
        return None
    near = [each for each in FACTORS if abs(after / before / each - 1.0) < FACTOR_WITHIN]
    return near[0] if near else None


def _rescaled(state: RegisterState, row: int, factor: float) -> _Found:
    scale = float(state.scale[row]) * factor
    is_back = abs(scale - 1.0) < 2 * FACTOR_WITHIN
    state.scale[row] = 1.0 if is_back else scale
    if is_back:
        return _Found(advance=np.nan)
    return _Found(advance=np.nan, kind=Kind.UNIT_SCALE, factor=factor)


def _backwards(state: RegisterState, row: int, measured_s: float) -> _Found:
    since_h = (measured_s - float(state.negative_s[row])) / 3600.0
    count = int(state.negatives[row]) + 1 if since_h <= NEGATIVE_FORGOTTEN_H else 1
    state.negatives[row], state.negative_s[row] = count, measured_s
    kind = Kind.REVERSED if count >= NEGATIVE_NEEDED else None
    return _Found(advance=np.nan, kind=kind, count=count)


def _event(steps: _Steps, place: int, index: int, found: _Found) -> RegisterEvent:
    if found.kind is None:
        raise ValueError("register event: kind: is missing; only named steps are events")
    return RegisterEvent(
        row=int(steps.row[place]),
        index=index,
        kind=found.kind,
        start_s=float(steps.before_s[place]),
        before=float(steps.before[place]),
        after=float(steps.after[place]),
        factor=found.factor,
        count=found.count,
    )


def _learn(state: RegisterState, steps: _Steps, is_mended: Flags) -> None:
    """Take in the newest reading of each row, and its peak."""
    row = steps.row
    is_last = np.ones(len(row), dtype=np.bool_)
    is_last[:-1] = row[1:] != row[:-1]
    last = row[is_last]
    covered_h = np.zeros(len(state.raw))
    fine = ~is_mended & (steps.elapsed_h > 0) & (steps.advance >= 0)
    np.add.at(covered_h, row[fine], steps.elapsed_h[fine])
    highest = np.zeros(len(state.raw))
    rate = steps.advance[fine] / np.maximum(steps.elapsed_h[fine], 1.0)
    np.maximum.at(highest, row[fine], rate)
    was_warm = state.accepted >= WARM_READINGS
    np.add.at(state.accepted, row[fine], 1.0)
    moved = fine & (steps.advance > 0)
    np.maximum.at(state.moved_s, row[moved | is_mended], steps.measured_s[moved | is_mended])
    touched = np.unique(last)
    faded = state.peak[touched] * np.exp(-covered_h[touched] / PEAK_KEEP_H)
    most = np.where(was_warm[touched], PEAK_GROWTH * faded + 1.0, np.inf)
    state.peak[touched] = np.maximum(faded, np.minimum(highest[touched], most))
    state.accepted[touched] = np.minimum(state.accepted[touched], WARM_READINGS)
    state.measured_s[last], state.raw[last] = steps.measured_s[is_last], steps.after[is_last]
