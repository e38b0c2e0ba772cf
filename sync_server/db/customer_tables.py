"""The tables of customers: who they are, where they live, which meters hang there."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table

from sync_server.db.metadata import METADATA

CUSTOMER = Table(
    "customer",
    METADATA,
    Column("customer_id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("phone", String(80), nullable=False),
    Column("phone_digits", String(20), nullable=False),
    Column("customer_class", String(20), nullable=False),
    Column("flags", String(200), nullable=False),
    Column("language", String(20), nullable=False),
    Column("contact_window", String(80), nullable=False),
    Column("is_confidential", Boolean, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "phone_digits"),
)
"""Personal data: a row is emptied when the person is erased (RULINGS R7)."""

PREMISES = Table(
    "premises",
    METADATA,
    Column("premises_id", String(64), primary_key=True),
    Column("community_id", String(40), ForeignKey("community.community_id"), nullable=True),
    Column("address", String(400), nullable=False),
    Column("search", String(1000), nullable=False),
    Column("customer_id", String(64), ForeignKey("customer.customer_id"), nullable=True),
    Column("is_heated", Boolean, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "customer_id"),
    Index(None, "community_id"),
)
"""A home or a site. `search` is what an address is found by; no person's name is in it."""

PREMISES_METER = Table(
    "premises_meter",
    METADATA,
    Column("meter_id", String(40), ForeignKey("meter.meter_id"), primary_key=True),
    Column("premises_id", String(64), ForeignKey("premises.premises_id"), nullable=False),
    Index(None, "premises_id"),
)
