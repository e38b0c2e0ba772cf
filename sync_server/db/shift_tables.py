"""The tables of the shifts: the log of a desk and its hand-overs."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

SHIFT_ENTRY = Table(
    "shift_entry",
    METADATA,
    Column("entry_id", running_number(), primary_key=True, autoincrement=True),
    Column("desk", String(20), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "desk", "entry_id"),
)

SHIFT_HANDOVER = Table(
    "shift_handover",
    METADATA,
    Column("handover_id", running_number(), primary_key=True, autoincrement=True),
    Column("desk", String(20), nullable=False),
    Column("from_actor", String(64), nullable=False),
    Column("offered_at_ms", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("to_actor", String(64), nullable=True),
    Column("taken_at_ms", BigInteger, nullable=True),
    Index(None, "desk", "handover_id"),
)
"""What one shift leaves to the next, as it stood when it was offered."""
