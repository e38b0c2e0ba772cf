"""The table of the feed: one row per change that a live page must hear of."""

from sqlalchemy import BigInteger, Column, String, Table

from sync_server.db.metadata import METADATA, running_number

FEED = Table(
    "feed",
    METADATA,
    Column("feed_id", running_number(), primary_key=True, autoincrement=True),
    Column("topic", String(20), nullable=False),
    Column("ref_id", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""Ids are never reused, so that Last-Event-ID stays true after rows were pruned."""
