"""The tables of the alerts: the alert with its three axes, and everything that happened to it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    text,
)

from sync_server.db.metadata import METADATA, running_number

ACTIVE_ALERT = "condition IN ('unacknowledged', 'acknowledged', 'latched')"
"""Its condition holds. One that has returned waits for a person, but a new one may be raised."""

ALERT = Table(
    "alert",
    METADATA,
    Column("alert_id", String(36), primary_key=True),
    Column("meter_id", String(40), ForeignKey("meter.meter_id"), nullable=False),
    Column("medium", String(8), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("family", String(12), nullable=False),
    Column("lane", String(12), nullable=False, server_default=text("''")),
    Column("rule", String(40), nullable=False),
    Column("rule_version", String(40), nullable=True),
    Column("condition", String(24), nullable=False),
    Column("visibility", String(24), nullable=False),
    Column("disposition", String(12), nullable=False),
    Column("priority", BigInteger, nullable=False),
    Column("score", Float, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("detected_at_ms", BigInteger, nullable=False),
    Column("raised_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
    Column("returned_at_ms", BigInteger, nullable=True),
    Column("ended_at_ms", BigInteger, nullable=True),
    Column("retracted_at_ms", BigInteger, nullable=True),
    Column("acknowledged_at_ms", BigInteger, nullable=True),
    Column("acknowledged_by", String(64), nullable=True),
    Column("shelved_until_at_ms", BigInteger, nullable=True),
    Column("shelved_by", String(64), nullable=True),
    Column("shelve_reason", String(400), nullable=True),
    Column("work_order_id", String(36), nullable=True),
    Column("finding_result", String(12), nullable=True),
    Column("finding_has_evidence", Boolean, nullable=True),
    Column("finding_at_ms", BigInteger, nullable=True),
    Column("label", String(12), nullable=True),
    Column("evidence", Text, nullable=False),
    Index(
        "uq_alert_active_meter_lane",
        "meter_id",
        "lane",
        unique=True,
        sqlite_where=text(ACTIVE_ALERT),
        postgresql_where=text(ACTIVE_ALERT),
    ),
    Index(None, "raised_at_ms"),
    Index(None, "meter_id", "raised_at_ms"),
)
"""At most one active alert per meter and lane: the database itself refuses a second one.

`ended_at_ms`: when the abnormal state ended, in the meter's time. `retracted_at_ms`: late readings
showed that it never was; the alert stays in the history and counts nowhere."""

ALERT_EVENT = Table(
    "alert_event",
    METADATA,
    Column("event_id", running_number(), primary_key=True, autoincrement=True),
    Column("alert_id", String(36), ForeignKey("alert.alert_id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("event", String(24), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "alert_id"),
    sqlite_autoincrement=True,
)
"""Append-only: every transition, by whom, when and why."""
