"""Whom the server called because nobody looked at a danger."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_SOURCE = "judgement: a danger is looked at within a minute, and the next one is called after two"


def upgrade() -> None:
    """Make the table; put the waiting times."""
    op.create_table(
        "page_sent",
        sa.Column(
            "page_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("concern", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=36), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("addressee", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("page_id", name=op.f("pk_page_sent")),
    )
    op.create_index(op.f("ix_page_sent_subject_page_id"), "page_sent", ["subject", "page_id"])
    policy = sa.table(
        "policy",
        sa.column("name", sa.String),
        sa.column("valid_from_ms", sa.BigInteger),
        sa.column("value", sa.Text),
        sa.column("source", sa.Text),
        sa.column("approved_by", sa.String),
    )
    op.bulk_insert(
        policy,
        [
            {
                "name": name,
                "valid_from_ms": 0,
                "value": value,
                "source": _SOURCE,
                "approved_by": "product default",
            }
            for name, value in (("paging.wait.seconds", "60"), ("paging.repeat.seconds", "120"))
        ],
    )
