"""Does parts of a work that read the database, wherever they are done.

The work is one function of a connection and a part. Here it gets the connection that is open;
elsewhere it gets one of its own to the same database, on PostgreSQL as of the same moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url

from sync_server.batch.runner import BatchError, Done, PartT, Reach, ResultT, Runner
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.server_store import known_epoch

_NO_FILE = (None, "", ":memory:")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the database is and as of when it is read; the address may hold a password."""

    url: str = field(repr=False)
    snapshot: str | None
    epoch: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task(Generic[PartT, ResultT]):
    """A part with what is done with it, for another process."""

    work: Callable[[Connection, PartT], ResultT]
    part: PartT
    place: _Place


def run_over(
    engine: Engine,
    connection: Connection,
    work: Callable[[Connection, PartT], ResultT],
    parts: Sequence[PartT],
    by: tuple[Runner, Done],
) -> Sequence[ResultT]:
    """Return the result of each part, in the order of the parts.

    Args:
        engine: The database.
        connection: A connection that reads it, open until the parts are done.
        work: A module's own function; it only reads, and twice gives the same.
        parts: What it is called with.
        by: Who does the parts, and who is told how many are done.

    Raises:
        BatchError: The workers cannot reach this database, or were lost.
    """
    runner, done = by
    if runner.reach is Reach.PROCESS:
        return runner.run(partial(work, connection), parts, done)
    place = _place(engine, connection, runner.reach)
    tasks = [_Task(work=work, part=part, place=place) for part in parts]
    return runner.run(_do_elsewhere, tasks, done)


def _place(engine: Engine, connection: Connection, reach: Reach) -> _Place:
    is_file = engine.dialect.name == "sqlite"
    if is_file and (reach is Reach.CLUSTER or engine.url.database in _NO_FILE):
        message = (
            "--scheduler: other machines do not see this machine's SQLite file; leave it out, or"
            " move to PostgreSQL (sync-server migrate-database)"
        )
        raise BatchError(message)
    snapshot = None
    if not is_file:
        snapshot = str(connection.execute(text("SELECT pg_export_snapshot()")).scalar_one())
    url = engine.url.render_as_string(hide_password=False)
    return _Place(url=url, snapshot=snapshot, epoch=known_epoch(connection))


def _do_elsewhere(task: _Task[PartT, ResultT]) -> ResultT:
    """Do a part in a process that has nothing open."""
    place = task.place
    _check_file(place.url)
    engine = open_engine(place.url)
    try:
        with reading(engine) as connection:
            if place.snapshot is not None:
                connection.execution_options(isolation_level="REPEATABLE READ")
                connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{place.snapshot}'")
            if known_epoch(connection) != place.epoch:
                message = (
                    "--scheduler: a worker's address of the database leads to another database;"
                    " write the host's name into it, as all machines know it"
                )
                raise BatchError(message)
            return task.work(connection, task.part)
    finally:
        engine.dispose()


def _check_file(url: str) -> None:
    """Raise BatchError for a SQLite file that is not there: opening it would make an empty one."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite" and not Path(place.database or "").is_file():
        message = "--runner dask: a worker does not see the database's file; leave --scheduler out"
        raise BatchError(message)
