"""What a crew knew of the server when it took a step: who holds an order after a restore."""

from alembic import op

from sync_server.migrations.columns import time

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Note it of the steps that come; those that are here count from when they were written."""
    op.add_column("work_order_event", time("word_ms", is_nullable=True))
