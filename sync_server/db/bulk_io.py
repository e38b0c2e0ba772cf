"""Writes and finds many rows of one table at the speed of the driver, on either database."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import TypeVar

import psycopg
from sqlalchemy import BigInteger, Connection, Float, LargeBinary, String, Table
from sqlalchemy import Row as SqlRow
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from sync_server.db.engine_io import sqlite_connection
from sync_server.db.metadata import SENT_AS_BYTES

Cell = str | int | float | bytes | None
Row = tuple[Cell, ...]
Key = TypeVar("Key", str, int)


_STAGING = "lamplighter_staging"

_BYTES_OF = {BigInteger: "int8", Float: "float8", String: "varchar", LargeBinary: "bytea"}
"""Kinds of columns whose values the driver sends as PostgreSQL keeps them, in half of the time that
both sides take for text; the other half of `metadata.SENT_AS_BYTES`."""

_COPY_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_END = b"\xff\xff"
"""Before and behind the rows; PostgreSQL 18 manual, COPY, "Binary Format"."""

_WORTH_A_TRIAL = 200
"""Rows from which on a savepoint costs less than the way round a temporary table."""

_KEYS_AT_ONCE = 2000
"""Keys in one query; SQLite takes them as one JSON text, so their number changes no statement."""

_WANTED_SQLITE = (
    """(
        SELECT json_extract(value, '$[0]') AS text, json_extract(value, '$[1]') AS number
        FROM json_each(?)
    ) AS wanted""",
    "CROSS JOIN",
)
"""CROSS JOIN: SQLite goes through the keys and looks each up, never the other way round."""

_WANTED_POSTGRESQL = ("unnest(%s::text[], %s::bigint[]) AS wanted(text, number)", "JOIN")


_VALUES_AT_ONCE = 500
"""Values in one query of `find_among`; SQLite builds of before 2020 take 999 variables."""


class OnExisting(StrEnum):
    """What to do with a row whose key is there already."""

    FAIL = "fail"
    KEEP = "keep"
    REPLACE = "replace"


def write_rows(
    connection: Connection, table: Table, rows: Sequence[Row], on_existing: OnExisting
) -> None:
    """Write rows given as tuples in the order of the table's columns.

    SQLite runs one prepared statement over all rows. PostgreSQL takes them by COPY: straight into
    the table when the keys are new or should be (KEEP finds out by trying, below a savepoint),
    else into a temporary table that is merged from there.

    Raises:
        IntegrityError: `on_existing` is FAIL and a key exists.
    """
    if not rows:
        return
    if not connection.in_transaction():
        connection.begin()
    if connection.dialect.name == "sqlite":
        _run_all(connection, _sqlite_statement(table, on_existing), rows)
    elif on_existing is OnExisting.FAIL:
        _copy(connection, table.name, table, rows)
    elif on_existing is OnExisting.REPLACE or not _are_new(connection, table, rows):
        _merge(connection, table, rows, on_existing)


def write_new_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows whose keys are new as far as the writer knows; one that is there gives way.

    What `write_rows` with REPLACE leaves, on PostgreSQL without the way round a temporary table.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite or len(rows) < _WORTH_A_TRIAL or not _are_new(connection, table, rows):
        write_rows(connection, table, rows, OnExisting.REPLACE)


def write_packed(
    connection: Connection, table: Table, names: Sequence[str], parts: Iterable[bytes]
) -> None:
    """Write rows of these columns that are packed as PostgreSQL's binary COPY has them.

    Args:
        connection: To PostgreSQL, the caller's transaction.
        table: Columns of it that are not named become null.
        names: Of the columns, in the order in which the rows have them.
        parts: The rows; any number of parts make one.

    Raises:
        IntegrityError: A key exists.
    """
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            copy.write(b"".join((_COPY_HEAD, *parts, _COPY_END)))
    except psycopg.Error as error:
        raise _as_sqlalchemy_says(statement, error) from error
    finally:
        cursor.close()


def put_cells(
    connection: Connection,
    table: Table,
    rows: Iterable[Mapping[str, Cell]],
    on_existing: OnExisting = OnExisting.FAIL,
) -> None:
    """Write rows given as column -> value, all of the same columns, with one statement.

    For rows by the hundred, as a push has them: no staging table, no COPY.

    Raises:
        IntegrityError: `on_existing` is FAIL and a key exists.
    """
    found = list(rows)
    if found:
        names = tuple(found[0])
        tuples = [tuple(map(row.__getitem__, names)) for row in found]
        put_rows(connection, table, tuples, on_existing, names)


def put_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    on_existing: OnExisting = OnExisting.FAIL,
    names: tuple[str, ...] | None = None,
) -> None:
    """Write rows given as tuples, of these columns or of all, like `put_cells`.

    Raises:
        IntegrityError: `on_existing` is FAIL and a key exists.
    """
    if rows:
        names = names or tuple(table.columns.keys())
        statement = _put_statement(table, names, on_existing, _mark(connection))
        connection.exec_driver_sql(statement, list(rows))


def change_cells(
    connection: Connection, table: Table, changes: Sequence[tuple[str, Mapping[str, Cell]]]
) -> None:
    """Change columns of rows given as (key, column -> value), all of the same columns."""
    if not changes:
        return
    names = tuple(changes[0][1])
    statement = _change_statement(table, names, _mark(connection))
    values = [(*map(cells.__getitem__, names), key) for key, cells in changes]
    connection.exec_driver_sql(statement, values)


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


@lru_cache(maxsize=64)
def _put_statement(table: Table, names: tuple[str, ...], on_existing: OnExisting, mark: str) -> str:
    marks = ", ".join(mark for _ in names)
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  # our tables
    if on_existing is OnExisting.FAIL:
        return statement
    return f"{statement} {_conflict_clause(table, on_existing)}"


@lru_cache(maxsize=64)
def _change_statement(table: Table, names: tuple[str, ...], mark: str) -> str:
    changes = ", ".join(f"{name} = {mark}" for name in names)
    return f"UPDATE {table.name} SET {changes} WHERE {_key(table)} = {mark}"  # noqa: S608  # as above


def find_rows(
    connection: Connection, table: Table, keys: Sequence[tuple[str, int]], width: int = 1
) -> Sequence[SqlRow[tuple[str]]]:
    """Return the rows of a table whose primary key is (text, number), in no order, all columns.

    Args:
        connection: The caller's transaction.
        table: Of two key columns.
        keys: Different texts and numbers; a row is found once per key that reaches it.
        width: A key reaches the numbers from its own (inclusive) to its own plus this.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    statement = _find_statement(table, width, is_sqlite=is_sqlite)
    found: list[SqlRow[tuple[str]]] = []
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        chunk = keys[first : first + _KEYS_AT_ONCE]
        texts, numbers = [text for text, _ in chunk], [number for _, number in chunk]
        arguments = (json.dumps(chunk),) if is_sqlite else (texts, numbers)
        found += connection.exec_driver_sql(statement, arguments).all()
    return found


