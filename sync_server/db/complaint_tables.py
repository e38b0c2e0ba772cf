"""The tables of complaints: verdicts, measures, appeals, penalties, escalations, cases."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

COMPLAINT = Table(
    "complaint",
    METADATA,
    Column("request_id", String(36), ForeignKey("service_request.request_id"), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("family", String(10), nullable=False),
    Column("facts", Text, nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("violation", String(20), nullable=True),
    Column("cause", String(20), nullable=True),
    Column("reason", Text, nullable=False),
    Column("judged_by", String(64), nullable=True),
    Column("judged_at_ms", BigInteger, nullable=True),
    Column("dispute", Text, nullable=False),
    Column("disputed_by", String(64), nullable=True),
    Column("assigned_to", String(64), nullable=True),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "state", "changed_at_ms"),
)
"""What was found out about a complaint and who answers for it; its request goes its own way."""

COMPLAINT_MEASURE = Table(
    "complaint_measure",
    METADATA,
    Column("measure_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("complaint.request_id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("due_on", String(10), nullable=False),
    Column("added_by", String(64), nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("done_by", String(64), nullable=True),
    Column("done_at_ms", BigInteger, nullable=True),
    Index(None, "request_id"),
)
"""What was agreed to put right, by whom and until which day."""

COMPLAINT_APPEAL = Table(
    "complaint_appeal",
    METADATA,
    Column("appeal_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("complaint.request_id"), nullable=False),
    Column("statement", Text, nullable=False),
    Column("by_actor", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("decision", String(20), nullable=True),
    Column("reason", Text, nullable=False),
    Column("decided_by", String(64), nullable=True),
    Column("decided_at_ms", BigInteger, nullable=True),
    Index(None, "request_id"),
)

PENALTY = Table(
    "penalty",
    METADATA,
    Column("penalty_id", running_number(), primary_key=True, autoincrement=True),
    Column("concern", String(20), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("account_id", String(64), nullable=False),
    Column("yuan", Integer, nullable=False),
    Column("nth", Integer, nullable=False),
    Column("is_doubled", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("proposed_at_ms", BigInteger, nullable=False),
    Column("decided_by", String(64), nullable=True),
    Column("decided_at_ms", BigInteger, nullable=True),
    Column("reason", Text, nullable=False),
    Index(None, "concern", "subject", unique=True),
    Index(None, "account_id", "proposed_at_ms"),
)
"""Proposals that the policies give; none holds before a person approved it (policy K8)."""

ESCALATION = Table(
    "escalation",
    METADATA,
    Column("escalation_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("service_request.request_id"), nullable=False),
    Column("to_role", String(30), nullable=False),
    Column("question", Text, nullable=False),
    Column("by_actor", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("answer", Text, nullable=False),
    Column("answered_by", String(64), nullable=True),
    Column("answered_at_ms", BigInteger, nullable=True),
    Index(None, "request_id"),
    Index(None, "answered_at_ms"),
)
"""What somebody could not decide and asked above; answered once."""

CASE_RECORD = Table(
    "case_record",
    METADATA,
    Column("case_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("service_request.request_id"), nullable=False),
    Column("problem", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("solution", Text, nullable=False),
    Column("tags", String(200), nullable=False),
    Column("search", Text, nullable=False),
    Column("written_by", String(64), nullable=False),
    Column("written_at_ms", BigInteger, nullable=False),
    Index(None, "request_id"),
)
"""Cases for later reference; written without names of customers."""
