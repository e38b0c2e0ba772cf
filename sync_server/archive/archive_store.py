"""Owns the list of the archive's files: which parts each day has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from sync_server.archive.parquet_io import PartFile
from sync_server.db.reading_tables import READING_ARCHIVE
from wire_contracts.frames import ms_from_utc, utc_from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file: `file` is its path below the archive's folder."""

    day_at_ms: int
    part: int
    file: str
    row_count: int
    byte_count: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSize:
    """What the archive holds: files, rows, bytes, and its first and last day."""

    file_count: int
    row_count: int
    byte_count: int
    first_at_ms: int | None
    last_at_ms: int | None


def part_file(day_at_ms: int, part: int) -> str:
    """Return the path of a part below the archive's folder."""
    day = utc_from_ms(day_at_ms)
    return f"{day.year:04d}/{day:%m}/readings-{day.year:04d}{day:%m%d}-{part:03d}.parquet"


def parts_between(connection: Connection, from_ms: int, to_ms: int) -> list[Part]:
    """Return the parts of the days from one (inclusive) to another, in their order."""
    rows = connection.execute(
        select(READING_ARCHIVE)
        .where(READING_ARCHIVE.c.day_at_ms >= from_ms, READING_ARCHIVE.c.day_at_ms < to_ms)
        .order_by(READING_ARCHIVE.c.day_at_ms, READING_ARCHIVE.c.part)
    )
    return [
        Part(
            day_at_ms=row.day_at_ms,
            part=row.part,
            file=row.file,
            row_count=row.row_count,
            byte_count=row.byte_count,
            sha256=row.sha256,
        )
        for row in rows
    ]


def note_part(
    connection: Connection, place: tuple[int, int], written: PartFile, now_utc: datetime
) -> None:
    """Note a file that is on the disk; `place` is its day and part."""
    connection.execute(
        insert(READING_ARCHIVE).values(
            day_at_ms=place[0],
            part=place[1],
            file=part_file(*place),
            row_count=written.row_count,
            byte_count=written.byte_count,
            sha256=written.sha256,
            archived_at_ms=ms_from_utc(now_utc),
        )
    )


def archive_size(connection: Connection) -> ArchiveSize:
    """Return what the archive holds."""
    at = READING_ARCHIVE.c
    row = connection.execute(
        select(
            func.count().label("files"),
            func.coalesce(func.sum(at.row_count), 0).label("rows"),
            func.coalesce(func.sum(at.byte_count), 0).label("bytes"),
            func.min(at.day_at_ms).label("first"),
            func.max(at.day_at_ms).label("last"),
        )
    ).one()
    return ArchiveSize(
        file_count=row.files,
        row_count=int(row.rows),
        byte_count=int(row.bytes),
        first_at_ms=row.first,
        last_at_ms=row.last,
    )


def newest_part(parts: Sequence[Part]) -> Part | None:
    """Return the part of a day that counts first, None when there is none."""
    return max(parts, key=lambda each: each.part, default=None)