def find_among(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    column: str,
    values: Collection[Key],
    **fixed: Cell,
) -> list[SqlRow[tuple[str]]]:
    """Return these columns of the rows whose column holds one of the values, in no order.

    Nothing is compiled anew for it, which for the 200 operations of a push costs more than the
    search. `fixed` columns hold exactly these.
    """
    mark = _mark(connection)
    head = _among_head(table, tuple(names), tuple(fixed), mark)
    held: Row = tuple(fixed.values())
    found: list[SqlRow[tuple[str]]] = []
    pieces: Iterable[_Piece] = _pieces(connection, sorted(values))
    for wanted, chunk in pieces:
        arguments = tuple(chain(held, chunk))
        found += connection.exec_driver_sql(f"{head} {column} {wanted}", arguments).all()
    return found


def lock_among(
    connection: Connection,
    table: Table,
    names: tuple[str, ...],
    column: str,
    values: Collection[str],
) -> list[SqlRow[tuple[str]]]:
    """Return these columns as `find_among` does, kept from other writers, locked in one order."""
    head = _among_head(table, names, (), _mark(connection))
    locked = f"ORDER BY {column}" + _FOR_UPDATE[connection.dialect.name]
    found: list[SqlRow[tuple[str]]] = []
    pieces: Iterable[_Piece] = _pieces(connection, sorted(values))
    for wanted, chunk in pieces:
        found += connection.exec_driver_sql(f"{head} {column} {wanted} {locked}", chunk).all()
    return found


_FOR_UPDATE = {"sqlite": "", "postgresql": " FOR UPDATE"}
"""On SQLite the transaction has the whole database to itself."""


_Piece = tuple[str, tuple[Cell | Sequence[Cell], ...]]


def _pieces(connection: Connection, values: Sequence[Key]) -> Iterator[_Piece]:
    """Yield the condition on a column and its arguments; PostgreSQL takes values as one array."""
    for first in range(0, len(values), _VALUES_AT_ONCE):
        chunk = values[first : first + _VALUES_AT_ONCE]
        if connection.dialect.name == "sqlite":
            yield f"IN ({', '.join('?' * len(chunk))})", tuple(chunk)
        else:
            yield "= ANY(%s)", (chunk,)


@lru_cache(maxsize=64)
def _among_head(table: Table, names: tuple[str, ...], fixed: tuple[str, ...], mark: str) -> str:
    is_held = "".join(f"{name} = {mark} AND " for name in fixed)
    return f"SELECT {', '.join(names)} FROM {table.name} WHERE {is_held}"  # noqa: S608  # our tables


