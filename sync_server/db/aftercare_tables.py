"""The tables of visits, callbacks, opinions, surveys and quality checks."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

VISIT = Table(
    "visit",
    METADATA,
    Column("visit_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("service_request.request_id"), nullable=False),
    Column("day", String(10), nullable=False),
    Column("slot", String(11), nullable=False),
    Column("state", String(12), nullable=False),
    Column("prepared", String(200), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("result", Text, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "request_id"),
    Index(None, "day", "slot"),
)
"""An agreed visit: which two hours of which day, what the customer was told to have ready."""

CALLBACK = Table(
    "callback",
    METADATA,
    Column("callback_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("service_request.request_id"), nullable=False),
    Column("is_reached", Boolean, nullable=False),
    Column("is_finished", Boolean, nullable=True),
    Column("is_kept", Boolean, nullable=True),
    Column("score", Integer, nullable=True),
    Column("opinion", Text, nullable=False),
    Column("called_by", String(64), nullable=False),
    Column("called_at_ms", BigInteger, nullable=False),
    Index(None, "request_id"),
    Index(None, "called_at_ms"),
)
"""One attempt to call a customer back, with the four answers when somebody was reached."""

OPINION = Table(
    "opinion",
    METADATA,
    Column("opinion_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("service_request.request_id"), nullable=False),
    Column("source", String(12), nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("department", String(100), nullable=False),
    Column("response", Text, nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "request_id", "source", unique=True),
    Index(None, "state"),
)
"""What customers suggest or criticise, until it is adopted or declined."""

SURVEY = Table(
    "survey",
    METADATA,
    Column("survey_id", running_number(), primary_key=True, autoincrement=True),
    Column("name", String(200), nullable=False),
    Column("until_on", String(10), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("closed_at_ms", BigInteger, nullable=True),
)

SURVEY_HOME = Table(
    "survey_home",
    METADATA,
    Column("survey_id", BigInteger, ForeignKey("survey.survey_id"), primary_key=True),
    Column("premises_id", String(64), ForeignKey("premises.premises_id"), primary_key=True),
    Column("score", Integer, nullable=True),
    Column("remark", Text, nullable=False),
    Column("asked_by", String(64), nullable=True),
    Column("asked_at_ms", BigInteger, nullable=True),
)
"""The sample of a survey; a home that did not want to answer has been asked and has no score."""

QUALITY_CHECK = Table(
    "quality_check",
    METADATA,
    Column("request_id", String(36), ForeignKey("service_request.request_id"), primary_key=True),
    Column("account_id", String(64), nullable=False),
    Column("kept", String(400), nullable=False),
    Column("score", Integer, nullable=False),
    Column("remark", Text, nullable=False),
    Column("checked_by", String(64), nullable=False),
    Column("checked_at_ms", BigInteger, nullable=False),
    Index(None, "account_id", "checked_at_ms"),
)
"""A contact that was listened to or read again, with what of the checklist was kept."""
