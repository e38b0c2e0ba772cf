"""The table of the hall's queue."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from sync_server.db.metadata import METADATA, running_number

HALL_VISIT = Table(
    "hall_visit",
    METADATA,
    Column("hall_visit_id", running_number(), primary_key=True, autoincrement=True),
    Column("day", String(10), nullable=False),
    Column("number", Integer, nullable=False),
    Column("need", String(30), nullable=False),
    Column("is_first", Boolean, nullable=False),
    Column("counter", Integer, nullable=True),
    Column("state", String(12), nullable=False),
    Column("came_at_ms", BigInteger, nullable=False),
    Column("called_at_ms", BigInteger, nullable=True),
    Column("called_by", String(64), nullable=True),
    Column("ended_at_ms", BigInteger, nullable=True),
    Index(None, "day", "number", unique=True),
    Index(None, "day", "state"),
)
"""Whoever comes to the hall: a number, a need and a window, no name (rule B-01)."""
