"""Owns how old readings are found: the tables they lie in, their days, the rows of a day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, Table, bindparam, func, select, text

from sync_server.archive.tiers import DAY_MS
from sync_server.db.bulk_io import Row
from sync_server.db.partition_io import (
    LEAVING,
    PARTITIONED,
    Partition,
    has_partitions,
    list_partitions,
    rest_of,
)
from sync_server.db.reading_tables import READING, READING_LATEST

METERS_AT_ONCE = 300
"""Meters of one query: a day of them at 15 minutes is some 29,000 rows in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A table that holds old readings.

    Attributes:
        table: The table itself, or one partition of it.
        partition: Goes as a whole, when everything in it is in the archive; None: row by row.
        is_off: Was taken off by a run that did not come to its end.
    """

    table: Table
    partition: Partition | None = None
    is_off: bool = False


def old_pieces(connection: Connection, before_ms: int) -> list[Piece]:
    """Return where readings of before a moment lie."""
    if not has_partitions(connection):
        return [Piece(table=READING)]
    left = connection.execute(_LEFT, {"pattern": f"{READING.name}\\_p%{LEAVING}"}).scalars()
    pieces = [Piece(table=_named(name), is_off=True) for name in left]
    for partition in list_partitions(connection, READING):
        is_whole = partition.to_ms <= before_ms
        if is_whole or partition.from_ms is None:
            table = _named(partition.name)
            pieces.append(Piece(table=table, partition=partition if is_whole else None))
    return [*pieces, Piece(table=_named(rest_of(READING)))]


_LEFT = text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE :pattern"
    " AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('reading'))"
)


def _named(name: str) -> Table:
    return READING.to_metadata(MetaData(), name=name)


def meters_with_readings(connection: Connection) -> list[str]:
    """Return every meter that ever had a reading, in the order of the files."""
    return sorted(connection.execute(select(READING_LATEST.c.meter_id)).scalars())


def oldest_ms(connection: Connection, table: Table, column: str, from_ms: int) -> int | None:
    """Return the first moment of any meter's row from a moment on: one look-up for each meter."""
    at = table.columns[column]
    own = (
        select(at)
        .where(table.c.meter_id == READING_LATEST.c.meter_id, at >= bindparam("from_ms"))
        .order_by(at)
        .limit(1)
        .correlate(READING_LATEST)
        .scalar_subquery()
    )
    found: int | None = connection.execute(
        select(func.min(own)).select_from(READING_LATEST), {"from_ms": from_ms}
    ).scalar_one()
    return found


def days_of_piece(connection: Connection, piece: Piece, before_ms: int) -> Iterator[int]:
    """Yield the midnights (UTC) of the days before a moment that have readings, in order."""
    column, from_ms = PARTITIONED[READING], _BEFORE_ALL_MS
    while True:
        found = oldest_ms(connection, piece.table, column, from_ms)
        if found is None or found >= before_ms:
            return
        day_at_ms = found - found % DAY_MS
        yield day_at_ms
        from_ms = day_at_ms + DAY_MS


_BEFORE_ALL_MS = -(2**62)


def rows_of_day(
    connection: Connection, piece: Piece, meters: Sequence[str], day_at_ms: int
) -> Iterator[Row]:
    """Yield the readings of a day by meter and instant, as the columns of `reading`."""
    at = piece.table.c.measured_at_ms
    query = select(piece.table).where(at >= day_at_ms, at < day_at_ms + DAY_MS)
    for first in range(0, len(meters), METERS_AT_ONCE):
        chunk = meters[first : first + METERS_AT_ONCE]
        rows = connection.execute(query.where(piece.table.c.meter_id.in_(chunk)))
        yield from sorted((tuple(row) for row in rows), key=lambda row: (row[0], row[1]))


def count_rows(connection: Connection, piece: Piece) -> int:
    """Return how many rows a piece has, whosever they are."""
    count: int = connection.execute(select(func.count()).select_from(piece.table)).scalar_one()
    return count
