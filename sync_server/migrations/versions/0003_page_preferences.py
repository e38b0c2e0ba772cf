"""How a person wants the pages: language and theme."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of preferences."""
    op.create_table(
        "person_preference",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("theme", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.account_id"],
            name=op.f("fk_person_preference_account_id_account"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_person_preference")),
    )
