"""The tables of the assets: communities, gateways, meters, and which device is which meter."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, String, Table, Text

from sync_server.db.metadata import METADATA

COMMUNITY = Table(
    "community",
    METADATA,
    Column("community_id", String(40), primary_key=True),
    Column("name_zh", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("area_id", String(40), nullable=False),
    Column("x_m", Float, nullable=True),
    Column("y_m", Float, nullable=True),
)

GATEWAY = Table(
    "gateway",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("is_allowed", Boolean, nullable=False),
)

METER = Table(
    "meter",
    METADATA,
    Column("meter_id", String(40), primary_key=True),
    Column("medium", String(8), nullable=False),
    Column("meter_class", String(20), nullable=False),
    Column("size", String(20), nullable=False),
    Column("community_id", String(40), ForeignKey("community.community_id"), nullable=True),
    Column("address", String(400), nullable=False),
    Column("interval_s", BigInteger, nullable=False),
    Column("is_mains_powered", Boolean, nullable=False),
    Column("x_m", Float, nullable=True),
    Column("y_m", Float, nullable=True),
    Column("added_at_ms", BigInteger, nullable=False),
    Index(None, "community_id"),
)

DEVICE_METER = Table(
    "device_meter",
    METADATA,
    Column("device_serial", String(64), primary_key=True),
    Column("valid_from_at_ms", BigInteger, primary_key=True),
    Column("valid_to_at_ms", BigInteger, nullable=True),
    Column("meter_id", String(40), ForeignKey("meter.meter_id"), nullable=False),
    Index(None, "meter_id"),
)
"""RULINGS R13: a frame belongs to the meter whose row covers its instant (from inclusive, to
exclusive, None: until further notice), so that an exchange never joins two registers."""

NETWORK_PART = Table(
    "network_part",
    METADATA,
    Column("area_id", String(40), primary_key=True),
    Column("part", String(10), primary_key=True),
    Column("document", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)
"""The pipes and the points of each area's network, as tablets get them."""
