"""Finds the course of a meter wherever its readings are by now: table, archive, hours or days."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection, func, select
from structlog.typing import FilteringBoundLogger

from sync_server.archive.archive_store import parts_between
from sync_server.archive.duckdb_io import find_values
from sync_server.archive.parquet_io import ArchiveError
from sync_server.archive.tiers import DAY_MS, LEAST_RAW_DAYS, day_of, policy_name
from sync_server.db.order_tables import POLICY
from sync_server.db.reading_tables import READING, READING_DAILY, READING_HOURLY
from wire_contracts.evidence import ChartPoint
from wire_contracts.frames import LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.quantities import TOTALISERS, Quantity

MOST_POINTS: Final = 20_000
_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoom:
    """Which part of a course: from when on, seen now, each point the mean of `mean_s` seconds.

    `mean_s` 0: every reading itself.
    """

    from_utc: datetime
    now_utc: datetime
    mean_s: int = 0


def course(
    connection: Connection, archive: Path | None, meter_id: str, quantity: Quantity, zoom: Zoom
) -> Sequence[ChartPoint]:
    """Return the readings of one quantity, ascending.

    A point stands at its newest reading, because of a totaliser that is what counts. What has left
    the table comes from the archive; without one a totaliser's hours and days stand in.
    """
    from_ms, mean_s = ms_from_utc(zoom.from_utc), zoom.mean_s
    split_ms, old = _left(connection, archive, meter_id, quantity, zoom)
    old |= _stored(connection, meter_id, quantity, (from_ms, split_ms))
    points = _means(old, quantity, mean_s) + _course(
        connection, meter_id, quantity, (max(from_ms, split_ms), mean_s)
    )
    return [ChartPoint(at_utc=utc_from_ms(at), observed=value) for at, value in points][
        :MOST_POINTS
    ]


def _left(
    connection: Connection, archive: Path | None, meter_id: str, quantity: Quantity, zoom: Zoom
) -> tuple[int, dict[int, float]]:
    """Return the midnight before which readings may have left, and what is known of those."""
    from_ms = ms_from_utc(zoom.from_utc)
    split_ms = day_of(ms_from_utc(zoom.now_utc)) - LEAST_RAW_DAYS * DAY_MS
    parts = parts_between(connection, day_of(from_ms), LATEST_MS)
    if parts:
        split_ms = max(split_ms, parts[-1].day_at_ms + DAY_MS)
    if split_ms <= from_ms or not _has_anything_left(connection):
        return from_ms, {}
    known = _registers(connection, meter_id, quantity, (from_ms, split_ms))
    if archive is None:
        return split_ms, known
    paths = [archive / each.file for each in parts]
    try:
        known |= find_values(paths, meter_id, quantity, (from_ms, split_ms))
    except ArchiveError as error:
        _LOG.warning("archive.unreadable", reason=str(error))
    return split_ms, known


def _has_anything_left(connection: Connection) -> bool:
    """Return whether the utility ever said that raw readings leave."""
    versions = select(POLICY.c.value).where(POLICY.c.name == policy_name("raw"))
    return any(float(json.loads(text)) for text in connection.execute(versions).scalars())


def _registers(
    connection: Connection, meter_id: str, quantity: Quantity, span_ms: tuple[int, int]
) -> dict[int, float]:
    """Return a totaliser as hours and days know it: what it read at the last reading of each."""
    if quantity not in TOTALISERS:
        return {}
    found: dict[int, float] = {}
    for table, start in ((READING_DAILY, "day_at_ms"), (READING_HOURLY, "hour_at_ms")):
        query = select(table.c.last_at_ms, table.c.last_m3).where(
            table.c.meter_id == meter_id,
            table.c.quantity == str(quantity),
            table.c.last_m3.is_not(None),
            table.c[start] >= span_ms[0] - DAY_MS,
            table.c.last_at_ms >= span_ms[0],
            table.c.last_at_ms < span_ms[1],
        )
        found |= {row.last_at_ms: row.last_m3 for row in connection.execute(query)}
    return found


def _stored(
    connection: Connection, meter_id: str, quantity: Quantity, span_ms: tuple[int, int]
) -> dict[int, float]:
    """Return what came late of a time that has left otherwise, or was corrected."""
    column, at = READING.c[str(quantity)], READING.c.measured_at_ms
    query = select(at, column.label("value")).where(
        READING.c.meter_id == meter_id, column.is_not(None), at >= span_ms[0], at < span_ms[1]
    )
    return {row.measured_at_ms: row.value for row in connection.execute(query)}


def _means(values: Mapping[int, float], quantity: Quantity, mean_s: int) -> list[tuple[int, float]]:
    """Return instant and value as `_course` has them from the database."""
    if not mean_s:
        return sorted(values.items())
    shares: dict[int, list[tuple[int, float]]] = {}
    for at_ms, value in sorted(values.items()):
        shares.setdefault(at_ms // (mean_s * 1000), []).append((at_ms, value))
    is_totaliser = quantity in TOTALISERS
    return [
        (of_share[-1][0], _value([value for _, value in of_share], is_totaliser=is_totaliser))
        for of_share in shares.values()
    ]


def _value(values: Sequence[float], *, is_totaliser: bool) -> float:
    return max(values) if is_totaliser else sum(values) / len(values)


def _course(
    connection: Connection, meter_id: str, quantity: Quantity, span: tuple[int, int]
) -> list[tuple[int, float]]:
    from_ms, mean_s = span
    column, at = READING.c[str(quantity)], READING.c.measured_at_ms
    query = select(at.label("at_ms"), column.label("value")).order_by(at)
    if mean_s:
        value = func.max(column) if quantity in TOTALISERS else func.avg(column)
        newest = func.max(at).label("at_ms")
        share = at.op("/")(mean_s * 1000)
        query = select(newest, value.label("value")).group_by(share).order_by(newest)
    rows = connection.execute(
        query.where(READING.c.meter_id == meter_id, column.is_not(None), at >= from_ms).limit(
            MOST_POINTS
        )
    )
    return [(row.at_ms, row.value) for row in rows]
