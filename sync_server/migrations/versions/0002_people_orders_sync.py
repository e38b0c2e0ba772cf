"""The first schema of people, orders and sync, with the policies that hold from the start."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of people, work orders and sync; put in the first rows."""
    _make_admin_link()
    _make_audit_event()
    _make_audit_head()
    _make_bucket_sum()
    _make_change()
    _make_change_head()
    _make_crew()
    _make_fact()
    _make_kept_operation()
    _make_login_failure()
    _make_op_ledger()
    _make_order_number()
    _make_policy()
    _make_published()
    _make_replica()
    _make_review_item()
    _make_sync_conflict()
    _make_work_order()
    _make_account()
    _make_crew_area()
    _make_enrolment_code()
    _make_tablet()
    _make_work_order_event()
    _make_session()
    _make_tablet_account()
    _make_tablet_token()
    _put_first_rows()
    _put_policies()


def _make_admin_link() -> None:
    op.create_table(
        "admin_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_admin_link")),
    )


def _make_audit_event() -> None:
    op.create_table(
        "audit_event",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("event_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_event")),
    )


def _make_audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("head_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("event_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_audit_head")),
    )


def _make_bucket_sum() -> None:
    op.create_table(
        "bucket_sum",
        sa.Column("bucket", sa.String(length=80), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_bucket_sum")),
    )


def _make_change() -> None:
    op.create_table(
        "change",
        sa.Column("bucket", sa.String(length=80), nullable=False),
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "entity", "entity_id", name=op.f("pk_change")),
    )
    op.create_index("ix_change_bucket_seq", "change", ["bucket", "seq"], unique=False)
    op.create_index("ix_change_entity", "change", ["entity", "entity_id"], unique=False)


def _make_change_head() -> None:
    op.create_table(
        "change_head",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", name=op.f("pk_change_head")),
    )


