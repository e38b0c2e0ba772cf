"""Owns how rows, latest values and hours look in their tables, there and back."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import orjson
from sqlalchemy import Connection, or_, select
from sqlalchemy import Row as SqlRow

from sync_server.db.bulk_io import Row, find_rows
from sync_server.db.reading_tables import READING, READING_HOURLY, READING_LATEST
from sync_server.readings.hourly import HOUR_MS, Hour, gather_hour, hour_of, mend_hour
from sync_server.readings.ingest_memory import IngestMemory
from sync_server.readings.latest import Latest, state_text, values_of
from sync_server.readings.raw_words import pack_groups, unpack_groups
from sync_server.readings.reading_rows import ReadingRow
from sync_server.readings.remembered import MeterMemory
from wire_contracts.frames import TimeQuality
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Medium, Quantity

T = TypeVar("T")

_QUANTITIES = tuple(Quantity)
_PLACE = {name: place for place, name in enumerate(_QUANTITIES)}
_NO_CELLS: list[float | None] = [None] * len(_QUANTITIES)
_CHUNK = 400
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS


def reading_cells(row: ReadingRow) -> Row:
    """Return the row in the order of the columns of `reading`."""
    cells = _NO_CELLS.copy()
    for name, value in row.values.items():
        cells[_PLACE[name]] = value
    return (
        row.meter_id,
        row.measured_at_ms,
        *cells,
        orjson.dumps(row.quality, option=_OPTIONS).decode() if row.quality else None,
        row.profile,
        row.revision,
        orjson.dumps(row.older_revisions, option=_OPTIONS).decode()
        if row.older_revisions
        else None,
        None if row.time_quality is TimeQuality.SANE else str(row.time_quality),
        pack_groups(row.raw) if row.raw else None,
    )


def reading_row(row: SqlRow[tuple[str]]) -> ReadingRow:
    """Return a database row of `reading` as a value."""
    cells: Sequence[float | None] = row[2 : 2 + len(_QUANTITIES)]  # type: ignore[assignment]  # wide
    values = zip(_QUANTITIES, cells, strict=True)
    quality = orjson.loads(row.quality) if row.quality else {}
    older = orjson.loads(row.older_revisions) if row.older_revisions else {}
    return ReadingRow(
        meter_id=row.meter_id,
        measured_at_ms=row.measured_at_ms,
        values={name: value for name, value in values if value is not None},
        quality={Quantity(name): QualityCode(code) for name, code in quality.items()},
        profile=row.profile,
        revision=row.revision,
        older_revisions={Quantity(name): revision for name, revision in older.items()},
        time_quality=TimeQuality(row.time_quality or TimeQuality.SANE),
        raw=unpack_groups(row.raw),
    )


def latest_cells(meter_id: str, latest: Latest) -> Row:
    """Return the newest of a meter in the order of the columns of `reading_latest`."""
    return (
        meter_id,
        latest.measured_at_ms,
        latest.valued_at_ms,
        latest.gateway_id,
        state_text(latest.values),
    )


def latest_of(row: SqlRow[tuple[str]]) -> Latest:
    """Return a database row of `reading_latest` as a value."""
    return Latest(
        measured_at_ms=row.measured_at_ms,
        valued_at_ms=row.valued_at_ms,
        gateway_id=row.gateway_id,
        values=values_of(row.state),
    )


def hourly_cells(meter_id: str, hour: Hour) -> Row:
    """Return an hour in the order of the columns of `reading_hourly`."""
    return (
        meter_id,
        hour.hour_at_ms,
        None if hour.quantity is None else str(hour.quantity),
        hour.first_at_ms,
        hour.first_m3,
        hour.last_at_ms,
        hour.last_m3,
        hour.flow_min_m3h,
        hour.flow_max_m3h,
        hour.reading_count,
        hour.worst_quality,
    )


def hour_from(row: SqlRow[tuple[str]]) -> Hour:
    """Return a database row of `reading_hourly` as a value."""
    return Hour(
        hour_at_ms=row.hour_at_ms,
        quantity=None if row.quantity is None else Quantity(row.quantity),
        first_at_ms=row.first_at_ms,
        first_m3=row.first_m3,
        last_at_ms=row.last_at_ms,
        last_m3=row.last_m3,
        flow_min_m3h=row.flow_min_m3h,
        flow_max_m3h=row.flow_max_m3h,
        reading_count=row.reading_count,
        worst_quality=None if row.worst_quality is None else QualityCode(row.worst_quality),
    )


def load_meters(connection: Connection, memory: IngestMemory, meter_ids: Collection[str]) -> None:
    """Bring what is newest of these meters into the memory."""
    missing = [meter_id for meter_id in meter_ids if meter_id not in memory.meters]
    for chunk in _chunks(missing):
        newest = {
            row.meter_id: latest_of(row)
            for row in connection.execute(
                select(READING_LATEST).where(READING_LATEST.c.meter_id.in_(chunk))
            )
        }
        keys = [(name, hour_of(latest.measured_at_ms)) for name, latest in newest.items()]
        hours = {
            row.meter_id: hour_from(row) for row in find_rows(connection, READING_HOURLY, keys)
        }
        for meter_id in chunk:
            latest = newest.get(meter_id)
            memory.remember(
                meter_id,
                None if latest is None else _memory_of(latest, hours.get(meter_id)),
            )


def _memory_of(latest: Latest, hour: Hour | None) -> MeterMemory:
    """Return what is remembered of a meter; of one silent for years the hour may have left."""
    if hour is None:
        hour = Hour(hour_at_ms=hour_of(latest.measured_at_ms))
    return MeterMemory(latest=latest, hour=hour)


def load_rows(
    connection: Connection, keys: Sequence[tuple[str, int]]
) -> Mapping[tuple[str, int], ReadingRow]:
    """Return the readings that exist already at these (meter, instant)."""
    rows = map(reading_row, find_rows(connection, READING, keys))
    return {(row.meter_id, row.measured_at_ms): row for row in rows}


def load_newest_valued(
    connection: Connection, meter_ids: Collection[str]
) -> Mapping[str, int | None]:
    """Return by meter the newest instant that carries a value, None when there is none."""
    if not meter_ids:
        return {}
    has_value = or_(*(READING.c[str(name)].is_not(None) for name in _QUANTITIES))
    return {
        meter_id: connection.execute(
            select(READING.c.measured_at_ms)
            .where(READING.c.meter_id == meter_id, has_value)
            .order_by(READING.c.measured_at_ms.desc())
            .limit(1)
        ).scalar_one_or_none()
        for meter_id in sorted(meter_ids)
    }


def load_hours(
    connection: Connection,
    keys: Collection[tuple[str, int]],
    media: Mapping[str, Medium],
    new_rows: Iterable[ReadingRow] = (),
) -> Mapping[tuple[str, int], Hour]:
    """Return these hours (meter, start), gathered anew from all their readings.

    Where readings have left for the archive, what the table says of the hour is kept. `new_rows`
    are those that the table's hours do not count yet.
    """
    rows: dict[tuple[str, int], list[ReadingRow]] = {key: [] for key in keys}
    for row in map(reading_row, find_rows(connection, READING, list(rows), HOUR_MS)):
        rows[row.meter_id, hour_of(row.measured_at_ms)].append(row)
    stored = {
        (row.meter_id, row.hour_at_ms): hour_from(row)
        for row in find_rows(connection, READING_HOURLY, list(rows))
    }
    new = Counter((row.meter_id, hour_of(row.measured_at_ms)) for row in new_rows)
    return {
        key: mend_hour(stored.get(key), gather_hour(key[1], of_hour, media[key[0]]), new[key])
        for key, of_hour in rows.items()
    }


def _chunks(items: Sequence[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
