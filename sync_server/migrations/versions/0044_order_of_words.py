"""Facts keep what tells which of two words about a valve or a step came later."""

import sqlalchemy as sa
from alembic import op

from sync_server.migrations.columns import text, time, truth

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    """Add the columns; for valves and steps of before, the ledger has what they need."""
    op.add_column("fact", truth("is_time_doubtful", is_nullable=True))
    op.add_column("fact", time("word_ms", is_nullable=True))
    op.add_column("fact", text("replica_id", 64, is_nullable=True))
    op.add_column("fact", sa.Column("n", sa.BigInteger(), nullable=True))
    op.execute(
        """
        UPDATE fact SET
          is_time_doubtful = (SELECT coalesce(is_time_doubtful, is_clock_suspect)
                              FROM op_ledger WHERE op_ledger.op_id = fact.op_id),
          replica_id = (SELECT replica_id FROM op_ledger WHERE op_ledger.op_id = fact.op_id),
          n = (SELECT n FROM op_ledger WHERE op_ledger.op_id = fact.op_id)
        WHERE fact_type IN ('isolation', 'safety_step')
        """
    )
