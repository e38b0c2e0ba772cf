"""Owns the partitions by time of the big tables on PostgreSQL: made ahead, found, taken off.

A row never waits for its partition: what has none lies in `TABLE_rest`, which belongs to the table
like every other, and moves when its partition is made. So the ingest makes none itself and holds
no lock of that kind.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Table, text

from sync_server.db.reading_tables import READING, READING_HOURLY
from wire_contracts.frames import ms_from_utc, utc_from_ms

PARTITIONED: Final = {READING: "measured_at_ms", READING_HOURLY: "hour_at_ms"}
"""The tables that lie in partitions, and the column that says in which."""

_TURN = (1_281_450_834, 1)
"""The advisory lock of whoever changes partitions: not one of `ingest_turns` or `advisory_io`."""

_PATIENCE_MS = 3000
"""How long a change of partitions waits for those who use the table, who then wait behind it; it
is tried again at the next upkeep."""

_ROOM = {READING_HOURLY: " WITH (fillfactor = 50)"}
"""An hour is changed by each reading in it: with room for a second copy of every row on its page
that takes half of the time (measured, docs/scale.md)."""

_LAST_MONTH = 12
_PERIODS_AHEAD = 3
"""This one and two more: two months, or days, in which nobody need look after partitions."""

LEAVING: Final = "_leaving"
"""What the name of a partition ends in that was taken off; late rows of its time go elsewhere."""


class Period(StrEnum):
    """How much time one partition takes, from midnight to midnight UTC."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition: its own table's name, [from, to) in ms; None: from the beginning of time."""

    name: str
    from_ms: int | None
    to_ms: int

    def holds(self, at_ms: int) -> bool:
        """Return whether rows of this moment lie in it."""
        return (self.from_ms is None or self.from_ms <= at_ms) and at_ms < self.to_ms


def has_partitions(connection: Connection) -> bool:
    """Return whether this database keeps readings in partitions."""
    return connection.dialect.name == "postgresql"


def period_bounds(at_ms: int, period: Period) -> tuple[int, int]:
    """Return the first moment of the period that a moment lies in, and the first one behind it."""
    at_utc = utc_from_ms(at_ms)
    start = datetime(at_utc.year, at_utc.month, at_utc.day, tzinfo=UTC)
    if period is Period.DAY:
        return ms_from_utc(start), ms_from_utc(start + timedelta(days=1))
    start = start.replace(day=1)
    years, month = divmod(start.month, _LAST_MONTH)
    return ms_from_utc(start), ms_from_utc(start.replace(year=start.year + years, month=month + 1))


def free_bounds(partitions: Sequence[Partition], at_ms: int, period: Period) -> tuple[int, int]:
    """Return what a new partition for a moment takes that none holds: its period less others'.

    So the length of periods can be changed at any time.
    """
    start, end = period_bounds(at_ms, period)
    before = [each.to_ms for each in partitions if each.to_ms <= at_ms]
    behind = [each.from_ms for each in partitions if each.from_ms is not None]
    return max([start, *before]), min([end, *(each for each in behind if each > at_ms)])


def list_partitions(connection: Connection, table: Table) -> list[Partition]:
    """Return the partitions of a table but the one of the rest, the oldest first."""
    rows = connection.execute(_PARTITIONS, {"name": table.name})
    found = [_partition(row.name, row.bounds) for row in rows if row.bounds != "DEFAULT"]
    return sorted(found, key=lambda each: each.to_ms)


_PARTITIONS = text(
    "SELECT child.relname AS name, pg_get_expr(child.relpartbound, child.oid) AS bounds"
    " FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid"
    " WHERE inhparent = to_regclass(:name)"
)
_BOUNDS = re.compile(r"FOR VALUES FROM \((MINVALUE|'-?\d+')\) TO \('(-?\d+)'\)")


def _partition(name: str, bounds: str) -> Partition:
    found = _BOUNDS.fullmatch(bounds)
    if found is None:
        message = f"database: {name}: its bounds are {bounds!r}; only Lamplighter makes partitions"
        raise ValueError(message)
    start = None if found[1] == "MINVALUE" else int(found[1].strip("'"))
    return Partition(name=name, from_ms=start, to_ms=int(found[2]))


