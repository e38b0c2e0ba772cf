"""Asks the change index, cheaply, what pokes are made of: heads of buckets, tablets that ended."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, func, select

from sync_server.db.access_tables import TABLET
from sync_server.db.sync_tables import BUCKET_SUM, CHANGE


def heads_of(connection: Connection, buckets: Collection[str]) -> dict[str, int]:
    """Return the last sequence of each bucket; one that nothing was ever seen in is left out.

    One step into the index per bucket, however long it is.
    """
    rows = connection.execute(_HEADS, {"buckets": sorted(buckets)})
    return {row.bucket: int(row.seq) for row in rows if row.seq is not None}


_NEWEST = (
    select(func.max(CHANGE.c.seq)).where(CHANGE.c.bucket == BUCKET_SUM.c.bucket).scalar_subquery()
)
_HEADS = select(BUCKET_SUM.c.bucket, _NEWEST.label("seq")).where(
    BUCKET_SUM.c.bucket.in_(bindparam("buckets", expanding=True))
)
"""Built once: asked whenever anything changed."""


def revoked_among(connection: Connection, tablet_ids: Collection[str]) -> set[str]:
    """Return which of the tablets have lost their access."""
    rows = connection.execute(
        select(TABLET.c.tablet_id).where(
            TABLET.c.tablet_id.in_(sorted(tablet_ids)), TABLET.c.revoked_at_ms.is_not(None)
        )
    )
    return set(rows.scalars())
