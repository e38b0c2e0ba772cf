"""Lends engines to the tablets' stores, made once, and their writer works where it is asked.

What is compiled belongs to an engine; the app has two for all its life, a simulation opens
thousands of stores. The listeners, and so every PRAGMA and BEGIN, are the app's own. In a history
nothing runs at once: a hand-over to the writer's thread and back would only be waited for.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from field_app.store import connections_io, database_io
from field_app.store.database_io import Database, StoreClosedError


@dataclass(slots=True)
class LentEngine:
    """An engine whose file is chosen when it is lent."""

    pool: type[NullPool] | type[QueuePool]
    listeners: tuple[Callable[..., None], Callable[..., None]]
    path: Path = field(default_factory=Path)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = create_engine("sqlite://", poolclass=self.pool, creator=self._connect)
        for name, listener in zip(("connect", "begin"), self.listeners, strict=True):
            event.listen(self.engine, name, listener)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, check_same_thread=False)


@dataclass(slots=True)
class EngineLender:
    """Keeps one engine per tablet and use; a tablet that starts again gets the same ones."""

    lent: dict[tuple[str, str], LentEngine] = field(default_factory=dict)

    def writer(self, path: Path, _watch: object = None) -> Engine:
        listeners = (connections_io._prepare_writer, connections_io._begin_immediate)
        return self._lend(path, "writer", lambda: LentEngine(NullPool, listeners))

    def reader(self, path: Path) -> Engine:
        listeners = (connections_io._prepare_reader, connections_io._begin_deferred)
        return self._lend(path, "reader", lambda: LentEngine(QueuePool, listeners))

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
