"""Opens the database and decides how a transaction begins on it."""

import sqlite3
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

BUSY_TIMEOUT_S = 5.0
"""How long a SQLite connection waits for the writer's lock before it gives up."""

LONGEST_LOG_PAGES = 4000
"""When a commit empties the log itself, 16 MB (SQLite's own default: 1,000 pages, 4 MB). A server
that runs does it beside the commits (`db.log_io`); a quarter of a push's time went into it."""

_READ_ONLY = "lamplighter_read_only"


class _PoolRecord(Protocol):
    """What SQLAlchemy hands to a `connect` listener beside the connection; not used here."""


def open_trial_engine(path: Path) -> Engine:
    """Return an engine for a SQLite file that nobody would miss after a power cut.

    A commit outlives the process as ever, but does not wait for the disk.
    """
    engine = open_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _do_not_wait)
    return engine


def _do_not_wait(dbapi_connection: sqlite3.Connection, _record: _PoolRecord) -> None:
    dbapi_connection.execute("PRAGMA synchronous = OFF").close()


def open_engine(url: str) -> Engine:
    """Return an engine for `sqlite:///FILE` or `postgresql+psycopg://...`.

    On SQLite: WAL, every commit on disk (`synchronous=FULL`), foreign keys on. A transaction
    takes the writer's lock when it begins, so that it can never fail half-way for the lock;
    use `reading(engine)` for work that only reads. An error's text never shows the values of a
    statement: they may be a person's words or a password's hash, and errors are logged.

    Raises:
        ValueError: The URL names another database.
    """
    dialect = make_url(url).get_backend_name()
    if dialect == "postgresql":
        return create_engine(
            url, pool_size=10, max_overflow=20, pool_pre_ping=True, hide_parameters=True
        )
    if dialect != "sqlite":
        message = (
            f"database url: {dialect!r} is not supported; "
            "use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
        )
        raise ValueError(message)
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=40,
        pool_use_lifo=True,  # the last one used has its pages in memory
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """Yield a connection for reading: one consistent snapshot, never in a writer's way."""
    with engine.connect() as connection:
        yield connection.execution_options(**{_READ_ONLY: True})


@contextmanager
def writing(engine: Engine) -> Generator[Connection]:
    """Yield a connection in a transaction, as `engine.begin()`; its turn is asked for twice.

    Only the turn is: before it nothing was done, so that asking again can do nothing twice.
    """
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(engine.begin())
        except OperationalError:
            connection = stack.enter_context(engine.begin())
        yield connection


def _prepare_sqlite(dbapi_connection: sqlite3.Connection, _record: _PoolRecord) -> None:
    dbapi_connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",
        f"wal_autocheckpoint = {LONGEST_LOG_PAGES}",
        "foreign_keys = ON",
        "cache_size = -65536",
        "temp_store = MEMORY",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    is_read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if is_read_only else "BEGIN IMMEDIATE")


def sqlite_connection(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection below a SQLite connection, for copies at driver level."""
    raw = connection.connection.dbapi_connection
    return cast("sqlite3.Connection", raw)  # the caller knows that the database is SQLite
