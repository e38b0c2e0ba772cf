"""Finds a flow that never stops, by how improbable it is at these hours for this meter."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sync_server.detection.hours.history import (
    LEARN_LAG_DAYS,
    TOLD_SHARE,
    HistoryState,
    HourBlock,
    Singles,
    first_and_last,
    is_clean,
    mark_bad,
    or_else,
    rolling_minima,
)
from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from wire_contracts.kinds import Kind

RULE = "floor"

BINS = 12
"""Two hours of the day share one place of the table: half the memory, twice the evidence."""

LEVELS = np.array(
    [0.5, 1.5, 2.5, 3.5, 5.0, 7.5, 11.0, 16.0, 25.0, 40.0, 63.0, 100.0, 160.0, 260.0, 420.0, 700.0],
    dtype=np.float32,
)
"""Levels of the survival table, in steps of the register per hour."""

LOG_LEVELS = np.log(LEVELS)
SEEN_H = 0.5
"""A level was seen when at least half an hour of what is remembered reached it."""

BANDS_DEGC = np.array([-3.0, 2.0, 7.0, 12.0, 17.0])
"""Edges of bands of the daily outdoor temperature, for gas: water runs alike in any weather."""

UNKNOWN_BAND = len(BANDS_DEGC) + 1
"""Water, and gas of a day whose temperature is not known: it stands in for no band."""

BANDS = UNKNOWN_BAND + 1

WINDOWS_H = (6, 7, 8, 10, 24, 48, 72, 96, 192)

RECORD_LAG_DAYS = LEARN_LAG_DAYS + 9
"""A record is taken over when a window of eight days has found nothing abnormal in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRule:
    """Parameters; docs/detectors.md#floor says where each comes from.

    Attributes:
        independence: How much of the sum of logarithms counts, for each window: hours of one day
            are not independent, and days less.
        threshold: The log likelihood ratio that is needed.
        beyond: The lowest rate must exceed this multiple of the highest ever seen.
        least_days: Days in the table before a meter is judged, of gas also days that were colder.
        small_home_lph: Below this a home is judged over at least a day.
        keep_days: Days after which what was learned counts a third.
        known_share: Share of a window's hours that must be known.
        explained: Share of a leak of gas that must show beyond what the weather explains.
        tail: How the improbability grows with the rate where none so high was ever seen, per
            natural logarithm of the rate.
        per_record: How much is added, of gas and windows shorter than a day, per natural logarithm
            by which the lowest rate exceeds `beyond` times the record of the window,
        record_lph: of a record of this at least,
        most_by_record: and at most this.
    """

    independence: tuple[float, ...] = (0.55, 0.55, 0.55, 0.55, 0.55, 0.4, 0.38, 0.4, 0.4)
    threshold: float = 18.0
    beyond: float = 1.1
    least_days: float = 14.0
    small_home_lph: float = 20.0
    keep_days: float = 150.0
    known_share: float = 0.8
    explained: float = 0.5
    tail: float = 0.3
    per_record: float = 4.0
    record_lph: float = 10.0
    most_by_record: float = 8.0


@dataclass(slots=True, kw_only=True)
class FloorState:
    """By row.

    Attributes:
        above: Bands x bins x levels: weighted hours with at least that rate.
        hours: Bands x bins: weighted hours.
        record: Bands x windows: the highest lowest rate of clean days.
        recent: Days x windows: the highest lowest rate of each of the last days, today first.
        band: Days: the band that the day belongs to, today's (of last midnight) first.
        logs: Bands x levels x bins: the table as logarithms, made anew each day; 0, which says
            nothing, where too little was seen.
        whole: Bands x levels: their sum over a day.
    """

    above: Singles
    hours: Singles
    record: Singles
    recent: Singles
    band: Ints
    logs: Singles
    whole: Singles


def empty_floor(count: int) -> FloorState:
    """Return the state before the first hour."""
    return FloorState(
        above=np.zeros((count, BANDS, BINS, len(LEVELS)), dtype=np.float32),
        hours=np.zeros((count, BANDS, BINS), dtype=np.float32),
        record=np.zeros((count, BANDS, len(WINDOWS_H)), dtype=np.float32),
        recent=np.zeros((count, RECORD_LAG_DAYS, len(WINDOWS_H)), dtype=np.float32),
        band=np.full((count, RECORD_LAG_DAYS), UNKNOWN_BAND, dtype=np.int64),
        logs=np.zeros((count, BANDS, len(LEVELS), BINS), dtype=np.float32),
        whole=np.zeros((count, BANDS, len(LEVELS)), dtype=np.float32),
    )


