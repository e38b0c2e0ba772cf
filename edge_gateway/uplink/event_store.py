"""Owns the events that the broker does not have yet: in a small file of their own, at most so many.

They are not in the queue file, because one of the things they tell is that it was damaged.
"""

import secrets
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zlib import crc32

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.queue.queue_file_io import is_damage, remove, rename
from edge_gateway.uplink.messages import Event
from wire_contracts.frames import LATEST_MS, TimeQuality, ms_from_utc, utc_from_ms
from wire_contracts.payloads import dump_json, read_json

EVENTS_FILE = "events.sqlite3"

MAX_EVENTS = 1000
"""Events that wait; the oldest give way, and one event says how many did (some 150 kB)."""

LONGEST_TEXT = 2000
"""Characters of a text that are kept: what a meter or a broker says can be of any length."""

LOST = "events_lost"

_VERSION = 1
_TABLES = (
    "CREATE TABLE stream (id INTEGER NOT NULL, lost INTEGER NOT NULL)",
    """CREATE TABLE event (number INTEGER PRIMARY KEY AUTOINCREMENT, crc INTEGER NOT NULL,
        body BLOB NOT NULL)""",
    f"PRAGMA user_version={_VERSION}",
)
_COLUMNS = {
    "stream": [(b"id", b"INTEGER", 1, 0), (b"lost", b"INTEGER", 1, 0)],
    "event": [
        (b"number", b"INTEGER", 0, 1),
        (b"crc", b"INTEGER", 1, 0),
        (b"body", b"BLOB", 1, 0),
    ],
}
"""Name, type, whether it must have a value, place in the key, of each column of `_TABLES`."""

_INSERT = "INSERT INTO event (crc, body) VALUES (?, ?)"
_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvent:
    """An event in the file.

    Attributes:
        stream: The file's random id.
        number: Its place in the file; never given twice.
        event: What happened.
    """

    stream: int
    number: int
    event: Event

    @property
    def name(self) -> str:
        """Return what the event is known by everywhere, however often it is sent."""
        return f"{self.stream:016x}-{self.number}"


