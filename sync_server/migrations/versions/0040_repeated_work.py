"""What tablets repeat after a restore, and the orders before they did: judged anew from both."""

from alembic import op
from sqlalchemy import Column, String, Text

from sync_server.migrations.columns import long_text, text, time

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Add the tables; what was repeated before is not judged anew."""
    op.create_table(
        "repeated_work",
        Column("op_id", String(36), primary_key=True),
        text("order_id", 36),
        time("word_ms"),
        time("told_ms", is_nullable=True),
        time("finished_ms", is_nullable=True),
        Column("body", Text()),
    )
    op.create_index("ix_repeated_work_order", "repeated_work", ["order_id"])
    op.create_table(
        "order_at_restore",
        Column("order_id", String(36), primary_key=True),
        time("restored_at_ms"),
        long_text("cells"),
        time("event_id"),
        Column("left_cells", Text()),
    )
