"""Requests from outside, each with the key it came by."""

from alembic import op

from sync_server.migrations.columns import index, key, leads_to, text, time

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "outside_request",
        text("request_id", 36),
        text("key_name", 40),
        time("at_ms"),
        leads_to("outside_request", "request_id", "service_request"),
        key("outside_request", "request_id"),
    )
    index("outside_request", "key_name", "at_ms")
