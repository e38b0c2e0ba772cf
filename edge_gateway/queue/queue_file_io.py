"""Opens queue files: made when missing, brought to the present shape, checked, or set aside."""

import secrets
import sqlite3
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.queue.lineage import NO_SERVER
from edge_gateway.queue.sqlite_pages import is_header_ours
from wire_contracts.frames import MAX_EPOCH

SCHEMA_VERSION = 2
GONE_MS = 0
"""`acked.at_ms` of numbers whose frames are not kept any more."""

FULL_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
"""Errors after which the disk is asked again: nothing was changed."""

DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_META = "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID"
_FRAME = """CREATE TABLE frame (seq INTEGER PRIMARY KEY, at_ms INTEGER, boot_id TEXT,
    boot_ms INTEGER, gap_first INTEGER, gap_last INTEGER, gap_count INTEGER, crc INTEGER,
    body BLOB NOT NULL)"""
_ADDED_IN_2 = (
    "CREATE TABLE acked (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, at_ms INTEGER NOT NULL)",
    "CREATE INDEX frame_held ON frame (boot_id, seq) WHERE boot_id IS NOT NULL",
    """CREATE TABLE cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, missed INTEGER NOT NULL)
        WITHOUT ROWID""",
    "CREATE TABLE aside (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, why TEXT NOT NULL)",
)
_FROM_1_TO_2 = (
    "ALTER TABLE frame ADD COLUMN at_ms INTEGER",
    "ALTER TABLE frame ADD COLUMN boot_id TEXT",
    "ALTER TABLE frame ADD COLUMN boot_ms INTEGER",
    "ALTER TABLE frame ADD COLUMN crc INTEGER",
    *_ADDED_IN_2,
    # neighbours that were acknowledged become one range; the column of version 1 stays unused
    """INSERT INTO acked SELECT min(seq), max(seq), max(acked_at_ms) FROM (
        SELECT seq, acked_at_ms, seq - row_number() OVER (ORDER BY seq) AS island
        FROM frame WHERE acked_at_ms IS NOT NULL) GROUP BY island""",
    "DROP INDEX frame_open",
    "DROP INDEX frame_kept",
    "INSERT INTO meta VALUES ('newest_ms', 0)",
    "INSERT INTO meta VALUES ('must_explain', 0)",
    "PRAGMA user_version=2",
)
_NAMES = frozenset({"epoch", "last_seq", "server_epoch", "newest_ms", "must_explain"})
_TABLES = frozenset({"meta", "frame", "acked", "cursor", "aside"})
_SUFFIXES = ("", "-wal", "-shm")
_LOG: FilteringBoundLogger = structlog.get_logger()


class QueueError(RuntimeError):
    """The queue file cannot be used; the text says what to do."""


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return whether an error says that the file itself is damaged."""
    return _primary(error) in DAMAGE_CODES


def is_full(error: sqlite3.DatabaseError) -> bool:
    """Return whether an error says that the disk takes nothing more at the moment."""
    return _primary(error) in FULL_CODES


def _primary(error: sqlite3.DatabaseError) -> int:
    code = getattr(error, "sqlite_errorcode", 0)
    return int(code or 0) & 0xFF


def connect(path: Path, epoch: int | None = None) -> sqlite3.Connection | None:
    """Return a connection to a sound queue file, or None when the file is damaged.

    Args:
        path: The file; a missing one is created.
        epoch: The epoch of a new file; None: draw one.

    Raises:
        QueueError: The file was written by a newer version, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not _has_our_header(path):
            _LOG.warning("queue.unreadable", path=str(path))
            return None
        connection = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.OperationalError) as error:
        raise _unusable(path, str(error)) from error
    try:
        if _is_sound(path, connection, epoch):
            return connection
    except sqlite3.DatabaseError as error:
        connection.close()
        if not is_damage(error):
            raise _unusable(path, str(error)) from error
        _LOG.warning("queue.unreadable", path=str(path))
        return None
    except UnicodeDecodeError:  # of the message about a damaged table
        connection.close()
        _LOG.warning("queue.unreadable", path=str(path))
        return None
    except QueueError:
        connection.close()
        raise
    connection.close()
    return None


def rename(path: Path, target: Path) -> None:
    """Rename a file with its write-ahead log."""
    for suffix in _SUFFIXES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))


def remove(path: Path) -> None:
    """Remove a file with its write-ahead log."""
    for suffix in _SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def get_meta(connection: sqlite3.Connection, name: str) -> int:
    """Return one of the numbers that the file remembers."""
    value = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
    return int(value)


def set_meta(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Remember a number; one that is remembered already costs no page."""
    connection.execute("UPDATE meta SET value = ?1 WHERE name = ?2 AND value != ?1", (value, name))


def _unusable(path: Path, problem: str) -> QueueError:
    return QueueError(f"{path}: queue: {problem}; give the gateway a folder it may write to")


def _has_our_header(path: Path) -> bool:
    """Return whether a file is missing, empty, or begins as ours do.

    SQLite would not call every other file damaged: it opens one to read only, or takes it for new.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return True
    return not header or is_header_ours(header)


def _is_sound(path: Path, connection: sqlite3.Connection, epoch: int | None) -> bool:
    for pragma in (
        "page_size=2048",  # of a new file: half a page is written in vain with each commit
        "journal_mode=WAL",
        "synchronous=FULL",
        "journal_size_limit=16777216",
        "secure_delete=OFF",  # what is deleted is no secret, and zeroes cost flash
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        message = (
            f"{path}: queue: has version {version}, known is {SCHEMA_VERSION}; update the gateway"
        )
        raise QueueError(message)
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return False
    if version == 0:
        _create(connection, epoch or secrets.randbelow(MAX_EPOCH) + 1)
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        return False
    if version == 1 and not _migrate(connection):
        return False
    return _has_memory(connection)


def _has_memory(connection: sqlite3.Connection) -> bool:
    """Return whether the tables are there, and the numbers without which none can be given."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not tables >= _TABLES:
        return False
    names = {row[0] for row in connection.execute("SELECT name FROM meta")}
    return names >= _NAMES


def _create(connection: sqlite3.Connection, epoch: int) -> None:
    """Make the tables and keep the epoch, all or nothing."""
    start = {"epoch": epoch, "last_seq": 0, "server_epoch": NO_SERVER}
    connection.execute("BEGIN IMMEDIATE")
    for statement in (_META, _FRAME, *_ADDED_IN_2):
        connection.execute(statement)
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)", [(name, start.get(name, 0)) for name in sorted(_NAMES)]
    )
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection) -> bool:
    """Bring a file of version 1 to the present shape, all or nothing; False: it is no queue."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _FROM_1_TO_2:
            connection.execute(statement)
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if is_full(error):
            raise
        _LOG.warning("queue.not_migrated", error=str(error))
        return False
    return True
