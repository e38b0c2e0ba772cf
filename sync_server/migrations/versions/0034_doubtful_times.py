"""Whether the corrected time of a tap must be doubted: a clock known to be off is no doubt."""

from alembic import op

from sync_server.migrations.columns import truth

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Note it of what comes; of what came before, the tablet's clock decides as it did."""
    op.add_column("op_ledger", truth("is_time_doubtful", is_nullable=True))