def detect_floor(
    fleet: Fleet, state: FloorState, history: HistoryState, block: HourBlock, rule: FloorRule
) -> Iterator[Candidate]:
    """Yield candidates for meters whose flow does not stop; learn at the end of a day."""
    rows = fleet.floor_rows
    if not len(rows):
        return
    step = fleet.volume.resolution[rows]
    step = or_else(step, 1.0)
    reach = block.count + WINDOWS_H[-1] - 1
    rate: Singles = block.rate[rows, -reach:]
    band = state.band[rows, 0]
    excess = block.excess[rows]
    ready, record = _learned(state, rows, band, rule)
    hour_bins = (block.first + np.arange(block.count) - 1) % 24 // 2
    resting = 1.0 - np.exp(state.logs[rows, band, 0])
    resting = np.maximum(resting, 0.7 / (state.hours[rows, band] + 1.4))
    resting = np.where(ready[:, None], resting, 0.5)
    block.rest_log[rows] = np.log(resting)[:, hour_bins]
    minima = _minima(rate, block.count, rule) / step.astype(np.float32)[:, None]
    bins = (block.first + np.arange(-24, block.count) - 1) % 24 // 2
    found = _found(state, rows, minima, bins, rule)
    told = block.leak_told[rows]
    may_be_short = told | (fleet.is_home[rows] == 0)[:, None]
    may = ready[:, None] & block.is_judged[rows] & ~_grew_colder(fleet, rows, band, block)
    gas_record = np.where(fleet.is_gas[rows, None] > 0, record * step[:, None], np.inf)
    ratio = np.full((len(rows), block.count), -np.inf)
    best = np.zeros((len(rows), block.count), dtype=np.int64)
    for index, window in enumerate(WINDOWS_H):
        rates, told_by = minima[index] * step[:, None], found[index]
        holds = may & (minima[index] > rule.beyond * record[:, index, None] + 0.2)
        holds &= np.isnan(excess) | (excess >= rule.explained * rates * min(window, 24))
        if window < 24:  # noqa: PLR2004 -- a day
            holds &= may_be_short | (rates >= rule.small_home_lph)
            told_by = _with_record(told_by, rates, gas_record[:, index], rule)
        better = holds & (told_by > ratio)
        ratio = np.where(better, told_by, ratio)
        best = np.where(better, index, best)
    score = ratio / (rule.threshold * np.where(told, TOLD_SHARE, 1.0))
    for place, hour in first_and_last(score >= 1.0):
        window = WINDOWS_H[best[place, hour]]
        lowest = float(minima[best[place, hour], place, hour] * step[place])
        row, slot = int(rows[place]), block.first + hour
        mark_bad(history, row, slot - window, slot)
        at_s = float(block.received_s[row, hour])
        yield _candidate(fleet, row, at_s, slot, (window, lowest, float(score[place, hour])))
    state.recent[rows, 0] = np.maximum(state.recent[rows, 0], minima.max(axis=2).T)
    if block.ends_day:
        _learn(state, history, (rows, step, fleet.is_gas[rows]), block, rule)


def _bands(temp_degc: Floats, is_gas: Floats) -> Ints:
    by_weather = (is_gas > 0) & ~np.isnan(temp_degc)
    bands: Ints = np.searchsorted(BANDS_DEGC, or_else(temp_degc, 0.0))
    return np.where(by_weather, bands, UNKNOWN_BAND)


def _grew_colder(fleet: Fleet, rows: Ints, band: Ints, block: HourBlock) -> Flags:
    """Return M x K whether it has grown colder since midnight than the band that gas is judged by.

    A cold front makes heating run where yesterday's weather let it rest.
    """
    colder = np.zeros((len(rows), block.count), dtype=np.bool_)
    gas = np.flatnonzero((fleet.is_gas[rows] > 0) & (band < UNKNOWN_BAND))
    if len(gas):
        now = np.searchsorted(BANDS_DEGC, or_else(block.day_temp_degc[rows[gas]], np.inf))
        colder[gas] = now < band[gas, None]
    return colder


