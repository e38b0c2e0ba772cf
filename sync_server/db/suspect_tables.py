"""The tables of the monthly suspect-meter list."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, String, Table, Text

from sync_server.db.metadata import METADATA

SUSPECT_LIST = Table(
    "suspect_list",
    METADATA,
    Column("month", String(7), primary_key=True),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("meter_count", BigInteger, nullable=False),
)
"""Which months have a list, such as `2026-11`; `meter_count`: how many meters were looked at."""

SUSPECT = Table(
    "suspect",
    METADATA,
    Column("month", String(7), ForeignKey("suspect_list.month"), primary_key=True),
    Column("meter_id", String(40), ForeignKey("meter.meter_id"), primary_key=True),
    Column("place", BigInteger, nullable=False),
    Column("score", Float, nullable=False),
    Column("used_m3", Float, nullable=True),
    Column("usual_m3", Float, nullable=True),
    Column("reasons", Text, nullable=False),
    Column("order_id", String(36), nullable=True),
)
"""One meter on a month's list; `reasons`: JSON, [reason, weight, kind or null]."""
