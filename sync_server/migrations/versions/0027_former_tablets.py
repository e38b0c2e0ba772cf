"""A tablet that was enrolled anew is known as the one it was before."""

from alembic import op

from sync_server.migrations.columns import text

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Give each tablet the name that it had before; of those enrolled so far nobody knows it."""
    op.add_column("tablet", text("former_tablet_id", 36, is_nullable=True))
