"""What is left of a queue file, damaged or not: its rows, as SQLite reads them and page by page."""

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from edge_gateway.queue.doubts import ONE_TRANSACTION, OnDisk
from edge_gateway.queue.queued import Uptime
from edge_gateway.queue.raw_file_io import RawFile
from edge_gateway.queue.seq_ranges import Range, Ranges, covers, merged
from edge_gateway.queue.sqlite_pages import PageRow
from wire_contracts.errors import ContractError
from wire_contracts.frames import LATEST_MS, MAX_SEQ, parse_gap
from wire_contracts.payloads import read_json

MOST_FAILURES = 200_000
"""Reads of single frames that may fail before the rest of a file counts as unreadable."""

_CHUNK = 1000
_HEAD = 100
_COLUMNS_OF_1 = 6
_COLUMNS_OF_2 = 9
COLUMNS = "seq, at_ms, boot_id, boot_ms, gap_first, gap_last, gap_count, crc, body"
Found = Sequence[object]
"""The columns of a row as they were found; any may be nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that is what was written: its body has its check sum, and all else follows from it.

    Attributes:
        seq: Its number.
        body: The frame or gap record.
        at_ms: When it was measured; None: it is a gap record.
        gap: First, last and count of what a gap record stands for.
        uptime: For a frame that waits for the time to be known.
    """

    seq: int
    body: bytes
    at_ms: int | None
    gap: tuple[int, int, int] | None
    uptime: Uptime | None

    def columns(self) -> tuple[int | bytes | str | None, ...]:
        """Return the row as it is written into a file."""
        boot = (None, None) if self.uptime is None else (self.uptime.boot_id, self.uptime.ms)
        gap = (None, None, None) if self.gap is None else self.gap
        return (self.seq, self.at_ms, *boot, *gap, crc32(self.body), self.body)


_UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What SQLite says of a damaged file; the latter of its own message about damaged text."""

_MOST_SPANS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is left of a queue file: as SQLite reads it, and where it does not, page by page.

    Attributes:
        source: As SQLite reads it.
        raw: As it lies in the file.
        memory: The numbers that the file remembers, as far as they can be read: epoch, last_seq.
        marks: First, last and instant of what is acknowledged, as far as SQLite can read it.
        disputed: Numbers for which SQLite read several contents, as far as the rows were yielded.
    """

    source: sqlite3.Connection
    raw: RawFile
    memory: Mapping[str, int]
    marks: Sequence[tuple[int, int, int]]
    disputed: set[int] = field(default_factory=set)

    def is_sound(self) -> bool:
        """Return whether SQLite finds nothing wrong with the file, and its log is whole."""
        if self.raw.ends_behind > ONE_TRANSACTION:
            return False
        with suppress(*_UNREADABLE):
            return bool(self.source.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        return False

    def rows(self) -> Iterator[Row]:
        """Yield every row that has its check sum, once: SQLite's ascending, then the others.

        A row that only its page tells may be long gone: it counts unless the file says what became
        of its number. The server knows what it has already.
        """
        gone: list[Range] = [mark[:2] for mark in self.marks]
        for row in readable_rows(self):
            if row.uptime is not None and self.raw.ends_behind:
                continue  # it may have been dated since: that state comes first
            gone.append((row.seq, row.seq))
            if row.gap is not None:
                gone.append(row.gap[:2])
            if len(gone) > _MOST_SPANS:
                gone = list(merged(gone))
            yield row
        yield from self._raw_rows(merged(gone))

    def _raw_rows(self, known: Ranges) -> Iterator[Row]:
        """Yield rows of no known number; of one that was dated the later state."""
        done: set[int] = set()
        raw = self.raw
        # what else a row without its page's checksum says is not to be believed
        for rows, is_held in ((raw.rows, False), (raw.doubtful_rows, False), (raw.rows, True)):
            for found in rows(lambda seq: seq not in done and not covers(known, seq)):
                row = _whole(_in_order(found))
                if row is not None and (row.uptime is not None) is is_held:
                    done.add(row.seq)
                    yield row


@contextmanager
def opened(path: Path) -> Generator[Remains]:
    """Open a queue file, damaged or not, also while a gateway is using it; nothing is changed.

    Raises:
        OSError: There is no such file.
    """
    with RawFile(path) as raw, closing(_open_to_read(path)) as source:
        memory = {**raw.memory(), **_memory_of(source)}
        if raw.ends_behind:
            memory = {**memory, **raw.memory()}
        yield Remains(source=source, raw=raw, memory=memory, marks=_marks(source))


def look_at(path: Path) -> OnDisk:
    """Return what lies at the place of a queue file; nothing is changed."""
    log = path.with_name(f"{path.name}-wal")
    if not path.exists() and not log.exists():
        return OnDisk(is_there=False, has_log=False, ends_behind=0, epoch=None, last=None)
    with RawFile(path) as raw, closing(_open_to_read(path)) as source:
        memory = _memory_of(source)
        return OnDisk(
            is_there=not _is_blank(path, source),
            has_log=raw.has_log,
            ends_behind=raw.ends_behind,
            epoch=memory.get("epoch"),
            last=memory.get("last_seq"),
        )


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not _has_head(path):
        return sqlite3.connect(":memory:")  # SQLite would delete the log of an empty file
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10, isolation_level=None
    )
    connection.text_factory = lambda text: text.decode(errors="replace")
    return connection