def make_ahead(connection: Connection, now_utc: datetime, period: Period) -> list[str]:
    """Return the partitions made so that this period and the next two have one throughout.

    Raises:
        OperationalError: Somebody uses a table for long; try again later, no row is lost.
    """
    if not has_partitions(connection):
        return []
    now_ms = ms_from_utc(now_utc)
    end_ms = now_ms
    for _ in range(_PERIODS_AHEAD):
        end_ms = period_bounds(end_ms, period)[1]
    return [
        name
        for table in PARTITIONED
        for name in _make_between(connection, table, (now_ms, end_ms), period)
    ]


def _make_between(
    connection: Connection, table: Table, span: tuple[int, int], period: Period
) -> list[str]:
    _take_turn(connection)
    found, made = list_partitions(connection, table), []
    at_ms, end_ms = span
    while at_ms < end_ms:
        holder = next((each for each in found if each.holds(at_ms)), None)
        if holder is None:
            holder = _make(connection, table, free_bounds(found, at_ms, period))
            found.append(holder)
            made.append(holder.name)
        at_ms = holder.to_ms
    return made


def make_span(connection: Connection, table: Table, span: tuple[int, int]) -> list[str]:
    """Return the partitions made, a month each, from a first moment to a last one.

    Raises:
        OperationalError: As in `make_ahead`.
    """
    return _make_between(connection, table, (span[0], span[1] + 1), Period.MONTH)


def make_for_rest(connection: Connection, table: Table, period: Period) -> str | None:
    """Return the partition made for the oldest row of the rest, None when there is no rest.

    One at a time, so that nobody waits for long; call it in transactions of their own until None.

    Raises:
        OperationalError: As in `make_ahead`.
    """
    column = PARTITIONED[table]
    query = text(f"SELECT min({column}) FROM {rest_of(table)}")  # noqa: S608  # our own names
    oldest_ms: int | None = connection.execute(query).scalar_one()
    if oldest_ms is None:
        return None
    return _make_between(connection, table, (oldest_ms, oldest_ms + 1), period)[0]


def rest_of(table: Table) -> str:
    """Return the name of the partition that takes what has no other."""
    return f"{table.name}_rest"


def _make(connection: Connection, table: Table, bounds: tuple[int, int]) -> Partition:
    start, end = bounds
    name = f"{table.name}_p{utc_from_ms(start):%Y%m%d}"
    for statement in _making(table, name, start, end):
        connection.exec_driver_sql(statement)
    return Partition(name=name, from_ms=start, to_ms=end)


def _making(table: Table, name: str, start: int, end: int) -> Iterator[str]:
    """Yield what makes a partition; the lock before the move lets no row come in between."""
    rest, column = rest_of(table), PARTITIONED[table]
    yield f"CREATE TABLE {name} (LIKE {table.name} INCLUDING INDEXES){_ROOM.get(table, '')}"
    yield f"LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE"
    taken = f"DELETE FROM {rest} WHERE {column} >= {start} AND {column} < {end} RETURNING *"  # noqa: S608  # our own names and numbers
    yield f"WITH moved AS ({taken}) INSERT INTO {name} SELECT * FROM moved"  # noqa: S608  # as above
    yield (f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})")


def take_off(connection: Connection, table: Table, partition: Partition) -> str:
    """Make a partition a table of its own, which the big table shows no more; return its name.

    Raises:
        OperationalError: As in `make_ahead`.
    """
    _take_turn(connection)
    name = f"{partition.name}{LEAVING}"
    connection.exec_driver_sql(f"ALTER TABLE {table.name} DETACH PARTITION {partition.name}")
    connection.exec_driver_sql(f"ALTER TABLE {partition.name} RENAME TO {name}")
    return name


def _take_turn(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s, %s)", _TURN)
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_PATIENCE_MS}")


def drop_empty(connection: Connection, table: Table, before_ms: int) -> list[str]:
    """Return the partitions of before a moment that were empty, and are gone now.

    Raises:
        OperationalError: As in `make_ahead`.
    """
    if not has_partitions(connection):
        return []
    _take_turn(connection)
    gone = []
    for each in list_partitions(connection, table):
        if each.to_ms > before_ms:
            continue
        connection.exec_driver_sql(f"LOCK TABLE {each.name} IN ACCESS EXCLUSIVE MODE")
        query = f"SELECT 1 FROM {each.name} LIMIT 1"  # noqa: S608  # our own name
        if connection.exec_driver_sql(query).first() is None:
            connection.exec_driver_sql(f"ALTER TABLE {table.name} DETACH PARTITION {each.name}")
            connection.exec_driver_sql(f"DROP TABLE {each.name}")
            gone.append(each.name)
    return gone
