"""Finds a heat meter whose own values contradict each other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.hours.history import (
    HistoryState,
    HourBlock,
    faded,
    first_and_last,
    is_clean,
    mark_bad,
    median_of_known,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.slots import Sum
from wire_contracts.kinds import Kind

RULE = "balance"

DAYS = 60
HELD_H = 3
"""Hours in a row in which registers must be off for a drift: what begins at once may show itself
to be a wrong unit before."""

LEAST_DAYS = 12
"""METHODS 6.3: the meter's own median of 60 days, of twelve at least."""

LEARN_DAYS = 3
"""Days between two looks at what is usual."""

MEDIAN_H = 16
LEAST_HOURS = 6
FACTORS = np.array([10.0, 100.0, 1000.0, 3.6, 0.1, 0.01, 0.001, 1 / 3.6])
FACTOR_LEAST = 2.0
"""What is nearer to one is near none of them."""

POWER, HEAT, VOLUME, FLOW, ENERGY, REGISTER_HEAT = range(6)
"""What is summed up, fading: power and flow x dT of readings; register and telemetry."""

TWICE = (ENERGY, REGISTER_HEAT, VOLUME)
"""What is summed up once more, fading over a day: the registers, for what drifts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRule:
    """Parameters; docs/detectors.md#balance says where each comes from.

    Attributes:
        fade_h: Hours after which what was summed up counts a third.
        drift: Least relative difference of power from flow x dT x rho c.
        sigmas: And so many of the meter's own sigmas.
        least_wh: Least energy in the fading sums for the identity to say something.
        register_steps: Steps that the register should have made for its scale to be judged.
        factor_within: How near (in logarithms) a register's ratio must be to a mistaken factor.
        excess: Use beyond this multiple of what the weather explains makes it an open valve.
        register_fade_h: Hours after which what registers advanced counts a third, for a drift.
        register_drift: Least relative difference of energy from volume x dT x rho c; and as much
            more as one step of each register may hide.
        register_beyond: And this multiple of what nine days in ten differed by.
        register_error: Where a step of each hides more than this the registers say nothing.
        register_most: And a larger difference (natural logarithm) is no drift, but a wrong unit.
        quiet_h: After one they say nothing for so many hours: it is in their sums still.
        register_agreeing: The last hours alone are off to the same side by this share of it: what
            is over is not told by what the sums still hold.
        open_return_k: Less heat than volume tells, and a return that is warmer than usual by so
            much, is water that runs through; a sensor that drifts tells of cooler water.
    """

    fade_h: float = 10.0
    drift: float = 0.07
    sigmas: float = 6.0
    steady: float = 0.7
    agreeing: float = 0.5
    told_steps: float = 3.0
    temp_off_k: float = 3.0
    least_share_of_peak: float = 0.3
    least_wh: float = 1500.0
    least_hour_wh: float = 350.0
    register_steps: float = 6.0
    factor_within: float = 0.2
    excess: float = 1.3
    register_fade_h: float = 24.0
    register_drift: float = 0.04
    register_beyond: float = 2.0
    register_error: float = 0.12
    register_most: float = 0.7
    quiet_h: int = 96
    register_agreeing: float = 0.7
    open_return_k: float = 2.0


@dataclass(slots=True, kw_only=True)
class BalanceState:
    """By row: fading sums, the logarithm of power over heat of the last days, wrong factors.

    The second axis of `daily`, and the last of `today`, is telemetry and registers; `middle` and
    `sigma` are of the first, `register_middle` and `register_reach` (what nine days in ten differed
    by) of the second.

    `drifts` says of the last hours whether registers were off, `wrong_to` when they last were so
    far off that a unit must have been wrong. `scaled` says of volume and energy whether the last
    hour was near a mistaken factor: one alone may be an hour of which telemetry tells the end only.
    """

    sums: Floats
    hourly: Floats
    daily: Floats
    today: Floats
    middle: Floats
    sigma: Floats
    register_middle: Floats
    register_reach: Floats
    drifts: Flags
    wrong_to: Ints
    peak: Floats
    scaled: Flags


def empty_balance(count: int) -> BalanceState:
    """Return the state before the first hour."""
    return BalanceState(
        sums=np.zeros((count, 6 + len(TWICE))),
        hourly=np.full((count, MEDIAN_H), np.nan),
        daily=np.full((count, 2, DAYS), np.nan),
        today=np.full((count, 4, 2), np.nan),
        middle=np.full(count, np.nan),
        sigma=np.full(count, np.nan),
        register_middle=np.full(count, np.nan),
        register_reach=np.full(count, np.nan),
        drifts=np.zeros((count, HELD_H - 1), dtype=np.bool_),
        wrong_to=np.zeros(count, dtype=np.int64),
        peak=np.zeros(count),
        scaled=np.zeros((count, 2), dtype=np.bool_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """What values say of each other in K hours, whatever was learned: R heat meters, R x K each.

    Median and quartiles of the logarithm of power over heat, the same of registers, mean power,
    weight, registers over telemetry, and (x 2, volume and energy) whether that is a wrong factor;
    the logarithm of registers over a day (NaN where steps hide it), what a step of each hides, and
    mean power of the energy register over a day.
    """

    rows: Ints
    logs: Floats
    low: Floats
    high: Floats
    by_register: Floats
    power: Floats
    weight: Floats
    volume: Floats
    energy: Floats
    scaled: Flags
    registers: Floats
    hidden: Floats
    day_power: Floats

    def during(self, start: int, stop: int) -> "Balanced":
        """Return the hours from `start` up to `stop`."""
        return Balanced(
            rows=self.rows,
            logs=self.logs[:, start:stop],
            low=self.low[:, start:stop],
            high=self.high[:, start:stop],
            by_register=self.by_register[:, start:stop],
            power=self.power[:, start:stop],
            weight=self.weight[:, start:stop],
            volume=self.volume[:, start:stop],
            energy=self.energy[:, start:stop],
            scaled=self.scaled[:, start:stop],
            registers=self.registers[:, start:stop],
            hidden=self.hidden[:, start:stop],
            day_power=self.day_power[:, start:stop],
        )


def detect_balance(
    fleet: Fleet,
    state: BalanceState,
    history: HistoryState,
    at: tuple[HourBlock, Balanced],
    rule: BalanceRule,
) -> Iterator[Candidate]:
    """Yield candidates of heat meters; `block.use_ratio` tells an open valve from a drift."""
    block, seen = at
    rows = seen.rows
    if not len(rows):
        return
    state.peak[rows] = np.maximum(state.peak[rows] * 0.9999, seen.power.max(axis=1))
    logs, middle = seen.logs, state.middle[rows, None]
    off = logs - middle
    limit = np.maximum(rule.drift, rule.sigmas * state.sigma[rows])[:, None]
    with np.errstate(invalid="ignore"):
        score = np.abs(off) / limit
        drifts = score >= 1.0
        if drifts.any():
            steady = np.where(off > 0, seen.low - middle, middle - seen.high)
            drifts &= steady >= rule.steady * limit
            drifts &= np.sign(off) * (seen.by_register - middle) >= rule.agreeing * limit
            drifts &= (off < 0) | (seen.power >= rule.least_share_of_peak * state.peak[rows, None])
            drifts &= block.temp_off_k[rows] >= rule.temp_off_k
            drifts &= (seen.weight >= rule.least_wh) & block.is_judged[rows]
    fired = np.zeros(len(rows), dtype=np.bool_)
    sides = ((seen.volume, "volume"), (seen.energy, "energy")) if seen.scaled.any() else ()
    for side, (kind_scale, name) in enumerate(sides):
        flags = seen.scaled[:, :, side] & block.is_judged[rows]
        fired |= flags.any(axis=1)
        for place, hour in first_and_last(flags):
            row = int(rows[place])
            mark_bad(history, row, block.first + hour - 12, block.first + hour)
            yield _scale(fleet, block, (row, hour), float(kind_scale[place, hour]), name)
    drifts &= ~fired[:, None]
    for place, hour in first_and_last(drifts):
        row = int(rows[place])
        mark_bad(history, row, block.first + hour - 24, block.first + hour)
        numbers = (logs[place, hour], state.middle[row], limit[place, 0], score[place, hour])
        yield _drift(fleet, block, (row, hour), numbers, rule)
    yield from _registers_drift(fleet, state, history, (block, seen), (~fired, rule))
    if block.ends_day:
        telemetry = np.where(seen.weight[:, -1] >= rule.least_wh, logs[:, -1], np.nan)
        _learn(state, history, block, rows, np.stack([telemetry, seen.registers[:, -1]], axis=1))


def _registers_drift(
    fleet: Fleet,
    state: BalanceState,
    history: HistoryState,
    at: tuple[HourBlock, Balanced],
    by: tuple[Flags, BalanceRule],
) -> Iterator[Candidate]:
    """Yield candidates of rows whose energy no longer fits volume and temperatures.

    Registers forget nothing between two readings: a day of them is told to half a percent, where
    spot values scatter by four.
    """
    (block, seen), (may, rule) = at, by
    rows = seen.rows
    off = seen.registers - state.register_middle[rows, None]
    apart, least = np.abs(off), rule.register_drift + seen.hidden
    if not (apart >= least).any():
        state.drifts[rows] = False
        return
    limit = np.maximum(least, rule.register_beyond * state.register_reach[rows, None])
    with np.errstate(invalid="ignore"):
        score = apart / limit
        drifts = (score >= 1.0) & (apart < rule.register_most) & may[:, None]
        is_open = (off < 0) & (block.return_off_k[rows] > rule.open_return_k)
        drifts = _held(state, rows, drifts) | (drifts & is_open)
        drifts &= _since_wrong(state, rows, block, apart >= rule.register_most) > rule.quiet_h
        if not drifts.any():
            return
        lately = seen.by_register - state.register_middle[rows, None]
        drifts &= np.sign(off) * lately >= rule.register_agreeing * apart
        drifts &= (off < 0) | (seen.day_power >= rule.least_share_of_peak * state.peak[rows, None])
    drifts &= block.is_judged[rows]
    for place, hour in first_and_last(drifts):
        row = int(rows[place])
        mark_bad(history, row, block.first + hour - 48, block.first + hour)
        numbers = (
            seen.registers[place, hour],
            state.register_middle[row],
            limit[place, hour],
            score[place, hour],
        )
        yield _drift(fleet, block, (row, hour), numbers, rule)


def observe_balance(
    fleet: Fleet, state: BalanceState, hours: Floats, rule: BalanceRule
) -> Balanced:
    """Return what M x K x `Sum` say of each heat meter; it depends on nothing that is learned."""
    rows = np.flatnonzero(fleet.is_heat > 0)
    added = _amounts(hours[rows])
    keep = np.exp(-1.0 / rule.fade_h)
    keeps = np.full(added.shape[2] + len(TWICE), keep)
    keeps[-len(TWICE) :] = np.exp(-1.0 / rule.register_fade_h)
    whole = faded(np.concatenate([added, added[:, :, TWICE]], axis=2), state.sums[rows], keeps)
    state.sums[rows] = whole[:, -1]
    power, heat = added[:, :, POWER], added[:, :, HEAT]
    some = (heat > 0) & (power > rule.least_hour_wh)
    one = np.full(heat.shape, np.nan)
    one[some] = np.log(power[some] / heat[some])
    lately = np.concatenate([state.hourly[rows], one], axis=1)
    state.hourly[rows] = lately[:, -MEDIAN_H:]
    ends = np.arange(1, heat.shape[1] + 1)
    windows = lately[:, ends[:, None] + np.arange(MEDIAN_H)]
    windows.sort(axis=2)
    logs, low, high = _quartiles(windows)
    steps_v = fleet.volume.resolution[rows, None]
    steps_e = fleet.energy.resolution[rows, None]
    scale_v = _ratio(whole[:, :, VOLUME], whole[:, :, FLOW], rule.register_steps * steps_v)
    scale_e = _ratio(whole[:, :, ENERGY], whole[:, :, POWER], rule.register_steps * steps_e)
    by_register = np.full(heat.shape, np.nan)
    energy, through = whole[:, :, ENERGY], whole[:, :, REGISTER_HEAT]
    mean_power = whole[:, :, POWER] * (1.0 - keep)
    told = (energy >= rule.told_steps * steps_e) & (through > 0)
    by_register[told] = np.log(energy[told] / through[told])
    registers, hidden = _by_registers(whole[:, :, -len(TWICE) :], (steps_e, steps_v), rule)
    return Balanced(
        rows=rows,
        registers=registers,
        hidden=hidden,
        day_power=whole[:, :, -len(TWICE)] * (1.0 - keeps[-1]),
        by_register=by_register,
        power=mean_power,
        logs=logs,
        low=low,
        high=high,
        weight=whole[:, :, HEAT],
        volume=scale_v,
        energy=scale_e,
        scaled=_scaled(state, rows, (scale_v, scale_e), rule),
    )


def _amounts(sums: Floats) -> Floats:
    """Return R x K x 6 of R x K x `Sum`: what each hour adds to the fading sums."""
    count = sums[:, :, Sum.COUNT]
    elapsed_h = sums[:, :, Sum.HOURS]
    mean_hours = np.where(count > 0, np.minimum(elapsed_h, 2.0) / np.maximum(count, 1.0), 0.0)
    added = np.stack(
        [
            sums[:, :, Sum.POWER] * mean_hours,
            sums[:, :, Sum.FLOW_HEAT] * mean_hours,
            np.where(count > 0, sums[:, :, Sum.VOLUME], 0.0),
            sums[:, :, Sum.FLOW] * mean_hours,
            np.where(count > 0, sums[:, :, Sum.ENERGY], 0.0),
            np.where(count > 0, sums[:, :, Sum.HEAT], 0.0),
        ],
        axis=2,
    )
    added[elapsed_h > 2.5] = 0.0  # noqa: PLR2004 -- a gap: the spot values do not stand for it
    return added


def _held(state: BalanceState, rows: Ints, drifts: Flags) -> Flags:
    """Return the hours that were flagged like the `HELD_H` - 1 before them."""
    whole = np.concatenate([state.drifts[rows], drifts], axis=1)
    state.drifts[rows] = whole[:, drifts.shape[1] :]
    count = drifts.shape[1]
    held: Flags = drifts.copy()
    for back in range(HELD_H - 1):
        held &= whole[:, back : back + count]
    return held


def _since_wrong(state: BalanceState, rows: Ints, block: HourBlock, is_wrong: Flags) -> Ints:
    """Return R x K hours since registers were off by more than any drift."""
    slots = block.first + np.arange(block.count)
    wrong = np.where(is_wrong, slots, state.wrong_to[rows, None])
    wrong_to: Ints = np.maximum.accumulate(wrong, axis=1)
    state.wrong_to[rows] = wrong_to[:, -1]
    return slots - wrong_to


def _by_registers(
    sums: Floats, steps: tuple[Floats, Floats], rule: BalanceRule
) -> tuple[Floats, Floats]:
    """Return the logarithm of energy over volume x dT, and what a step of each register hides."""
    steps_e, steps_v = steps
    energy, heat, volume = sums[:, :, 0], sums[:, :, 1], sums[:, :, 2]
    some = (energy > 0) & (heat > 0) & (volume > 0)
    hidden = np.full(energy.shape, np.inf)
    np.divide(steps_e, energy, out=hidden, where=some)
    hidden[some] += (steps_v / np.where(some, volume, 1.0))[some]
    logs = np.full(energy.shape, np.nan)
    told = hidden <= rule.register_error
    logs[told] = np.log(energy[told] / heat[told])
    return logs, hidden


def _scaled(
    state: BalanceState, rows: Ints, ratios: tuple[Floats, Floats], rule: BalanceRule
) -> Flags:
    """Return R x K x 2 where this hour and the one before were near a mistaken factor."""
    near = np.stack([_is_factor(ratio, rule) for ratio in ratios], axis=2)
    before = np.concatenate([state.scaled[rows, None], near[:, :-1]], axis=1)
    state.scaled[rows] = near[:, -1]
    scaled: Flags = near & before
    return scaled


def _quartiles(ordered: Floats) -> tuple[Floats, Floats, Floats]:
    """Return median, and the medians of what is not above and not below it, of sorted values.

    NaN, last in order, where less than `LEAST_HOURS` are known; of one value there is no quartile.
    """
    known = (~np.isnan(ordered)).sum(axis=2)
    middle = _middle(ordered, np.zeros_like(known), known, LEAST_HOURS)
    below = (ordered <= middle[:, :, None]).sum(axis=2)
    above = (ordered >= middle[:, :, None]).sum(axis=2)
    low = _middle(ordered, np.zeros_like(known), below, 2)
    return middle, low, _middle(ordered, known - above, above, 2)


def _middle(ordered: Floats, start: Ints, count: Ints, least: int) -> Floats:
    """Return the median of `count` sorted values from `start` on; NaN of fewer than `least`."""
    width = ordered.shape[2]
    first = np.arange(count.size).reshape(count.shape) * width
    low = start + np.maximum((count - 1) // 2, 0)
    high = np.minimum(start + count // 2, width - 1)
    values = ordered.reshape(-1)
    pair = values[first + np.minimum(low, width - 1)] + values[first + high]
    middle: Floats = np.where(count >= least, pair / 2.0, np.nan)
    return middle


def _ratio(register: Floats, telemetry: Floats, least: Floats) -> Floats:
    """Return what the register shows over what telemetry says; NaN where that is too little."""
    ratio = np.full(register.shape, np.nan)
    enough = (np.maximum(register, telemetry) >= least) & (telemetry > 0) & (register > 0)
    ratio[enough] = register[enough] / telemetry[enough]
    return ratio


def _is_factor(ratio: Floats, rule: BalanceRule) -> Flags:
    """Return where the ratio is near a mistaken factor."""
    near = (ratio > FACTOR_LEAST) | (ratio < 1.0 / FACTOR_LEAST)
    if not near.any():
        return near
    logs = np.log(ratio[near])
    near[near] = np.abs(logs[:, None] - np.log(FACTORS)).min(axis=1) < rule.factor_within
    return near


def _learn(
    state: BalanceState, history: HistoryState, block: HourBlock, rows: Ints, today: Floats
) -> None:
    """Remember the day that ends (rows x 2), and learn from the day three days ago."""
    state.today[rows, 1:] = state.today[rows, :-1]
    state.today[rows, 0] = today
    last = block.first + block.count - 1
    clean = is_clean(history, last - 96, last)[rows]
    value = np.where(clean[:, None], state.today[rows, -1], np.nan)
    daily = state.daily[rows]
    moved = np.concatenate([value[:, :, None], daily[:, :, :-1]], axis=2)
    state.daily[rows] = np.where(np.isnan(value)[:, :, None], daily, moved)
    if last // 24 % LEARN_DAYS:
        return
    daily = state.daily[rows]
    middle = median_of_known(daily, LEAST_DAYS)
    off = np.sort(np.abs(daily - middle[:, :, None]), axis=2)
    reach = _share_of_known(off, np.array([0.96, 0.9]))
    state.middle[rows], state.register_middle[rows] = middle.T
    robust = 1.4826 * _share_of_known(off, np.array([0.5, 0.5]))[:, 0] + 0.004
    state.sigma[rows] = np.maximum(robust, 0.3 * reach[:, 0])
    state.register_reach[rows] = reach[:, 1]


def _share_of_known(ordered: Floats, shares: Floats) -> Floats:
    """Return R x 2 of R x 2 x days in order: what these shares of the known days reach at most."""
    count = (~np.isnan(ordered)).sum(axis=2)
    place = np.maximum(np.ceil(shares * count).astype(np.int64) - 1, 0)
    return np.take_along_axis(ordered, place[:, :, None], axis=2)[:, :, 0]


def _drift(
    fleet: Fleet,
    block: HourBlock,
    place: tuple[int, int],
    numbers: tuple[float, float, float, float],
    rule: BalanceRule,
) -> Candidate:
    """Return what is told; `numbers` are logarithms now and usual, the limit and the score."""
    row, hour = place
    logs, middle, limit, score = (float(each) for each in numbers)
    ratio, usual = float(np.exp(logs)), float(np.exp(middle))
    warmer_k = float(block.return_off_k[row, hour])
    is_much = block.use_ratio[row, hour] > rule.excess and not warmer_k < -rule.open_return_k / 2
    is_open = logs < middle and (is_much or warmer_k > rule.open_return_k)
    kind = Kind.VALVE_OPEN if is_open else Kind.TEMP_DRIFT
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=kind,
        rule=RULE,
        start_s=(block.first + hour - 12) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=min(score, 3.0),
        statistic=abs(ratio / usual - 1.0),
        threshold=limit,
        observed=ratio,
        expected=usual,
        expected_low=usual * (1.0 - limit),
        expected_high=usual * (1.0 + limit),
        unit="power / (rho c flow dT)",
        evidence=(EvidenceValue(name="usual_ratio", value=usual, unit="1"),),
    )


def _scale(
    fleet: Fleet, block: HourBlock, place: tuple[int, int], ratio: float, register: str
) -> Candidate:
    row, hour = place
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=Kind.UNIT_SCALE,
        rule=RULE,
        start_s=(block.first + hour - 6) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=2.0,
        statistic=ratio,
        threshold=1.0,
        observed=ratio,
        expected=1.0,
        expected_low=0.8,
        expected_high=1.25,
        unit=f"{register} register / telemetry",
        evidence=(EvidenceValue(name="register_over_telemetry", value=ratio, unit="1"),),
    )
