"""Files of many rows, and what is held on one person, wait for a director."""

from alembic import op

from sync_server.migrations.columns import (
    count,
    index,
    key,
    long_text,
    number,
    put_policies,
    text,
    time,
)

revision = "0030"
down_revision = "0029"

_RULE = "domain model 5, privacy rule 5: bulk export needs director approval; judgement: "


def upgrade() -> None:
    """Make the table; put what counts as bulk and how long an approval holds."""
    op.create_table(
        "export_request",
        number("export_id"),
        text("kind", 10),
        long_text("target"),
        count("row_count"),
        text("state", 10),
        long_text("reason"),
        text("asked_by", 64),
        time("asked_at_ms"),
        long_text("decision"),
        text("decided_by", 64, is_nullable=True),
        time("decided_at_ms", is_nullable=True),
        key("export_request", "export_id"),
    )
    index("export_request", "asked_by", "state")
    index("export_request", "state", "asked_at_ms")
    put_policies(
        [
            ("export.bulk.rows", 1000, _RULE + "a month of requests of one desk goes at once"),
            ("export.approval.hours", 24, _RULE + "a day to take the file"),
        ]
    )
