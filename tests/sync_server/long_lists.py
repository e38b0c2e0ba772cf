"""Lists of 100,000 rows in SQLite: made from a few by copying, and what a page of them costs."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, cast

from sqlalchemy import Connection, Table, text

Found = TypeVar("Found")

LONG = 100_000
_STEPS_AT_ONCE = 10


def grow(connection: Connection, table: Table, key: str, differing: Mapping[str, str]) -> None:
    """Give a table LONG rows, copies of the ones it has but for `differing` (SQL of number `i`)."""
    names = [column.name for column in table.columns]
    values = ", ".join(differing.get(name, f"o.{name}") for name in names)
    statement = f"""
        WITH RECURSIVE
        kept(place, k) AS (SELECT row_number() OVER (ORDER BY {key}) - 1, {key} FROM {table.name}),
        size(n) AS (SELECT count(*) FROM kept),
        numbers(i) AS (SELECT n FROM size UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < {LONG})
        INSERT INTO {table.name} ({", ".join(names)})
        SELECT {values} FROM numbers, size
        JOIN kept ON kept.place = i % n JOIN {table.name} o ON o.{key} = kept.k
    """  # noqa: S608  # the names of our own table
    connection.execute(text(statement))


class _Sqlite(Protocol):
    def set_progress_handler(self, handler: Callable[[], int] | None, n: int, /) -> None: ...


def steps_of(connection: Connection, work: Callable[[], Found]) -> tuple[int, Found]:
    """Return how many steps SQLite's machine took for some work, and what it found.

    The same on every machine and under every load, unlike a time.
    """
    driver = cast("_Sqlite", connection.connection.driver_connection)  # SQLAlchemy: Any
    count = 0

    def step() -> int:
        nonlocal count
        count += _STEPS_AT_ONCE
        return 0

    driver.set_progress_handler(step, _STEPS_AT_ONCE)
    try:
        found = work()
    finally:
        driver.set_progress_handler(None, 0)
    return count, found
