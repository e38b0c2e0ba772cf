"""Owns the last days of every meter: hourly rates, and which hours are known to be abnormal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.slots import HOUR_S, Sum

Singles = NDArray[np.float32]

RING_H = 216
"""Nine days: the longest window of a detector (eight), and the days not yet learned from."""

LEARN_LAG_DAYS = 3
"""A day is learned from three days later, unless it turned out to be abnormal."""

LEAST_COVER = 0.6
"""An hour whose advances cover less of it than this is not known."""


TOLD_H = 24
"""What a meter says of itself counts for a day: many say it once a day."""

TOLD_SHARE = 0.7
"""A meter that says itself that it leaks is believed at this share of the threshold (METHODS 6.4
names info codes as independent evidence; the share is judgement, within the bounds of 6.7)."""

LONGEST_BAD_H = 24 * 60
SHORT_H = 72

LONGEST_HOURLY_S = 6 * 3600
"""Meters read more rarely have no hours, only days."""

LEAST_DAY_H = 18.0
"""A day's use is known when so many of its hours are."""


@dataclass(slots=True, kw_only=True)
class HistoryState:
    """By row.

    Attributes:
        rate: Litres an hour of the last `RING_H` hours, newest last; NaN where not known.
        used: Energy (heat) or volume of the last 24 hours, in watt-hours or litres.
        covered: Hours that each of them covers.
        received_s: Newest arrival that is settled.
        bad_from: First hour of the newest abnormal stretch.
        bad_to: Its last hour.
        untrusted_to: Last hour in which the register itself is known to be wrong.
        known_h: Hours that advances have covered since the first reading.
        leak_told: Newest hour in which the meter said itself that it leaks; 0: never.
    """

    rate: Singles
    used: Floats
    covered: Floats
    received_s: Floats
    bad_from: Ints
    bad_to: Ints
    untrusted_to: Ints
    known_h: Floats
    leak_told: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class HourBlock:
    """M meters over K closed hours, with the hours before them.

    Attributes:
        first: The first of the K hours, in hours since 1970; block hours never cross midnight UTC.
        rate: M x (RING_H + K) litres an hour.
        day_used: M x K energy (heat) or volume of the 24 hours up to and with the hour; NaN where
            too little is known. Daily meters: in the hour of their reading.
        received_s: M x K newest arrivals up to and with the hour.
        sums: M x K x `Sum`.
        day_temp_degc: M x K outdoor temperature, mean of the last 24 hours; NaN without weather.
        signature_temp_degc: M x K outdoor temperature as a building feels it.
        is_judged: M x K whether the hour is judged, not only learned from.
        use_ratio: M x K `day_used` over what the weather explains; NaN where that is not known.
            Filled in by the signature.
        excess: M x K `day_used` less what the weather explains; likewise.
        level: M use of the last weeks over what the weather explains; NaN where that is not known.
            Contained in both. Likewise.
        is_decisive: M x K whether it is surely cold, or colder than when it was heated days ago, or
            surely nothing is heated: when the heating season begins and ends is the customer's
            choice. Likewise.
        is_beyond_choice: M x K whether `day_used` is more than who heats earlier than before would
            use. Likewise.
        rest_log: M x K logarithm of how often the meter rests in such an hour; NaN where that is
            not known. Filled in by the floor test.
        temp_off_k: M x K how far return or supply temperature are off, in kelvin; infinite where
            that is not known. Filled in by the cooling test.
        return_off_k: M x K how much warmer the return is than load and weather explain, in kelvin;
            NaN where that is not known. Filled in by the cooling test, before any other.
        return_slope: M x K x 2 by how many kelvin it would be off if a share of the load passed the
            meter by, of which the meter shows f less (natural logarithm): the factors of f and f².
        leak_told: M x K whether the meter said in the last `TOLD_H` hours that it leaks.
        closes: M hours of the block with which the meter's day ends, at midnight UTC, of meters
            that are read daily with their reading; -1 where none does.
    """

    first: int
    rate: Singles
    day_used: Floats
    received_s: Floats
    sums: Floats
    day_temp_degc: Floats
    signature_temp_degc: Floats
    is_judged: Flags
    use_ratio: Floats
    excess: Floats
    level: Floats
    is_decisive: Flags
    is_beyond_choice: Flags
    rest_log: Floats
    temp_off_k: Floats
    return_off_k: Floats
    return_slope: Floats
    leak_told: Flags
    closes: Ints

    @property
    def count(self) -> int:
        """Hours in the block."""
        return int(self.received_s.shape[1])

    @property
    def ends_day(self) -> bool:
        """Whether its last hour ends at midnight UTC."""
        return _ends_day(self.first, self.count)


