"""The table of how a person wants the pages: language and theme."""

from sqlalchemy import Column, ForeignKey, String, Table

from sync_server.db.metadata import METADATA

PERSON_PREFERENCE = Table(
    "person_preference",
    METADATA,
    Column("account_id", String(36), ForeignKey("account.account_id"), primary_key=True),
    Column("language", String(8), nullable=False),
    Column("theme", String(8), nullable=False),
)
"""Absent until the person chooses: then the account's language and the light theme hold."""
