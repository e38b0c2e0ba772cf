"""Lends engines to the tablets' stores, made once, and their writer works where it is asked.

What is compiled belongs to an engine; the app has two for all its life, a simulation opens
thousands of stores. Every PRAGMA is the app's own, every BEGIN what the app's listener says. In a
history nothing runs at once: a hand-over to the writer's thread and back would only be waited for.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, PoolProxiedConnection, QueuePool

from field_app.store import connections_io, database_io
from field_app.store.database_io import Database, StoreClosedError


class _Told:
    """Notes which BEGIN a listener says."""

    statement = ""

    def exec_driver_sql(self, statement: str) -> None:
        self.statement = statement


def said_by(listener: Callable[..., None]) -> str:
    """Return the statement with which the app's listener begins a transaction."""
    told = _Told()
    listener(told)
    return told.statement


def begin_with(engine: Engine, statement: str) -> None:
    """Let the driver begin every transaction: an engine without listeners does less at each step.

    Nothing that begins in a history can fail, so no error needs to be the listener's.
    """

    def begin(dbapi_connection: PoolProxiedConnection) -> None:
        dbapi_connection.cursor().execute(statement)

    engine.dialect.do_begin = begin  # type: ignore[method-assign]  # this engine's alone


@dataclass(slots=True)
class LentEngine:
    """An engine whose file is chosen when it is lent."""

    pool: type[NullPool] | type[QueuePool]
    prepare: Callable[..., None]
    begin: str
    path: Path = field(default_factory=Path)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = create_engine("sqlite://", poolclass=self.pool, creator=self._connect)
        event.listen(self.engine, "connect", self.prepare)
        begin_with(self.engine, self.begin)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, check_same_thread=False)


@dataclass(slots=True)
class EngineLender:
    """Keeps one engine per tablet and use; a tablet that starts again gets the same ones."""

    lent: dict[tuple[str, str], LentEngine] = field(default_factory=dict)

    def writer(self, path: Path, _watch: object = None) -> Engine:
        prepare, begin = connections_io._prepare_writer, said_by(connections_io._begin_immediate)
        return self._lend(path, "writer", lambda: LentEngine(NullPool, prepare, begin))

    def reader(self, path: Path) -> Engine:
        prepare, begin = connections_io._prepare_reader, said_by(connections_io._begin_deferred)
        return self._lend(path, "reader", lambda: LentEngine(QueuePool, prepare, begin))

    def _lend(self, path: Path, use: str, make: Callable[[], LentEngine]) -> Engine:
        key = (path.parent.name, use)
        if key not in self.lent:
            self.lent[key] = make()
        self.lent[key].path = path
        return self.lent[key].engine


def _write_in_place(patch: pytest.MonkeyPatch) -> None:
    """Let the work of a store's writer thread be done by the thread that asks."""
    connections: dict[int, Connection] = {}

    def enqueue(database: Database, job: Callable[[Connection], None]) -> None:
        if database._is_closed:
            raise StoreClosedError
        connection = connections.get(id(database))
        if connection is None:
            connection = connections[id(database)] = database._writer_engine.connect()
        job(connection)
        database._tell()

    def dispose(database: Database) -> None:
        connection = connections.pop(id(database), None)
        if connection is not None:
            connection.close()
        database._reader_engine.dispose()
        database._writer_engine.dispose()

    patch.setattr(Database, "_enqueue", enqueue)
    patch.setattr(Database, "_run", lambda _database: None)
    patch.setattr(Database, "_dispose", dispose)


_LENDER = EngineLender()


@contextmanager
def lent_engines() -> Iterator[None]:
    """Let every store that is opened inside the block work on a lent engine."""
    with pytest.MonkeyPatch.context() as patch:
        _write_in_place(patch)
        patch.setattr(database_io, "open_writer_engine", _LENDER.writer)
        patch.setattr(database_io, "open_reader_engine", _LENDER.reader)
        yield