def empty_history(count: int) -> HistoryState:
    """Return the state before the first hour."""
    return HistoryState(
        rate=np.full((count, RING_H), np.nan, dtype=np.float32),
        used=np.zeros((count, 24)),
        covered=np.zeros((count, 24)),
        received_s=np.zeros(count),
        bad_from=np.zeros(count, dtype=np.int64),
        bad_to=np.zeros(count, dtype=np.int64),
        untrusted_to=np.zeros(count, dtype=np.int64),
        known_h=np.zeros(count),
        leak_told=np.zeros(count, dtype=np.int64),
    )


def open_block(
    fleet: Fleet, state: HistoryState, sums: Floats, first: int, temps: tuple[Floats, Floats]
) -> HourBlock:
    """Return the closed hours with their history, and remember them."""
    hours: Floats = sums[:, :, Sum.HOURS]
    rate: Floats = np.full(hours.shape, np.nan)
    np.divide(sums[:, :, Sum.VOLUME], hours, out=rate, where=hours >= LEAST_COVER)
    whole = np.concatenate([state.rate, rate.astype(np.float32)], axis=1)
    received: Floats = sums[:, :, Sum.RECEIVED]
    newest = np.asarray(np.maximum.accumulate(received, axis=1), dtype=np.float64)
    received_s: Floats = np.maximum(newest, state.received_s[:, None])
    state.rate = whole[:, rate.shape[1] :]
    state.received_s = received_s[:, -1].copy()
    state.known_h += hours.sum(axis=1)
    return HourBlock(
        first=first,
        rate=whole,
        day_used=_day_used(fleet, state, sums),
        received_s=received_s,
        sums=sums,
        day_temp_degc=temps[0],
        signature_temp_degc=temps[1],
        is_judged=_is_judged(fleet, first, sums.shape[1]),
        use_ratio=np.full(received_s.shape, np.nan),
        excess=np.full(received_s.shape, np.nan),
        level=np.full(len(rate), np.nan),
        is_decisive=np.zeros(received_s.shape, dtype=np.bool_),
        is_beyond_choice=np.zeros(received_s.shape, dtype=np.bool_),
        rest_log=np.full(received_s.shape, np.nan),
        temp_off_k=np.full(received_s.shape, np.inf),
        return_off_k=np.full(received_s.shape, np.nan),
        return_slope=np.zeros((*received_s.shape, 2)),
        leak_told=_leak_told(state, sums, first),
        closes=_closes(fleet, sums, first),
    )


def _ends_day(first: int, count: int) -> bool:
    return (first + count - 1) % 24 == 0


def _leak_told(state: HistoryState, sums: Floats, first: int) -> Flags:
    slots = first + np.arange(sums.shape[1])
    says = sums[:, :, Sum.LEAK] > 0
    if not says.any():
        return slots - state.leak_told[:, None] < TOLD_H
    newest = np.maximum.accumulate(np.where(says, slots, 0), axis=1)
    newest = np.maximum(newest, state.leak_told[:, None])
    state.leak_told = newest[:, -1].copy()
    told: Flags = slots - newest < TOLD_H
    return told


def _day_used(fleet: Fleet, state: HistoryState, sums: Floats) -> Floats:
    use = np.where(fleet.is_heat[:, None] > 0, sums[:, :, Sum.ENERGY], sums[:, :, Sum.VOLUME])
    used = np.concatenate([state.used, use], axis=1)
    covered = np.concatenate([state.covered, sums[:, :, Sum.HOURS]], axis=1)
    state.used, state.covered = used[:, -24:].copy(), covered[:, -24:].copy()
    count = use.shape[1]
    total, hours = rolling_sum(used, 24, count), rolling_sum(covered, 24, count)
    day = np.full(use.shape, np.nan)
    is_daily = (fleet.interval_s > LONGEST_HOURLY_S)[:, None]
    enough = np.where(is_daily, sums[:, :, Sum.HOURS] > 0, hours >= LEAST_DAY_H)
    np.divide(24.0 * total, hours, out=day, where=enough & (hours > 0))
    return day


