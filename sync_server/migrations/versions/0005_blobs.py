"""Photos and signatures: what is known of their bytes, and what they belong to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tablet_id", sa.String(length=36), nullable=True),
        sa.Column("known_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("have_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("width_px", sa.Integer(), nullable=True),
        sa.Column("height_px", sa.Integer(), nullable=True),
        sa.Column("wanted_reason", sa.String(length=10), nullable=True),
        sa.Column("wanted_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("wanted_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_index(op.f("ix_blob_state"), "blob", ["state", "known_at_ms"])
    op.create_index(op.f("ix_blob_tablet"), "blob", ["tablet_id", "have_at_ms"])
    op.create_table(
        "blob_ref",
        sa.Column("fact_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("tablet_id", sa.String(length=36), nullable=False),
        sa.Column("noted_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fact_id", "role", name=op.f("pk_blob_ref")),
    )
    op.create_index(op.f("ix_blob_ref_blob"), "blob_ref", ["sha256"])
    op.create_index(op.f("ix_blob_ref_record"), "blob_ref", ["entity", "entity_id"])
