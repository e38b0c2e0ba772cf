"""Owns statements that are put together once, when the app starts, and then only run.

SQLAlchemy puts a statement together at its first use: what opens a contact waited for three of
them, twice as long as for all that they do.
"""

from typing import Any

from sqlalchemy import ClauseElement, Connection, CursorResult
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

Cell = str | int | None

Rows = CursorResult[*tuple[Any, ...]]
"""Rows whose cells are as the file has them, of whatever columns a statement names."""


class FixedStatement:
    """A statement over the tablet's file, with names for what is asked anew each time."""

    def __init__(self, statement: ClauseElement) -> None:
        """Put it together for SQLite; a list in it must be one of `literal` values."""
        compiled = SQLiteCompiler(sqlite.dialect(), statement)
        self._text = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._values: dict[str, Cell] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def run(self, connection: Connection, **asked: Cell) -> Rows:
        """Return what it finds; raise KeyError when one of its names is not given a value."""
        values = self._values | asked
        return connection.exec_driver_sql(self._text, tuple(map(values.__getitem__, self._names)))
