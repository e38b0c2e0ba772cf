"""The tables of the staff: teams, what people can do and until when, messages for who is absent."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

TEAM = Table(
    "team",
    METADATA,
    Column("team_id", String(40), primary_key=True),
    Column("name_en", String(200), nullable=False),
    Column("name_zh", String(200), nullable=False),
    Column("aliases", Text, nullable=False),
)
"""Teams of the organisation; `aliases`: other names of the same team, one a line (rule E-01)."""

TEAM_MEMBER = Table(
    "team_member",
    METADATA,
    Column("account_id", String(36), ForeignKey("account.account_id"), primary_key=True),
    Column("team_id", String(40), ForeignKey("team.team_id"), nullable=False),
    Index(None, "team_id"),
)
"""Nobody is in two teams."""

PERSON_SKILL = Table(
    "person_skill",
    METADATA,
    Column("account_id", String(36), ForeignKey("account.account_id"), primary_key=True),
    Column("skill", String(40), primary_key=True),
    Column("certificate", String(80), nullable=False),
    Column("ends_at_ms", BigInteger, nullable=True),
    Column("noted_by", String(64), nullable=False),
    Column("noted_at_ms", BigInteger, nullable=False),
    Index(None, "skill", "ends_at_ms"),
)
"""What somebody can do: skills of the field and languages; `ends_at_ms` None: without an end."""

STAFF_MESSAGE = Table(
    "staff_message",
    METADATA,
    Column("message_id", running_number(), primary_key=True, autoincrement=True),
    Column("to_account", String(36), ForeignKey("account.account_id"), nullable=False),
    Column("taken_by", String(64), nullable=False),
    Column("caller", String(80), nullable=False),
    Column("text", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("read_at_ms", BigInteger, nullable=True),
    Index(None, "to_account", "read_at_ms"),
)
"""What callers left for somebody who was not there (rule D-07); emptied some time after it was
read, because it may name people."""
