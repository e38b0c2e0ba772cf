"""The tables of work orders, their history, their facts and the policies that govern them."""

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
    text,
)

from sync_server.db.metadata import METADATA, running_number

POLICY = Table(
    "policy",
    METADATA,
    Column("name", String(120), primary_key=True),
    Column("valid_from_ms", BigInteger, primary_key=True),
    Column("value", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("approved_by", String(80), nullable=False),
)
"""Versioned rules with their source: the row with the latest valid_from not in the future holds."""

ORDER_NUMBER = Table(
    "order_number",
    METADATA,
    Column("series", String(20), primary_key=True),
    Column("last_number", BigInteger, nullable=False),
)

WORK_ORDER = Table(
    "work_order",
    METADATA,
    Column("order_id", String(36), primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    Column("order_type", String(40), nullable=False),
    Column("medium", String(10), nullable=False),
    Column("safety_class", String(1), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("title_en", String(400), nullable=False),
    Column("title_zh", String(400), nullable=False),
    Column("address", String(400), nullable=False),
    Column("area_id", String(64)),
    Column("meter_id", String(64)),
    Column("device_serial", String(64)),
    Column("alert_id", String(36)),
    Column("crew_id", String(64)),
    Column("evidence", Text),
    Column("instructions", Text, nullable=False),
    Column("diagnosis", Text, nullable=False),
    Column("result", String(20)),
    Column("cause", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("is_done_after_cancel", Boolean, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("due_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("visit", Integer, nullable=False, server_default=text("0")),
    Column("visit_from_ms", BigInteger),
    Column("site", Text),
    Column("handover", Text),
    Column("document", Text),
    Index("ix_work_order_state", "state", "crew_id"),
    Index("ix_work_order_alert", "alert_id"),
)
"""`visit` counts how often a closed order was reopened: a finding belongs to its visit. `site` and
`handover` are JSON as tablets get it: the place when the order was made, what was half done.
`document` is the whole order as tablets were last shown it, as `published` has it of other things:
in the row that changes with it, a tap is one page of the file and not two."""

WORK_ORDER_EVENT = Table(
    "work_order_event",
    METADATA,
    Column(
        "event_id",
        running_number(),
        primary_key=True,
        autoincrement=True,
    ),
    Column("order_id", String(36), ForeignKey("work_order.order_id"), nullable=False),
    Column("event", String(30), nullable=False),
    Column("from_state", String(20), nullable=False),
    Column("to_state", String(20), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("op_id", String(36)),
    Column("crew_id", String(64)),
    Column("happened_at_ms", BigInteger, nullable=False),
    Column("recorded_at_ms", BigInteger, nullable=False),
    Column("word_ms", BigInteger),
    Index("ix_work_order_event_order", "order_id", "event_id"),
)
"""The path of every order through its life cycle, with event and recording time. Append-only, but
that what is repeated after a restore is written anew when another tablet comes (ADR 0037).
`word_ms`: of a step that was repeated after a restore, the server's last word to the tablet before
it, by the server's clock."""

FACT = Table(
    "fact",
    METADATA,
    Column("fact_id", String(64), primary_key=True),
    Column("fact_type", String(40), nullable=False),
    Column("order_id", String(64)),
    Column("is_orphan", Boolean, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("tablet_id", String(36), nullable=False),
    Column("op_id", String(36), nullable=False),
    Column("supersedes", String(64)),
    Column("payload", Text, nullable=False),
    Column("happened_at_ms", BigInteger, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("waits_for", String(20)),
    Column("visit", Integer, nullable=False, server_default=text("0")),
    Column("is_time_doubtful", Boolean),
    Column("word_ms", BigInteger),
    Column("replica_id", String(64)),
    Column("n", BigInteger),
    Index("ix_fact_order", "order_id", "fact_type"),
    Index("ix_fact_waits_for", "waits_for"),
)
"""Insert-only: a correction is a new fact that supersedes; an orphan waits for its order.
`word_ms`: when the server had last spoken to the tablet before the tap. It, the doubt and the count
of its taps (`replica_id`, `n`) are null of what came before 0044, but for valves and steps."""

ORDER_PERSON = Table(
    "order_person",
    METADATA,
    Column("order_id", String(36), ForeignKey("work_order.order_id"), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("phone", String(80), nullable=False),
    Column("note", Text, nullable=False),
    Column("appointment_at_ms", BigInteger),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("salt", String(32), nullable=False, server_default=text("''")),
)
"""Whom the crew meets: the only place of a customer's name and number, so that they can be
erased (RULINGS R7)."""
