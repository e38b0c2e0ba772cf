"""The table of the pages: whom the server called because nobody looked at a danger."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from sync_server.db.metadata import METADATA, running_number

PAGE_SENT = Table(
    "page_sent",
    METADATA,
    Column("page_id", running_number(), primary_key=True, autoincrement=True),
    Column("concern", String(30), nullable=False),
    Column("subject", String(36), nullable=False),
    Column("step", Integer, nullable=False),
    Column("addressee", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "subject", "page_id"),
)
"""Append-only: each step of the ladder, so that a page is sent once and its ladder goes on."""
