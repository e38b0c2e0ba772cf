"""The tables of homes: documents, archive errors, changes, new buildings, applications."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from sync_server.db.metadata import METADATA, running_number

HOME_DOCUMENT = Table(
    "home_document",
    METADATA,
    Column("document_id", running_number(), primary_key=True, autoincrement=True),
    Column("premises_id", String(64), ForeignKey("premises.premises_id"), nullable=False),
    Column("medium", String(10), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("reference", String(200), nullable=False),
    Column("dated_on", String(10), nullable=False),
    Column("valid_to", String(10), nullable=True),
    Column("added_by", String(64), nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Index(None, "premises_id"),
    Index(None, "kind", "valid_to"),
)
"""What lies in the file of a home: contracts, forms, invoices, cards, checks."""

ARCHIVE_ISSUE = Table(
    "archive_issue",
    METADATA,
    Column("issue_id", running_number(), primary_key=True, autoincrement=True),
    Column("premises_id", String(64), ForeignKey("premises.premises_id"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("fixed_by", String(64), nullable=True),
    Column("fixed_at_ms", BigInteger, nullable=True),
    Index(None, "premises_id"),
    Index(None, "fixed_at_ms", "kind"),
)

HOME_CHANGE = Table(
    "home_change",
    METADATA,
    Column("change_id", running_number(), primary_key=True, autoincrement=True),
    Column("premises_id", String(64), ForeignKey("premises.premises_id"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("figure", Float, nullable=True),
    Column("evidence", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("proposed_by", String(64), nullable=False),
    Column("proposed_at_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", String(64), nullable=True),
    Column("decided_at_ms", BigInteger, nullable=True),
    Index(None, "premises_id"),
    Index(None, "state"),
)
"""Areas, stopped supplies, capacities, refunds: one proposes, another one approves."""

HOME_REVIEW = Table(
    "home_review",
    METADATA,
    Column("premises_id", String(64), ForeignKey("premises.premises_id"), primary_key=True),
    Column("reviewed_by", String(64), nullable=False),
    Column("reviewed_at_ms", BigInteger, nullable=False),
)

NEW_BUILDING = Table(
    "new_building",
    METADATA,
    Column("building_id", running_number(), primary_key=True, autoincrement=True),
    Column("community_id", String(40), ForeignKey("community.community_id"), nullable=True),
    Column("name", String(200), nullable=False),
    Column("home_count", Integer, nullable=False),
    Column("season_on", String(10), nullable=False),
    Column("state", String(12), nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "state"),
)
"""Buildings that join the network and must be heated when the season begins."""

APPLICATION = Table(
    "application",
    METADATA,
    Column("request_id", String(36), ForeignKey("service_request.request_id"), primary_key=True),
    Column("told_by", String(64), nullable=False),
    Column("told_at_ms", BigInteger, nullable=False),
    Column("shown", String(400), nullable=False),
    Column("is_accepted", Boolean, nullable=True),
    Column("slip_number", String(20), nullable=True),
    Column("reason", Text, nullable=False),
    Column("alternative", Text, nullable=False),
    Column("decided_by", String(64), nullable=True),
    Column("decided_at_ms", BigInteger, nullable=True),
    Column("contract_number", String(80), nullable=False),
    Column("invoice_number", String(80), nullable=False),
    Column("initial_m3", Float, nullable=True),
    Column("card_number", String(80), nullable=False),
    Column("finished_at_ms", BigInteger, nullable=True),
)
"""An application at the window: what was told, shown, decided and handed over."""
