"""The server knows until when a person who works alone must answer, and asks when no word comes."""

from alembic import op
from sqlalchemy import Column, String

from sync_server.migrations.columns import text, time

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Add the tables; a watch that was told before is looked after by its tablet alone."""
    op.create_table(
        "watched_worker",
        Column("tablet_id", String(36), primary_key=True),
        text("op_id", 36),
        text("fact_id", 64),
        time("due_at_ms", is_nullable=True),
        text("asked_id", 36, is_nullable=True),
    )
    op.create_table(
        "quiet_call",
        Column("review_id", String(36), primary_key=True),
        time("at_ms"),
    )
