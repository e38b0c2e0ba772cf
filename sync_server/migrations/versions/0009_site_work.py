"""What crews do on site: the place and hand-over of an order, the map, calls for help."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add two columns to orders, the table of the map, and the due times of two reviews."""
    op.add_column("work_order", sa.Column("site", sa.Text(), nullable=True))
    op.add_column("work_order", sa.Column("handover", sa.Text(), nullable=True))
    op.create_table(
        "network_part",
        sa.Column("area_id", sa.String(length=40), nullable=False),
        sa.Column("part", sa.String(length=10), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("area_id", "part", name=op.f("pk_network_part")),
    )
    _put_due_times()


_SOURCE = "judgement: a person in danger is answered at once, a half-done order within the hour"

_DUE_MINUTES = (("crew_danger", "2"), ("handed_over", "60"))


def _put_due_times() -> None:
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
                "name": f"review.due_minutes.{kind}",
                "valid_from_ms": 0,
                "value": minutes,
                "source": _SOURCE,
                "approved_by": "product default",
            }
            for kind, minutes in _DUE_MINUTES
        ],
    )