def _is_judged(fleet: Fleet, first: int, count: int) -> Flags:
    end_s = (first + np.arange(count)) * HOUR_S
    judged: Flags = (end_s >= fleet.judged_from_s[:, None]) & (
        end_s <= fleet.in_service_until_s[:, None] + HOUR_S
    )
    return judged


def _closes(fleet: Fleet, sums: Floats, first: int) -> Ints:
    count = sums.shape[1]
    hours = np.full(len(sums), count - 1 if _ends_day(first, count) else -1, dtype=np.int64)
    daily = np.flatnonzero(fleet.interval_s > LONGEST_HOURLY_S)
    if len(daily):
        has = sums[daily, :, Sum.HOURS] > 0
        hours[daily] = np.where(has.any(axis=1), count - 1 - has[:, ::-1].argmax(axis=1), -1)
    return hours


def day_pieces(first: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield [from, to) pieces of K hours so that none crosses midnight UTC.

    The hour that ends at midnight (a multiple of 24) is the last of its day.
    """
    start = 0
    while start < count:
        to_midnight = -(first + start) % 24 + 1
        stop = min(count, start + to_midnight)
        yield start, stop
        start = stop


def mark_bad(state: HistoryState, row: int, from_slot: int, to_slot: int) -> None:
    """Remember that a row was abnormal in these hours; such hours teach nothing.

    What lasts longer than `LONGEST_BAD_H` is how the meter is used now.
    """
    goes_on = from_slot <= state.bad_to[row] + 24 * LEARN_LAG_DAYS
    if goes_on and to_slot - state.bad_from[row] > LONGEST_BAD_H:
        return
    if not goes_on:
        state.bad_from[row] = from_slot
    else:
        state.bad_from[row] = min(state.bad_from[row], from_slot) or from_slot
    state.bad_to[row] = max(state.bad_to[row], to_slot)


def is_clean(state: HistoryState, from_slot: int, to_slot: int) -> Flags:
    """Return by row whether nothing abnormal is known of these hours."""
    clean: Flags = (to_slot < state.bad_from) | (from_slot > state.bad_to)
    return clean


def abnormal_days(state: HistoryState, rows: Ints, newest_slot: int, count: int) -> Flags:
    """Return rows x days, newest first: which days something abnormal was found in.

    Args:
        state: What is known of the past.
        rows: The rows that are asked for.
        newest_slot: The hour with which the newest day ends.
        count: How many days are asked for.
    """
    ends = newest_slot - 24 * np.arange(count)
    abnormal: Flags = (ends >= state.bad_from[rows, None]) & (ends - 23 <= state.bad_to[rows, None])
    return abnormal


def is_usual(state: HistoryState, from_slot: int, to_slot: int) -> Flags:
    """Return by row whether these hours show how the meter varies.

    What was abnormal for less than `SHORT_H` and went away by itself is variation, not a fault:
    without it limits would be learned from quiet days alone, and shrink.
    """
    return is_clean(state, from_slot, to_slot) | (state.bad_to - state.bad_from < SHORT_H)


def first_and_last(flags: Flags) -> Iterator[tuple[int, int]]:
    """Yield (row, hour) of the first and of the last flagged hour of each flagged row."""
    if not flags.any():
        return
    for row in np.flatnonzero(flags.any(axis=1)):
        places = np.flatnonzero(flags[row])
        yield int(row), int(places[0])
        if len(places) > 1:
            yield int(row), int(places[-1])


def faded(added: Floats, carried: Floats, keep: Floats) -> Floats:
    """Return M x K x N running sums of which each hour leaves the share `keep` (N) of the last.

    Args:
        added: M x K x N, what each hour adds.
        carried: M x N sums before the first hour.
        keep: N shares.
    """
    if len(added) == 1:
        parts = zip(added[0].T.tolist(), carried[0].tolist(), keep.tolist(), strict=True)
        return np.array([_faded_one(*each) for each in parts]).T[None]
    sums = np.empty(added.shape)
    total = carried
    for hour in range(added.shape[1]):
        total = total * keep + added[:, hour]
        sums[:, hour] = total
    return sums


def _faded_one(added: Sequence[float], carried: float, keep: float) -> Sequence[float]:
    """Return the running sums of one meter and value: what `faded` does, without its arrays."""
    total = carried
    return [total := total * keep + each for each in added]


HOLD_SHARE = 0.6
"""A condition holds its alert down to this share of the threshold (METHODS 6.7)."""

HELD_WITHIN_H = 96
"""Only a row in which something was found so lately can have an alert to hold."""


def raised_and_held(flags: Flags, held: Flags) -> Iterator[tuple[int, int, bool]]:
    """Yield (row, hour, is raised): first and last flagged hours, or the last that only holds."""
    if not (flags.any() or held.any()):
        return
    for row, hour in first_and_last(flags):
        yield row, hour, True
    if not held.any():
        return
    for place in np.flatnonzero(held.any(axis=1) & ~flags.any(axis=1)):
        yield int(place), int(np.flatnonzero(held[place])[-1]), False


def was_found_lately(state: HistoryState, block_first: int) -> Flags:
    """Return by row whether something abnormal was found in the last days."""
    lately: Flags = state.bad_to >= block_first - HELD_WITHIN_H
    return lately


def rolling_min(values: Singles, window: int, count: int) -> Singles:
    """Return M x `count` minima over the `window` values that end at each of the last ones.

    What is not known (NaN) is passed over; the minimum of nothing known is infinite.
    """
    lowest = values[:, -(count + window - 1) :]
    lowest = np.where(np.isnan(lowest), np.float32(np.inf), lowest)
    reach = 1
    while reach < window:
        step = min(reach, window - reach)
        lowest = np.minimum(lowest[:, step:], lowest[:, :-step])
        reach += step
    return lowest


def rolling_minima(values: Singles, windows: Sequence[int], count: int) -> Sequence[Singles]:
    """Return for each window, shortest first, M x `count` minima that end at the last values.

    Args:
        values: M x at least (count + longest window - 1), nothing unknown in it.
        windows: Lengths, ascending.
        count: How many of the last places are wanted.
    """
    width = values.shape[1]
    if count == 1:
        edges = [0, *windows]
        parts = [
            values[:, width - stop : width - start].min(axis=1, keepdims=True)
            for start, stop in pairwise(edges)
        ]
        return list(accumulate(parts, np.minimum))
    lowest, reach, found = values, 1, list[Singles]()
    for window in windows:
        while reach < window:
            step = min(reach, window - reach)
            lowest = np.minimum(lowest[:, step:], lowest[:, :-step])
            reach += step
        found.append(lowest[:, -count:])
    return found


def rolling_sum(values: Singles | Floats, window: int, count: int) -> Floats:
    """Return M x `count` sums over the `window` values that end at each of the last ones.

    What is not known (NaN) adds nothing.
    """
    known = values[:, -(count + window - 1) :]
    known = np.where(np.isnan(known), 0.0, known)
    total = np.cumsum(known, axis=1, dtype=np.float64)
    total = np.concatenate([np.zeros((len(total), 1)), total], axis=1)
    sums: Floats = total[:, window:] - total[:, :-window]
    return sums


def median_of_known(values: Floats, least: int) -> Floats:
    """Return medians over the last axis of what is known; NaN where fewer than `least` are."""
    ordered = np.sort(values, axis=-1)
    count = (~np.isnan(values)).sum(axis=-1)
    low = np.maximum((count - 1) // 2, 0)
    high = np.minimum(count // 2, values.shape[-1] - 1)
    flat = ordered.reshape(-1, ordered.shape[-1])
    place = np.arange(len(flat))
    pair = flat[place, low.ravel()] + flat[place, high.ravel()]
    median: Floats = np.where(count >= least, pair.reshape(count.shape) / 2.0, np.nan)
    return median


def or_else(values: Floats, otherwise: float) -> Floats:
    """Return the values, and another in place of those that are not known."""
    known: Floats = np.where(np.isnan(values), otherwise, values)
    return known


def quantile_of_known(values: Floats, share: float) -> Floats:
    """Return quantiles over the middle axis of M x N x C of what is known; NaN where nothing is."""
    ordered = np.sort(values, axis=1)
    count = (~np.isnan(values)).sum(axis=1)
    place = np.maximum(np.ceil(share * count).astype(np.int64) - 1, 0)
    found = np.take_along_axis(ordered, place[:, None, :], axis=1)[:, 0]
    quantile: Floats = np.where(count > 0, found, np.nan)
    return quantile
