"""The first schema of the data side: assets, readings, alerts, feed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of assets, readings, alerts and the feed."""
    _make_community()
    _make_feed()
    _make_frame_clone()
    _make_frame_epoch()
    _make_frame_gap()
    _make_frame_ledger()
    _make_gateway()
    _make_meter_event()
    _make_quality_event()
    _make_quarantine()
    _make_reading()
    _make_reading_conflict()
    _make_reading_correction()
    _make_reading_hourly()
    _make_reading_latest()
    _make_server_state()
    _make_meter()
    _make_alert()
    _make_device_meter()
    _make_alert_event()


def _make_community() -> None:
    op.create_table(
        "community",
        sa.Column("community_id", sa.String(length=40), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("area_id", sa.String(length=40), nullable=False),
        sa.Column("x_m", sa.Float(), nullable=True),
        sa.Column("y_m", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_community")),
    )


def _make_feed() -> None:
    op.create_table(
        "feed",
        sa.Column(
            "feed_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("topic", sa.String(length=20), nullable=False),
        sa.Column("ref_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_feed")),
        sqlite_autoincrement=True,
    )


def _make_frame_clone() -> None:
    op.create_table(
        "frame_clone",
        sa.Column("gateway_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("payload_hash", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "gateway_id", "epoch", "seq", "payload_hash", name=op.f("pk_frame_clone")
        ),
    )


def _make_frame_epoch() -> None:
    op.create_table(
        "frame_epoch",
        sa.Column("gateway_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("ranges", sa.Text(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "epoch", name=op.f("pk_frame_epoch")),
        sqlite_with_rowid=False,
    )


def _make_frame_gap() -> None:
    op.create_table(
        "frame_gap",
        sa.Column("gateway_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("lost_count", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "epoch", "seq", name=op.f("pk_frame_gap")),
    )


def _make_frame_ledger() -> None:
    op.create_table(
        "frame_ledger",
        sa.Column("gateway_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("payload_hash", sa.BigInteger(), nullable=False),
        sa.Column("refused_code", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("gateway_id", "epoch", "seq", name=op.f("pk_frame_ledger")),
        sqlite_with_rowid=False,
    )


def _make_gateway() -> None:
    op.create_table(
        "gateway",
        sa.Column("gateway_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_allowed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", name=op.f("pk_gateway")),
    )


def _make_meter_event() -> None:
    op.create_table(
        "meter_event",
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("measured_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("meter_id", "measured_at_ms", "event", name=op.f("pk_meter_event")),
    )


def _make_quality_event() -> None:
    op.create_table(
        "quality_event",
        sa.Column(
            "event_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("gateway_id", sa.String(length=32), nullable=True),
        sa.Column("meter_id", sa.String(length=40), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_quality_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_quality_event_at_ms"), "quality_event", ["at_ms"], unique=False)


def _make_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column(
            "quarantine_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("gateway_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("payload_hash", sa.BigInteger(), nullable=False),
        sa.Column("device_serial", sa.String(length=64), nullable=True),
        sa.Column("measured_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_count", sa.BigInteger(), nullable=False),
        sa.Column("adopted_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_quarantine_device_serial"), "quarantine", ["device_serial"], unique=False
    )
    op.create_index(
        op.f("ix_quarantine_gateway_id_epoch_seq_payload_hash"),
        "quarantine",
        ["gateway_id", "epoch", "seq", "payload_hash"],
        unique=True,
    )


def _make_reading() -> None:
    op.create_table(
        "reading",
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("measured_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("volume_m3", sa.Float(), nullable=True),
        sa.Column("volume_reverse_m3", sa.Float(), nullable=True),
        sa.Column("volume_actual_m3", sa.Float(), nullable=True),
        sa.Column("volume_base_m3", sa.Float(), nullable=True),
        sa.Column("flow_m3h", sa.Float(), nullable=True),
        sa.Column("flow_actual_m3h", sa.Float(), nullable=True),
        sa.Column("flow_base_m3h", sa.Float(), nullable=True),
        sa.Column("energy_kwh", sa.Float(), nullable=True),
        sa.Column("energy_cold_kwh", sa.Float(), nullable=True),
        sa.Column("power_kw", sa.Float(), nullable=True),
        sa.Column("supply_temp_degc", sa.Float(), nullable=True),
        sa.Column("return_temp_degc", sa.Float(), nullable=True),
        sa.Column("temp_diff_k", sa.Float(), nullable=True),
        sa.Column("temperature_degc", sa.Float(), nullable=True),
        sa.Column("pressure_bara", sa.Float(), nullable=True),
        sa.Column("pressure_barg", sa.Float(), nullable=True),
        sa.Column("mass_kg", sa.Float(), nullable=True),
        sa.Column("mass_flow_kgh", sa.Float(), nullable=True),
        sa.Column("gas_lel_pct", sa.Float(), nullable=True),
        sa.Column("signal_quality_pct", sa.Float(), nullable=True),
        sa.Column("quality", sa.Text(), nullable=True),
        sa.Column("profile", sa.String(length=80), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("older_revisions", sa.Text(), nullable=True),
        sa.Column("time_quality", sa.String(length=16), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("meter_id", "measured_at_ms", name=op.f("pk_reading")),
        sqlite_with_rowid=False,
    )


def _make_reading_conflict() -> None:
    op.create_table(
        "reading_conflict",
        sa.Column("gateway_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("payload_hash", sa.BigInteger(), nullable=False),
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("measured_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "gateway_id", "epoch", "seq", "payload_hash", name=op.f("pk_reading_conflict")
        ),
    )


def _make_reading_correction() -> None:
    op.create_table(
        "reading_correction",
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("measured_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("quality", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint(
            "meter_id", "measured_at_ms", "quantity", "revision", name=op.f("pk_reading_correction")
        ),
    )


def _make_reading_hourly() -> None:
    op.create_table(
        "reading_hourly",
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("hour_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.String(length=20), nullable=True),
        sa.Column("first_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("first_m3", sa.Float(), nullable=True),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_m3", sa.Float(), nullable=True),
        sa.Column("flow_min_m3h", sa.Float(), nullable=True),
        sa.Column("flow_max_m3h", sa.Float(), nullable=True),
        sa.Column("reading_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("meter_id", "hour_at_ms", name=op.f("pk_reading_hourly")),
        sqlite_with_rowid=False,
    )


def _make_reading_latest() -> None:
    op.create_table(
        "reading_latest",
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("measured_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("valued_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("gateway_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("meter_id", name=op.f("pk_reading_latest")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_reading_latest_gateway_id"), "reading_latest", ["gateway_id"], unique=False
    )


def _make_server_state() -> None:
    op.create_table(
        "server_state",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server_state")),
    )


def _make_meter() -> None:
    op.create_table(
        "meter",
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("medium", sa.String(length=8), nullable=False),
        sa.Column("meter_class", sa.String(length=20), nullable=False),
        sa.Column("size", sa.String(length=20), nullable=False),
        sa.Column("community_id", sa.String(length=40), nullable=True),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("interval_s", sa.BigInteger(), nullable=False),
        sa.Column("is_mains_powered", sa.Boolean(), nullable=False),
        sa.Column("x_m", sa.Float(), nullable=True),
        sa.Column("y_m", sa.Float(), nullable=True),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["community.community_id"],
            name=op.f("fk_meter_community_id_community"),
        ),
        sa.PrimaryKeyConstraint("meter_id", name=op.f("pk_meter")),
    )
    op.create_index(op.f("ix_meter_community_id"), "meter", ["community_id"], unique=False)


def _make_alert() -> None:
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("medium", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("family", sa.String(length=12), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("condition", sa.String(length=24), nullable=False),
        sa.Column("visibility", sa.String(length=24), nullable=False),
        sa.Column("disposition", sa.String(length=12), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("detected_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("raised_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("returned_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("shelved_until_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("shelved_by", sa.String(length=64), nullable=True),
        sa.Column("shelve_reason", sa.String(length=400), nullable=True),
        sa.Column("work_order_id", sa.String(length=36), nullable=True),
        sa.Column("finding_result", sa.String(length=12), nullable=True),
        sa.Column("finding_has_evidence", sa.Boolean(), nullable=True),
        sa.Column("finding_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("label", sa.String(length=12), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"], ["meter.meter_id"], name=op.f("fk_alert_meter_id_meter")
        ),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert")),
    )
    op.create_index(
        op.f("ix_alert_meter_id_raised_at_ms"), "alert", ["meter_id", "raised_at_ms"], unique=False
    )
    op.create_index(op.f("ix_alert_raised_at_ms"), "alert", ["raised_at_ms"], unique=False)
    op.create_index(
        "uq_alert_open_meter_family",
        "alert",
        ["meter_id", "family"],
        unique=True,
        sqlite_where=sa.text("condition <> 'normal'"),
        postgresql_where=sa.text("condition <> 'normal'"),
    )


def _make_device_meter() -> None:
    op.create_table(
        "device_meter",
        sa.Column("device_serial", sa.String(length=64), nullable=False),
        sa.Column("valid_from_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("valid_to_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"], ["meter.meter_id"], name=op.f("fk_device_meter_meter_id_meter")
        ),
        sa.PrimaryKeyConstraint("device_serial", "valid_from_at_ms", name=op.f("pk_device_meter")),
    )
    op.create_index(op.f("ix_device_meter_meter_id"), "device_meter", ["meter_id"], unique=False)


def _make_alert_event() -> None:
    op.create_table(
        "alert_event",
        sa.Column(
            "event_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=24), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.alert_id"], name=op.f("fk_alert_event_alert_id_alert")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_alert_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_alert_event_alert_id"), "alert_event", ["alert_id"], unique=False)