def _has_head(path: Path) -> bool:
    return path.exists() and path.stat().st_size >= _HEAD


def _is_blank(path: Path, source: sqlite3.Connection) -> bool:
    """Return whether there is nothing in a file, or no table: all of it was in a log, now gone."""
    if not _has_head(path):
        return True
    with suppress(*_UNREADABLE):
        return not source.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return False


def _memory_of(source: sqlite3.Connection) -> Mapping[str, int]:
    with suppress(*_UNREADABLE):
        rows = source.execute("SELECT name, value FROM meta").fetchall()
        return {name: value for name, value in rows if isinstance(value, int)}
    return {}


def _marks(source: sqlite3.Connection) -> Sequence[tuple[int, int, int]]:
    with suppress(*_UNREADABLE):
        rows = source.execute("SELECT first, last, at_ms FROM acked").fetchall()
        are_numbers = (row for row in rows if all(isinstance(each, int) for each in row))
        return [row for row in are_numbers if 0 < row[0] <= row[1] <= MAX_SEQ]
    return ()


def readable_rows(remains: Remains) -> Iterator[Row]:
    """Yield the rows that SQLite can read and that have their check sum, ascending, each once.

    Where pages of several states of a file lie beside each other SQLite finds a number repeatedly,
    and numbers outside of those it was asked for, which it finds again when their turn comes.
    """
    source, last_seq = remains.source, remains.memory.get("last_seq", MAX_SEQ)
    try:
        known = {row[1] for row in source.execute("PRAGMA table_info(frame)")}
    except _UNREADABLE:
        return
    if not known >= {"seq", "body"}:
        return
    columns = ", ".join(
        name if name in known else f"NULL AS {name}" for name in COLUMNS.split(", ")
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
        except _UNREADABLE:
            failures += 1
            middle = (low + high) // 2
            if low < high:
                todo += [(middle + 1, high), (low, middle)]
            continue
        asked = (row for row in map(_whole, rows) if row is not None and low <= row.seq <= high)
        yield from _once(asked, remains.disputed)


def _once(rows: Iterable[Row], disputed: set[int]) -> Iterator[Row]:
    """Yield each number once, ascending: the first found; of one that was dated the later state."""
    last: Row | None = None
    for row in sorted(rows, key=lambda row: (row.seq, row.uptime is not None)):
        if last is None or row.seq != last.seq:
            last = row
            yield row
        elif row.body != last.body and (row.uptime is None) is (last.uptime is None):
            disputed.add(row.seq)


def _span(source: sqlite3.Connection, last_seq: int) -> tuple[int, int]:
    """Return where to look: up to the last number, or to the highest that can be found."""
    first = 1
    with suppress(*_UNREADABLE):
        first = source.execute("SELECT min(seq) FROM frame").fetchone()[0] or 1
    if last_seq < MAX_SEQ:
        return first, last_seq
    with suppress(*_UNREADABLE):
        return first, source.execute("SELECT max(seq) FROM frame").fetchone()[0] or first
    return first, first + _CHUNK * _CHUNK


def _in_order(found: PageRow) -> Found:
    """Return the columns as `COLUMNS` names them; version 1 kept them in another order."""
    if len(found.columns) < _COLUMNS_OF_1:
        return ()
    if len(found.columns) == _COLUMNS_OF_2:
        boot_id, boot_ms, *_, crc, body = found.columns[2:]
    else:
        body = found.columns[1]
        _, boot_id, boot_ms, crc = [*found.columns[_COLUMNS_OF_1:], None, None, None, None][:4]
    boot = boot_id.decode(errors="replace") if isinstance(boot_id, bytes) else None
    return (found.rowid, None, boot, boot_ms, None, None, None, crc, body)


def _whole(found: Found) -> Row | None:
    """Return the row if it is what was written; rows of version 1 have no check sum."""
    if len(found) != _COLUMNS_OF_2:
        return None
    seq, _, boot_id, boot_ms, *_, crc, body = found
    if not isinstance(body, bytes) or (crc is not None and crc != crc32(body)):
        return None
    uptime = None
    if isinstance(boot_id, str) and isinstance(boot_ms, int):
        uptime = Uptime(boot_id=boot_id, ms=boot_ms)
    try:
        content = read_json("salvage", body)
        number = content.integer("s", low=1, high=MAX_SEQ)
        if number != seq:
            return None
        gap = parse_gap(content) if "gap" in content.values else None
        at_ms = content.integer("t", low=0, high=LATEST_MS) if gap is None else None
    except ContractError:
        return None
    of_gap = None if gap is None else (gap.first, gap.last, gap.count)
    return Row(seq=number, body=body, at_ms=at_ms, gap=of_gap, uptime=uptime)
