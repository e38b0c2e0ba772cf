"""The table of what is taken away in bulk: who asked for it, why, and who let it go."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

EXPORT_REQUEST = Table(
    "export_request",
    METADATA,
    Column("export_id", running_number(), primary_key=True, autoincrement=True),
    Column("kind", String(10), nullable=False),
    Column("target", Text, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("decision", Text, nullable=False),
    Column("decided_by", String(64), nullable=True),
    Column("decided_at_ms", BigInteger, nullable=True),
    Index(None, "asked_by", "state"),
    Index(None, "state", "asked_at_ms"),
)
"""`target` is the address that the file is taken from; an approval holds for it alone."""
