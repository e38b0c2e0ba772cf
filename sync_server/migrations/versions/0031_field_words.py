"""Which of the crews' fields took an operation's word, so that no earlier word replaces it."""

import sqlalchemy as sa
from alembic import op

from sync_server.migrations.columns import text

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Note the field of what comes; of what came before, arrival decides as it did."""
    op.add_column("op_ledger", text("field", 16, is_nullable=True))
    is_word = sa.text("field IS NOT NULL")
    op.create_index(
        "ix_op_ledger_field",
        "op_ledger",
        ["entity_id", "field"],
        sqlite_where=is_word,
        postgresql_where=is_word,
    )
