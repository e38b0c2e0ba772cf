"""Writes many rows of one table at the speed of the driver, on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Connection, Table

Cell = str | int | float | bytes | None
Row = tuple[Cell, ...]


_STAGING = "lamplighter_staging"


class OnExisting(StrEnum):
    """What to do with a row whose key is there already."""

    FAIL = "fail"
    KEEP = "keep"
    REPLACE = "replace"


def write_rows(
    connection: Connection, table: Table, rows: Sequence[Row], on_existing: OnExisting
) -> None:
    """Write rows given as tuples in the order of the table's columns.

    SQLite runs one prepared statement over all rows. PostgreSQL takes them by COPY, straight into
    the table when keys are known to be new, else into a temporary one that is merged from there.

    Raises:
        IntegrityError: `on_existing` is FAIL and a key exists.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = _sqlite_statement(table, on_existing)
        connection.exec_driver_sql(statement, list(rows))
    elif on_existing is OnExisting.FAIL:
        _copy(connection, table.name, _names(table), rows)
    else:
        staging = f"staging_{table.name}"
        connection.exec_driver_sql(
            f"CREATE TEMP TABLE IF NOT EXISTS {staging} (LIKE {table.name}) ON COMMIT DELETE ROWS"
        )
        _empty_if_used(connection, staging)
        _copy(connection, staging, _names(table), rows)
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


def _copy(connection: Connection, target: str, names: str, rows: Sequence[Row]) -> None:
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(f"COPY {target} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    finally:
        cursor.close()


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
