"""The tables of detection: what arrived, what it must know of meters, and where it stands."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
)

from sync_server.db.metadata import METADATA, running_number

READING_ARRIVAL = Table(
    "reading_arrival",
    METADATA,
    Column("arrival_id", running_number(), primary_key=True, autoincrement=True),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "received_at_ms"),
    sqlite_autoincrement=True,
)
"""One row per transaction of the ingest: what it stored of which meter and instant, in the order
in which the transactions were committed. Detection follows it and lets it go; see
`db.arrival_rows`."""

METER_TRAIT = Table(
    "meter_trait",
    METADATA,
    Column("meter_id", String(40), ForeignKey("meter.meter_id"), primary_key=True),
    Column("peer_class", String(40), nullable=False),
    Column("volume_modulus_m3", Float, nullable=True),
    Column("energy_modulus_kwh", Float, nullable=True),
    Column("volume_resolution_m3", Float, nullable=True),
    Column("energy_resolution_kwh", Float, nullable=True),
    Column("permanent_flow_m3h", Float, nullable=True),
    Column("weather_id", String(40), nullable=True),
    Column("judged_from_ms", BigInteger, nullable=True),
    Column("in_service_until_ms", BigInteger, nullable=True),
)
"""What detection can use of a meter and not every utility knows: who uses alike, where registers
start again, the smallest steps they show, and whose outdoor temperature it feels."""

METER_CHILD = Table(
    "meter_child",
    METADATA,
    Column("parent_id", String(40), ForeignKey("meter.meter_id"), primary_key=True),
    Column("child_id", String(40), ForeignKey("meter.meter_id"), primary_key=True),
)
"""A station and the meters behind it."""

METER_NOTE = Table(
    "meter_note",
    METADATA,
    Column("note_id", running_number(), primary_key=True, autoincrement=True),
    Column("meter_id", String(40), ForeignKey("meter.meter_id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=True),
    Column("source", String(200), nullable=False),
    Column("noted_at_ms", BigInteger, nullable=False),
    Column("noted_by", String(64), nullable=False),
    Index(None, "meter_id", "from_ms"),
    sqlite_autoincrement=True,
)
"""What the service side knows of a meter: vacant, exchanged, shut off; from when to when."""

WEATHER_HOUR = Table(
    "weather_hour",
    METADATA,
    Column("hour_at_ms", BigInteger, primary_key=True),
    Column("weather_id", String(40), primary_key=True),
    Column("outdoor_temp_degc", Float, nullable=False),
    sqlite_with_rowid=False,
)
"""Outdoor temperature of an hour, by station."""

PRICE = Table(
    "price",
    METADATA,
    Column("medium", String(8), primary_key=True),
    Column("meter_class", String(20), primary_key=True),
    Column("valid_from_ms", BigInteger, primary_key=True),
    Column("per_m3", Float, nullable=True),
    Column("per_kwh", Float, nullable=True),
    Column("currency", String(3), nullable=False),
    Column("source", String(200), nullable=False),
)
"""What a cubic metre or a kilowatt-hour is worth (RULINGS R20); without a row: no figure."""

DETECTION_CHECKPOINT = Table(
    "detection_checkpoint",
    METADATA,
    Column("core_version", String(40), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("part", String(40), primary_key=True),
    Column("arrival_id", BigInteger, nullable=False),
    Column("heading", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""The detectors' memory as it stood at an instant, in parts of some meters each. One of another
core version is of no use and is built anew from the readings."""
