"""The tables of planned interruptions and of messages to customers."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

INTERRUPTION = Table(
    "interruption",
    METADATA,
    Column("interruption_id", running_number(), primary_key=True, autoincrement=True),
    Column("medium", String(10), nullable=False),
    Column("reason", String(400), nullable=False),
    Column("valves", String(1000), nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("state", String(12), nullable=False),
    Column("is_urgent", Boolean, nullable=False),
    Column("announced_at_ms", BigInteger, nullable=True),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "state", "from_ms"),
)

INTERRUPTION_HOME = Table(
    "interruption_home",
    METADATA,
    Column(
        "interruption_id",
        BigInteger,
        ForeignKey("interruption.interruption_id"),
        primary_key=True,
    ),
    Column("premises_id", String(64), ForeignKey("premises.premises_id"), primary_key=True),
    Column("why", String(12), nullable=False),
)
"""Who loses the supply: found from the network, or added by hand."""

CUSTOMER_MESSAGE = Table(
    "customer_message",
    METADATA,
    Column("message_id", running_number(), primary_key=True, autoincrement=True),
    Column("template", String(30), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("customer_id", String(64), nullable=False),
    Column("details", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at_ms", BigInteger, nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("sent_at_ms", BigInteger, nullable=True),
    Column("problem", String(400), nullable=False),
    Index(None, "state", "next_at_ms"),
    Index(None, "template", "subject", "customer_id", unique=True),
)
"""A message that waits, was sent, or cannot be. Number and text are found when it is sent, so that
an erased person is written nowhere."""

MESSAGE_CONSENT = Table(
    "message_consent",
    METADATA,
    Column("customer_id", String(64), primary_key=True),
    Column("is_allowed", Boolean, nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)
"""Whether a customer wants messages that are no duty."""
