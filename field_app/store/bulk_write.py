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


@lru_cache(maxsize=20)
def _statement(table: Table) -> str:
    statement = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if not column.primary_key]
    upsert = statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in others}
    )
    return str(upsert.compile(dialect=sqlite.dialect()))
