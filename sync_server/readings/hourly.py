"""Decides what is kept of one meter and hour, so that the order of its readings does not matter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sync_server.readings.reading_rows import ReadingRow
from wire_contracts.frames import TimeQuality
from wire_contracts.quality import STALE, SUSPECT_RANGE, SUSPECT_RATE, QualityCode, is_bad
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.quick_values import maker_of, quick_value

HOUR_MS = 3_600_000

_WATER_PAIR = (Quantity.VOLUME_M3, Quantity.FLOW_M3H)
_PAIRS: dict[Medium, tuple[tuple[Quantity, Quantity], ...]] = {
    Medium.WATER: (_WATER_PAIR,),
    Medium.HEAT: (_WATER_PAIR,),
    Medium.GAS: (
        (Quantity.VOLUME_BASE_M3, Quantity.FLOW_BASE_M3H),
        (Quantity.VOLUME_ACTUAL_M3, Quantity.FLOW_ACTUAL_M3H),
    ),
}
"""Totaliser and flow that belong together, the preferred pair first: base and measuring
conditions are never mixed (RULINGS R9)."""

_RANK = {totaliser: rank for pairs in _PAIRS.values() for rank, (totaliser, _) in enumerate(pairs)}

NO_METER = 1e15
"""m3 and m3/h that no register of a meter reaches: the bytes are not a number. Differences of such
values overflow, which ended detection for every meter."""

_DOUBTFUL = frozenset({SUSPECT_RANGE, SUSPECT_RATE, STALE})
"""Values that must not decide anything: the number itself is in doubt."""


@quick_value
class Hour:
    """One meter and hour: the totaliser at its first and last reading, the range of the flow.

    `quantity` is the totaliser that the figures belong to; None while no reading had one.
    `worst_quality` is of any quantity of any reading; None: all were good.
    """

    hour_at_ms: int
    quantity: Quantity | None = None
    first_at_ms: int | None = None
    first_m3: float | None = None
    last_at_ms: int | None = None
    last_m3: float | None = None
    flow_min_m3h: float | None = None
    flow_max_m3h: float | None = None
    reading_count: int = 0
    worst_quality: QualityCode | None = None


make_hour = maker_of(Hour)


def hour_of(measured_at_ms: int) -> int:
    """Return the start of the hour (UTC) that an instant lies in."""
    return measured_at_ms - measured_at_ms % HOUR_MS


def preferred_pair(medium: Medium) -> tuple[Quantity, Quantity]:
    """Return the totaliser and the flow that an hour is made of where a meter has both."""
    return _PAIRS[medium][0]


def gather_hour(hour_at_ms: int, rows: Iterable[ReadingRow], medium: Medium) -> Hour:
    """Return the hour of these rows, which must be all of the meter's rows in it, in any order."""
    hour = Hour(hour_at_ms=hour_at_ms)
    for row in rows:
        hour = add_row(hour, row, medium)
    return hour


def add_row(hour: Hour, row: ReadingRow, medium: Medium) -> Hour:
    """Return the hour with one more row in it; a row must be added once only."""
    quantity, total_m3, flow_m3h = _sample(row, medium)
    count = hour.reading_count + 1
    if row.quality:
        hour = replace(hour, worst_quality=worst_of([hour.worst_quality, *row.quality.values()]))
    if quantity is None or (hour.quantity is not None and _RANK[quantity] > _RANK[hour.quantity]):
        return replace(hour, reading_count=count)
    if hour.quantity is not None and _RANK[quantity] < _RANK[hour.quantity]:
        hour = Hour(hour_at_ms=hour.hour_at_ms, worst_quality=hour.worst_quality)
    return _widen(hour, row.measured_at_ms, quantity, (total_m3, flow_m3h), count)


def add_sound(
    hour: Hour, samples: Sequence[tuple[int, Mapping[str, float]]], medium: Medium
) -> Hour:
    """Return the hour with rows in it that are later than all it has, ascending, every value good.

    As `add_row` does one by one. Of each row: instant in ms, quantity (plain text) to value.
    """
    totaliser, flow = preferred_pair(medium)
    if len(_PAIRS[medium]) > 1 or hour.quantity not in {None, totaliser}:
        for at_ms, values in samples:
            hour = add_row(hour, _sound_row(at_ms, values), medium)
        return hour
    quantity = hour.quantity
    first_at_ms, first_m3 = hour.first_at_ms, hour.first_m3
    last_at_ms, last_m3 = hour.last_at_ms, hour.last_m3
    low_m3h, high_m3h = hour.flow_min_m3h, hour.flow_max_m3h
    for at_ms, values in samples:
        total_m3, flow_m3h = values.get(totaliser), values.get(flow)
        if total_m3 is not None and -NO_METER <= total_m3 <= NO_METER:
            quantity, last_at_ms, last_m3 = totaliser, at_ms, total_m3
            if first_at_ms is None:
                first_at_ms, first_m3 = at_ms, total_m3
        if flow_m3h is not None and -NO_METER <= flow_m3h <= NO_METER:
            quantity = totaliser
            low_m3h, high_m3h = _lower(low_m3h, flow_m3h), _higher(high_m3h, flow_m3h)
    return make_hour(
        hour_at_ms=hour.hour_at_ms,
        quantity=quantity,
        first_at_ms=first_at_ms,
        first_m3=first_m3,
        last_at_ms=last_at_ms,
        last_m3=last_m3,
        flow_min_m3h=low_m3h,
        flow_max_m3h=high_m3h,
        reading_count=hour.reading_count + len(samples),
        worst_quality=hour.worst_quality,
    )


