"""The durable queue: a frame is here until the server has acknowledged it, and a while longer.

One SQLite file. Every change is one transaction that has reached the disk when the method
returns (WAL, `synchronous=FULL`). An acknowledged frame stays, marked, so that a restored server
can be given it again (RULINGS R1).
"""

import secrets
import sqlite3
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import QueueConfig
from edge_gateway.queue.queued import AckEffect, QueueFigures, StoredFrame
from wire_contracts.acks import Ack, EpochAck
from wire_contracts.frames import (
    MAX_EPOCH,
    MAX_SEQ,
    Frame,
    GapRecord,
    frame_json,
    gap_json,
    ms_from_utc,
)
from wire_contracts.payloads import dump_json

EVICT_SHARE = 0.05
"""Share of the bound that gives way at once, so that gap records stay few."""

QUEUE_FULL = "queue full"
KEPT_TOO_LONG_AGO = "sent and no longer kept"

_SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE frame (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, acked_at_ms INTEGER,
        gap_first INTEGER, gap_last INTEGER, gap_count INTEGER)""",
    "CREATE INDEX frame_open ON frame (seq) WHERE acked_at_ms IS NULL",
    "CREATE INDEX frame_kept ON frame (acked_at_ms) WHERE acked_at_ms IS NOT NULL",
)
_SCHEMA_VERSION = 1
_NO_SERVER = -1
_IS_OPEN = "acked_at_ms IS NULL"
_IS_KEPT = "acked_at_ms IS NOT NULL"
_LOG: FilteringBoundLogger = structlog.get_logger()
_SUFFIXES = ("", "-wal", "-shm")


class QueueError(RuntimeError):
    """The queue file cannot be used; the text says what to do."""


class QueueStore:
    """The queue of one gateway; safe to use from several threads."""

    def __init__(self, connection: sqlite3.Connection, config: QueueConfig) -> None:
        """Take an open file; `open_queue` makes one."""
        self._connection = connection
        self._config = config
        self._lock = threading.Lock()
        self.epoch = _meta(connection, "epoch")
        self._open_bytes = _size(connection, _IS_OPEN)
        self._kept_bytes = _size(connection, _IS_KEPT)

    def put(self, frames: Iterable[Frame]) -> Sequence[int]:
        """Return the seqs given to the frames, which are on disk when this returns.

        When the bound is passed the oldest open frames give way to a gap record.
        """
        seqs = []
        with self._transaction() as connection:
            seq = _meta(connection, "last_seq")
            for frame in frames:
                seq += 1
                body = dump_json(frame_json(replace(frame, seq=seq)))
                connection.execute("INSERT INTO frame (seq, body) VALUES (?, ?)", (seq, body))
                self._open_bytes += len(body)
                seqs.append(seq)
            _set_meta(connection, "last_seq", seq)
            if self._open_bytes > self._config.max_open_bytes:
                self._evict(connection)
        return seqs

    def open_after(self, seq: int, limit: int) -> Sequence[StoredFrame]:
        """Return open frames above `seq`, ascending, at most `limit`."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT seq, body FROM frame WHERE acked_at_ms IS NULL AND seq > ?"
                " ORDER BY seq LIMIT ?",
                (seq, limit),
            ).fetchall()
        return [StoredFrame(seq=row[0], body=row[1]) for row in rows]

    def open_among(self, seqs: Sequence[int]) -> Sequence[StoredFrame]:
        """Return those of the frames that are still open, ascending."""
        marks = ",".join("?" * len(seqs))
        query = f"SELECT seq, body FROM frame WHERE acked_at_ms IS NULL AND seq IN ({marks}) ORDER BY seq"  # noqa: E501, S608  # only question marks
        with self._lock:
            rows = self._connection.execute(query, tuple(seqs)).fetchall()
        return [StoredFrame(seq=row[0], body=row[1]) for row in rows]

    def acknowledge(self, ack: Ack, now_utc: datetime, sent_upto: int = MAX_SEQ) -> AckEffect:
        """Return what the server's word changed: marked frames, or all opened for a new server.

        Args:
            ack: The server's word.
            now_utc: Now.
            sent_upto: The highest seq that was sent. What is above stays open whatever the word
                covers: after a card was copied or put back, the server knows these numbers from
                other frames.
        """
        entry = next((one for one in ack.epochs if one.epoch == self.epoch), None)
        if entry is None:
            return AckEffect()
        with self._transaction() as connection:
            known = _meta(connection, "server_epoch")
            is_new = known not in (_NO_SERVER, ack.server_epoch)
            if known != ack.server_epoch:
                _set_meta(connection, "server_epoch", ack.server_epoch)
            if is_new:
                self._reopen(connection)
                self._explain_missing(connection, entry)
            seqs = self._mark(connection, entry, ms_from_utc(now_utc), sent_upto)
        done = frozenset(seqs)
        refused = [pair for pair in entry.refused if pair[0] in done]
        return AckEffect(seqs=seqs, refused=refused, is_new_server=is_new)

    def prune(self, now_utc: datetime) -> int:
        """Return how many kept frames were forgotten because they are too old or too many."""
        oldest_ms = ms_from_utc(now_utc - self._config.keep_sent)
        with self._transaction() as connection:
            gone = _delete_kept(connection, "acked_at_ms < ?", (oldest_ms,))
            self._kept_bytes -= sum(size for _, size in gone)
            excess = self._kept_bytes - self._config.keep_sent_bytes
            if excess > 0:
                last = _seq_covering(connection, excess)
                more = _delete_kept(connection, "seq <= ?", (last,))
                self._kept_bytes -= sum(size for _, size in more)
                gone = [*gone, *more]
        return len(gone)

    def figures(self) -> QueueFigures:
        """Return how much the queue holds now."""
        with self._lock:
            return QueueFigures(
                epoch=self.epoch,
                last_seq=_meta(self._connection, "last_seq"),
                open_count=_count(self._connection, _IS_OPEN),
                open_bytes=self._open_bytes,
                kept_count=_count(self._connection, _IS_KEPT),
                kept_bytes=self._kept_bytes,
            )

    def close(self) -> None:
        """Close the file; everything in it is already on disk."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            sizes = self._open_bytes, self._kept_bytes
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._open_bytes, self._kept_bytes = sizes
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _evict(self, connection: sqlite3.Connection) -> None:
        """Replace the oldest open frames, and the gap records among them, by one gap record."""
        share = int(self._config.max_open_bytes * EVICT_SHARE)
        excess = self._open_bytes - self._config.max_open_bytes + share
        first, last, count, freed = 0, 0, 0, 0
        rows = connection.execute(
            "SELECT seq, length(body), gap_first, gap_last, gap_count FROM frame"
            " WHERE acked_at_ms IS NULL ORDER BY seq"
        )
        for seq, size, gap_first, gap_last, gap_count in rows:
            if freed >= excess:
                break
            low = seq if gap_first is None else min(seq, gap_first)
            first = min(first, low) if count else low
            last = max(last, seq, gap_last or 0)
            count += gap_count or 1
            freed += size
        connection.execute("DELETE FROM frame WHERE acked_at_ms IS NULL AND seq <= ?", (last,))
        self._open_bytes -= freed
        self._add_gap(connection, first, last, count, QUEUE_FULL)

    def _add_gap(
        self, connection: sqlite3.Connection, first: int, last: int, count: int, why: str
    ) -> None:
        seq = _meta(connection, "last_seq") + 1
        gap = GapRecord(seq=seq, first=first, last=last, count=count, why=why)
        body = dump_json(gap_json(gap))
        connection.execute(
            "INSERT INTO frame (seq, body, gap_first, gap_last, gap_count) VALUES (?, ?, ?, ?, ?)",
            (seq, body, first, last, count),
        )
        _set_meta(connection, "last_seq", seq)
        self._open_bytes += len(body)

    def _mark(
        self, connection: sqlite3.Connection, entry: EpochAck, now_ms: int, sent_upto: int
    ) -> Sequence[int]:
        rows: list[tuple[int, int]] = []
        for low, high in ((1, entry.upto), *entry.ranges):
            rows += connection.execute(
                "UPDATE frame SET acked_at_ms = ? WHERE acked_at_ms IS NULL"
                " AND seq BETWEEN ? AND ? RETURNING seq, length(body)",
                (now_ms, low, min(high, sent_upto)),
            ).fetchall()
        size = sum(row[1] for row in rows)
        self._open_bytes -= size
        self._kept_bytes += size
        return [row[0] for row in rows]

    def _reopen(self, connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE frame SET acked_at_ms = NULL WHERE acked_at_ms IS NOT NULL")
        self._open_bytes += self._kept_bytes
        self._kept_bytes = 0

    def _explain_missing(self, connection: sqlite3.Connection, entry: EpochAck) -> None:
        """Add gap records for what neither this file nor the restored server holds any more."""
        holes = connection.execute(
            "SELECT before + 1, seq - 1 FROM (SELECT seq, lag(seq, 1, ?) OVER (ORDER BY seq)"
            " AS before FROM frame WHERE seq > ?) WHERE seq > before + 1",
            (entry.upto, entry.upto),
        ).fetchall()
        top = connection.execute("SELECT max(seq) FROM frame").fetchone()[0] or 0
        holes.append((max(top, entry.upto) + 1, _meta(connection, "last_seq")))
        known = [
            *entry.ranges,
            *connection.execute("SELECT gap_first, gap_last FROM frame WHERE gap_first NOT NULL"),
        ]
        for hole in holes:
            for first, last in _without(hole, known):
                count = last - first + 1
                self._add_gap(connection, first, last, count, KEPT_TOO_LONG_AGO)


def _without(hole: tuple[int, int], known: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the parts of a range of seqs that no known range covers."""
    first, last = hole
    for low, high in sorted(known):
        if high < first:
            continue
        if low > last:
            break
        if low > first:
            yield first, low - 1
        first = high + 1
    if first <= last:
        yield first, last


