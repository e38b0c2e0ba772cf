"""Decides what is kept of one meter and day of the site when its hours leave."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sync_server.readings.hourly import Hour, join_hours
from wire_contracts.frames import ms_from_utc, utc_from_ms

_SLIP_M3 = 1e-9
"""What two spellings of the same register may differ by: a register is a whole number of litres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One meter and day: the same figures as of an hour, and the volume in between.

    `span.hour_at_ms` is the site's midnight. `volume_m3` is the last register less the first, None
    where there are no two or the register fell in between: what was used then is not known.
    """

    span: Hour
    volume_m3: float | None


def day_start_ms(at_ms: int, zone: tzinfo) -> int:
    """Return the site's midnight before a moment."""
    local = utc_from_ms(at_ms).astimezone(zone)
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    return ms_from_utc(midnight.astimezone(UTC))


def days_of(hours: Iterable[Hour], zone: tzinfo) -> Mapping[int, Day]:
    """Return by the site's midnight the days of one meter's hours, given in any order."""
    shares: dict[int, list[Hour]] = {}
    for hour in sorted(hours, key=lambda each: each.hour_at_ms):
        shares.setdefault(day_start_ms(hour.hour_at_ms, zone), []).append(hour)
    return {start: _day(start, of_day) for start, of_day in shares.items()}


def join_days(stored: Day, late: Day) -> Day:
    """Return a day of which some hours had left before others came, all of them different."""
    count = stored.span.reading_count + late.span.reading_count
    span = join_hours(stored.span, late.span, count)
    is_known = all(
        each.volume_m3 is not None or each.span.first_at_ms is None for each in (stored, late)
    )
    return Day(span=span, volume_m3=_between(span) if is_known else None)


def _day(start_ms: int, hours: Sequence[Hour]) -> Day:
    span = Hour(hour_at_ms=start_ms)
    for hour in hours:
        span = join_hours(span, hour, span.reading_count + hour.reading_count)
    return Day(span=span, volume_m3=None if _falls(span, hours) else _between(span))


def _falls(span: Hour, hours: Sequence[Hour]) -> bool:
    """Return whether the register fell from one hour, or within one, to the next."""
    before: float | None = None
    for hour in hours:
        if hour.quantity != span.quantity:
            continue
        for total in (hour.first_m3, hour.last_m3):
            if before is not None and total is not None and total < before - _SLIP_M3:
                return True
            before = before if total is None else total
    return False


def _between(span: Hour) -> float | None:
    if span.first_m3 is None or span.last_m3 is None or span.last_m3 < span.first_m3:
        return None
    return span.last_m3 - span.first_m3
