"""Complaints with verdict, measures, appeals, penalties; questions above; the library of cases."""

from alembic import op

from sync_server.migrations.columns import (
    count,
    index,
    key,
    leads_to,
    long_text,
    number,
    put_policies,
    text,
    time,
)

revision = "0017"
down_revision = "0016"

_K8 = "policy K8: a proposal that a person approves; rule"
_POLICIES = (
    ("penalty.complaint", 100, f"{_K8} C-38: 100 yuan, growing; twice on a repeat (C-39)"),
    ("penalty.late_slip", 100, f"{_K8} C-38: 100 yuan a slip, growing"),
    ("penalty.missed_call.1", 20, f"{_K8} C-49: the first missed call"),
    ("penalty.missed_call.2", 50, f"{_K8} C-49: the second missed call"),
    ("penalty.missed_call.3", 100, f"{_K8} C-49: the third and every later one"),
    ("complaint.appeal.days", 7, "policy K7, judgement: a week to appeal against a verdict"),
    ("sla.CL10", 60, "domain model 3: hotline informed an hour after the reply's audit"),
)


def upgrade() -> None:
    """Make the tables; put the amounts and limits."""
    _make_complaint()
    _make_measure()
    _make_appeal()
    _make_penalty()
    _make_escalation()
    _make_case()
    put_policies(_POLICIES)


def _make_complaint() -> None:
    op.create_table(
        "complaint",
        text("request_id", 36),
        text("state", 20),
        text("family", 10),
        long_text("facts"),
        text("opened_by", 64),
        time("opened_at_ms"),
        text("violation", 20, is_nullable=True),
        text("cause", 20, is_nullable=True),
        long_text("reason"),
        text("judged_by", 64, is_nullable=True),
        time("judged_at_ms", is_nullable=True),
        long_text("dispute"),
        text("disputed_by", 64, is_nullable=True),
        text("assigned_to", 64, is_nullable=True),
        time("changed_at_ms"),
        leads_to("complaint", "request_id", "service_request"),
        key("complaint", "request_id"),
    )
    index("complaint", "state", "changed_at_ms")


def _make_measure() -> None:
    op.create_table(
        "complaint_measure",
        number("measure_id"),
        text("request_id", 36),
        long_text("text"),
        text("owner", 64),
        text("due_on", 10),
        text("added_by", 64),
        time("added_at_ms"),
        text("done_by", 64, is_nullable=True),
        time("done_at_ms", is_nullable=True),
        leads_to("complaint_measure", "request_id", "complaint"),
        key("complaint_measure", "measure_id"),
    )
    index("complaint_measure", "request_id")


def _make_appeal() -> None:
    op.create_table(
        "complaint_appeal",
        number("appeal_id"),
        text("request_id", 36),
        long_text("statement"),
        text("by_actor", 64),
        time("at_ms"),
        text("decision", 20, is_nullable=True),
        long_text("reason"),
        text("decided_by", 64, is_nullable=True),
        time("decided_at_ms", is_nullable=True),
        leads_to("complaint_appeal", "request_id", "complaint"),
        key("complaint_appeal", "appeal_id"),
    )
    index("complaint_appeal", "request_id")


def _make_penalty() -> None:
    op.create_table(
        "penalty",
        number("penalty_id"),
        text("concern", 20),
        text("subject", 64),
        text("account_id", 64),
        count("yuan"),
        count("nth"),
        count("is_doubled"),
        text("state", 10),
        time("proposed_at_ms"),
        text("decided_by", 64, is_nullable=True),
        time("decided_at_ms", is_nullable=True),
        long_text("reason"),
        key("penalty", "penalty_id"),
    )
    index("penalty", "concern", "subject", is_unique=True)
    index("penalty", "account_id", "proposed_at_ms")


def _make_escalation() -> None:
    op.create_table(
        "escalation",
        number("escalation_id"),
        text("request_id", 36),
        text("to_role", 30),
        long_text("question"),
        text("by_actor", 64),
        time("at_ms"),
        long_text("answer"),
        text("answered_by", 64, is_nullable=True),
        time("answered_at_ms", is_nullable=True),
        leads_to("escalation", "request_id", "service_request"),
        key("escalation", "escalation_id"),
    )
    index("escalation", "request_id")
    index("escalation", "answered_at_ms")


def _make_case() -> None:
    op.create_table(
        "case_record",
        number("case_id"),
        text("request_id", 36),
        long_text("problem"),
        long_text("cause"),
        long_text("solution"),
        text("tags", 200),
        long_text("search"),
        text("written_by", 64),
        time("written_at_ms"),
        leads_to("case_record", "request_id", "service_request"),
        key("case_record", "case_id"),
    )
    index("case_record", "request_id")
