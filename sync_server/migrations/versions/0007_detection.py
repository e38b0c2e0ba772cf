"""What detection follows and knows: arrivals, traits of meters, stations, weather, prices."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables, and give alerts the version of their rule and their end."""
    _make_arrivals()
    _make_knowledge()
    op.create_table(
        "price",
        sa.Column("medium", sa.String(length=8), nullable=False),
        sa.Column("meter_class", sa.String(length=20), nullable=False),
        sa.Column("valid_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("per_m3", sa.Float(), nullable=True),
        sa.Column("per_kwh", sa.Float(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("medium", "meter_class", "valid_from_ms", name=op.f("pk_price")),
    )
    op.create_table(
        "detection_checkpoint",
        sa.Column("core_version", sa.String(length=40), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.String(length=40), nullable=False),
        sa.Column("arrival_id", sa.BigInteger(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "core_version", "at_ms", "part", name=op.f("pk_detection_checkpoint")
        ),
        sqlite_with_rowid=False,
    )
    _change_alerts()


def _change_alerts() -> None:
    """One active alert per meter and lane; an open leak no longer hides a burst of another kind."""
    op.add_column("alert", sa.Column("rule_version", sa.String(length=40), nullable=True))
    op.add_column("alert", sa.Column("ended_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("alert", sa.Column("retracted_at_ms", sa.BigInteger(), nullable=True))
    op.add_column(
        "alert",
        sa.Column("lane", sa.String(length=12), nullable=False, server_default=sa.text("''")),
    )
    op.execute("UPDATE alert SET lane = CASE family WHEN 'comm' THEN 'gap' ELSE family END")
    op.drop_index("uq_alert_open_meter_family", "alert")
    is_active = sa.text("condition IN ('unacknowledged', 'acknowledged', 'latched')")
    op.create_index(
        "uq_alert_active_meter_lane",
        "alert",
        ["meter_id", "lane"],
        unique=True,
        sqlite_where=is_active,
        postgresql_where=is_active,
    )


def _make_arrivals() -> None:
    op.create_table(
        "reading_arrival",
        sa.Column(
            "arrival_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("arrival_id", name=op.f("pk_reading_arrival")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_reading_arrival_received_at_ms"), "reading_arrival", ["received_at_ms"]
    )


def _make_knowledge() -> None:
    op.create_table(
        "meter_trait",
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("peer_class", sa.String(length=40), nullable=False),
        sa.Column("volume_modulus_m3", sa.Float(), nullable=True),
        sa.Column("energy_modulus_kwh", sa.Float(), nullable=True),
        sa.Column("volume_resolution_m3", sa.Float(), nullable=True),
        sa.Column("energy_resolution_kwh", sa.Float(), nullable=True),
        sa.Column("permanent_flow_m3h", sa.Float(), nullable=True),
        sa.Column("weather_id", sa.String(length=40), nullable=True),
        sa.Column("judged_from_ms", sa.BigInteger(), nullable=True),
        sa.Column("in_service_until_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["meter_id"], ["meter.meter_id"], name=op.f("fk_meter_trait_meter_id_meter")
        ),
        sa.PrimaryKeyConstraint("meter_id", name=op.f("pk_meter_trait")),
    )
    op.create_table(
        "meter_child",
        sa.Column("parent_id", sa.String(length=40), nullable=False),
        sa.Column("child_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["meter.meter_id"], name=op.f("fk_meter_child_parent_id_meter")
        ),
        sa.ForeignKeyConstraint(
            ["child_id"], ["meter.meter_id"], name=op.f("fk_meter_child_child_id_meter")
        ),
        sa.PrimaryKeyConstraint("parent_id", "child_id", name=op.f("pk_meter_child")),
    )
    op.create_table(
        "meter_note",
        sa.Column(
            "note_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("meter_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("noted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("noted_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"], ["meter.meter_id"], name=op.f("fk_meter_note_meter_id_meter")
        ),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_meter_note")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_meter_note_meter_id_from_ms"), "meter_note", ["meter_id", "from_ms"])
    op.create_table(
        "weather_hour",
        sa.Column("hour_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("weather_id", sa.String(length=40), nullable=False),
        sa.Column("outdoor_temp_degc", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("hour_at_ms", "weather_id", name=op.f("pk_weather_hour")),
        sqlite_with_rowid=False,
    )
