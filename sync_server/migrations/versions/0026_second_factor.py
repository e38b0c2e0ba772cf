"""Second factors of people, their recovery codes, and browsers that are known."""

import sqlalchemy as sa
from alembic import op

from sync_server.migrations.columns import index, key, leads_to, text, time

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Make the tables; a session notes when a second factor was shown."""
    op.add_column("session", time("proved_at_ms", is_nullable=True))
    op.create_table(
        "second_factor",
        text("account_id", 36),
        text("secret", 64),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        time("confirmed_at_ms", is_nullable=True),
        leads_to("second_factor", "account_id", "account"),
        key("second_factor", "account_id"),
    )
    op.create_table(
        "recovery_code",
        text("code_hash", 64),
        text("account_id", 36),
        leads_to("recovery_code", "account_id", "account"),
        key("recovery_code", "code_hash"),
    )
    index("recovery_code", "account_id")
    op.create_table(
        "known_browser",
        text("token_hash", 64),
        text("account_id", 36),
        time("made_at_ms"),
        leads_to("known_browser", "account_id", "account"),
        key("known_browser", "token_hash"),
    )
    index("known_browser", "account_id")