def _learned(state: FloorState, rows: Ints, band: Ints, rule: FloorRule) -> tuple[Flags, Singles]:
    """Return by row whether enough was seen to judge by, and M x windows the record of it."""
    least_h = 24.0 * rule.least_days
    ready = state.hours[rows, band].sum(axis=1) >= least_h
    record = state.record[rows, band]
    few = np.flatnonzero(~ready & (band < UNKNOWN_BAND))
    if len(few):
        colder = np.arange(UNKNOWN_BAND) <= band[few, None]
        hours = state.hours[rows[few], :UNKNOWN_BAND].sum(axis=2)
        ready[few] = (hours * colder).sum(axis=1) >= least_h
        records = state.record[rows[few], :UNKNOWN_BAND]
        record[few] = (records * colder[:, :, None]).max(axis=1)
    return ready, record


def _with_record(found: Floats, lowest: Floats, record: Floats, rule: FloorRule) -> Floats:
    """Return M x K ratios of a short window, surer by how far its lowest rate is beyond the record.

    The table counts hour by hour; that such hours never came one after the other it does not know.
    What a garden takes by night is beyond the record, too: an infinite record adds nothing.
    """
    place, hour = np.nonzero(found > TOLD_SHARE * rule.threshold - rule.most_by_record)
    if not len(place):
        return found
    known = rule.beyond * np.maximum(record[place], rule.record_lph)
    times = np.maximum(lowest[place, hour] / known, 1.0)
    surer = found.copy()
    surer[place, hour] += np.minimum(rule.per_record * np.log(times), rule.most_by_record)
    return surer


def _minima(rate: Singles, count: int, rule: FloorRule) -> Singles:
    """Return windows x M x K lowest rates; 0 where too little of the window is known."""
    unknown = np.isnan(rate)
    has_gaps = unknown.any(axis=1)
    filled = np.where(unknown, np.float32(np.inf), rate) if has_gaps.any() else rate
    minima = np.stack(rolling_minima(filled, WINDOWS_H, count))
    minima[:, unknown[:, -count:]] = 0.0
    gaps = np.flatnonzero(has_gaps)
    total = np.cumsum(unknown[gaps], axis=1, dtype=np.int32)
    total = np.concatenate([np.zeros((len(gaps), 1), dtype=np.int32), total], axis=1)
    width = total.shape[1]
    for index, window in enumerate(WINDOWS_H):
        missing = total[:, width - count :] - total[:, width - count - window : width - window]
        few = missing > (1.0 - rule.known_share) * window
        minima[index, gaps] = np.where(few, np.float32(0.0), minima[index, gaps])
    minima[np.isinf(minima)] = 0.0
    return minima


def _renew_logs(state: FloorState, rows: Ints, band: Ints, rule: FloorRule) -> None:
    """Make the table of a band anew: log of how often the rate was at least that high.

    Beyond the highest rate that such hours ever showed the table has counted nothing; there rates
    thin out as a power of themselves. A table of too few days says nothing (0).
    """
    above, hours = _pooled(state, rows, band, rule)
    logs: Singles = np.log((above + 0.7) / (hours[:, :, None] + 1.4))
    is_unseen = above < SEEN_H
    lowest = LOG_LEVELS[is_unseen.argmax(axis=2)]
    logs -= np.where(is_unseen, np.float32(rule.tail) * (LOG_LEVELS - lowest[:, :, None]), 0.0)
    logs[hours.sum(axis=1) < 24.0 * rule.least_days] = 0.0
    state.logs[rows, band] = logs.transpose(0, 2, 1)
    state.whole[rows, band] = 2.0 * logs.sum(axis=1)


def _pooled(state: FloorState, rows: Ints, band: Ints, rule: FloorRule) -> tuple[Singles, Singles]:
    """Return M x bins x levels and M x bins: what a band has seen, with what stands in for it.

    A band takes in half of what the next colder one has seen: temperatures within a band differ,
    and the cold end of a band is what makes a false leak. A band of too few days takes in all
    that any colder one has seen: in the cold gas flows more often, so that nothing false comes of
    it. A warmer band stands in for none.
    """
    above, hours = state.above[rows, band], state.hours[rows, band]
    few = hours.sum(axis=1) < 24.0 * rule.least_days
    for back in range(1, UNKNOWN_BAND):
        takes = (band >= back) & (band < UNKNOWN_BAND)
        places = np.flatnonzero(takes if back == 1 else takes & few)
        if not len(places):
            break
        colder = rows[places], band[places] - back
        share = np.where(few[places], np.float32(1.0), np.float32(0.5))
        above[places] += share[:, None, None] * state.above[colder]
        hours[places] += share[:, None] * state.hours[colder]
    return above, hours


