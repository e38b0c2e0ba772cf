"""The table of files that were looked at in the browser before they are taken."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table

from sync_server.db.metadata import METADATA

IMPORT_DRAFT = Table(
    "import_draft",
    METADATA,
    Column("draft_id", String(36), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Index(None, "made_at_ms"),
)
"""A file that was looked at and not yet taken; gone after an hour, or when it was taken."""
