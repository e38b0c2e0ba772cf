"""On PostgreSQL readings and their hours lie in partitions by time; SQLite stays as it is.

A table with rows becomes the first partition as it stands: no row is written anew. Whatever has no
partition yet goes into the one that takes the rest.
"""

import sqlalchemy as sa
from alembic import op

from sync_server.migrations.columns import put_policies

revision = "0032"
down_revision = "0031"

_RULE = (
    "PostgreSQL: 1 is a partition a day, for millions of meters; else a calendar month (judgement)"
)
_DAY_MS = 86_400_000
_TABLES = (("reading", "measured_at_ms"), ("reading_hourly", "hour_at_ms"))


def upgrade() -> None:
    """Put a partitioned table in the place of each, and how long a partition is."""
    put_policies([("readings.partition.days", 31, _RULE)])
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in _TABLES:
        newest_ms = op.get_bind().execute(sa.text(_newest(table, column))).scalar_one()
        for statement in _statements(table, column, newest_ms):
            op.execute(statement)


def _newest(table: str, column: str) -> str:
    return f"SELECT max({column}) FROM {table}"  # noqa: S608  # our own names


def _statements(table: str, column: str, newest_ms: int | None) -> list[str]:
    """Return what partitions a table whose newest row is of this moment, None: it is empty."""
    before = f"{table}_before"
    attach = f"DROP TABLE {before}"
    if newest_ms is not None:
        end_ms = newest_ms - newest_ms % _DAY_MS + _DAY_MS
        bounds = f"FROM (MINVALUE) TO ({end_ms})"
        attach = f"ALTER TABLE {table} ATTACH PARTITION {before} FOR VALUES {bounds}"
    return [
        f"ALTER TABLE {table} RENAME TO {before}",
        f"ALTER INDEX pk_{table} RENAME TO pk_{before}",
        f"CREATE TABLE {table} (LIKE {before}) PARTITION BY RANGE ({column})",
        f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (meter_id, {column})",
        attach,
        f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT",
    ]
