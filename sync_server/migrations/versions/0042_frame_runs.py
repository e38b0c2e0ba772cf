"""Ordinary frames enter the ledger as runs; entries made before stay single ones."""

import sqlalchemy as sa
from alembic import op

from sync_server.migrations.columns import key, text

revision = "0042"
down_revision = "0040"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "frame_run",
        text("gateway_id", 32),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("epoch", "first_seq", "last_seq")
        ),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        key("frame_run", "gateway_id", "epoch", "first_seq"),
        sqlite_with_rowid=False,
    )
