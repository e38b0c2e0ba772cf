"""Owns how detection follows the list of what the ingest stored."""

from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, bindparam, delete, func, select

from sync_server.db.arrival_rows import ArrivedRows, join_rows, unpack_rows
from sync_server.db.detection_tables import READING_ARRIVAL
from wire_contracts.frames import ms_from_utc


def newest_arrival(connection: Connection) -> int:
    """Return the number of the newest transaction of the ingest, 0 before the first."""
    number: int | None = connection.execute(
        select(func.max(READING_ARRIVAL.c.arrival_id))
    ).scalar_one()
    return number or 0


LONGEST_PAUSE = timedelta(hours=1)
"""A server that stores nothing at all for longer was probably away itself."""


def longest_pause(connection: Connection, now_utc: datetime, span: timedelta) -> tuple[int, int]:
    """Return the longest stretch without any arrival in the span up to now, seconds since 1970.

    Both are 0 where none is longer than `LONGEST_PAUSE`, or nothing ever arrived.
    """
    now_ms = ms_from_utc(now_utc)
    rows = connection.execute(
        select(READING_ARRIVAL.c.received_at_ms)
        .where(READING_ARRIVAL.c.received_at_ms >= ms_from_utc(now_utc - span))
        .order_by(READING_ARRIVAL.c.received_at_ms)
    )
    stored_ms = [*rows.scalars(), now_ms]
    pauses = [(after - before, before, after) for before, after in pairwise(stored_ms)]
    longest_ms, from_ms, to_ms = max(pauses, default=(0, 0, 0))
    if longest_ms < LONGEST_PAUSE // timedelta(milliseconds=1):
        return 0, 0
    return from_ms // 1000, to_ms // 1000


def load_arrivals(connection: Connection, after: int, upto: int) -> ArrivedRows:
    """Return what the transactions after `after` up to `upto` (inclusive) stored, in their order.

    Detection is the only one that lets them go: a number that is missing was rolled back.
    """
    rows = connection.execute(
        select(READING_ARRIVAL.c.body, READING_ARRIVAL.c.received_at_ms)
        .where(READING_ARRIVAL.c.arrival_id > after, READING_ARRIVAL.c.arrival_id <= upto)
        .order_by(READING_ARRIVAL.c.arrival_id)
    )
    return join_rows([unpack_rows(body, received_at_ms) for body, received_at_ms in rows])


_NEW = (
    select(READING_ARRIVAL.c.arrival_id, READING_ARRIVAL.c.body, READING_ARRIVAL.c.received_at_ms)
    .where(READING_ARRIVAL.c.arrival_id > bindparam("after"))
    .order_by(READING_ARRIVAL.c.arrival_id)
)
"""Built once: every look asks it."""


def load_new_arrivals(connection: Connection, after: int) -> tuple[ArrivedRows, int]:
    """Return what was stored after a transaction, and the number of the newest one."""
    rows = connection.execute(_NEW, {"after": after}).all()
    arrived = join_rows([unpack_rows(row.body, row.received_at_ms) for row in rows])
    return arrived, rows[-1].arrival_id if rows else after


def forget_arrivals(connection: Connection, upto: int, now_utc: datetime, keep: timedelta) -> int:
    """Return how many transactions were let go: numbered up to `upto` and older than `keep`."""
    gone = connection.execute(
        delete(READING_ARRIVAL).where(
            READING_ARRIVAL.c.arrival_id <= upto,
            READING_ARRIVAL.c.received_at_ms < ms_from_utc(now_utc - keep),
        )
    )
    return gone.rowcount
