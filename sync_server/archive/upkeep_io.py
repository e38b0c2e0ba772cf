"""Keeps the partitions of the readings ready, on PostgreSQL."""

from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError
from structlog.typing import FilteringBoundLogger

from sync_server.db.engine_io import reading
from sync_server.db.partition_io import (
    PARTITIONED,
    Period,
    has_partitions,
    make_ahead,
    make_for_rest,
)
from sync_server.work_orders.policy_store import policy_at

_LOG: FilteringBoundLogger = structlog.get_logger()


def keep_partitions(engine: Engine, now_utc: datetime) -> list[str]:
    """Return the partitions made now: for what is to come, and for rows that had none.

    Where somebody uses a table for long the rest is left to the next time; no row is lost by it.
    """
    made: list[str] = []
    try:
        with engine.begin() as connection:
            period = partition_period(connection, now_utc)
            made += make_ahead(connection, now_utc, period)
        made += _for_rest(engine, period)
    except OperationalError as error:
        _LOG.warning("readings.partitions_wait", reason=str(error.orig).strip())
    if made:
        _LOG.info("readings.partitions_made", names=made)
    return made


def partition_period(connection: Connection, now_utc: datetime) -> Period:
    """Return how much time a new partition takes, as the utility's policy has it."""
    days = policy_at(connection, "readings.partition.days", now_utc)
    return Period.DAY if days == 1 else Period.MONTH


def _for_rest(engine: Engine, period: Period) -> list[str]:
    """Give rows without a partition theirs, one partition in each transaction."""
    made: list[str] = []
    with reading(engine) as connection:
        tables = list(PARTITIONED) if has_partitions(connection) else []
    for table in tables:
        while True:
            with engine.begin() as connection:
                name = make_for_rest(connection, table, period)
            if name is None:
                break
            made.append(name)
    return made
