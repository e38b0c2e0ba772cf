"""The table of the office's forms: every version ever taken, with the file that it came from."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from sync_server.db.metadata import METADATA

FORM_VERSION = Table(
    "form_version",
    METADATA,
    Column("form_id", String(64), primary_key=True),
    Column("version", String(40), primary_key=True),
    Column("form_key", String(64), nullable=False, unique=True),
    Column("state", String(10), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("source_sha256", String(64), nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("model", Text, nullable=False),
    Column("advice", Text, nullable=False),
    Column("taken_by", String(80), nullable=False),
    Column("taken_at_ms", BigInteger, nullable=False),
    Column("valid_from_ms", BigInteger),
    Column("changed_by", String(80)),
    Column("changed_at_ms", BigInteger),
    Index("ix_form_version_state", "state", "form_id"),
)
"""`state` is draft, published or withdrawn; `model` and `source` never change."""
