"""Lets old raw readings leave the database, and none that is not safe in the archive when it is on.

A row goes in one of two ways. By itself: what is deleted is the identical row that was read back
from a file of the archive. Or with its whole partition, which was taken off, compared row by row
with the files, and counted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, zip_longest
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, delete
from structlog.typing import FilteringBoundLogger

from sync_server.archive.archive_store import (
    Part,
    newest_part,
    note_part,
    part_file,
    parts_between,
)
from sync_server.archive.parquet_io import (
    NAMES,
    ArchiveError,
    PartFile,
    part_of,
    read_part,
    write_part,
)
from sync_server.archive.pieces_store import (
    METERS_AT_ONCE,
    Piece,
    count_rows,
    days_of_piece,
    meters_with_readings,
    old_pieces,
    rows_of_day,
)
from sync_server.archive.tiers import DAY_MS
from sync_server.db.bulk_io import Row
from sync_server.db.engine_io import reading
from sync_server.db.partition_io import has_partitions, take_off
from sync_server.db.reading_tables import READING

_LOG: FilteringBoundLogger = structlog.get_logger()

_ROWS_AT_ONCE = 2000
"""Rows deleted in one transaction: a frame that comes meanwhile waits hundredths of a second."""

_TRIES = 3
"""How often a day is written that changes while it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What leaves, where it goes, and who may interrupt.

    Attributes:
        engine: The database.
        folder: Of the archive; None: it is off, and what leaves is gone.
        before_ms: A midnight (UTC).
        now_utc: When a file was written, for its note.
        is_stopped: Asked between two slices; what is left is for the next time.
    """

    engine: Engine
    folder: Path | None
    before_ms: int
    now_utc: datetime
    is_stopped: Callable[[], bool]


class Stopped(Exception):  # noqa: N818  # nothing failed: somebody said stop
    """The server ends; what was done stays done."""


def let_raw_leave(leaving: Leaving) -> int:
    """Return of how many days readings left, a day in two tables counted twice.

    Raises:
        ArchiveError: A file cannot be written or read; nothing was removed that it should hold.
        OperationalError: The database is in use for long; the next time goes on.
        Stopped: `is_stopped` said so.
    """
    with reading(leaving.engine) as connection:
        pieces = old_pieces(connection, leaving.before_ms)
        meters = meters_with_readings(connection)
    return sum(_let_piece_leave(leaving, piece, meters) for piece in pieces)


def _let_piece_leave(leaving: Leaving, piece: Piece, meters: Sequence[str]) -> int:
    if piece.partition is None and not piece.is_off:
        return _row_by_row(leaving, piece, meters)
    days = _archive_days(leaving, piece, meters)
    if piece.partition is not None:
        with leaving.engine.begin() as connection:
            name = take_off(connection, READING, piece.partition)
        piece = Piece(table=READING.to_metadata(piece.table.metadata, name=name), is_off=True)
        _archive_days(leaving, piece, meters)
    with leaving.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {piece.table.name}")
    _LOG.info("readings.partition_left", name=piece.table.name, days=days)
    return days


def _archive_days(leaving: Leaving, piece: Piece, meters: Sequence[str]) -> int:
    """Bring every row of a piece into the archive; return how many days it has.

    Raises:
        ArchiveError: Rows are left that belong to no meter we know.
    """
    days = compared = 0
    for day_at_ms in _days(leaving, piece):
        days += 1
        if leaving.folder is not None:
            compared += _archived(leaving, leaving.folder, piece, meters, day_at_ms).row_count
    with reading(leaving.engine) as connection:
        count = count_rows(connection, piece)
    if piece.is_off and leaving.folder is not None and count != compared:
        raise ArchiveError(
            f"archive: {piece.table.name}: {compared} of {count} rows are in the files; it is kept,"
            " attach it again or ask for help"
        )
    return days


def _row_by_row(leaving: Leaving, piece: Piece, meters: Sequence[str]) -> int:
    days = 0
    for day_at_ms in _days(leaving, piece):
        days += 1
        if leaving.folder is None:
            _delete_day(leaving, piece, meters, day_at_ms)
            continue
        part = _archived(leaving, leaving.folder, piece, meters, day_at_ms)
        kept = read_part(leaving.folder / part.file)
        while rows := list(islice(kept, _ROWS_AT_ONCE)):
            _go_on(leaving)
            with leaving.engine.begin() as connection:
                _delete_same(connection, piece, rows)
    return days


def _days(leaving: Leaving, piece: Piece) -> Iterator[int]:
    """Yield a piece's days; each is looked for when the one before is done."""
    with reading(leaving.engine) as connection:
        days = list(days_of_piece(connection, piece, leaving.before_ms))
    for day_at_ms in days:
        _go_on(leaving)
        yield day_at_ms


