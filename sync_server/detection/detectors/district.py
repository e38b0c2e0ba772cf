"""Finds water that goes into a network and does not come out at its customers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sync_server.detection.hours.expansion import (
    ExpansionState,
    empty_expansion,
    learn_day,
    network_temps,
    without_expansion,
)
from sync_server.detection.hours.history import (
    HistoryState,
    HourBlock,
    Singles,
    first_and_last,
    is_usual,
    mark_bad,
    median_of_known,
    or_else,
    quantile_of_known,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet, Role
from wire_contracts.kinds import Kind

RULE = "district"

WEEK_H = 168
WEEKS = 6
WINDOWS_H = (4, 24, 60)
QUIET_SHARE = 0.3
EXTREME_DAYS = 60
LEAST_EXTREMES = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictRule:
    """Parameters; docs/detectors.md#district says where each comes from.

    Attributes:
        beyond: Multiple of what nineteen days in twenty reached at most, by fading time.
        least_share: And at least this share of the usual flow.
        least_weeks: Weeks of history before a row is judged.
        burst_share: A district's excess beyond this share is called a burst.
    """

    beyond: tuple[float, float, float] = (2.2, 2.1, 2.0)
    least_share: float = 0.08
    inflow: float = 3.0
    least_steps: float = 1.6
    least_weeks: int = 4
    burst_share: float = 0.5


@dataclass(slots=True, kw_only=True)
class DistrictState:
    """By row: flows by hour of the week, usual flow of children, fading residuals, extremes.

    `expansion` is what make-up meters know of their network's content.
    """

    week: Singles
    usual: Floats
    residual: Singles
    calm: Singles
    extremes: Floats
    limit: Floats
    level: Floats
    today: Singles
    expansion: ExpansionState


def empty_district(count: int) -> DistrictState:
    """Return the state before the first hour."""
    return DistrictState(
        week=np.full((count, WEEK_H, WEEKS), np.nan, dtype=np.float32),
        usual=np.zeros(count),
        residual=np.full((count, WINDOWS_H[-1]), np.nan, dtype=np.float32),
        calm=np.full((count, WINDOWS_H[-1]), np.nan, dtype=np.float32),
        extremes=np.full((count, EXTREME_DAYS, len(WINDOWS_H)), np.nan),
        limit=np.full((count, len(WINDOWS_H)), np.nan),
        level=np.zeros(count),
        today=np.full((count, 24 * 4), np.nan, dtype=np.float32),
        expansion=empty_expansion(count),
    )


def detect_district(
    fleet: Fleet,
    state: DistrictState,
    history: HistoryState,
    block: HourBlock,
    rule: DistrictRule,
) -> Iterator[Candidate]:
    """Yield candidates of stations, district inflows and make-up meters."""
    rows = fleet.network_rows
    if not len(rows):
        return
    flow = _flows(fleet, state, history, block, rows)
    hour_of_week = (block.first + np.arange(block.count)) % WEEK_H
    table = state.week[rows]
    weeks = (~np.isnan(table)).sum(axis=2)
    middle = _median(table)
    usual = middle[:, hour_of_week]
    flow = _at_one_temperature(fleet, state, block, rows, (flow, usual))
    is_dma = fleet.is_inflow[rows] > 0
    quiet = np.nanquantile(or_else(middle, 0.0), QUIET_SHARE, axis=1)
    is_busy = is_dma[:, None] & (usual > quiet[:, None])
    means = _steady(state, rows, flow - usual, is_busy)
    ready = weeks.max(axis=1) >= rule.least_weeks
    step = or_else(fleet.volume.resolution[rows], 1.0)
    least = np.maximum(rule.least_share * state.level[rows], rule.least_steps * step)
    limit = np.array(rule.beyond) * state.limit[rows]
    limit = np.where(is_dma[:, None], rule.inflow * limit, limit)
    limit = np.maximum(limit, least[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        score = means / limit[:, None, :]
    flags = (score >= 1.0) & ready[:, None, None] & block.is_judged[rows][:, :, None]
    flags &= ~np.isnan(flow)[:, :, None]
    whole = np.where(flags, score, 0.0).max(axis=2)
    best = np.where(flags, score, 0.0).argmax(axis=2)
    for place, hour in first_and_last(whole >= 1.0):
        row = int(rows[place])
        slot = block.first + hour
        mark_bad(history, row, slot - int(WINDOWS_H[best[place, hour]]), slot)
        numbers = (
            float(flow[place, hour]),
            float(usual[place, hour]),
            float(means[place, hour, best[place, hour]]),
            float(min(whole[place, hour], 3.0)),
        )
        kind = Kind.NETWORK_LEAK
        if fleet.specs[row].role is Role.DMA:
            is_burst = numbers[2] > rule.burst_share * state.level[row]
            kind = Kind.BURST if is_burst else Kind.SLOW_LEAK
        yield _candidate(fleet, block, (row, hour), numbers, kind)
    state.extremes[rows, 0] = np.fmax(state.extremes[rows, 0], means.max(axis=1))
    state.today[rows] = np.concatenate([state.today[rows], flow.astype(np.float32)], axis=1)[
        :, -96:
    ]
    if block.ends_day:
        _learn(fleet, state, history, block, rows)


def _flows(
    fleet: Fleet, state: DistrictState, history: HistoryState, block: HourBlock, rows: Ints
) -> Floats:
    """Return M x K flows; of a station with children what the children do not account for."""
    rate = block.rate[:, -block.count :].astype(np.float64)
    bad = block.first <= history.untrusted_to + 2
    filled = np.where(np.isnan(rate) | bad[:, None], state.usual[:, None], rate)
    known = or_else(np.where(bad[:, None], np.nan, rate), 0.0).sum(axis=1)
    number = (~np.isnan(rate) & ~bad[:, None]).sum(axis=1)
    share = np.minimum(number / 168.0, 1.0)
    state.usual += share * (known / np.maximum(number, 1) - state.usual)
    flow = rate[rows]
    for place, row in enumerate(rows):
        children = fleet.children.get(int(row))
        if children and fleet.specs[row].role is not Role.MAKEUP:
            flow[place] -= filled[list(children)].sum(axis=0)
    return flow


def _at_one_temperature(
    fleet: Fleet,
    state: DistrictState,
    block: HourBlock,
    rows: Ints,
    flows: tuple[Floats, Floats],
) -> Floats:
    """Return the flows, of make-up meters without what warming and cooling explain."""
    flow, usual = flows
    for place, row in enumerate(rows.tolist()):
        children = fleet.children.get(row)
        if not children or fleet.specs[row].role is not Role.MAKEUP:
            continue
        temps = network_temps(block.sums[list(children)])
        fed = (flow[place].copy(), usual[place])
        flow[place] = without_expansion(state.expansion, row, temps, fed)
    return flow


def _median(table: Singles) -> Floats:
    return median_of_known(table.astype(np.float64), 1)


def _steady(state: DistrictState, rows: Ints, residual: Floats, is_busy: Flags) -> Floats:
    """Return M x K x windows: excess that held all the window (the shortest), or half of it."""
    whole = np.concatenate([state.residual[rows], residual.astype(np.float32)], axis=1)
    calm = np.where(is_busy, np.nan, residual).astype(np.float32)
    calm = np.concatenate([state.calm[rows], calm], axis=1)
    state.residual[rows], state.calm[rows] = whole[:, -WINDOWS_H[-1] :], calm[:, -WINDOWS_H[-1] :]
    count = residual.shape[1]
    steady = np.zeros((*residual.shape, len(WINDOWS_H)))
    for index, window in enumerate(WINDOWS_H):
        source = whole if index == 0 else calm
        views = sliding_window_view(source, window, axis=1)[:, -count:].astype(np.float64)
        if index == 0:
            known = ~np.isnan(views).any(axis=2)
            steady[:, :, index] = np.where(known, views.min(axis=2), 0.0)
        else:
            steady[:, :, index] = or_else(median_of_known(views, window // 5), 0.0)
    return steady


def _learn(
    fleet: Fleet, state: DistrictState, history: HistoryState, block: HourBlock, rows: Ints
) -> None:
    last = block.first + block.count - 1
    clean = is_usual(history, last - 96, last)[rows]
    for row in rows[clean].tolist():
        if row in fleet.children and fleet.specs[row].role is Role.MAKEUP:
            learn_day(state.expansion, row)
    hours = (last - 95 + np.arange(24)) % WEEK_H
    day = np.where(clean[:, None], state.today[rows, :24], np.nan)
    for place, row in enumerate(rows):
        for hour, value in zip(hours, day[place], strict=True):
            if not np.isnan(value):
                state.week[row, hour, 1:] = state.week[row, hour, :-1]
                state.week[row, hour, 0] = value
    middle = np.abs(_median(state.week[rows]))
    number = np.maximum((~np.isnan(middle)).sum(axis=1), 1)
    state.level[rows] = np.nansum(middle, axis=1) / number
    enough = rows[(~np.isnan(state.extremes[rows, 4:, 0])).sum(axis=1) >= LEAST_EXTREMES]
    if len(enough):
        shown = state.extremes[enough, 4:]
        state.limit[enough] = np.maximum(
            quantile_of_known(shown, 0.95), 0.75 * np.nanmax(shown, axis=1)
        )
    state.extremes[rows, 1:] = state.extremes[rows, :-1]
    state.extremes[rows[~clean], 4] = np.nan
    state.extremes[rows, 0] = np.nan


def _candidate(
    fleet: Fleet,
    block: HourBlock,
    place: tuple[int, int],
    numbers: tuple[float, float, float, float],
    kind: Kind,
) -> Candidate:
    row, hour = place
    flow, usual, mean, score = numbers
    spec = fleet.specs[row]
    return Candidate(
        row=row,
        meter_id=spec.meter_id,
        kind=kind,
        rule=RULE,
        start_s=(block.first + hour - 12) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=score,
        statistic=mean / 1000.0,
        threshold=mean / score / 1000.0,
        observed=flow / 1000.0,
        expected=usual / 1000.0,
        expected_low=(usual - mean / score) / 1000.0,
        expected_high=(usual + mean / score) / 1000.0,
        unit="m³/h",
        effect_per_day=mean * 24.0 / 1000.0,
        effect_unit="m3/day",
        evidence=(EvidenceValue(name="mean_excess", value=mean / 1000.0, unit="m³/h"),),
    )
