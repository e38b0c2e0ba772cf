"""Lets old hours leave: each becomes part of its day in the transaction in which it goes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from sqlalchemy import Connection, Engine, Table, delete, select

from sync_server.archive.daily import Day, day_start_ms, days_of, join_days
from sync_server.archive.pieces_store import meters_with_readings, oldest_ms
from sync_server.archive.tiers import DAY_MS
from sync_server.db.bulk_io import OnExisting, Row, find_rows, write_rows
from sync_server.db.engine_io import reading
from sync_server.db.ingest_turns import take_everything
from sync_server.db.partition_io import drop_empty
from sync_server.db.reading_tables import READING_DAILY, READING_HOURLY
from sync_server.readings.hourly import Hour
from sync_server.readings.row_store import hour_from
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity

_METERS_AT_ONCE = 40
_DAYS_AT_ONCE = 31
"""Together some 30,000 hours in one transaction."""

_BEFORE_ALL_MS = -(2**62)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursLeaving:
    """Which hours leave: all before a moment of the site's `zone`, until `is_stopped`."""

    engine: Engine
    zone: tzinfo
    before_ms: int
    is_stopped: Callable[[], bool]


def let_hours_leave(leaving: HoursLeaving) -> int:
    """Return how many hours became days; the rest is for the next time when it was stopped.

    Raises:
        OperationalError: The database is in use for long.
    """
    end_ms, count = day_start_ms(leaving.before_ms, leaving.zone), 0
    with reading(leaving.engine) as connection:
        meters = meters_with_readings(connection)
    while (oldest := _oldest(leaving.engine, READING_HOURLY, "hour_at_ms")) is not None:
        if oldest >= end_ms or leaving.is_stopped():
            break
        to_ms = min(end_ms, day_start_ms(oldest + _DAYS_AT_ONCE * DAY_MS, leaving.zone))
        for first in range(0, len(meters), _METERS_AT_ONCE):
            if leaving.is_stopped():
                break
            chunk = meters[first : first + _METERS_AT_ONCE]
            with leaving.engine.begin() as connection:
                take_everything(connection)
                count += roll_hours(connection, chunk, to_ms, leaving.zone)
    with leaving.engine.begin() as connection:
        drop_empty(connection, READING_HOURLY, end_ms)
    return count


def roll_hours(connection: Connection, meters: Sequence[str], to_ms: int, zone: tzinfo) -> int:
    """Return how many hours of these meters before a site's midnight became part of their days."""
    at = READING_HOURLY.c
    old = at.meter_id.in_(meters) & (at.hour_at_ms < to_ms)
    hours: dict[str, list[Hour]] = {}
    for row in connection.execute(select(READING_HOURLY).where(old)):
        hours.setdefault(row.meter_id, []).append(hour_from(row))
    days = {
        (meter_id, start): day
        for meter_id, of_meter in hours.items()
        for start, day in days_of(of_meter, zone).items()
    }
    for key, stored in _load_days(connection, list(days)).items():
        days[key] = join_days(stored, days[key])
    cells = [_day_cells(meter_id, day) for (meter_id, _), day in days.items()]
    write_rows(connection, READING_DAILY, cells, OnExisting.REPLACE)
    connection.execute(delete(READING_HOURLY).where(old))
    return sum(map(len, hours.values()))


def let_days_leave(engine: Engine, before_ms: int, zone: tzinfo) -> int:
    """Return how many days were deleted for good."""
    at = READING_DAILY.c.day_at_ms
    end_ms, count = day_start_ms(before_ms, zone), 0
    with reading(engine) as connection:
        meters = meters_with_readings(connection)
    for first in range(0, len(meters), _METERS_AT_ONCE):
        chunk = meters[first : first + _METERS_AT_ONCE]
        with engine.begin() as connection:
            gone = READING_DAILY.c.meter_id.in_(chunk) & (at < end_ms)
            count += connection.execute(delete(READING_DAILY).where(gone)).rowcount
    return count


def _oldest(engine: Engine, table: Table, column: str) -> int | None:
    with reading(engine) as connection:
        return oldest_ms(connection, table, column, _BEFORE_ALL_MS)


def _load_days(
    connection: Connection, keys: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], Day]:
    return {
        (row.meter_id, row.day_at_ms): Day(
            span=Hour(
                hour_at_ms=row.day_at_ms,
                quantity=None if row.quantity is None else Quantity(row.quantity),
                first_at_ms=row.first_at_ms,
                first_m3=row.first_m3,
                last_at_ms=row.last_at_ms,
                last_m3=row.last_m3,
                flow_min_m3h=row.flow_min_m3h,
                flow_max_m3h=row.flow_max_m3h,
                reading_count=row.reading_count,
                worst_quality=None if row.worst_quality is None else QualityCode(row.worst_quality),
            ),
            volume_m3=row.volume_m3,
        )
        for row in find_rows(connection, READING_DAILY, keys)
    }


def _day_cells(meter_id: str, day: Day) -> Row:
    """Return a day in the order of the columns of `reading_daily`."""
    span = day.span
    return (
        meter_id,
        span.hour_at_ms,
        None if span.quantity is None else str(span.quantity),
        span.first_at_ms,
        span.first_m3,
        span.last_at_ms,
        span.last_m3,
        day.volume_m3,
        span.flow_min_m3h,
        span.flow_max_m3h,
        span.reading_count,
        span.worst_quality,
    )