def _sound_row(at_ms: int, values: Mapping[str, float]) -> ReadingRow:
    return ReadingRow(
        meter_id="",
        measured_at_ms=at_ms,
        values={Quantity(name): value for name, value in values.items()},
        quality={},
        profile="",
        revision=0,
        older_revisions={},
        time_quality=TimeQuality.SANE,
        raw={},
    )


def mend_hour(stored: Hour | None, gathered: Hour, new_count: int) -> Hour:
    """Return the hour when some of its readings may have left the database.

    Args:
        stored: The hour as it was before `new_count` readings came.
        gathered: The hour of the readings that are there now.
        new_count: How many of those came after `stored`.
    """
    if stored is None or gathered.reading_count >= stored.reading_count + new_count:
        return gathered
    return join_hours(stored, gathered, stored.reading_count + new_count)


def join_hours(one: Hour, other: Hour, reading_count: int) -> Hour:
    """Return an hour of two shares of its readings, which may overlap: their number is given."""
    worst = worst_of([one.worst_quality, other.worst_quality])
    figured = [each for each in (one, other) if each.quantity is not None]
    best = min((_RANK[each.quantity] for each in figured if each.quantity), default=None)
    shares = [each for each in figured if each.quantity and _RANK[each.quantity] == best]
    if not shares:
        return replace(one, reading_count=reading_count, worst_quality=worst)
    first, last = _earliest(shares), _latest(shares)
    return Hour(
        hour_at_ms=one.hour_at_ms,
        quantity=shares[0].quantity,
        first_at_ms=first.first_at_ms,
        first_m3=first.first_m3,
        last_at_ms=last.last_at_ms,
        last_m3=last.last_m3,
        flow_min_m3h=_lower(shares[0].flow_min_m3h, shares[-1].flow_min_m3h),
        flow_max_m3h=_higher(shares[0].flow_max_m3h, shares[-1].flow_max_m3h),
        reading_count=reading_count,
        worst_quality=worst,
    )


def _earliest(shares: list[Hour]) -> Hour:
    known = [each for each in shares if each.first_at_ms is not None]
    return min(known, key=lambda each: each.first_at_ms or 0, default=shares[0])


def _latest(shares: list[Hour]) -> Hour:
    known = [each for each in shares if each.last_at_ms is not None]
    return max(known, key=lambda each: each.last_at_ms or 0, default=shares[0])


def worst_of(codes: Iterable[QualityCode | None]) -> QualityCode | None:
    """Return the worst code: no value, then stale, then suspect; None when all are good."""
    found = [code for code in codes if code is not None]
    return max(found, key=lambda code: (is_bad(code), code == STALE, code), default=None)


def _widen(
    hour: Hour,
    at_ms: int,
    quantity: Quantity,
    sample: tuple[float | None, float | None],
    count: int,
) -> Hour:
    total_m3, flow_m3h = sample
    first_at_ms, last_at_ms = hour.first_at_ms, hour.last_at_ms
    is_first = total_m3 is not None and (first_at_ms is None or at_ms < first_at_ms)
    is_last = total_m3 is not None and (last_at_ms is None or at_ms > last_at_ms)
    return make_hour(
        hour_at_ms=hour.hour_at_ms,
        quantity=quantity,
        first_at_ms=at_ms if is_first else first_at_ms,
        first_m3=total_m3 if is_first else hour.first_m3,
        last_at_ms=at_ms if is_last else last_at_ms,
        last_m3=total_m3 if is_last else hour.last_m3,
        flow_min_m3h=_lower(hour.flow_min_m3h, flow_m3h),
        flow_max_m3h=_higher(hour.flow_max_m3h, flow_m3h),
        reading_count=count,
        worst_quality=hour.worst_quality,
    )


def _lower(known: float | None, value: float | None) -> float | None:
    if known is None or value is None:
        return value if known is None else known
    return min(known, value)


def _higher(known: float | None, value: float | None) -> float | None:
    if known is None or value is None:
        return value if known is None else known
    return max(known, value)


def _sample(row: ReadingRow, medium: Medium) -> tuple[Quantity | None, float | None, float | None]:
    for totaliser, flow in _PAIRS[medium]:
        total_m3 = _trusted(row, totaliser)
        flow_m3h = _trusted(row, flow)
        if total_m3 is not None or flow_m3h is not None:
            return totaliser, total_m3, flow_m3h
    return None, None, None


def _trusted(row: ReadingRow, name: Quantity) -> float | None:
    value = row.values.get(name)
    if value is None or not -NO_METER <= value <= NO_METER:
        return None
    if not row.quality:
        return value
    return None if row.quality.get(name) in _DOUBTFUL else value