def _run_all(connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    try:
        sqlite_connection(connection).executemany(statement, rows).close()
    except sqlite3.Error as error:
        raise _as_sqlalchemy_says(statement, error) from error


def _are_new(connection: Connection, table: Table, rows: Sequence[Row]) -> bool:
    """Write the rows if none of their keys exists; leave no trace and say False otherwise."""
    try:
        with connection.begin_nested():
            _copy(connection, table.name, table, rows)
    except IntegrityError:
        return False
    return True


def _merge(
    connection: Connection, table: Table, rows: Sequence[Row], on_existing: OnExisting
) -> None:
    staging = f"staging_{table.name}"
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE IF NOT EXISTS {staging} (LIKE {table.name}) ON COMMIT DELETE ROWS"
    )
    _empty_if_used(connection, staging)
    _copy(connection, staging, table, rows)
    connection.exec_driver_sql(_merge_statement(table, staging, on_existing))


def _empty_if_used(connection: Connection, staging: str) -> None:
    """Empty a staging table that this transaction has filled before; a commit empties it anyway."""
    transaction = connection.get_transaction()
    known: tuple[object, set[str]] = connection.info.get(_STAGING, (None, set()))
    used = known[1] if known[0] is transaction else set()
    if staging in used:
        connection.exec_driver_sql(f"TRUNCATE {staging}")
    used.add(staging)
    connection.info[_STAGING] = (transaction, used)


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


def _key(table: Table) -> str:
    return ", ".join(column.name for column in table.primary_key.columns)


def _copy(connection: Connection, target: str, table: Table, rows: Sequence[Row]) -> None:
    """Send rows of a table into it, or into one of the same columns."""
    types = _types(table)
    form = "(FORMAT BINARY)" if types else ""
    statement = f"COPY {target} ({_names(table)}) FROM STDIN {form}"
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            if types:
                copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise _as_sqlalchemy_says(statement, error) from error
    finally:
        cursor.close()


@lru_cache(maxsize=64)
def _types(table: Table) -> Sequence[str]:
    """Return the type of each column as PostgreSQL has it; nothing: the rows go as text."""
    if not table.info.get(SENT_AS_BYTES):
        return ()
    return [
        next(name for kind, name in _BYTES_OF.items() if isinstance(column.type, kind))
        for column in table.columns
    ]


def _as_sqlalchemy_says(statement: str, error: Exception) -> DBAPIError:
    """Return the error that a statement run by SQLAlchemy would have raised."""
    if isinstance(error, psycopg.IntegrityError | sqlite3.IntegrityError):
        return IntegrityError(statement, None, error)
    if isinstance(error, psycopg.OperationalError | sqlite3.OperationalError):
        return OperationalError(statement, None, error)
    return DBAPIError(statement, None, error)


def _conflict_clause(table: Table, on_existing: OnExisting) -> str:
    if on_existing is OnExisting.KEEP:
        return "ON CONFLICT DO NOTHING"
    key_names = {column.name for column in table.primary_key.columns}
    changes = ", ".join(
        f"{column.name} = excluded.{column.name}"
        for column in table.columns
        if column.name not in key_names
    )
    return f"ON CONFLICT ({_key(table)}) DO UPDATE SET {changes}"


@lru_cache(maxsize=64)
def _sqlite_statement(table: Table, on_existing: OnExisting) -> str:
    marks = ", ".join("?" for _ in table.columns)
    head = f"INSERT INTO {table.name} ({_names(table)})"
    statement = f"{head} VALUES ({marks})"
    if on_existing is OnExisting.FAIL:
        return statement
    return f"{statement} {_conflict_clause(table, on_existing)}"


@lru_cache(maxsize=64)
def _merge_statement(table: Table, staging: str, on_existing: OnExisting) -> str:
    names = _names(table)
    head = f"INSERT INTO {table.name} ({names})"
    rest = f"FROM {staging} {_conflict_clause(table, on_existing)}"
    return f"{head} SELECT {names} {rest}"


@lru_cache(maxsize=64)
def _find_statement(table: Table, width: int, *, is_sqlite: bool) -> str:
    """Return a query that looks every key up in the primary key, whatever their number."""
    text, number = (column.name for column in table.primary_key.columns)
    names = ", ".join(f"{table.name}.{column.name}" for column in table.columns)
    reach = (
        f"{table.name}.{text} = wanted.text AND {table.name}.{number} >= wanted.number "
        f"AND {table.name}.{number} < wanted.number + {width}"
    )
    keys, join = _WANTED_SQLITE if is_sqlite else _WANTED_POSTGRESQL
    return f"SELECT {names} FROM {keys} {join} {table.name} ON {reach}"  # noqa: S608  # our tables
