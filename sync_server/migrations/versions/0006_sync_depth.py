"""What the sync keeps beside the work: whose home it is, what came sealed, how a review ended."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make two tables, add columns to four, and the due times of three new kinds of review."""
    _make_order_person()
    _make_sealed_item()
    op.add_column("op_ledger", sa.Column("boot_id", sa.String(length=64), nullable=True))
    op.add_column("op_ledger", sa.Column("mono_ms", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_op_ledger_boot"), "op_ledger", ["tablet_id", "boot_id", "mono_ms"])
    op.add_column("fact", sa.Column("waits_for", sa.String(length=20), nullable=True))
    op.execute("UPDATE fact SET waits_for = 'order' WHERE is_orphan")
    op.create_index(op.f("ix_fact_waits_for"), "fact", ["waits_for"])
    for table in ("fact", "work_order"):
        op.add_column(
            table, sa.Column("visit", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
    op.add_column("work_order", sa.Column("visit_from_ms", sa.BigInteger(), nullable=True))
    op.add_column("review_item", sa.Column("choice", sa.String(length=10), nullable=True))
    op.add_column("review_item", sa.Column("chosen_value", sa.Text(), nullable=True))
    _put_due_times()


def _make_order_person() -> None:
    op.create_table(
        "order_person",
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("appointment_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["work_order.order_id"], name=op.f("fk_order_person_order_id_work_order")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_person")),
    )


def _make_sealed_item() -> None:
    op.create_table(
        "sealed_item",
        sa.Column("envelope_hash", sa.String(length=64), nullable=False),
        sa.Column("tablet_id", sa.String(length=36), nullable=False),
        sa.Column("replica_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("is_opened", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("envelope_hash", name=op.f("pk_sealed_item")),
    )
    op.create_index(op.f("ix_sealed_item_unopened"), "sealed_item", ["is_opened", "key_id"])


_SOURCE = (
    "judgement: what came from a revoked tablet within the shift, a broken sum within the hour"
)

_DUE_MINUTES = (("revoked_tablet", "240"), ("sealed_unread", "240"), ("self_check", "60"))


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
