"""Complaints with verdict, measures, appeals, penalties; questions above; the library of cases."""

import sqlalchemy as sa
from alembic import op

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
    _put_policies()


def _number(name: str) -> "sa.Column[int]":
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=True, nullable=False)


def _text(name: str, length: int, *, is_nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=length), nullable=is_nullable)


def _long(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str, *, is_nullable: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=is_nullable)


def _of_request(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["request_id"],
        ["service_request.request_id"],
        name=op.f(f"fk_{table}_request_id_service_request"),
    )


def _of_complaint(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["request_id"], ["complaint.request_id"], name=op.f(f"fk_{table}_request_id_complaint")
    )


def _index(table: str, *columns: str, is_unique: bool = False) -> None:
    name = op.f(f"ix_{table}_{'_'.join(columns)}")
    op.create_index(name, table, list(columns), unique=is_unique)


def _make_complaint() -> None:
    op.create_table(
        "complaint",
        _text("request_id", 36),
        _text("state", 20),
        _text("family", 10),
        _long("facts"),
        _text("opened_by", 64),
        _time("opened_at_ms"),
        _text("violation", 20, is_nullable=True),
        _text("cause", 20, is_nullable=True),
        _long("reason"),
        _text("judged_by", 64, is_nullable=True),
        _time("judged_at_ms", is_nullable=True),
        _long("dispute"),
        _text("disputed_by", 64, is_nullable=True),
        _text("assigned_to", 64, is_nullable=True),
        _time("changed_at_ms"),
        _of_request("complaint"),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_complaint")),
    )
    _index("complaint", "state", "changed_at_ms")


def _make_measure() -> None:
    op.create_table(
        "complaint_measure",
        _number("measure_id"),
        _text("request_id", 36),
        _long("text"),
        _text("owner", 64),
        _text("due_on", 10),
        _text("added_by", 64),
        _time("added_at_ms"),
        _text("done_by", 64, is_nullable=True),
        _time("done_at_ms", is_nullable=True),
        _of_complaint("complaint_measure"),
        sa.PrimaryKeyConstraint("measure_id", name=op.f("pk_complaint_measure")),
    )
    _index("complaint_measure", "request_id")


def _make_appeal() -> None:
    op.create_table(
        "complaint_appeal",
        _number("appeal_id"),
        _text("request_id", 36),
        _long("statement"),
        _text("by_actor", 64),
        _time("at_ms"),
        _text("decision", 20, is_nullable=True),
        _long("reason"),
        _text("decided_by", 64, is_nullable=True),
        _time("decided_at_ms", is_nullable=True),
        _of_complaint("complaint_appeal"),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_complaint_appeal")),
    )
    _index("complaint_appeal", "request_id")


def _make_penalty() -> None:
    op.create_table(
        "penalty",
        _number("penalty_id"),
        _text("concern", 20),
        _text("subject", 64),
        _text("account_id", 64),
        sa.Column("yuan", sa.Integer(), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("is_doubled", sa.Integer(), nullable=False),
        _text("state", 10),
        _time("proposed_at_ms"),
        _text("decided_by", 64, is_nullable=True),
        _time("decided_at_ms", is_nullable=True),
        _long("reason"),
        sa.PrimaryKeyConstraint("penalty_id", name=op.f("pk_penalty")),
    )
    _index("penalty", "concern", "subject", is_unique=True)
    _index("penalty", "account_id", "proposed_at_ms")


def _make_escalation() -> None:
    op.create_table(
        "escalation",
        _number("escalation_id"),
        _text("request_id", 36),
        _text("to_role", 30),
        _long("question"),
        _text("by_actor", 64),
        _time("at_ms"),
        _long("answer"),
        _text("answered_by", 64, is_nullable=True),
        _time("answered_at_ms", is_nullable=True),
        _of_request("escalation"),
        sa.PrimaryKeyConstraint("escalation_id", name=op.f("pk_escalation")),
    )
    _index("escalation", "request_id")
    _index("escalation", "answered_at_ms")


def _make_case() -> None:
    op.create_table(
        "case_record",
        _number("case_id"),
        _text("request_id", 36),
        _long("problem"),
        _long("cause"),
        _long("solution"),
        _text("tags", 200),
        _long("search"),
        _text("written_by", 64),
        _time("written_at_ms"),
        _of_request("case_record"),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_record")),
    )
    _index("case_record", "request_id")


def _put_policies() -> None:
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
                "value": str(value),
                "source": source,
                "approved_by": "product default",
            }
            for name, value, source in _POLICIES
        ],
    )
