"""Copies out of a damaged queue file what can still be read, under the epoch it belongs to."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.queue.queue_file_io import connect, remove, rename, set_meta
from edge_gateway.queue.queued import HeldFrame, Uptime
from wire_contracts.errors import ContractError
from wire_contracts.frames import MAX_EPOCH, MAX_SEQ, Frame, parse_frame
from wire_contracts.payloads import read_json

MOST_FAILURES = 200_000
"""Reads of single frames that may fail before the rest of a file counts as unreadable."""

_CHUNK = 1000
_COLUMNS = "seq, at_ms, boot_id, boot_ms, gap_first, gap_last, gap_count, crc, body"
_LOG: FilteringBoundLogger = structlog.get_logger()
Row = tuple[object, ...]
"""seq, at_ms, boot_id, boot_ms, gap_first, gap_last, gap_count, crc, body; any may be nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What was saved from a damaged file.

    Attributes:
        epoch: Its epoch; None: not even that was readable.
        count: Rows saved.
        strays: The frames, when the epoch is unknown: they need new numbers.
    """

    epoch: int | None
    count: int
    strays: Sequence[Frame | HeldFrame] = ()


def salvage(damaged: Path, base: Path) -> Salvaged:
    """Return what could be read; frames of a known epoch lie in `epoch_file(base, epoch)` then.

    The damaged file is only read. A row counts when its body has its check sum.
    """
    with suppress(sqlite3.DatabaseError), closing(open_to_read(damaged)) as source:
        memory = memory_of(source)
        epoch = memory.get("epoch")
        rows = readable_rows(source, memory.get("last_seq", MAX_SEQ))
        if epoch is None or not 0 < epoch <= MAX_EPOCH:
            strays = [frame for row in rows for frame in _frames(row)]
            return Salvaged(epoch=None, count=len(strays), strays=strays)
        count = _write(base, epoch, memory, rows, acked_rows(source))
        _LOG.warning("queue.salvaged", file=str(damaged), epoch=epoch, frames=count)
        return Salvaged(epoch=epoch, count=count)
    return Salvaged(epoch=None, count=0)


def epoch_file(base: Path, epoch: int) -> Path:
    """Return the file of an earlier epoch beside the present queue file."""
    return base.with_name(f"{base.name}.epoch-{epoch}")


def open_to_read(path: Path) -> sqlite3.Connection:
    """Return a connection that can change nothing, also to a file that a gateway is using."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10, isolation_level=None
    )


def memory_of(source: sqlite3.Connection) -> dict[str, int]:
    """Return the numbers that a file remembers, as far as they can be read: epoch, last_seq."""
    with suppress(sqlite3.DatabaseError):
        rows = source.execute("SELECT name, value FROM meta").fetchall()
        return {name: value for name, value in rows if isinstance(value, int)}
    return {}


def acked_rows(source: sqlite3.Connection) -> Sequence[Row]:
    """Return first, last and instant of what is acknowledged, as far as it can be read."""
    with suppress(sqlite3.DatabaseError):
        return source.execute("SELECT first, last, at_ms FROM acked").fetchall()
    return ()


def readable_rows(source: sqlite3.Connection, last_seq: int) -> Iterator[Row]:
    """Yield the rows that can be read and have their check sum, ascending."""
    known = {row[1] for row in source.execute("PRAGMA table_info(frame)")}
    columns = ", ".join(
        name if name in known else f"NULL AS {name}" for name in _COLUMNS.split(", ")
    )
    query = f"SELECT {columns} FROM frame WHERE seq BETWEEN ? AND ? ORDER BY seq"  # noqa: S608  # names of this module
    failures = 0
    todo = [_span(source, last_seq)]
    while todo and failures < MOST_FAILURES:
        low, high = todo.pop()
        if high - low >= _CHUNK:
            todo += [(low + _CHUNK, high), (low, low + _CHUNK - 1)]
            continue
        try:
            rows = source.execute(query, (low, high)).fetchall()
        except sqlite3.DatabaseError:
            failures += 1
            middle = (low + high) // 2
            if low < high:
                todo += [(middle + 1, high), (low, middle)]
            continue
        yield from (row for row in rows if _is_whole(row))


def _span(source: sqlite3.Connection, last_seq: int) -> tuple[int, int]:
    """Return where to look: up to the last number, or to the highest that can be found."""
    first = 1
    with suppress(sqlite3.DatabaseError):
        first = source.execute("SELECT min(seq) FROM frame").fetchone()[0] or 1
    if last_seq < MAX_SEQ:
        return first, last_seq
    with suppress(sqlite3.DatabaseError):
        return first, source.execute("SELECT max(seq) FROM frame").fetchone()[0] or first
    return first, first + _CHUNK * _CHUNK


def _is_whole(row: Row) -> bool:
    """Return whether a row is what was written; rows of version 1 have no check sum."""
    seq, crc, body = row[0], row[7], row[8]
    if not isinstance(body, bytes) or (crc is not None and crc != crc32(body)):
        return False
    try:
        return read_json("salvage", body).integer("s", low=1, high=MAX_SEQ) == seq
    except ContractError:
        return False


def _frames(row: Row) -> Iterator[Frame | HeldFrame]:
    """Yield the frame of a row, nothing for a gap record."""
    boot_id, boot_ms, body = row[2], row[3], row[8]
    try:
        frame = parse_frame(read_json("salvage", body if isinstance(body, bytes) else b""))
    except ContractError:
        return
    if isinstance(boot_id, str) and isinstance(boot_ms, int):
        yield HeldFrame(frame=frame, uptime=Uptime(boot_id=boot_id, ms=boot_ms))
    else:
        yield frame


def _write(
    base: Path, epoch: int, memory: dict[str, int], rows: Iterator[Row], marks: Sequence[Row]
) -> int:
    """Return how many rows now lie in the file of that epoch; it appears whole or not at all."""
    unfinished = base.with_name(f"{base.name}.salvage")
    remove(unfinished)
    target = connect(unfinished, epoch)
    if target is None:
        return 0
    count = top = 0
    with closing(target):
        target.execute("BEGIN IMMEDIATE")
        for row in rows:
            target.execute(f"INSERT INTO frame ({_COLUMNS}) VALUES (?{', ?' * 8})", row)  # noqa: S608  # names of this module
            count += 1
            top = row[0] if isinstance(row[0], int) else top
        target.executemany("INSERT OR IGNORE INTO acked VALUES (?, ?, ?)", marks)
        for name in ("server_epoch", "newest_ms"):
            if name in memory:
                set_meta(target, name, memory[name])
        set_meta(target, "last_seq", max(top, memory.get("last_seq", 0)))
        set_meta(target, "must_explain", 1)
        target.execute("COMMIT")
    rename(unfinished, epoch_file(base, epoch))
    return count
