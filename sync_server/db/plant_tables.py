"""The tables of the network's parts in their life: state and what happened to each."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

PLANT = Table(
    "plant",
    METADATA,
    Column("plant_id", String(64), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("severity", Integer, nullable=True),
    Column("order_id", String(36), nullable=True),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "state"),
)
"""A part of the network that is not simply in service; `plant_id` is its id on the map."""

PLANT_EVENT = Table(
    "plant_event",
    METADATA,
    Column("event_id", running_number(), primary_key=True, autoincrement=True),
    Column("plant_id", String(64), nullable=False),
    Column("event", String(12), nullable=False),
    Column("to_state", String(12), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "plant_id", "event_id"),
)
"""Append-only: what happened to each part."""
