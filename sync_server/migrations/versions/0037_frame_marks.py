"""Entries of the ledger of frames may leave: how far each epoch was complete is marked."""

from alembic import op

from sync_server.migrations.columns import key, put_policies, text, time

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Make the table; nothing leaves before the utility says so."""
    op.create_table(
        "frame_mark",
        text("gateway_id", 32),
        time("epoch"),
        time("marked_at_ms"),
        time("upto"),
        key("frame_mark", "gateway_id", "epoch", "marked_at_ms"),
    )
    put_policies(
        [("retention.frames.days", 0, "0 keeps them for ever; the numbers of frames that came")]
    )
