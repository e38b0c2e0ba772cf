"""The tables of people, sessions, tablets and the audit chain; secrets are kept as hashes only."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from sync_server.db.metadata import METADATA, running_number

CREW = Table(
    "crew",
    METADATA,
    Column("crew_id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

CREW_AREA = Table(
    "crew_area",
    METADATA,
    Column("crew_id", String(64), ForeignKey("crew.crew_id"), primary_key=True),
    Column("area_id", String(64), primary_key=True),
)
"""Areas whose unassigned orders a crew may take."""

ACCOUNT = Table(
    "account",
    METADATA,
    Column("account_id", String(36), primary_key=True),
    Column("login", String(80), nullable=False, unique=True),
    Column("display_name", String(200), nullable=False),
    Column("role", String(40), nullable=False),
    Column("language", String(20), nullable=False),
    Column("crew_id", String(64), ForeignKey("crew.crew_id")),
    Column("password_hash", String(200), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

SESSION = Table(
    "session",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", String(36), ForeignKey("account.account_id"), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("ended_at_ms", BigInteger),
    Column("proved_at_ms", BigInteger),
    Index("ix_session_account", "account_id"),
)
"""`proved_at_ms`: when a second factor was shown; none yet where it is empty."""

SECOND_FACTOR = Table(
    "second_factor",
    METADATA,
    Column("account_id", String(36), ForeignKey("account.account_id"), primary_key=True),
    Column("secret", String(64), nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("confirmed_at_ms", BigInteger),
)
"""The one secret that cannot be kept as a hash: codes are computed from it."""

RECOVERY_CODE = Table(
    "recovery_code",
    METADATA,
    Column("code_hash", String(64), primary_key=True),
    Column("account_id", String(36), ForeignKey("account.account_id"), nullable=False),
    Index("ix_recovery_code_account_id", "account_id"),
)

KNOWN_BROWSER = Table(
    "known_browser",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", String(36), ForeignKey("account.account_id"), nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Index("ix_known_browser_account_id", "account_id"),
)

LOGIN_FAILURE = Table(
    "login_failure",
    METADATA,
    Column(
        "failure_id",
        running_number(),
        primary_key=True,
        autoincrement=True,
    ),
    Column("scope", String(20), nullable=False),
    Column("key_hash", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_login_failure_key", "scope", "key_hash", "at_ms"),
)

TABLET = Table(
    "tablet",
    METADATA,
    Column("tablet_id", String(36), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("crew_id", String(64), ForeignKey("crew.crew_id"), nullable=False),
    Column("enrolled_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger),
    Column("revoked_at_ms", BigInteger),
    Column("revoked_by", String(80)),
    Column("former_tablet_id", String(36)),
)
"""`former_tablet_id`: the same device under its enrolment before."""

TABLET_TOKEN = Table(
    "tablet_token",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("tablet_id", String(36), ForeignKey("tablet.tablet_id"), nullable=False),
    Column("issued_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("ix_tablet_token_tablet", "tablet_id"),
)

TABLET_ACCOUNT = Table(
    "tablet_account",
    METADATA,
    Column("tablet_id", String(36), ForeignKey("tablet.tablet_id"), primary_key=True),
    Column("account_id", String(36), ForeignKey("account.account_id"), primary_key=True),
    Column("from_at_ms", BigInteger, nullable=False),
    Column("until_at_ms", BigInteger),
)
"""Who may or once might work on a tablet: work stamped then is still that person's work."""

ENROLMENT_CODE = Table(
    "enrolment_code",
    METADATA,
    Column("code_hash", String(64), primary_key=True),
    Column("crew_id", String(64), ForeignKey("crew.crew_id"), nullable=False),
    Column("issued_by", String(80), nullable=False),
    Column("issued_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger),
)

ADMIN_LINK = Table(
    "admin_link",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("issued_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("ended_at_ms", BigInteger),
)

AUDIT_EVENT = Table(
    "audit_event",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("event_hash", String(64), nullable=False),
)
"""Append-only; holds ids and hashes, never a person's data (RULINGS R7)."""

AUDIT_HEAD = Table(
    "audit_head",
    METADATA,
    Column("head_id", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("event_hash", String(64), nullable=False),
)
"""One row: the end of the chain, locked by whoever appends."""
