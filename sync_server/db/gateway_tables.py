"""The tables of what is said to gateways and what they say of their own state."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from sync_server.db.metadata import METADATA

GATEWAY_ORDER = Table(
    "gateway_order",
    METADATA,
    Column("command_id", String(40), primary_key=True),
    Column("gateway_id", String(32), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("number", BigInteger, nullable=True),
    Column("ordered_by", String(64), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("envelope", Text, nullable=False),
    Column("sent_count", BigInteger, nullable=False),
    Column("next_send_at_ms", BigInteger, nullable=True),
    Column("outcome", String(12), nullable=True),
    Column("code", String(40), nullable=True),
    Column("answer", Text, nullable=True),
    Column("answered_at_ms", BigInteger, nullable=True),
    Index(None, "gateway_id", "number", unique=True),
    Index(None, "next_send_at_ms"),
)
"""Signed orders (ADR 0015). `number`: of a configuration revision. `envelope`: what is sent, as it
was signed. `next_send_at_ms`: None once the end is known. `answer`: the last answer as JSON."""

GATEWAY_HEALTH = Table(
    "gateway_health",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""The newest health message of each gateway, as JSON; of gateways that are known alone."""
