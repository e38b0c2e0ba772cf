"""Finds a home whose single draws all became smaller: part of the water passes the meter by."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sync_server.detection.hours.history import (
    HOLD_SHARE,
    HistoryState,
    HourBlock,
    abnormal_days,
    is_clean,
    mark_bad,
    median_of_known,
    or_else,
    was_found_lately,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from wire_contracts.kinds import Kind

RULE = "draws"

DAYS = 68
SPAN = 10
BASE_FROM = 12
"""Days kept; the days that are judged; the first of those that they are held against."""

LAG_DAYS = 14
TOTAL, HOURS, LOGS, PEAK = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawsRule:
    """Parameters; docs/detectors.md#draws says where each comes from.

    Attributes:
        least_days: Days before those judged that must be known.
        fall: Least fall of the mean logarithm of the volume of an hour with use.
        beyond: And this multiple of the largest fall that went away by itself.
        most: A larger share missing is an empty home, not a bypass.
        missing: Least share of the day's use that is missing, as median of the days judged.
        as_often: They still have this share of the usual hours with use: somebody is at home.
        never_empty: All of them but one use at least this share.
        every_day: And all but one at most this share.
        tenth: Day's use and highest hour as shares of the usual ones between which a register
            that shows a tenth lies, as medians of
        tenth_days: so many days,
        tenth_often: on which water is drawn in at least this share of the usual hours,
        tenth_peak_lph: of a home whose highest hour is usually this at least.
        least_hours: Hours with use that say something.
    """

    least_days: int = 21
    fall: float = 0.38
    beyond: float = 1.25
    missing: float = 0.36
    most: float = 0.88
    as_often: float = 0.85
    never_empty: float = 0.04
    every_day: float = 0.85
    tenth: tuple[float, float] = (0.06, 0.14)
    tenth_days: int = 5
    tenth_often: float = 0.6
    tenth_peak_lph: float = 30.0
    least_hours: float = 40.0


@dataclass(slots=True, kw_only=True)
class DrawsState:
    """By row.

    Attributes:
        days: Days, newest first: litres, hours with use, sum of their logarithms; NaN: not known.
        record: The largest fall that went away by itself, fading.
        lately: The falls of the last days, newest first.
    """

    days: Floats
    record: Floats
    lately: Floats


def empty_draws(count: int) -> DrawsState:
    """Return the state before the first day."""
    return DrawsState(
        days=np.full((count, DAYS, 4), np.nan),
        record=np.zeros(count),
        lately=np.zeros((count, LAG_DAYS)),
    )


def detect_draws(
    fleet: Fleet, state: DrawsState, history: HistoryState, block: HourBlock, rule: DrawsRule
) -> Iterator[Candidate]:
    """Yield candidates of hourly homes at the end of a day."""
    rows = fleet.floor_rows[fleet.is_home[fleet.floor_rows] > 0]
    if not len(rows) or not block.ends_day:
        return
    last = block.first + block.count - 1
    _add_day(state, rows, block.rate[rows, -24:].astype(np.float64))
    days = np.where(abnormal_days(history, rows, last, DAYS)[:, :, None], np.nan, state.days[rows])
    lately, base = state.days[rows, :SPAN], days[:, BASE_FROM:]
    usual = median_of_known(base[:, :, TOTAL], rule.least_days)
    share = _ratio(median_of_known(lately[:, :, TOTAL], SPAN - 2), usual)
    often = median_of_known(base[:, :, HOURS], rule.least_days)
    often = _ratio(median_of_known(lately[:, :, HOURS], SPAN - 2), often)
    fall = or_else(_size(base, rule.least_hours) - _size(lately, rule.least_hours), 0.0)
    extremes = np.sort(or_else(lately[:, :, TOTAL], 0.0), axis=1)
    limit = np.maximum(rule.fall, rule.beyond * state.record[rows])
    today = _ratio(lately[:, 0, TOTAL], usual)
    with np.errstate(invalid="ignore"):
        score = fall / limit
        held = (score >= HOLD_SHARE) & (share <= 1.0 - HOLD_SHARE * rule.missing)
        over = (score >= 1.0) & (share <= 1.0 - rule.missing) & (share > 1.0 - rule.most)
        over &= often >= rule.as_often
        over &= ~(today > 1.0 - rule.missing)
        over &= extremes[:, 1] >= rule.never_empty * usual
        over &= extremes[:, -2] < rule.every_day * usual
    over &= block.is_judged[rows, -1]
    held &= was_found_lately(history, block.first)[rows] & block.is_judged[rows, -1]
    is_tenth = _is_tenth(state.days[rows], base, rule) & block.is_judged[rows, -1]
    over |= is_tenth
    for place in np.flatnonzero(over | held):
        row, is_raised = int(rows[place]), bool(over[place])
        if is_raised:
            mark_bad(history, row, last - 24 * SPAN, last)
        numbers = (float(lately[place, 0, TOTAL]), float(usual[place]), float(share[place]))
        found = (float(fall[place]), float(limit[place]))
        told = _candidate(fleet, block, row, numbers, found)
        if is_tenth[place]:
            told = replace(told, kind=Kind.UNIT_SCALE, score=TENTH_SCORE)
        yield replace(told, is_raised=is_raised)
    clean = is_clean(history, last - 24 * (LAG_DAYS + SPAN), last)[rows]
    oldest = np.where(clean, state.lately[rows, -1], 0.0)
    state.record[rows] = np.maximum(state.record[rows] * 0.9965, oldest)
    state.lately[rows, 1:] = state.lately[rows, :-1]
    state.lately[rows, 0] = fall


def _is_tenth(days: Floats, base: Floats, rule: DrawsRule) -> Flags:
    """Return where every day since some days is a tenth of what it was, of its peak as well."""
    lately = days[:, : rule.tenth_days]
    shares = []
    for part in (TOTAL, PEAK):
        usual = median_of_known(base[:, :, part], rule.least_days)
        shares.append(_ratio(median_of_known(lately[:, :, part], rule.tenth_days - 1), usual))
    often = median_of_known(base[:, :, HOURS], rule.least_days)
    often = _ratio(median_of_known(lately[:, :, HOURS], rule.tenth_days - 1), often)
    with np.errstate(invalid="ignore"):
        is_tenth = (shares[0] > rule.tenth[0]) & (shares[0] < rule.tenth[1])
        is_tenth &= (shares[1] > rule.tenth[0]) & (shares[1] < rule.tenth[1])
        is_tenth &= often >= rule.tenth_often
        tells = median_of_known(base[:, :, PEAK], rule.least_days) >= rule.tenth_peak_lph
    return is_tenth & tells


LEAST_HOURS = 16
TENTH_SCORE = 2.0
"""A tenth of every day and of its highest hour: nothing else looks so."""


def _add_day(state: DrawsState, rows: Ints, rate: Floats) -> None:
    known = ~np.isnan(rate)
    number = known.sum(axis=1)
    enough = number >= LEAST_HOURS
    flows = known & (rate > 0)
    part = np.full((len(rows), 4), np.nan)
    whole = np.where(known, rate, 0.0).sum(axis=1) * 24.0 / np.maximum(number, 1)
    logs = np.log(np.where(flows, np.maximum(rate, 1.0), 1.0)).sum(axis=1)
    highest = np.where(known, rate, 0.0).max(axis=1)
    part[enough] = np.stack([whole, flows.sum(axis=1), logs, highest], axis=1)[enough]
    state.days[rows, 1:] = state.days[rows, :-1]
    state.days[rows, 0] = part


def _size(days: Floats, least: float) -> Floats:
    """Return the mean logarithm of the volume of an hour with use; NaN where there are few."""
    hours = np.nansum(days[:, :, HOURS], axis=1)
    size = np.full(len(days), np.nan)
    np.divide(np.nansum(days[:, :, LOGS], axis=1), hours, out=size, where=hours >= least)
    return size


def _ratio(value: Floats, usual: Floats) -> Floats:
    ratio = np.full(len(value), np.nan)
    np.divide(value, usual, out=ratio, where=usual > 0)
    return ratio


def _candidate(
    fleet: Fleet,
    block: HourBlock,
    row: int,
    numbers: tuple[float, float, float],
    found: tuple[float, float],
) -> Candidate:
    used, usual, share = numbers
    fall, limit = found
    last = block.first + block.count - 1
    return Candidate(
        row=row,
        meter_id=fleet.specs[row].meter_id,
        kind=Kind.BYPASS,
        rule=RULE,
        start_s=(last - 24 * SPAN) * 3600,
        at_s=int(block.received_s[row, -1]),
        score=min(fall / limit, 3.0),
        statistic=fall,
        threshold=limit,
        observed=share * usual / 1000.0 if np.isnan(used) else used / 1000.0,
        expected=usual / 1000.0,
        expected_low=usual * float(np.exp(-limit)) / 1000.0,
        expected_high=usual * float(np.exp(limit)) / 1000.0,
        unit="m3/day",
        effect_per_day=(share - 1.0) * usual / 1000.0,
        effect_unit="m3/day",
        evidence=(
            EvidenceValue(name="share_of_usual", value=share, unit="1"),
            EvidenceValue(name="draws_smaller", value=float(np.exp(-fall)), unit="1"),
        ),
    )
