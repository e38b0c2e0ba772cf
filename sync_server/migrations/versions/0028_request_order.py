"""Open requests keep their place in the list, so that 100,000 of them page along an index."""

from alembic import op

from sync_server.migrations.columns import index, time

revision = "0028"
down_revision = "0027"

_NOT_OPEN = "'closed', 'archived', 'duplicate', 'declined', 'solved_at_first_contact', 'confirmed'"


def upgrade() -> None:
    """Find the place of each: class A first, what has no clock last."""
    op.add_column("service_request", time("sort_ms", is_nullable=True))
    op.execute(
        f"UPDATE service_request SET sort_ms = coalesce(due_at_ms, {2**61}) "  # noqa: S608  # numbers
        f"- CASE WHEN safety_class = 'A' THEN {2**62} ELSE 0 END "
        f"WHERE state NOT IN ({_NOT_OPEN})"
    )
    index("service_request", "sort_ms", "request_id")
    index("service_request", "state", "sort_ms", "request_id")