def open_queue(
    path: Path, config: QueueConfig, now_utc: datetime
) -> tuple[QueueStore, Path | None]:
    """Return the queue of a file, and where a damaged predecessor was set aside, if it was.

    A missing file is created with a random epoch; a damaged one is renamed, never deleted, and a
    new one begins, because readings of tomorrow must not wait for a repair.

    Raises:
        QueueError: The file was written by a newer version, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path)
    except OSError as error:
        raise _unusable(path, str(error)) from error
    if connection is not None:
        return QueueStore(connection, config), None
    aside = _set_aside(path, now_utc)
    fresh = _connect(path)
    if fresh is None:
        raise _unusable(path, "is damaged again at once")
    return QueueStore(fresh, config), aside


def read_figures(path: Path) -> QueueFigures:
    """Return how much a queue file holds, also while a gateway is using it; nothing is changed.

    Raises:
        QueueError: There is no such file.
    """
    if not path.is_file():
        message = f"{path}: queue: there is no such file; start the gateway once"
        raise QueueError(message)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return QueueFigures(
            epoch=_meta(connection, "epoch"),
            last_seq=_meta(connection, "last_seq"),
            open_count=_count(connection, _IS_OPEN),
            open_bytes=_size(connection, _IS_OPEN),
            kept_count=_count(connection, _IS_KEPT),
            kept_bytes=_size(connection, _IS_KEPT),
        )
    finally:
        connection.close()


def _unusable(path: Path, problem: str) -> QueueError:
    return QueueError(f"{path}: queue: {problem}; give the gateway a folder it may write to")


def _connect(path: Path) -> sqlite3.Connection | None:
    """Return a connection with the schema in place, or None when the file is damaged."""
    try:
        connection = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False
        )
    except sqlite3.OperationalError as error:
        raise _unusable(path, str(error)) from error
    try:
        if _is_sound(path, connection):
            return connection
    except sqlite3.OperationalError as error:
        connection.close()
        raise _unusable(path, str(error)) from error
    except sqlite3.DatabaseError:
        _LOG.warning("queue.unreadable", path=str(path))
    except QueueError:
        connection.close()
        raise
    connection.close()
    return None


def _is_sound(path: Path, connection: sqlite3.Connection) -> bool:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=16777216"):
        connection.execute(f"PRAGMA {pragma}").close()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _SCHEMA_VERSION:
        message = (
            f"{path}: queue: has version {version}, known is {_SCHEMA_VERSION}; update the gateway"
        )
        raise QueueError(message)
    if version == 0:
        _create(connection)
    if not _has_memory(connection):
        return False
    return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


def _has_memory(connection: sqlite3.Connection) -> bool:
    """Return whether the tables are there, and the numbers without which none can be given."""
    query = "SELECT count(*) FROM sqlite_master WHERE name IN ('meta', 'frame')"
    if connection.execute(query).fetchone()[0] != 2:  # noqa: PLR2004  # the two tables
        return False
    names = {row[0] for row in connection.execute("SELECT name FROM meta")}
    return names >= {"epoch", "last_seq", "server_epoch"}


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables and draw the epoch, all or nothing."""
    epoch = secrets.randbelow(MAX_EPOCH) + 1
    start = (("epoch", epoch), ("last_seq", 0), ("server_epoch", _NO_SERVER))
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.executemany("INSERT INTO meta VALUES (?, ?)", start)
    connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _set_aside(path: Path, now_utc: datetime) -> Path:
    stamp = now_utc.strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}-{secrets.token_hex(2)}")
    for suffix in _SUFFIXES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _meta(connection: sqlite3.Connection, name: str) -> int:
    value = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
    return int(value)


