"""The tables of the service desk: calls, requests with their path, groups, the working calendar."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from sync_server.db.metadata import METADATA, running_number

SERVICE_REQUEST = Table(
    "service_request",
    METADATA,
    Column("request_id", String(36), primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("request_class", String(30), nullable=False),
    Column("medium", String(10), nullable=True),
    Column("channel", String(20), nullable=False),
    Column("state", String(30), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("safety_class", String(1), nullable=False),
    Column("triage", String(20), nullable=False),
    Column("is_major", Boolean, nullable=False),
    Column("is_media", Boolean, nullable=False),
    Column("premises_id", String(64), ForeignKey("premises.premises_id"), nullable=True),
    Column("community_id", String(40), ForeignKey("community.community_id"), nullable=True),
    Column("address", String(400), nullable=False),
    Column("meter_id", String(40), nullable=True),
    Column("first_contact", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("team", String(64), nullable=True),
    Column("order_id", String(36), nullable=True),
    Column("group_id", String(36), nullable=True),
    Column("repeat_of", String(36), nullable=True),
    Column("duplicate_of", String(36), nullable=True),
    Column("call_id", String(64), nullable=True),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("recorded_at_ms", BigInteger, nullable=False),
    Column("on_site_at_ms", BigInteger, nullable=True),
    Column("due_from_ms", BigInteger, nullable=True),
    Column("due_at_ms", BigInteger, nullable=True),
    Column("due_clock", String(8), nullable=True),
    Column("sort_ms", BigInteger, nullable=True),
    Column("order_steps_seen", Integer, nullable=False),
    Column("is_satisfied", Boolean, nullable=True),
    Column("reopen_count", Integer, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "state", "due_at_ms"),
    Index(None, "sort_ms", "request_id"),
    Index(None, "state", "sort_ms", "request_id"),
    Index(None, "premises_id", "received_at_ms"),
    Index(None, "community_id", "received_at_ms"),
    Index(None, "order_id"),
    Index(None, "group_id"),
)
"""What a caller wants. Who called and in which words is in `request_person`, so that it can be
erased; `due_at_ms` is the next clock that runs, `sort_ms` the place in the list of what is open,
null when it is not: kept so that lists page along an index."""

REQUEST_PERSON = Table(
    "request_person",
    METADATA,
    Column("request_id", String(36), ForeignKey("service_request.request_id"), primary_key=True),
    Column("customer_id", String(64), nullable=True),
    Column("name", String(200), nullable=False),
    Column("phone", String(80), nullable=False),
    Column("phone_digits", String(20), nullable=False),
    Column("words", Text, nullable=False),
    Index(None, "phone_digits"),
)
"""Personal data of a request: gone when the person is erased (RULINGS R7)."""

REQUEST_STEP = Table(
    "request_step",
    METADATA,
    Column("step_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("service_request.request_id"), nullable=False),
    Column("event", String(30), nullable=False),
    Column("from_state", String(30), nullable=False),
    Column("to_state", String(30), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("happened_at_ms", BigInteger, nullable=False),
    Column("recorded_at_ms", BigInteger, nullable=False),
    Index(None, "request_id", "step_id"),
)
"""Append-only: the path of every request, with event and recording time."""

REQUEST_NOTE = Table(
    "request_note",
    METADATA,
    Column("note_id", running_number(), primary_key=True, autoincrement=True),
    Column("request_id", String(36), ForeignKey("service_request.request_id"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("text", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "request_id", "note_id"),
)
"""What people wrote: progress, result, reply, what the customer said when called back."""

REQUEST_COMMITMENT = Table(
    "request_commitment",
    METADATA,
    Column("request_id", String(36), ForeignKey("service_request.request_id"), primary_key=True),
    Column("code", String(30), primary_key=True),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("kept_at_ms", BigInteger, nullable=True),
)

REQUEST_GROUP = Table(
    "request_group",
    METADATA,
    Column("group_id", String(36), primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("request_class", String(30), nullable=False),
    Column("community_id", String(40), ForeignKey("community.community_id"), nullable=True),
    Column("order_id", String(36), nullable=True),
    Column("opened_by", String(64), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("closed_at_ms", BigInteger, nullable=True),
    Index(None, "closed_at_ms", "request_class"),
)
"""Calls about the same matter: one order for all of them, each answered by itself."""

PHONE_CALL = Table(
    "phone_call",
    METADATA,
    Column("call_id", String(64), primary_key=True),
    Column("number_dialled", String(40), nullable=False),
    Column("caller", String(80), nullable=False),
    Column("caller_digits", String(20), nullable=False),
    Column("state", String(12), nullable=False),
    Column("rang_at_ms", BigInteger, nullable=False),
    Column("answered_at_ms", BigInteger, nullable=True),
    Column("ended_at_ms", BigInteger, nullable=True),
    Column("answered_by", String(64), nullable=True),
    Column("called_back_at_ms", BigInteger, nullable=True),
    Column("called_back_by", String(64), nullable=True),
    Column("hung_up_by", String(12), nullable=True),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "state", "rang_at_ms"),
)

CALENDAR_DAY = Table(
    "calendar_day",
    METADATA,
    Column("day", String(10), primary_key=True),
    Column("is_working", Boolean, nullable=False),
    Column("source", Text, nullable=False),
)
"""Days that differ from their weekday: public holidays, and weekends worked instead."""
