"""Customers and their premises, the service desk, shifts: tables, clocks, working calendar."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables; put the limits of the clocks and the known calendar."""
    _make_customer()
    _make_premises()
    _make_premises_meter()
    _make_phone_call()
    _make_calendar_day()
    _make_request_group()
    _make_service_request()
    _make_request_person()
    _make_request_step()
    _make_request_note()
    _make_request_commitment()
    _make_shift_entry()
    _make_shift_handover()
    op.execute("INSERT INTO order_number (series, last_number) VALUES ('R', 0), ('G', 0)")
    _put_policies()
    _put_calendar()


def _make_customer() -> None:
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=80), nullable=False),
        sa.Column("phone_digits", sa.String(length=20), nullable=False),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("flags", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("contact_window", sa.String(length=80), nullable=False),
        sa.Column("is_confidential", sa.Boolean(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer")),
    )
    op.create_index(op.f("ix_customer_phone_digits"), "customer", ["phone_digits"], unique=False)


def _make_premises() -> None:
    op.create_table(
        "premises",
        sa.Column("premises_id", sa.String(length=64), nullable=False),
        sa.Column("community_id", sa.String(length=40), nullable=True),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("search", sa.String(length=1000), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("is_heated", sa.Boolean(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["community.community_id"],
            name=op.f("fk_premises_community_id_community"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_premises_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("premises_id", name=op.f("pk_premises")),
    )
    op.create_index(op.f("ix_premises_community_id"), "premises", ["community_id"], unique=False)
    op.create_index(op.f("ix_premises_customer_id"), "premises", ["customer_id"], unique=False)


def _make_premises_meter() -> None:
    op.create_table(
        "premises_meter",
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("premises_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"], ["meter.meter_id"], name=op.f("fk_premises_meter_meter_id_meter")
        ),
        sa.ForeignKeyConstraint(
            ["premises_id"],
            ["premises.premises_id"],
            name=op.f("fk_premises_meter_premises_id_premises"),
        ),
        sa.PrimaryKeyConstraint("meter_id", name=op.f("pk_premises_meter")),
    )
    op.create_index(
        op.f("ix_premises_meter_premises_id"), "premises_meter", ["premises_id"], unique=False
    )


def _make_phone_call() -> None:
    op.create_table(
        "phone_call",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("number_dialled", sa.String(length=40), nullable=False),
        sa.Column("caller", sa.String(length=80), nullable=False),
        sa.Column("caller_digits", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rang_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answered_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.String(length=64), nullable=True),
        sa.Column("called_back_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("called_back_by", sa.String(length=64), nullable=True),
        sa.Column("hung_up_by", sa.String(length=12), nullable=True),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_phone_call")),
    )
    op.create_index(
        op.f("ix_phone_call_state_rang_at_ms"), "phone_call", ["state", "rang_at_ms"], unique=False
    )


def _make_calendar_day() -> None:
    op.create_table(
        "calendar_day",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("is_working", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_day")),
    )


def _make_request_group() -> None:
    op.create_table(
        "request_group",
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("request_class", sa.String(length=30), nullable=False),
        sa.Column("community_id", sa.String(length=40), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["community.community_id"],
            name=op.f("fk_request_group_community_id_community"),
        ),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_request_group")),
        sa.UniqueConstraint("number", name=op.f("uq_request_group_number")),
    )
    op.create_index(
        op.f("ix_request_group_closed_at_ms_request_class"),
        "request_group",
        ["closed_at_ms", "request_class"],
        unique=False,
    )


def _what_and_where() -> "list[sa.Column[str] | sa.Column[int] | sa.Column[bool]]":
    return [
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("request_class", sa.String(length=30), nullable=False),
        sa.Column("medium", sa.String(length=10), nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("safety_class", sa.String(length=1), nullable=False),
        sa.Column("triage", sa.String(length=20), nullable=False),
        sa.Column("is_major", sa.Boolean(), nullable=False),
        sa.Column("is_media", sa.Boolean(), nullable=False),
        sa.Column("premises_id", sa.String(length=64), nullable=True),
        sa.Column("community_id", sa.String(length=40), nullable=True),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("meter_id", sa.String(length=40), nullable=True),
    ]


def _who_and_when() -> "list[sa.Column[str] | sa.Column[int] | sa.Column[bool]]":
    return [
        sa.Column("first_contact", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("group_id", sa.String(length=36), nullable=True),
        sa.Column("repeat_of", sa.String(length=36), nullable=True),
        sa.Column("duplicate_of", sa.String(length=36), nullable=True),
        sa.Column("call_id", sa.String(length=64), nullable=True),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("on_site_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("due_from_ms", sa.BigInteger(), nullable=True),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("due_clock", sa.String(length=8), nullable=True),
        sa.Column("order_steps_seen", sa.Integer(), nullable=False),
        sa.Column("is_satisfied", sa.Boolean(), nullable=True),
        sa.Column("reopen_count", sa.Integer(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
    ]


def _make_service_request() -> None:
    op.create_table(
        "service_request",
        *_what_and_where(),
        *_who_and_when(),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["community.community_id"],
            name=op.f("fk_service_request_community_id_community"),
        ),
        sa.ForeignKeyConstraint(
            ["premises_id"],
            ["premises.premises_id"],
            name=op.f("fk_service_request_premises_id_premises"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_service_request")),
        sa.UniqueConstraint("number", name=op.f("uq_service_request_number")),
    )
    op.create_index(
        op.f("ix_service_request_community_id_received_at_ms"),
        "service_request",
        ["community_id", "received_at_ms"],
        unique=False,
    )
    op.create_index(
        op.f("ix_service_request_group_id"), "service_request", ["group_id"], unique=False
    )
    op.create_index(
        op.f("ix_service_request_order_id"), "service_request", ["order_id"], unique=False
    )
    op.create_index(
        op.f("ix_service_request_premises_id_received_at_ms"),
        "service_request",
        ["premises_id", "received_at_ms"],
        unique=False,
    )
    op.create_index(
        op.f("ix_service_request_state_due_at_ms"),
        "service_request",
        ["state", "due_at_ms"],
        unique=False,
    )


def _make_request_person() -> None:
    op.create_table(
        "request_person",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=80), nullable=False),
        sa.Column("phone_digits", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["service_request.request_id"],
            name=op.f("fk_request_person_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request_person")),
    )
    op.create_index(
        op.f("ix_request_person_phone_digits"), "request_person", ["phone_digits"], unique=False
    )


def _make_request_step() -> None:
    op.create_table(
        "request_step",
        sa.Column(
            "step_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=30), nullable=False),
        sa.Column("from_state", sa.String(length=30), nullable=False),
        sa.Column("to_state", sa.String(length=30), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("happened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["service_request.request_id"],
            name=op.f("fk_request_step_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_request_step")),
    )
    op.create_index(
        op.f("ix_request_step_request_id_step_id"),
        "request_step",
        ["request_id", "step_id"],
        unique=False,
    )


def _make_request_note() -> None:
    op.create_table(
        "request_note",
        sa.Column(
            "note_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["service_request.request_id"],
            name=op.f("fk_request_note_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_request_note")),
    )
    op.create_index(
        op.f("ix_request_note_request_id_note_id"),
        "request_note",
        ["request_id", "note_id"],
        unique=False,
    )


def _make_request_commitment() -> None:
    op.create_table(
        "request_commitment",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kept_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["service_request.request_id"],
            name=op.f("fk_request_commitment_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("request_id", "code", name=op.f("pk_request_commitment")),
    )


def _make_shift_entry() -> None:
    op.create_table(
        "shift_entry",
        sa.Column(
            "entry_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("desk", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_shift_entry")),
    )
    op.create_index(
        op.f("ix_shift_entry_desk_entry_id"), "shift_entry", ["desk", "entry_id"], unique=False
    )


def _make_shift_handover() -> None:
    op.create_table(
        "shift_handover",
        sa.Column(
            "handover_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("desk", sa.String(length=20), nullable=False),
        sa.Column("from_actor", sa.String(length=64), nullable=False),
        sa.Column("offered_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("to_actor", sa.String(length=64), nullable=True),
        sa.Column("taken_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("handover_id", name=op.f("pk_shift_handover")),
    )
    op.create_index(
        op.f("ix_shift_handover_desk_handover_id"),
        "shift_handover",
        ["desk", "handover_id"],
        unique=False,
    )


_MODEL = "domain model 3"
_TABLE = "domain model 4"
_JUDGED = "judgement: three calls of one kind from one place within the hour are one matter"

_POLICIES = (
    ("sla.CL1.seconds", 15, f"{_MODEL}: three rings of 5 s (K1)"),
    ("sla.CL2", 120, f"{_MODEL}: missed by day: called back in 2 h (K2)"),
    ("sla.CL4", 1440, f"{_MODEL}: every call answered or called back in 24 h (K2)"),
    ("sla.CL5", 30, f"{_MODEL}: progress, result or solution in 30 min"),
    ("sla.CL6", 10, f"{_MODEL}: a slip is accepted in 10 min"),
    ("sla.CL6.A", 2, f"{_MODEL}: a slip of safety class A is accepted in 2 min"),
    ("sla.CL7", 30, f"{_MODEL}: reply 30 min after the work is finished"),
    ("sla.CL8", 10080, f"{_MODEL}: an unfinished matter is followed up weekly"),
    ("sla.CL9", 1440, f"{_MODEL}: written reply in media cases in 24 h"),
    ("sla.CL11.working_days", 1, f"{_MODEL}: consultation with another department"),
    ("sla.CL12", 30, f"{_MODEL}: major complaint: leader informed"),
    ("sla.CL13", 60, f"{_MODEL}: gas leak: on site in 60 min"),
    ("sla.CL14", 240, f"{_MODEL}: indoor gas fault: on site in 4 h"),
    ("sla.CL15", 60, f"{_MODEL}: heat leak: on site in 1 h"),
    ("sla.CL16", 120, f"{_MODEL}: cold room: on site with a thermometer in 2 h"),
    ("sla.CL18.working_days", 3, f"{_MODEL}: callback in 3 working days"),
    ("sla.CL23", 30, f"{_MODEL}: repeat complaint: supervisor takes over"),
    ("sla.K3.consultation.working_days", 1, _TABLE),
    ("sla.K3.complaint.working_days", 5, _TABLE),
    ("sla.K3.suggestion.working_days", 10, _TABLE),
    ("sla.K3.application.working_days", 15, _TABLE),
    ("sla.K3.meter.working_days", 10, _TABLE),
    ("desk.flood.count", 3, _JUDGED),
    ("desk.flood.minutes", 60, _JUDGED),
    ("desk.repeat.days", 30, "domain model 2.3: same premises and class within 30 days"),
)


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


_HOLIDAYS_2026 = (
    ("01-01", "01-02", "01-03"),
    tuple(f"02-{day}" for day in range(15, 24)),
    ("04-04", "04-05", "04-06"),
    tuple(f"05-{day:02d}" for day in range(1, 6)),
    ("06-19", "06-20", "06-21"),
    ("09-25", "09-26", "09-27"),
    tuple(f"10-{day:02d}" for day in range(1, 8)),
)
_WORKED_2026 = ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")
_NOTICE = (
    "public holidays of 2026 with their make-up working days; the office checks and adds years"
)


def _put_calendar() -> None:
    calendar = sa.table(
        "calendar_day",
        sa.column("day", sa.String),
        sa.column("is_working", sa.Boolean),
        sa.column("source", sa.Text),
    )
    free = [day for block in _HOLIDAYS_2026 for day in block]
    op.bulk_insert(
        calendar,
        [
            {"day": f"2026-{day}", "is_working": day in _WORKED_2026, "source": _NOTICE}
            for day in (*free, *_WORKED_2026)
        ],
    )
