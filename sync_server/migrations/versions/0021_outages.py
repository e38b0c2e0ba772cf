"""Planned interruptions with who is concerned; messages to customers with consent."""

from alembic import op

from sync_server.migrations.columns import (
    count,
    index,
    key,
    leads_to,
    long_text,
    number,
    put_policies,
    text,
    time,
    truth,
)

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the tables; put the notice."""
    _make_interruption()
    _make_message()
    notice = "domain model 3: customers hear of a planned interruption 48 h before"
    put_policies([("sla.CL17", 2880, notice)])


def _make_interruption() -> None:
    op.create_table(
        "interruption",
        number("interruption_id"),
        text("medium", 10),
        text("reason", 400),
        text("valves", 1000),
        time("from_ms"),
        time("to_ms"),
        text("state", 12),
        truth("is_urgent"),
        time("announced_at_ms", is_nullable=True),
        text("changed_by", 64),
        time("changed_at_ms"),
        key("interruption", "interruption_id"),
    )
    index("interruption", "state", "from_ms")
    op.create_table(
        "interruption_home",
        time("interruption_id"),
        text("premises_id", 64),
        text("why", 12),
        leads_to("interruption_home", "interruption_id", "interruption"),
        leads_to("interruption_home", "premises_id", "premises"),
        key("interruption_home", "interruption_id", "premises_id"),
    )


def _make_message() -> None:
    op.create_table(
        "customer_message",
        number("message_id"),
        text("template", 30),
        text("subject", 64),
        text("customer_id", 64),
        long_text("details"),
        text("state", 12),
        count("attempts"),
        time("next_at_ms"),
        time("made_at_ms"),
        time("sent_at_ms", is_nullable=True),
        text("problem", 400),
        key("customer_message", "message_id"),
    )
    index("customer_message", "state", "next_at_ms")
    index("customer_message", "template", "subject", "customer_id", is_unique=True)
    op.create_table(
        "message_consent",
        text("customer_id", 64),
        truth("is_allowed"),
        text("changed_by", 64),
        time("changed_at_ms"),
        key("message_consent", "customer_id"),
    )
