"""Orders that only tablets remember after a restore, until a person makes them again."""

from alembic import op
from sqlalchemy import Column, String

from sync_server.migrations.columns import long_text, text, time

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Add the table; tablets tell of such orders after the next restore."""
    op.create_table(
        "order_copy",
        Column("order_id", String(36), primary_key=True),
        long_text("document"),
        text("area_id", 64, is_nullable=True),
        time("as_of_ms"),
        text("tablet_id", 36),
        time("received_at_ms"),
        time("made_at_ms", is_nullable=True),
    )
