"""Owns the writing of many rows at the driver's speed: one prepared statement, rows as tuples."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

Row = tuple[str | int | float | bytes | None, ...]


def upsert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows given in the order of the table's columns; one with a known key is replaced."""
    if rows:
        connection.exec_driver_sql(_statement(table), list(rows))


def change_rows(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Row]
) -> None:
    """Change the named columns of rows given as (value of each, key); an unknown key is nothing."""
    if rows:
        connection.exec_driver_sql(_change(table, tuple(names)), list(rows))


@lru_cache(maxsize=20)
def _change(table: Table, names: tuple[str, ...]) -> str:
    (key,) = table.primary_key
    changes = ", ".join(f"{name} = ?" for name in names)
    return f"UPDATE {table.name} SET {changes} WHERE {key.name} = ?"  # noqa: S608  # our tables


@lru_cache(maxsize=20)
def _statement(table: Table) -> str:
    statement = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if not column.primary_key]
    upsert = statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in others}
    )
    return str(upsert.compile(dialect=sqlite.dialect()))
