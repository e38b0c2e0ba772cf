"""What a tablet leaves sealed here is counted by its size, along an index beside large bodies."""

from alembic import op

from sync_server.migrations.columns import index, time

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Note the size of what comes; what came before is not counted."""
    op.add_column("sealed_item", time("size_bytes", is_nullable=True))
    index("sealed_item", "tablet_id", "received_at_ms", "size_bytes")
