"""Stand-ins, major incidents with their log, paper slips."""

import sqlalchemy as sa
from alembic import op

from sync_server.migrations.columns import index, key, leads_to, long_text, number, text, time

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make the tables."""
    _make_delegation()
    _make_incident()
    _make_paper_slip()


def _make_delegation() -> None:
    op.create_table(
        "delegation",
        number("delegation_id"),
        text("from_account", 64),
        text("to_account", 64),
        text("contact", 80),
        time("from_ms"),
        time("to_ms"),
        text("made_by", 64),
        time("made_at_ms"),
        key("delegation", "delegation_id"),
    )
    index("delegation", "from_account", "to_ms")


def _make_incident() -> None:
    op.create_table(
        "incident",
        number("incident_id"),
        text("title", 200),
        text("started_by", 64),
        time("started_at_ms"),
        text("reported_to", 200),
        time("reported_at_ms", is_nullable=True),
        time("ended_at_ms", is_nullable=True),
        long_text("lessons"),
        key("incident", "incident_id"),
    )
    index("incident", "ended_at_ms")
    op.create_table(
        "incident_entry",
        number("entry_id"),
        time("incident_id"),
        long_text("text"),
        text("actor", 64),
        time("at_ms"),
        leads_to("incident_entry", "incident_id", "incident"),
        key("incident_entry", "entry_id"),
    )
    index("incident_entry", "incident_id", "entry_id")


def _make_paper_slip() -> None:
    op.create_table(
        "paper_slip",
        sa.Column("slip_number", sa.Integer(), autoincrement=False, nullable=False),
        text("printed_by", 64),
        time("printed_at_ms"),
        text("request_id", 36, is_nullable=True),
        text("void_reason", 200),
        time("entered_at_ms", is_nullable=True),
        leads_to("paper_slip", "request_id", "service_request"),
        key("paper_slip", "slip_number"),
    )
    index("paper_slip", "entered_at_ms")