def _go_on(leaving: Leaving) -> None:
    if leaving.is_stopped():
        raise Stopped


def _archived(
    leaving: Leaving, folder: Path, piece: Piece, meters: Sequence[str], day_at_ms: int
) -> Part:
    """Return the file that holds exactly a day's rows of this piece, written where there is none.

    Raises:
        ArchiveError: The file cannot be written or read, or the day changes all the time.
    """
    for _ in range(_TRIES):
        with reading(leaving.engine) as connection:
            parts = parts_between(connection, day_at_ms, day_at_ms + DAY_MS)
            newest = newest_part(parts)
            rows = rows_of_day(connection, piece, meters, day_at_ms)
            if newest is not None and _are_same(rows, read_part(folder / newest.file)):
                return newest
        _write(leaving, folder, day_at_ms, 1 + (newest.part if newest else 0), (piece, meters))
    raise ArchiveError(
        f"archive: {part_file(day_at_ms, 1)}: the day's readings change while they are written;"
        " the next run tries again"
    )


def _are_same(rows: Iterable[Row], kept: Iterable[Row]) -> bool:
    return all(row == other for row, other in zip_longest(rows, kept))


def _write(
    leaving: Leaving,
    folder: Path,
    day_at_ms: int,
    part: int,
    source: tuple[Piece, Sequence[str]],
) -> None:
    """Bring a day into its next part.

    A file that is there unlisted is of a run that was cut off, or older than a restore: where it
    holds the very rows it becomes the part, else it is left alone.
    """
    while (path := folder / part_file(day_at_ms, part)).exists():
        found = _same_file(leaving, path, source, day_at_ms)
        if found is not None:
            _note(leaving, (day_at_ms, part), found)
            return
        part += 1
    with reading(leaving.engine) as connection:
        written = write_part(path, rows_of_day(connection, *source, day_at_ms))
    _note(leaving, (day_at_ms, part), written)


def _note(leaving: Leaving, place: tuple[int, int], written: PartFile) -> None:
    with leaving.engine.begin() as connection:
        note_part(connection, place, written, leaving.now_utc)


def _same_file(
    leaving: Leaving, path: Path, source: tuple[Piece, Sequence[str]], day_at_ms: int
) -> PartFile | None:
    """Return a file that holds exactly a day's rows; None: it holds others, or is damaged."""
    try:
        with reading(leaving.engine) as connection:
            is_same = _are_same(rows_of_day(connection, *source, day_at_ms), read_part(path))
        return part_of(path) if is_same else None
    except ArchiveError:
        return None


def _delete_same(connection: Connection, piece: Piece, rows: Sequence[Row]) -> None:
    """Delete the rows that are in the database as they are here; one that changed stays."""
    is_sqlite = not has_partitions(connection)
    same = "IS ?" if is_sqlite else "IS NOT DISTINCT FROM %s"
    equal = "= ?" if is_sqlite else "= %s"
    conditions = [f"{NAMES[0]} {equal}", f"{NAMES[1]} {equal}"]
    conditions += [f"{name} {same}" for name in NAMES[2:]]
    statement = f"DELETE FROM {piece.table.name} WHERE {' AND '.join(conditions)}"  # noqa: S608  # our names
    connection.exec_driver_sql(statement, list(rows))


def _delete_day(leaving: Leaving, piece: Piece, meters: Sequence[str], day_at_ms: int) -> None:
    """Delete a day that goes nowhere, some meters in each transaction."""
    at = piece.table.c.measured_at_ms
    for first in range(0, len(meters), METERS_AT_ONCE):
        _go_on(leaving)
        chunk = meters[first : first + METERS_AT_ONCE]
        with leaving.engine.begin() as connection:
            connection.execute(
                delete(piece.table).where(
                    piece.table.c.meter_id.in_(chunk), at >= day_at_ms, at < day_at_ms + DAY_MS
                )
            )
    has_archive = leaving.folder is not None
    _LOG.debug("readings.day_left", day_at_ms=day_at_ms, has_archive=has_archive)
