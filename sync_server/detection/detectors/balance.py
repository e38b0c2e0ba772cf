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
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.slots import Sum
from wire_contracts.kinds import Kind

RULE = "balance"

DAYS = 60
MEDIAN_H = 16
LEAST_HOURS = 6
FACTORS = np.array([10.0, 100.0, 1000.0, 3.6, 0.1, 0.01, 0.001, 1 / 3.6])
FACTOR_LEAST = 2.0
"""What is nearer to one is near none of them."""

POWER, HEAT, VOLUME, FLOW, ENERGY, REGISTER_HEAT = range(6)
"""What is summed up, fading: power and flow x dT of readings; register and telemetry."""


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


@dataclass(slots=True, kw_only=True)
class BalanceState:
    """By row: fading sums, the logarithm of power over heat of the last days, wrong factors.

    `scaled` says of volume and energy whether the last hour was near a mistaken factor: one alone
    may be an hour of which telemetry tells the end only.
    """

    sums: Floats
    hourly: Floats
    daily: Floats
    today: Floats
    middle: Floats
    sigma: Floats
    peak: Floats
    scaled: Flags


def empty_balance(count: int) -> BalanceState:
    """Return the state before the first hour."""
    return BalanceState(
        sums=np.zeros((count, 6)),
        hourly=np.full((count, MEDIAN_H), np.nan),
        daily=np.full((count, DAYS), np.nan),
        today=np.full((count, 4), np.nan),
        middle=np.full(count, np.nan),
        sigma=np.full(count, np.nan),
        peak=np.zeros(count),
        scaled=np.zeros((count, 2), dtype=np.bool_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """What values say of each other in K hours, whatever was learned: R heat meters, R x K each.

    Median and quartiles of the logarithm of power over heat, the same of registers, mean power,
    weight, registers over telemetry, and (x 2, volume and energy) whether that is a wrong factor.
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
    steady = np.where(off > 0, seen.low - middle, middle - seen.high)
    limit = np.maximum(rule.drift, rule.sigmas * state.sigma[rows])[:, None]
    with np.errstate(invalid="ignore"):
        score = np.abs(off) / limit
        drifts = (score >= 1.0) & (steady >= rule.steady * limit)
        if drifts.any():
            drifts &= np.sign(off) * (seen.by_register - middle) >= rule.agreeing * limit
            drifts &= (off < 0) | (seen.power >= rule.least_share_of_peak * state.peak[rows, None])
            drifts &= block.temp_off_k[rows] >= rule.temp_off_k
            drifts &= (seen.weight >= rule.least_wh) & block.is_judged[rows]
    fired = np.zeros(len(rows), dtype=np.bool_)
    for side, (kind_scale, name) in enumerate(((seen.volume, "volume"), (seen.energy, "energy"))):
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
        ratio = block.use_ratio[row, hour]
        is_open = bool(ratio > rule.excess) and off[place, hour] < 0
        numbers = (
            float(np.exp(logs[place, hour])),
            float(np.exp(state.middle[row])),
            float(limit[place, 0]),
            float(min(score[place, hour], 3.0)),
        )
        yield _drift(fleet, block, (row, hour), numbers, is_open=is_open)
    _learn(state, history, block, rows, np.where(seen.weight >= rule.least_wh, logs, np.nan))


def observe_balance(
    fleet: Fleet, state: BalanceState, hours: Floats, rule: BalanceRule
) -> Balanced:
    """Return what M x K x `Sum` say of each heat meter; it depends on nothing that is learned."""
    rows = np.flatnonzero(fleet.is_heat > 0)
    sums = hours[rows]
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
    keep = np.exp(-1.0 / rule.fade_h)
    whole = faded(added, state.sums[rows], np.full(added.shape[2], keep))
    state.sums[rows] = whole[:, -1]
    one = np.full(count.shape, np.nan)
    power, heat = added[:, :, POWER], added[:, :, HEAT]
    some = (heat > 0) & (power > rule.least_hour_wh)
    one[some] = np.log(power[some] / heat[some])
    lately = np.concatenate([state.hourly[rows], one], axis=1)
    state.hourly[rows] = lately[:, -MEDIAN_H:]
    ends = np.arange(1, count.shape[1] + 1)
    windows = lately[:, ends[:, None] + np.arange(MEDIAN_H)]
    windows.sort(axis=2)
    logs, low, high = _quartiles(windows)
    steps_v = fleet.volume.resolution[rows, None]
    steps_e = fleet.energy.resolution[rows, None]
    scale_v = _ratio(whole[:, :, VOLUME], whole[:, :, FLOW], rule.register_steps * steps_v)
    scale_e = _ratio(whole[:, :, ENERGY], whole[:, :, POWER], rule.register_steps * steps_e)
    by_register = np.full(count.shape, np.nan)
    energy, through = whole[:, :, ENERGY], whole[:, :, REGISTER_HEAT]
    mean_power = whole[:, :, POWER] * (1.0 - keep)
    told = (energy >= rule.told_steps * steps_e) & (through > 0)
    by_register[told] = np.log(energy[told] / through[told])
    return Balanced(
        rows=rows,
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
    state: BalanceState, history: HistoryState, block: HourBlock, rows: Ints, seen: Floats
) -> None:
    """Learn at the end of a day from the day three days ago."""
    if not block.ends_day:
        return
    state.today[rows, 1:] = state.today[rows, :-1]
    state.today[rows, 0] = seen[:, -1]
    last = block.first + block.count - 1
    clean = is_clean(history, last - 96, last)[rows]
    value = np.where(clean, state.today[rows, -1], np.nan)
    put = rows[~np.isnan(value)]
    if not len(put):
        return
    state.daily[put, 1:] = state.daily[put, :-1]
    state.daily[put, 0] = value[~np.isnan(value)]
    known = state.daily[put]
    enough = (~np.isnan(known)).sum(axis=1) >= 12  # noqa: PLR2004 -- METHODS 6.3
    put, known = put[enough], known[enough]
    if len(put):
        middle = np.nanmedian(known, axis=1)
        state.middle[put] = middle
        off = np.abs(known - middle[:, None])
        robust = 1.4826 * np.nanmedian(off, axis=1) + 0.004
        state.sigma[put] = np.maximum(robust, 0.3 * np.nanquantile(off, 0.96, axis=1))


def _drift(
    fleet: Fleet,
    block: HourBlock,
    place: tuple[int, int],
    numbers: tuple[float, float, float, float],
    *,
    is_open: bool,
) -> Candidate:
    row, hour = place
    ratio, usual, limit, score = numbers
    kind = Kind.VALVE_OPEN if is_open else Kind.TEMP_DRIFT
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=kind,
        rule=RULE,
        start_s=(block.first + hour - 12) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=score,
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
