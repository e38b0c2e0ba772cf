"""Files of homes with documents, errors and changes; new buildings; applications."""

from alembic import op

from sync_server.migrations.columns import (
    count,
    figure,
    index,
    key,
    leads_to,
    long_text,
    number,
    text,
    time,
    truth,
)

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the tables and the series of acceptance slips."""
    _make_document()
    _make_issue()
    _make_change()
    _make_review()
    _make_building()
    _make_application()
    op.execute("INSERT INTO order_number (series, last_number) VALUES ('S', 0)")


def _make_document() -> None:
    op.create_table(
        "home_document",
        number("document_id"),
        text("premises_id", 64),
        text("medium", 10),
        text("kind", 30),
        text("reference", 200),
        text("dated_on", 10),
        text("valid_to", 10, is_nullable=True),
        text("added_by", 64),
        time("added_at_ms"),
        leads_to("home_document", "premises_id", "premises"),
        key("home_document", "document_id"),
    )
    index("home_document", "premises_id")
    index("home_document", "kind", "valid_to")


def _make_issue() -> None:
    op.create_table(
        "archive_issue",
        number("issue_id"),
        text("premises_id", 64),
        text("kind", 20),
        long_text("text"),
        text("opened_by", 64),
        time("opened_at_ms"),
        long_text("result"),
        text("fixed_by", 64, is_nullable=True),
        time("fixed_at_ms", is_nullable=True),
        leads_to("archive_issue", "premises_id", "premises"),
        key("archive_issue", "issue_id"),
    )
    index("archive_issue", "premises_id")
    index("archive_issue", "fixed_at_ms", "kind")


def _make_change() -> None:
    op.create_table(
        "home_change",
        number("change_id"),
        text("premises_id", 64),
        text("kind", 20),
        figure("figure"),
        long_text("evidence"),
        text("state", 10),
        text("proposed_by", 64),
        time("proposed_at_ms"),
        long_text("reason"),
        text("decided_by", 64, is_nullable=True),
        time("decided_at_ms", is_nullable=True),
        leads_to("home_change", "premises_id", "premises"),
        key("home_change", "change_id"),
    )
    index("home_change", "premises_id")
    index("home_change", "state")


def _make_review() -> None:
    op.create_table(
        "home_review",
        text("premises_id", 64),
        text("reviewed_by", 64),
        time("reviewed_at_ms"),
        leads_to("home_review", "premises_id", "premises"),
        key("home_review", "premises_id"),
    )


def _make_building() -> None:
    op.create_table(
        "new_building",
        number("building_id"),
        text("community_id", 40, is_nullable=True),
        text("name", 200),
        count("home_count"),
        text("season_on", 10),
        text("state", 12),
        text("changed_by", 64),
        time("changed_at_ms"),
        leads_to("new_building", "community_id", "community"),
        key("new_building", "building_id"),
    )
    index("new_building", "state")


def _make_application() -> None:
    op.create_table(
        "application",
        text("request_id", 36),
        text("told_by", 64),
        time("told_at_ms"),
        text("shown", 400),
        truth("is_accepted", is_nullable=True),
        text("slip_number", 20, is_nullable=True),
        long_text("reason"),
        long_text("alternative"),
        text("decided_by", 64, is_nullable=True),
        time("decided_at_ms", is_nullable=True),
        text("contract_number", 80),
        text("invoice_number", 80),
        figure("initial_m3"),
        text("card_number", 80),
        time("finished_at_ms", is_nullable=True),
        leads_to("application", "request_id", "service_request"),
        key("application", "request_id"),
    )
