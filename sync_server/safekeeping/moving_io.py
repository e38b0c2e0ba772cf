"""Moves every row of one database into another, in pieces, and compares both at the end.

The old database takes no writes meanwhile. What was moved is noted in the new one with each piece,
so that an interrupted move goes on where it stopped.
"""

import importlib
import json
import pkgutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    inspect,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import DBAPIError, OperationalError

import sync_server.db as database_package
from sync_server.db.bulk_io import Cell, OnExisting, Row, write_rows
from sync_server.db.engine_io import reading
from sync_server.db.metadata import METADATA
from sync_server.db.migrate_io import migrate, schema_revision
from sync_server.db.partition_io import PARTITIONED, has_partitions, make_span
from sync_server.db.server_store import note_moved, server_epoch
from sync_server.safekeeping.row_sums import TableSum, sum_rows
from wire_contracts.clock import Clock

ROWS_AT_ONCE: Final = 5000
"""Rows of one piece: at the 22 columns of a reading some 2 MB in memory."""

_PROGRESS = Table(
    "move_progress",
    MetaData(),
    Column("table_name", String(80), primary_key=True),
    Column("last_key", Text, nullable=False),
    Column("row_count", BigInteger, nullable=False),
)
"""Beside the tables while a move is under way: the last key of each that was moved, as JSON. The
row without a table's name says from which database."""

_SOURCE: Final = ""

Show = Callable[[str, int, int], None]
"""(table, rows of it moved or compared, rows it has): long work shows where it is."""


class MoveError(RuntimeError):
    """A move that cannot go on; the text reads `place: field: problem; remedy`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveReport:
    """What was moved, and found equal in both databases."""

    table_count: int
    row_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move.

    Attributes:
        source: Where everything is.
        target: Where it goes: empty, or left half-way by an earlier move.
        show: Told after every piece.
        is_afresh: Begin again, whatever a move left half-way.
        rows_at_once: Rows of one piece.
    """

    source: Engine
    target: Engine
    show: Show
    is_afresh: bool = False
    rows_at_once: int = ROWS_AT_ONCE


def move_database(move: Move, clock: Clock) -> MoveReport:
    """Move everything; the old database says afterwards that it was left.

    Raises:
        MoveError: The target holds something else, a row does not fit, or the databases differ.
    """
    tables = all_tables()
    migrate(move.source)
    schema = schema_revision(move.source)
    with _still(move.source, tables) as source:
        origin = json.dumps({"epoch": server_epoch(source), "schema": schema})
        _prepare(move, origin, tables)
        row_count = 0
        for table in tables:
            _move_table(move, source, table)
            row_count += _compare(move, source, table)
        with move.target.begin() as target:
            for table in tables:
                _carry_on_counting(source, target, table)
            _PROGRESS.drop(target)
        note_moved(source, clock.now_utc())
    return MoveReport(table_count=len(tables), row_count=row_count)


def all_tables() -> list[Table]:
    """Return every table of the server, each behind those that it refers to."""
    for module in pkgutil.iter_modules(database_package.__path__):
        if module.name.endswith("_tables"):
            importlib.import_module(f"{database_package.__name__}.{module.name}")
    return list(METADATA.sorted_tables)


@contextmanager
def _still(engine: Engine, tables: Sequence[Table]) -> Generator[Connection]:
    """Yield the old database in a transaction during which nobody else writes to it.

    Raises:
        MoveError: Somebody writes to it all the time.
    """
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(engine.begin())
        except OperationalError as error:
            raise MoveError("database: is being written to; stop the server first") from error
        if connection.dialect.name == "postgresql":
            names = ", ".join(table.name for table in tables)
            connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
        yield connection


def _prepare(move: Move, origin: str, tables: Sequence[Table]) -> None:
    """Make the target ready to go on, or to begin; refuse one that holds something else."""
    place = move.target.url.render_as_string(hide_password=True)
    is_begun = inspect(move.target).has_table(_PROGRESS.name)
    if is_begun and not move.is_afresh:
        with reading(move.target) as target:
            begun_from = _last_key(target, _SOURCE)
        if begun_from != origin:
            raise MoveError(
                f"{place}: database: a move from another database, or by another version, was left"
                " half-way there; add --afresh to begin again, or name an empty database"
            )
        return
    if not is_begun and schema_revision(move.target) is not None:
        with reading(move.target) as target:
            is_in_use = target.execute(select(func.count()).select_from(_STATE)).scalar_one() > 0
        if is_in_use:
            raise MoveError(f"{place}: database: is in use; name an empty one")
    migrate(move.target)
    with move.target.begin() as target:
        for table in reversed(tables):
            target.execute(delete(table))
        _PROGRESS.create(target, checkfirst=True)
        target.execute(delete(_PROGRESS))
        target.execute(_PROGRESS.insert().values(table_name=_SOURCE, last_key=origin, row_count=0))


_STATE = METADATA.tables["server_state"]


def _last_key(target: Connection, table_name: str) -> str | None:
    query = select(_PROGRESS.c.last_key).where(_PROGRESS.c.table_name == table_name)
    return target.execute(query).scalar_one_or_none()


