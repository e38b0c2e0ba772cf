"""The monthly suspect-meter list."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "suspect_list",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("meter_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_suspect_list")),
    )
    op.create_table(
        "suspect",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("used_m3", sa.Float(), nullable=True),
        sa.Column("usual_m3", sa.Float(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["meter_id"], ["meter.meter_id"], name=op.f("fk_suspect_meter_id_meter")
        ),
        sa.ForeignKeyConstraint(
            ["month"], ["suspect_list.month"], name=op.f("fk_suspect_month_suspect_list")
        ),
        sa.PrimaryKeyConstraint("month", "meter_id", name=op.f("pk_suspect")),
    )
