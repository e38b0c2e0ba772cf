"""Finds a flow far beyond everything that the meter ever needed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.hours.history import (
    TOLD_SHARE,
    HistoryState,
    HourBlock,
    Singles,
    first_and_last,
    is_clean,
    mark_bad,
    rolling_min,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from wire_contracts.kinds import Kind

RULE = "burst"

WINDOWS_H = (2, 3, 6, 12)
LAG_DAYS = 5
"""A day's highest flow is taken over when nothing abnormal was found in it for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstRule:
    """Parameters; docs/detectors.md#burst says where each comes from.

    Attributes:
        beyond: Multiple of the highest volume ever seen in the window, for each window.
        home_lph: No burst of a home below this mean flow.
        other_lph: Nor of another customer below this.
        least_days: Days of history before a meter is judged.
        fade: What is left of the record after a day.
        heating_degc: Below it gas heats; in weather colder than the record knows, the record grows
            with the kelvin below it,
        least_heating_k: of which the record knows this many at least.
    """

    beyond: tuple[float, ...] = (3.2, 2.5, 2.2, 2.0)
    home_lph: float = 250.0
    other_lph: float = 100.0
    least_days: float = 25.0
    fade: float = 0.9985
    heating_degc: float = 17.0
    least_heating_k: float = 3.0


@dataclass(slots=True, kw_only=True)
class BurstState:
    """By row: highest volumes by window, of clean days and of the last days; days seen.

    `coldest` is the coldest day of those behind `record`, in degrees Celsius (infinite: none
    known),
    `temps` are the last days' temperatures.
    """

    record: Singles
    recent: Singles
    days: Floats
    coldest: Floats
    temps: Floats


def empty_burst(count: int) -> BurstState:
    """Return the state before the first hour."""
    return BurstState(
        record=np.zeros((count, len(WINDOWS_H)), dtype=np.float32),
        recent=np.zeros((count, LAG_DAYS, len(WINDOWS_H)), dtype=np.float32),
        days=np.zeros(count),
        coldest=np.full(count, np.inf),
        temps=np.full((count, LAG_DAYS), np.nan),
    )


def detect_burst(
    fleet: Fleet, state: BurstState, history: HistoryState, block: HourBlock, rule: BurstRule
) -> Iterator[Candidate]:
    """Yield candidates for volumes beyond the record; learn at the end of a day."""
    rows = fleet.floor_rows
    if not len(rows):
        return
    rate = block.rate[rows]
    least = np.where(fleet.is_home[rows] > 0, rule.home_lph, rule.other_lph)
    may = (state.days[rows] >= rule.least_days)[:, None] & block.is_judged[rows]
    may = may & ~np.isnan(rate[:, -block.count :])
    score = np.zeros((len(rows), block.count))
    best = np.zeros((len(rows), block.count), dtype=np.int64)
    highest = np.zeros((len(rows), len(WINDOWS_H)), dtype=np.float32)
    sums = []
    colder = _colder(fleet, state, rows, block, rule)
    for index, window in enumerate(WINDOWS_H):
        lowest = rolling_min(rate, window, block.count)
        lowest = np.where(np.isfinite(lowest), lowest, 0.0)
        sums.append(lowest)
        highest[:, index] = lowest.max(axis=1)
        record = rule.beyond[index] * state.record[rows, index]
        limit = np.maximum(colder * record[:, None], least[:, None])
        ratio = np.where(may, lowest / limit, 0.0)
        better = ratio > score
        score, best = np.where(better, ratio, score), np.where(better, index, best)
    score = score / np.where(block.leak_told[rows], TOLD_SHARE, 1.0)
    for place, hour in first_and_last(score >= 1.0):
        row, index = int(rows[place]), int(best[place, hour])
        window = WINDOWS_H[index]
        mark_bad(history, row, block.first + hour - window, block.first + hour)
        numbers = (
            float(sums[index][place, hour]),
            float(state.record[row, index]),
            float(min(score[place, hour], 4.0)),
        )
        yield _candidate(fleet, block, (row, hour), window, numbers)
    state.recent[rows, 0] = np.maximum(state.recent[rows, 0], highest)
    if block.ends_day:
        last = block.first + block.count - 1
        clean = is_clean(history, last - 24 * (LAG_DAYS + 1), last)[rows]
        oldest = np.where(clean[:, None], state.recent[rows, -1], 0.0)
        state.record[rows] = np.maximum(state.record[rows] * np.float32(rule.fade), oldest)
        state.recent[rows, 1:] = state.recent[rows, :-1]
        state.recent[rows, 0] = 0.0
        state.coldest[rows] = np.fmin(state.coldest[rows], state.temps[rows, -1])
        state.temps[rows, 1:] = state.temps[rows, :-1]
        state.temps[rows, 0] = block.day_temp_degc[rows, -1]
        state.days[rows] += (~np.isnan(rate[:, -24:])).any(axis=1)


def _colder(
    fleet: Fleet, state: BurstState, rows: Ints, block: HourBlock, rule: BurstRule
) -> Floats:
    """Return M x K by how much more gas heating takes than on the coldest day of the record."""
    known = np.maximum(rule.heating_degc - state.coldest[rows], rule.least_heating_k)
    needed = rule.heating_degc - block.day_temp_degc[rows]
    more = np.fmax(needed / known[:, None], 1.0)
    is_told = (fleet.is_gas[rows] > 0) & np.isfinite(state.coldest[rows])
    return np.where(is_told[:, None], more, 1.0)


def _candidate(
    fleet: Fleet,
    block: HourBlock,
    place: tuple[int, int],
    window: int,
    numbers: tuple[float, float, float],
) -> Candidate:
    row, hour = place
    mean, record, score = numbers
    spec = fleet.specs[row]
    return Candidate(
        row=row,
        meter_id=spec.meter_id,
        kind=Kind.BURST,
        rule=RULE,
        start_s=(block.first + hour - window) * 3600,
        at_s=int(block.received_s[row, hour]),
        score=score,
        statistic=mean / 1000.0,
        threshold=mean / score / 1000.0,
        observed=mean / 1000.0,
        expected=record / 1000.0,
        expected_low=0.0,
        expected_high=record / 1000.0,
        unit="m³/h",
        effect_per_day=mean * 24.0 / 1000.0,
        effect_unit="m3/day",
        evidence=(
            EvidenceValue(name="highest_ever", value=record / 1000.0, unit="m³/h"),
            EvidenceValue(name="window", value=float(window), unit="h"),
        ),
    )
