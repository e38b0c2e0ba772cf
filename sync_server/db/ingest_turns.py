"""Owns who writes readings beside whom: locks of a transaction, on PostgreSQL.

SQLite has one writer at a time anyway. On PostgreSQL replicas write beside each other, each the
partitions that it holds; whoever changes what all of them rely on has the place to itself. All
locks are let go by the end of the transaction, or by going back to a savepoint before them. Who
waits for the whole place is not overtaken by those who come later.
"""

from collections.abc import Collection

from sqlalchemy import Connection

_SPACE = 1_281_450_833
"""The first half of every lock's key: not the one of `advisory_io`."""

_EVERYTHING = 1000
_NUMBER = 1001
"""Above every partition."""


def can_share(connection: Connection) -> bool:
    """Return whether several writers can be at work at once."""
    return connection.dialect.name == "postgresql"


def take_partitions(connection: Connection, partitions: Collection[int]) -> None:
    """Wait until nobody has the whole place or one of these partitions; they are ours then."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(%s, %s)", (_SPACE, _EVERYTHING))
    connection.exec_driver_sql(
        "SELECT pg_advisory_xact_lock(%s, wanted) FROM unnest(%s::int[]) AS wanted",
        (_SPACE, sorted(partitions)),
    )


def take_everything(connection: Connection) -> None:
    """Wait until no writer of readings is at work; none begins before the transaction's end."""
    _take(connection, _EVERYTHING)


def take_number(connection: Connection) -> None:
    """Wait for the turn to draw a number that others follow: it is committed in its order."""
    _take(connection, _NUMBER)


def _take(connection: Connection, number: int) -> None:
    if can_share(connection):
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s, %s)", (_SPACE, number))
