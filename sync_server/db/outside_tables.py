"""The table of requests that came from outside, each with the key it came by."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from sync_server.db.metadata import METADATA

OUTSIDE_REQUEST = Table(
    "outside_request",
    METADATA,
    Column("request_id", String(36), ForeignKey("service_request.request_id"), primary_key=True),
    Column("key_name", String(40), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "key_name", "at_ms"),
)
"""Which system sent a request (Open311): it may ask for all of its own."""