def _found(state: FloorState, rows: Ints, minima: Singles, bins: Ints, rule: FloorRule) -> Floats:
    """Return windows x M x K log likelihood ratios; each day by the table of its own weather."""
    count = minima.shape[2]
    found = np.full(minima.shape, -np.inf)
    band = state.band[rows]
    for index, window in enumerate(WINDOWS_H):
        levels = np.searchsorted(LEVELS, minima[index] * 1.001) - 1
        place, hour = np.nonzero(levels >= 0)
        level, row, bands = levels[place, hour], rows[place], band[place]
        days, rest = divmod(window, 24)
        total = np.zeros(len(row))
        for day in range(days):
            total += state.whole[row, bands[:, day], level]
        for back in range(rest):
            total += state.logs[row, bands[:, 0], level, bins[len(bins) - count - back + hour]]
        found[index, place, hour] = -rule.independence[index] * total
    return found


def _learn(
    state: FloorState,
    history: HistoryState,
    seen: tuple[Ints, Floats, Floats],
    block: HourBlock,
    rule: FloorRule,
) -> None:
    """Learn from the day that ended `LEARN_LAG_DAYS` days ago."""
    rows, step, is_gas = seen
    last = block.first + block.count - 1
    end = block.rate.shape[1] - 24 * LEARN_LAG_DAYS
    day = block.rate[rows, end - 24 : end] / step.astype(np.float32)[:, None]
    from_slot = last - 24 * (LEARN_LAG_DAYS + 1) + 1
    known = ~np.isnan(day) & is_clean(history, from_slot, from_slot + 23)[rows, None]
    keep = np.float32(np.exp(-1.0 / rule.keep_days))
    above = (day[:, :, None] >= LEVELS) & known[:, :, None]
    band = state.band[rows, LEARN_LAG_DAYS - 1]
    state.above[rows, band] *= keep
    pairs = above.reshape(len(rows), BINS, 2, len(LEVELS)).view(np.uint8)
    state.above[rows, band] += pairs[:, :, 0] + pairs[:, :, 1]
    state.hours[rows, band] *= keep
    state.hours[rows, band] += known.reshape(len(rows), BINS, 2).sum(axis=2)
    _renew_logs(state, rows, band, rule)
    _renew_warmer(state, rows, band, rule)
    clean = is_clean(history, last - 24 * (RECORD_LAG_DAYS + 8), last)[rows]
    band = state.band[rows, -1]
    oldest = np.where(clean[:, None], state.recent[rows, -1], 0.0)
    state.record[rows, band] = np.maximum(state.record[rows, band] * np.float32(0.9985), oldest)
    state.recent[rows, 1:] = state.recent[rows, :-1]
    state.recent[rows, 0] = 0.0
    state.band[rows, 1:] = state.band[rows, :-1]
    state.band[rows, 0] = _bands(block.day_temp_degc[rows, -1], is_gas)


def _renew_warmer(state: FloorState, rows: Ints, band: Ints, rule: FloorRule) -> None:
    """Make anew what the band stands in for: the next warmer one, and all of too few days."""
    for ahead in range(1, UNKNOWN_BAND):
        places = np.flatnonzero(band + ahead < UNKNOWN_BAND)
        row, warmer = rows[places], band[places] + ahead
        if ahead > 1:
            few = state.hours[row, warmer].sum(axis=1) < 24.0 * rule.least_days
            row, warmer = row[few], warmer[few]
        if len(row):
            _renew_logs(state, row, warmer, rule)


def _candidate(
    fleet: Fleet, row: int, at_s: float, slot: int, found: tuple[int, float, float]
) -> Candidate:
    window, lowest, score = found
    spec = fleet.specs[row]
    return Candidate(
        row=row,
        meter_id=spec.meter_id,
        kind=Kind.SLOW_LEAK,
        rule=RULE,
        start_s=(slot - window) * 3600,
        at_s=int(at_s),
        score=score,
        statistic=score,
        threshold=1.0,
        observed=lowest / 1000.0,
        expected=0.0,
        expected_low=0.0,
        expected_high=0.0,
        unit="m³/h",
        effect_per_day=lowest * 24.0 / 1000.0,
        effect_unit="m3/day",
        evidence=(
            EvidenceValue(name="lowest_flow", value=lowest / 1000.0, unit="m³/h"),
            EvidenceValue(name="hours_without_rest", value=float(window), unit="h"),
        ),
    )