def _move_table(move: Move, source: Connection, table: Table) -> None:
    with reading(move.target) as target:
        query = select(_PROGRESS).where(_PROGRESS.c.table_name == table.name)
        found = target.execute(query).one_or_none()
    moved = 0 if found is None else int(found.row_count)
    after: Sequence[Cell] | None = None if found is None else json.loads(found.last_key)
    total = source.execute(select(func.count()).select_from(table)).scalar_one()
    if total and not moved and table in PARTITIONED:
        _make_partitions(move, source, table)
    for piece in _pieces(source, table, after, move.rows_at_once):
        moved += len(piece)
        last_key = json.dumps([piece[-1][at] for at in _key_places(table)])
        with move.target.begin() as target:
            _write(target, table, piece)
            target.execute(delete(_PROGRESS).where(_PROGRESS.c.table_name == table.name))
            noted = {"table_name": table.name, "last_key": last_key, "row_count": moved}
            target.execute(_PROGRESS.insert().values(noted))
        move.show(table.name, moved, total)


def _make_partitions(move: Move, source: Connection, table: Table) -> None:
    """Make the target's partitions before the rows come: else each row would move once more."""
    at = table.columns[PARTITIONED[table]]
    oldest_ms, newest_ms = source.execute(select(func.min(at), func.max(at))).one()
    with move.target.begin() as target:
        if has_partitions(target):
            make_span(target, table, (max(oldest_ms, newest_ms - _PARTED_MS), newest_ms))


_PARTED_MS: Final = 3660 * 86_400_000
"""Ten years: what is older came from broken clocks, and finds its partition later."""


def _pieces(
    connection: Connection, table: Table, after: Sequence[Cell] | None, rows_at_once: int
) -> Iterator[list[Row]]:
    """Yield the rows behind a key in the order of the keys."""
    key = [table.columns[at] for at in _key_places(table)]
    query = select(table).order_by(*key).limit(rows_at_once)
    while True:
        wanted = query if after is None else query.where(tuple_(*key) > tuple_(*after))
        rows = [tuple(row) for row in connection.execute(wanted)]
        if rows:
            yield rows
        if len(rows) < rows_at_once:
            return
        after = [rows[-1][at] for at in _key_places(table)]


def _key_places(table: Table) -> list[int]:
    names = [column.name for column in table.columns]
    return [names.index(column.name) for column in table.primary_key.columns]


def _write(target: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write a piece; where it does not fit, name the first row that does not."""
    try:
        with target.begin_nested():
            write_rows(target, table, rows, OnExisting.FAIL)
    except DBAPIError as error:
        if len(rows) > 1:
            middle = len(rows) // 2
            _write(target, table, rows[:middle])
            _write(target, table, rows[middle:])
            return
        key = ", ".join(str(rows[0][at]) for at in _key_places(table))
        message = f"{table.name}: {key}: {_reason(error)}; correct this row and run again"
        raise MoveError(message) from error


def _reason(error: DBAPIError) -> str:
    """Return what the database says, without the values of the row: they may be a person's."""
    if isinstance(error.orig, psycopg.Error) and error.orig.diag.message_primary:
        return error.orig.diag.message_primary
    return str(error.orig).splitlines()[0]


def _compare(move: Move, source: Connection, table: Table) -> int:
    """Return how many rows a table has in both databases.

    Raises:
        MoveError: Their rows differ.
    """
    here = _sum_of(source, table, move.rows_at_once)
    with reading(move.target) as target:
        there = _sum_of(target, table, move.rows_at_once)
    if here != there:
        raise MoveError(
            f"{table.name}: rows: {here.row_count} here, {there.row_count} there, and not the same;"
            " did the server run between two parts of the move? add --afresh to begin again"
        )
    move.show(table.name, here.row_count, here.row_count)
    return here.row_count


def _sum_of(connection: Connection, table: Table, rows_at_once: int) -> TableSum:
    pieces = _pieces(connection, table, None, rows_at_once)
    return sum_rows(row for piece in pieces for row in piece)


def _carry_on_counting(source: Connection, target: Connection, table: Table) -> None:
    """Let the new database draw numbers behind the last that the old one has drawn."""
    column = table.autoincrement_column
    if column is None or column.autoincrement is not True:
        return
    highest = source.execute(select(func.max(column))).scalar_one() or 0
    last = max(int(highest), _last_drawn(source, table, column.name))
    if last == 0:
        return
    if target.dialect.name == "postgresql":
        drawn = func.setval(func.pg_get_serial_sequence(table.name, column.name), last)
        target.execute(select(drawn))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        name = {"name": table.name}
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), name)
        put = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)")
        target.execute(put, {**name, "last": last})


def _last_drawn(source: Connection, table: Table, column_name: str) -> int:
    """Return the last number that a database drew, 0 where it keeps none: rows may be gone."""
    if source.dialect.name == "postgresql":
        sequence = source.execute(
            select(func.pg_get_serial_sequence(table.name, column_name))
        ).scalar_one()
        query = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")  # noqa: S608  # a name that the database gave
        return int(source.execute(query).scalar_one())
    query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return int(source.execute(query, {"name": table.name}).scalar_one_or_none() or 0)
