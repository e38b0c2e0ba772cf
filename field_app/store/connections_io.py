"""Opens the engines over the tablet's file with the PRAGMAs of sync spec section 5."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

_BUSY: Final = "PRAGMA busy_timeout=5000"

_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    _BUSY,
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA wal_autocheckpoint=1000",
    "PRAGMA journal_size_limit=4194304",
    "PRAGMA secure_delete=ON",
)
"""synchronous=FULL: at a power cut NORMAL may lose the tail, and the tail is a signature."""

Watch = Callable[[str], None]
"""Is told every statement of the writer before it runs, its COMMIT and ROLLBACK included.

What it raises stops the work there, as a power cut would: tests enumerate the crash points with it.
"""


def open_writer_engine(path: Path, watch: Watch | None = None) -> Engine:
    """Return the engine of the one writer: every transaction is BEGIN IMMEDIATE."""
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
    event.listen(engine, "connect", _prepare_writer)
    event.listen(engine, "begin", _begin_immediate)
    if watch is not None:
        event.listen(engine, "before_cursor_execute", partial(_tell_statement, watch))
        event.listen(engine, "commit", partial(_tell_end, watch, "COMMIT"))
        event.listen(engine, "rollback", partial(_tell_end, watch, "ROLLBACK"))
    return engine


def open_reader_engine(path: Path) -> Engine:
    """Return the engine of short readers: they can not write."""
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=QueuePool)
    event.listen(engine, "connect", _prepare_reader)
    event.listen(engine, "begin", _begin_deferred)
    return engine


def make_private(path: Path) -> None:
    """See to it that the file is there, and nobody's but the app's user; its log becomes as it is.

    A full disk is no matter of this: whoever writes the file says so.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWN))
        path.chmod(_OWN)


_OWN: Final = 0o600


def copy_before(connection: Connection, path: Path, version: int) -> None:
    """Copy the whole file as it stands, before a schema step changes it."""
    copy = path.with_name(f"{path.name}.v{version}")
    copy.unlink(missing_ok=True)
    make_private(copy)
    raw = connection.connection.driver_connection
    if raw is None:
        return
    try:
        raw.execute("VACUUM INTO ?", (str(copy),)).close()
    except sqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise OperationalError("VACUUM INTO", None, error) from error


_NO_ROOM: Final = frozenset(
    {
        "SQLITE_FULL",
        "SQLITE_IOERR_WRITE",
        "SQLITE_IOERR_FSYNC",
        "SQLITE_IOERR_DIR_FSYNC",
        "SQLITE_IOERR_TRUNCATE",
        "SQLITE_IOERR_SHMSIZE",
    }
)
"""The second is what a quota or a limit of the file's size looks like; the others, a disk that
takes nothing for a while. The transaction is undone, and can be tried again."""


def is_full(error: OperationalError) -> bool:
    """Return whether the disk takes nothing: it, or what the app may use of it, is full."""
    return getattr(error.orig, "sqlite_errorname", "") in _NO_ROOM


_UNREADABLE: Final = frozenset(
    {
        "SQLITE_IOERR",
        "SQLITE_IOERR_READ",
        "SQLITE_IOERR_SHORT_READ",
        "SQLITE_IOERR_DATA",
        "SQLITE_IOERR_CORRUPTFS",
    }
)


def is_unreadable(error: DBAPIError) -> bool:
    """Return whether the disk does not give a part of the file: a bad sector."""
    return getattr(error.orig, "sqlite_errorname", "") in _UNREADABLE


def is_damage(error: DBAPIError) -> bool:
    """Return whether the file is not what was written, or the disk does not give a part of it."""
    return is_unreadable(error) or type(error.orig) is sqlite3.DatabaseError


def empty_log(connection: Connection, *, patiently: bool) -> bool:
    """Checkpoint the whole log and truncate it; return False when a reader is in the way.

    Raises:
        DatabaseError: The disk does not give, or does not take, a part of it.
    """
    raw = connection.connection.driver_connection
    if raw is None:
        return False
    if not patiently:
        raw.execute("PRAGMA busy_timeout=0").close()
    try:
        cursor = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy = bool(cursor.fetchone()[0])
        cursor.close()
    except sqlite3.DatabaseError as error:
        raise DatabaseError("PRAGMA wal_checkpoint", None, error) from error
    finally:
        raw.execute(_BUSY).close()
    return not is_busy


def _prepare_writer(raw: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    del record
    # the driver's own transaction handling would swallow BEGIN IMMEDIATE
    raw.isolation_level = None
    for pragma in _PRAGMAS:
        raw.execute(pragma).close()


def _prepare_reader(raw: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    del record
    raw.isolation_level = None
    for pragma in (*_PRAGMAS[1:5], "PRAGMA query_only=ON"):
        raw.execute(pragma).close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _tell_statement(watch: Watch, *told: object) -> None:
    watch(str(told[2]))


def _tell_end(watch: Watch, what: str, connection: Connection) -> None:
    del connection
    watch(what)
