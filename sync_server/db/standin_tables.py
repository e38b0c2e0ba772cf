"""The tables of stand-ins, major incidents and paper slips."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

DELEGATION = Table(
    "delegation",
    METADATA,
    Column("delegation_id", running_number(), primary_key=True, autoincrement=True),
    Column("from_account", String(64), nullable=False),
    Column("to_account", String(64), nullable=False),
    Column("contact", String(80), nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Index(None, "from_account", "to_ms"),
)
"""Who stands in for whom, from when until when, and where that person is reached."""

INCIDENT = Table(
    "incident",
    METADATA,
    Column("incident_id", running_number(), primary_key=True, autoincrement=True),
    Column("title", String(200), nullable=False),
    Column("started_by", String(64), nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("reported_to", String(200), nullable=False),
    Column("reported_at_ms", BigInteger, nullable=True),
    Column("ended_at_ms", BigInteger, nullable=True),
    Column("lessons", Text, nullable=False),
    Index(None, "ended_at_ms"),
)
"""A major incident: while it runs one page joins alerts, requests, orders and its log."""

INCIDENT_ENTRY = Table(
    "incident_entry",
    METADATA,
    Column("entry_id", running_number(), primary_key=True, autoincrement=True),
    Column("incident_id", BigInteger, ForeignKey("incident.incident_id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "incident_id", "entry_id"),
)

PAPER_SLIP = Table(
    "paper_slip",
    METADATA,
    Column("slip_number", Integer, primary_key=True, autoincrement=False),
    Column("printed_by", String(64), nullable=False),
    Column("printed_at_ms", BigInteger, nullable=False),
    Column("request_id", String(36), ForeignKey("service_request.request_id"), nullable=True),
    Column("void_reason", String(200), nullable=False),
    Column("entered_at_ms", BigInteger, nullable=True),
    Index(None, "entered_at_ms"),
)
"""Numbered slips that are filled in by hand when the server is away; each is entered or void."""