def _make_crew() -> None:
    op.create_table(
        "crew",
        sa.Column("crew_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("crew_id", name=op.f("pk_crew")),
    )


def _make_fact() -> None:
    op.create_table(
        "fact",
        sa.Column("fact_id", sa.String(length=64), nullable=False),
        sa.Column("fact_type", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("is_orphan", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("tablet_id", sa.String(length=36), nullable=False),
        sa.Column("op_id", sa.String(length=36), nullable=False),
        sa.Column("supersedes", sa.String(length=64), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("happened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_fact")),
    )
    op.create_index("ix_fact_order", "fact", ["order_id", "fact_type"], unique=False)


def _make_kept_operation() -> None:
    op.create_table(
        "kept_operation",
        sa.Column("op_id", sa.String(length=36), nullable=False),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("op_id", "payload_hash", name=op.f("pk_kept_operation")),
    )


def _make_login_failure() -> None:
    op.create_table(
        "login_failure",
        sa.Column(
            "failure_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("failure_id", name=op.f("pk_login_failure")),
    )
    op.create_index(
        "ix_login_failure_key", "login_failure", ["scope", "key_hash", "at_ms"], unique=False
    )


def _make_op_ledger() -> None:
    op.create_table(
        "op_ledger",
        sa.Column("op_id", sa.String(length=36), nullable=False),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.Column("tablet_id", sa.String(length=36), nullable=False),
        sa.Column("replica_id", sa.String(length=64), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("happened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_clock_suspect", sa.Boolean(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("op_id", name=op.f("pk_op_ledger")),
    )
    op.create_index("ix_op_ledger_replica_n", "op_ledger", ["replica_id", "n"], unique=False)


def _make_order_number() -> None:
    op.create_table(
        "order_number",
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_order_number")),
    )


def _make_policy() -> None:
    op.create_table(
        "policy",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("valid_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("name", "valid_from_ms", name=op.f("pk_policy")),
    )


def _make_published() -> None:
    op.create_table(
        "published",
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "entity_id", name=op.f("pk_published")),
    )


def _make_replica() -> None:
    op.create_table(
        "replica",
        sa.Column("replica_id", sa.String(length=64), nullable=False),
        sa.Column("tablet_id", sa.String(length=36), nullable=False),
        sa.Column("first_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_n", sa.BigInteger(), nullable=False),
        sa.Column("retired_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("replica_id", name=op.f("pk_replica")),
    )


def _make_review_item() -> None:
    op.create_table(
        "review_item",
        sa.Column("review_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("op_id", sa.String(length=36), nullable=True),
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("owner_role", sa.String(length=40), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.String(length=80), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_review_item")),
    )
    op.create_index("ix_review_item_entity", "review_item", ["entity", "entity_id"], unique=False)
    op.create_index(
        "ix_review_item_open", "review_item", ["resolved_at_ms", "due_at_ms"], unique=False
    )


def _make_sync_conflict() -> None:
    op.create_table(
        "sync_conflict",
        sa.Column("op_id", sa.String(length=36), nullable=False),
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("seen_value", sa.Text(), nullable=False),
        sa.Column("office_value", sa.Text(), nullable=False),
        sa.Column("crew_value", sa.Text(), nullable=False),
        sa.Column("kept", sa.String(length=10), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("op_id", name=op.f("pk_sync_conflict")),
    )


def _make_work_order() -> None:
    op.create_table(
        "work_order",
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("order_type", sa.String(length=40), nullable=False),
        sa.Column("medium", sa.String(length=10), nullable=False),
        sa.Column("safety_class", sa.String(length=1), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("title_en", sa.String(length=400), nullable=False),
        sa.Column("title_zh", sa.String(length=400), nullable=False),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("area_id", sa.String(length=64), nullable=True),
        sa.Column("meter_id", sa.String(length=64), nullable=True),
        sa.Column("device_serial", sa.String(length=64), nullable=True),
        sa.Column("alert_id", sa.String(length=36), nullable=True),
        sa.Column("crew_id", sa.String(length=64), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("diagnosis", sa.Text(), nullable=False),
        sa.Column("result", sa.String(length=20), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_done_after_cancel", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_work_order")),
        sa.UniqueConstraint("number", name=op.f("uq_work_order_number")),
    )
    op.create_index("ix_work_order_alert", "work_order", ["alert_id"], unique=False)
    op.create_index("ix_work_order_state", "work_order", ["state", "crew_id"], unique=False)


def _make_account() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("crew_id", sa.String(length=64), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["crew_id"], ["crew.crew_id"], name=op.f("fk_account_crew_id_crew")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
    )


def _make_crew_area() -> None:
    op.create_table(
        "crew_area",
        sa.Column("crew_id", sa.String(length=64), nullable=False),
        sa.Column("area_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["crew_id"], ["crew.crew_id"], name=op.f("fk_crew_area_crew_id_crew")
        ),
        sa.PrimaryKeyConstraint("crew_id", "area_id", name=op.f("pk_crew_area")),
    )


def _make_enrolment_code() -> None:
    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("crew_id", sa.String(length=64), nullable=False),
        sa.Column("issued_by", sa.String(length=80), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["crew_id"], ["crew.crew_id"], name=op.f("fk_enrolment_code_crew_id_crew")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrolment_code")),
    )


def _make_tablet() -> None:
    op.create_table(
        "tablet",
        sa.Column("tablet_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("crew_id", sa.String(length=64), nullable=False),
        sa.Column("enrolled_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["crew_id"], ["crew.crew_id"], name=op.f("fk_tablet_crew_id_crew")),
        sa.PrimaryKeyConstraint("tablet_id", name=op.f("pk_tablet")),
    )


def _make_work_order_event() -> None:
    op.create_table(
        "work_order_event",
        sa.Column(
            "event_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=30), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=False),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("op_id", sa.String(length=36), nullable=True),
        sa.Column("crew_id", sa.String(length=64), nullable=True),
        sa.Column("happened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["work_order.order_id"],
            name=op.f("fk_work_order_event_order_id_work_order"),
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_work_order_event")),
    )
    op.create_index(
        "ix_work_order_event_order", "work_order_event", ["order_id", "event_id"], unique=False
    )


def _make_session() -> None:
    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_session_account_id_account")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
    )
    op.create_index("ix_session_account", "session", ["account_id"], unique=False)


def _make_tablet_account() -> None:
    op.create_table(
        "tablet_account",
        sa.Column("tablet_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("from_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.account_id"],
            name=op.f("fk_tablet_account_account_id_account"),
        ),
        sa.ForeignKeyConstraint(
            ["tablet_id"], ["tablet.tablet_id"], name=op.f("fk_tablet_account_tablet_id_tablet")
        ),
        sa.PrimaryKeyConstraint("tablet_id", "account_id", name=op.f("pk_tablet_account")),
    )


def _make_tablet_token() -> None:
    op.create_table(
        "tablet_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("tablet_id", sa.String(length=36), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tablet_id"], ["tablet.tablet_id"], name=op.f("fk_tablet_token_tablet_id_tablet")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_tablet_token")),
    )
    op.create_index("ix_tablet_token_tablet", "tablet_token", ["tablet_id"], unique=False)


def _put_first_rows() -> None:
    op.execute("INSERT INTO change_head (shard, seq, horizon) VALUES (1, 0, 0)")
    op.execute(
        sa.text(
            "INSERT INTO audit_head (head_id, position, event_hash) VALUES (1, 0, :genesis)"
        ).bindparams(genesis="0" * 64)
    )
    op.execute("INSERT INTO order_number (series, last_number) VALUES ('WO', 0)")


_LEAK_A = "domain model 3: CL13 gas leak, CL15 heat leak: on site within 60 min"
_FAULT = "domain model 3: CL14 indoor gas fault: on site within 4 h"
_WATER = "detection notes 3: customers told of a leak within 3 days"
_DISPUTE = "domain model 4: meter dispute: on site within 5 working days, counted as 7 days"
_CHECK = "domain model 3: CL21 suspicion: meter checked in 10 working days, counted as 14 days"
_REVIEW = "judgement: a crew's refused work is looked at within the shift, a danger within the hour"

_POLICIES = (
    ("order.due_minutes.leak_check.A", "60", _LEAK_A),
    ("order.due_minutes.leak_check.B", "240", _FAULT),
    ("order.due_minutes.leak_check.C", "4320", _WATER),
    ("order.due_minutes.meter_check.A", "60", _LEAK_A),
    ("order.due_minutes.meter_check.B", "10080", _DISPUTE),
    ("order.due_minutes.meter_check.C", "20160", _CHECK),
    ("order.due_minutes.comm_check.A", "60", _LEAK_A),
    ("order.due_minutes.comm_check.B", "10080", _DISPUTE),
    ("order.due_minutes.comm_check.C", "20160", _CHECK),
    ("auto_order.most_false_alarms_per_1000_md", "0.3", "RULINGS R8; detection notes 3: EEMUA 191"),
    ("review.due_minutes.done_after_cancel", "60", _REVIEW),
    ("review.due_minutes.cloned_store", "240", _REVIEW),
    ("review.due_minutes.op_id_reuse", "240", _REVIEW),
    ("review.due_minutes.refused", "480", _REVIEW),
    ("review.due_minutes.conflict", "1440", _REVIEW),
    ("review.due_minutes.merged", "1440", _REVIEW),
    ("review.due_minutes.orphan_fact", "1440", _REVIEW),
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
                "value": value,
                "source": source,
                "approved_by": "product default",
            }
            for name, value, source in _POLICIES
        ],
    )
