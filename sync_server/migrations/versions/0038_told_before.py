"""What a former server had told of operations whose order is not here, until they are judged."""

from alembic import op
from sqlalchemy import Column, String

from sync_server.migrations.columns import time

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Add the table; of operations that wait already nothing is known."""
    op.create_table("told_before", Column("op_id", String(36), primary_key=True), time("told_ms"))
