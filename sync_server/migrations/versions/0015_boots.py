"""A tablet's boot is one, under whatever enrolment its taps arrive."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Find the taps of a boot by the boot alone."""
    op.drop_index(op.f("ix_op_ledger_boot"), table_name="op_ledger")
    op.create_index(op.f("ix_op_ledger_boot"), "op_ledger", ["boot_id", "mono_ms"])