def _set_meta(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))


def _count(connection: sqlite3.Connection, condition: str) -> int:
    query = f"SELECT count(*) FROM frame WHERE {condition}"  # noqa: S608  # a literal of this module
    return int(connection.execute(query).fetchone()[0])


def _size(connection: sqlite3.Connection, condition: str) -> int:
    query = f"SELECT coalesce(sum(length(body)), 0) FROM frame WHERE {condition}"  # noqa: S608  # a literal of this module
    return int(connection.execute(query).fetchone()[0])


def _delete_kept(
    connection: sqlite3.Connection, condition: str, values: tuple[int, ...]
) -> Sequence[tuple[int, int]]:
    query = f"DELETE FROM frame WHERE acked_at_ms IS NOT NULL AND {condition} RETURNING seq, length(body)"  # noqa: E501, S608  # a literal of this module
    return connection.execute(query, values).fetchall()


def _seq_covering(connection: sqlite3.Connection, excess_bytes: int) -> int:
    """Return the kept seq up to which the bodies hold at least `excess_bytes`."""
    freed = last = 0
    rows = connection.execute(
        "SELECT seq, length(body) FROM frame WHERE acked_at_ms IS NOT NULL ORDER BY seq"
    )
    for seq, size in rows:
        freed, last = freed + size, seq
        if freed >= excess_bytes:
            break
    return last
