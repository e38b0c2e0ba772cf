"""What the vans carry: parts and gas detectors."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "van_part",
        sa.Column("crew_id", sa.String(length=64), nullable=False),
        sa.Column("part_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("media", sa.String(length=40), nullable=False),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("quantity", sa.Float(), nullable=False),
        sa.Column("least", sa.Float(), nullable=False),
        sa.Column("counted_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("crew_id", "part_id", name=op.f("pk_van_part")),
    )
    op.create_table(
        "gas_detector",
        sa.Column("detector_id", sa.String(length=64), nullable=False),
        sa.Column("crew_id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("shows", sa.String(length=120), nullable=False),
        sa.Column("calibrated_until", sa.String(length=10), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("detector_id", name=op.f("pk_gas_detector")),
    )
    op.create_index(op.f("ix_gas_detector_crew_id"), "gas_detector", ["crew_id"])
