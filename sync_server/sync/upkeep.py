"""What the sync must do once a day: let ended orders go, purge old tombstones, check its sums."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sync_server.db.change_store import broken_buckets, purge_tombstones
from sync_server.work_orders.dispatch import withdraw_ended

KEEP_TOMBSTONES = timedelta(days=90)
"""A tablet offline for longer starts anew and keeps its outbox (trap T13: at least 90 days)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepReport:
    """What was done; `broken_buckets` must be empty, else a checksum does not add up (I12)."""

    withdrawn_count: int
    horizon: int
    broken_buckets: tuple[str, ...]


def keep_up(connection: Connection, now_utc: datetime) -> UpkeepReport:
    """Return the report of one round; call it once a day in a transaction of its own."""
    return UpkeepReport(
        withdrawn_count=withdraw_ended(connection, now_utc),
        horizon=purge_tombstones(connection, now_utc - KEEP_TOMBSTONES),
        broken_buckets=tuple(broken_buckets(connection)),
    )
