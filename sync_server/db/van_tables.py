"""The tables of the vans: parts of each crew, gas detectors."""

from sqlalchemy import BigInteger, Column, Float, Index, String, Table

from sync_server.db.metadata import METADATA

VAN_PART = Table(
    "van_part",
    METADATA,
    Column("crew_id", String(64), primary_key=True),
    Column("part_id", String(64), primary_key=True),
    Column("place", BigInteger, nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("name_zh", String(200), nullable=False),
    Column("media", String(40), nullable=False),
    Column("unit", String(16), nullable=False),
    Column("quantity", Float, nullable=False),
    Column("least", Float, nullable=False),
    Column("counted_at_ms", BigInteger, nullable=False),
)
"""What each van has left. What was taken before the last count is in that count already."""

GAS_DETECTOR = Table(
    "gas_detector",
    METADATA,
    Column("detector_id", String(64), primary_key=True),
    Column("crew_id", String(64), nullable=False),
    Column("model", String(200), nullable=False),
    Column("shows", String(120), nullable=False),
    Column("calibrated_until", String(10), nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "crew_id"),
)
"""Each detector by the number on it, with whoever carries it; the last day is `YYYY-MM-DD`."""
