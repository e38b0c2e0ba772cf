"""Teams, skills, the hall's queue, sales, states of the network's parts, recordings, drafts."""

import sqlalchemy as sa
from alembic import op

from sync_server.migrations.columns import (
    count,
    index,
    key,
    leads_to,
    long_text,
    number,
    put_policies,
    text,
    time,
    truth,
)

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make the tables; the three teams are those of the gas company of rule E-01."""
    _make_staff()
    _make_messages()
    _make_hall()
    _make_sales()
    _make_cash()
    _make_plant()
    _make_recordings()
    _put_rows()


def _number_or_none(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), nullable=True)


def _make_staff() -> None:
    op.create_table(
        "team",
        text("team_id", 40),
        text("name_en", 200),
        text("name_zh", 200),
        long_text("aliases"),
        key("team", "team_id"),
    )
    op.create_table(
        "team_member",
        text("account_id", 36),
        text("team_id", 40),
        leads_to("team_member", "account_id", "account"),
        leads_to("team_member", "team_id", "team"),
        key("team_member", "account_id"),
    )
    index("team_member", "team_id")
    op.create_table(
        "person_skill",
        text("account_id", 36),
        text("skill", 40),
        text("certificate", 80),
        time("ends_at_ms", is_nullable=True),
        text("noted_by", 64),
        time("noted_at_ms"),
        leads_to("person_skill", "account_id", "account"),
        key("person_skill", "account_id", "skill"),
    )
    index("person_skill", "skill", "ends_at_ms")


def _make_messages() -> None:
    op.create_table(
        "staff_message",
        number("message_id"),
        text("to_account", 36),
        text("taken_by", 64),
        text("caller", 80),
        long_text("text"),
        time("at_ms"),
        time("read_at_ms", is_nullable=True),
        sa.ForeignKeyConstraint(
            ["to_account"], ["account.account_id"], name=op.f("fk_staff_message_to_account_account")
        ),
        key("staff_message", "message_id"),
    )
    index("staff_message", "to_account", "read_at_ms")


def _make_hall() -> None:
    op.create_table(
        "hall_visit",
        number("hall_visit_id"),
        text("day", 10),
        count("number"),
        text("need", 30),
        truth("is_first"),
        _number_or_none("counter"),
        text("state", 12),
        time("came_at_ms"),
        time("called_at_ms", is_nullable=True),
        text("called_by", 64, is_nullable=True),
        time("ended_at_ms", is_nullable=True),
        key("hall_visit", "hall_visit_id"),
    )
    index("hall_visit", "day", "number", is_unique=True)
    index("hall_visit", "day", "state")


def _make_sales() -> None:
    op.create_table(
        "sale",
        text("sale_id", 64),
        text("day", 10),
        text("medium", 8),
        text("customer_class", 20),
        text("premises_id", 64, is_nullable=True),
        sa.Column("volume_m3", sa.Float(), nullable=False),
        time("amount_cents"),
        text("paid_by", 12),
        text("seller", 80),
        key("sale", "sale_id"),
    )
    index("sale", "day", "customer_class")
    op.create_table(
        "bill",
        text("bill_id", 64),
        text("month", 7),
        text("medium", 8),
        text("customer_class", 20),
        text("premises_id", 64, is_nullable=True),
        time("amount_cents"),
        time("paid_cents"),
        text("paid_on", 10, is_nullable=True),
        key("bill", "bill_id"),
    )
    index("bill", "month", "customer_class")


def _make_cash() -> None:
    op.create_table(
        "cash_day",
        text("day", 10),
        text("account_id", 36),
        time("counted_cents"),
        time("sold_cents"),
        text("reason", 400),
        time("closed_at_ms"),
        text("bank_slip", 80),
        time("banked_at_ms", is_nullable=True),
        text("banked_by", 64, is_nullable=True),
        leads_to("cash_day", "account_id", "account"),
        key("cash_day", "day", "account_id"),
    )
    index("cash_day", "banked_at_ms")


def _make_plant() -> None:
    op.create_table(
        "plant",
        text("plant_id", 64),
        text("state", 12),
        _number_or_none("severity"),
        text("order_id", 36, is_nullable=True),
        time("changed_at_ms"),
        key("plant", "plant_id"),
    )
    index("plant", "state")
    op.create_table(
        "plant_event",
        number("event_id"),
        text("plant_id", 64),
        text("event", 12),
        text("to_state", 12),
        text("actor", 64),
        long_text("text"),
        time("at_ms"),
        key("plant_event", "event_id"),
    )
    index("plant_event", "plant_id", "event_id")


def _make_recordings() -> None:
    op.create_table(
        "call_recording",
        text("call_id", 64),
        text("reference", 400),
        time("told_at_ms"),
        time("forgotten_at_ms", is_nullable=True),
        leads_to("call_recording", "call_id", "phone_call"),
        key("call_recording", "call_id"),
    )
    index("call_recording", "forgotten_at_ms", "told_at_ms")
    op.create_table(
        "import_draft",
        text("draft_id", 36),
        text("kind", 20),
        text("file_name", 200),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        text("made_by", 64),
        time("made_at_ms"),
        key("import_draft", "draft_id"),
    )
    index("import_draft", "made_at_ms")


def _put_rows() -> None:
    team = sa.table(
        "team",
        sa.column("team_id", sa.String),
        sa.column("name_en", sa.String),
        sa.column("name_zh", sa.String),
        sa.column("aliases", sa.Text),
    )
    op.bulk_insert(
        team,
        [
            {"team_id": each[0], "name_en": each[1], "name_zh": each[2], "aliases": each[3]}
            for each in (
                ("service", "Service team", "客服班", "收费班\ncharging team"),
                ("patrol", "Patrol team", "巡线班", "巡检班"),
                ("repair", "Connection and repair team", "通气维修班", "维修班"),
            )
        ],
    )
    put_policies(
        [
            ("approval.close.complaint", 0, "A-37: 0 nobody, 1 leader, 2 quality, 3 director"),
            ("approval.decline.application", 0, "A-37: 0 nobody, 1 leader, 2 quality, 3 director"),
            ("certificate.warn.days", 60, "A-44; proposal, the sources print no figure"),
            ("retention.recordings.days", 180, "domain model 5, privacy rule 6"),
            ("retention.recordings.own.days", 7, "domain model 5: agents hear their own, 7 days"),
            ("retention.staff_messages.days", 90, "proposal: a message may name people"),
            ("target.collection.percent", 95, "E-06 wants a target and prints none; proposal"),
            ("target.reading.percent", 98, "E-06 wants a target and prints none; proposal"),
        ]
    )