class EventStore:
    """What people must still be told; used by one thread.

    A damaged file is set aside and a new one begun. A disk that takes nothing raises
    `sqlite3.OperationalError`, and nothing has changed then.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the file, or make it; None: in memory."""
        self._path = path
        self._connection, self._stream = _open(path)

    def add(self, events: Sequence[Event]) -> None:
        """Keep events; they are on disk when this returns. The oldest give way to them."""
        try:
            self._insert(events)
        except sqlite3.DatabaseError as error:
            self._replace(error)
            self._insert(events)

    def after(self, last: KeptEvent | None, limit: int) -> Sequence[KeptEvent]:
        """Return events behind the last one that was sent, oldest first, at most `limit`."""
        behind = last.number if last is not None and last.stream == self._stream else 0
        query = "SELECT number, crc, body FROM event WHERE number > ? LIMIT ?"
        try:
            rows = self._connection.execute(query, (behind, limit)).fetchall()
            found = [_kept(self._stream, *row) for row in rows]
            broken = [row[0] for row, kept in zip(rows, found, strict=True) if kept is None]
            for number in broken:
                _LOG.error("event.broken", number=number)
                self._connection.execute("DELETE FROM event WHERE number = ?", (number,))
            return [kept for kept in found if kept is not None]
        except sqlite3.DatabaseError as error:
            self._replace(error)
            return ()

    def forget(self, kept: KeptEvent) -> None:
        """Forget an event that the broker has."""
        if kept.stream != self._stream:
            return
        try:
            self._connection.execute("DELETE FROM event WHERE number = ?", (kept.number,))
        except sqlite3.DatabaseError as error:
            self._replace(error)

    def tell_losses(self, now_utc: datetime) -> None:
        """Keep an event that says how many gave way since the last one that said so."""
        (lost,) = self._connection.execute("SELECT lost FROM stream").fetchone()
        if lost:
            text = f"{lost} older events gave way while there was no connection"
            with _transaction(self._connection):
                row = _row(Event(at_utc=now_utc, kind=LOST, text=text))
                self._connection.execute(_INSERT, row)
                self._connection.execute("UPDATE stream SET lost = 0")

    def close(self) -> None:
        """Close the file; everything in it is on disk already."""
        self._connection.close()

    def _insert(self, events: Sequence[Event]) -> None:
        with _transaction(self._connection) as connection:
            connection.executemany(_INSERT, map(_row, events))
            (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
            if count > MAX_EVENTS:
                excess = count - MAX_EVENTS
                connection.execute(
                    "DELETE FROM event WHERE number IN"
                    " (SELECT number FROM event ORDER BY number LIMIT ?)",
                    (excess,),
                )
                connection.execute("UPDATE stream SET lost = lost + ?", (excess,))

    def _replace(self, error: sqlite3.DatabaseError) -> None:
        """Begin a new file when this one is damaged; raise the error again when it is not."""
        if not is_damage(error):
            raise error
        self._connection.close()
        if self._path is not None:
            _set_aside(self._path)
        self._connection, self._stream = _open(self._path)


def _open(path: Path | None) -> tuple[sqlite3.Connection, int]:
    """Return a connection and the file's id; a file that cannot be used is set aside.

    Where none can be made events wait in memory: meters must be read all the same.
    """
    if path is None:
        return _connect(":memory:")
    for _ in range(2):
        try:
            return _connect(path)
        except sqlite3.DatabaseError as error:
            if not (is_damage(error) or isinstance(error, _OtherFile)):
                _LOG.warning("events.not_kept", file=str(path), error=str(error))
                break
            _set_aside(path)
    return _connect(":memory:")


def _connect(file: Path | str) -> tuple[sqlite3.Connection, int]:
    connection = sqlite3.connect(file, timeout=1, isolation_level=None, check_same_thread=False)
    connection.text_factory = bytes  # of a damaged file it may be no text at all
    try:
        return connection, _stream_of(connection)
    except UnicodeDecodeError as error:  # of the message about a damaged schema
        connection.close()
        raise _OtherFile from error
    except sqlite3.DatabaseError:
        connection.close()
        raise


class _OtherFile(sqlite3.DatabaseError):
    """The file is not one of ours, or of a later version."""


def _stream_of(connection: sqlite3.Connection) -> int:
    """Return the file's id; a new file gets its tables and a random one."""
    for pragma in ("page_size=1024", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        with _transaction(connection):
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO stream VALUES (?, 0)", (secrets.randbits(63),))
    is_ours = version in (0, _VERSION)
    if not is_ours or connection.execute("PRAGMA quick_check(1)").fetchone()[0] != b"ok":
        raise _OtherFile
    if any(_columns_of(connection, table) != each for table, each in _COLUMNS.items()):
        raise _OtherFile
    row = connection.execute("SELECT id, lost FROM stream").fetchone()
    if row is None or not all(isinstance(each, int) for each in row):
        raise _OtherFile
    return int(row[0])


def _columns_of(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """Return a table's columns as its schema has them; `quick_check` does not look at the names."""
    query = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?)'
    return connection.execute(query, (table,)).fetchall()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.DatabaseError):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _set_aside(path: Path) -> None:
    """Keep the last file that could not be used under another name."""
    aside = path.with_name(f"{path.name}.damaged")
    remove(aside)
    rename(path, aside)
    _LOG.error("events.set_aside", file=str(aside))


def _row(event: Event) -> tuple[int, bytes]:
    text = (event.text or event.kind).encode(errors="replace").decode()
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - 1] + "…"
    body = dump_json(
        {
            "t": min(max(0, ms_from_utc(event.at_utc)), LATEST_MS),
            "tq": str(event.quality),
            "kind": event.kind,
            "text": text,
        }
    )
    return crc32(body), body


def _kept(stream: int, number: int, crc: object, body: object) -> KeptEvent | None:
    """Return the event of a row; None when it is not what was written."""
    if not isinstance(body, bytes) or crc != crc32(body):
        return None
    content = read_json("event", body)
    event = Event(
        at_utc=utc_from_ms(content.integer("t", low=0, high=LATEST_MS)),
        quality=TimeQuality(content.text("tq")),
        kind=content.text("kind"),
        text=content.text("text", longest=LONGEST_TEXT),
    )
    return KeptEvent(stream=stream, number=number, event=event)
