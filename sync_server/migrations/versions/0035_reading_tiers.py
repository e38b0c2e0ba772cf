"""Hours know their worst quality; days stay when hours leave; files of raw readings are listed."""

from alembic import op

from sync_server.migrations.columns import figure, key, put_policies, text, time

revision = "0035"
down_revision = "0034"

_RULE = "0 keeps them for ever; "


def upgrade() -> None:
    """Make the tables; nothing leaves before the utility says so."""
    op.add_column("reading_hourly", text("worst_quality", 24, is_nullable=True))
    op.create_table(
        "reading_daily",
        text("meter_id", 40),
        time("day_at_ms"),
        text("quantity", 20, is_nullable=True),
        time("first_at_ms", is_nullable=True),
        figure("first_m3"),
        time("last_at_ms", is_nullable=True),
        figure("last_m3"),
        figure("volume_m3"),
        figure("flow_min_m3h"),
        figure("flow_max_m3h"),
        time("reading_count"),
        text("worst_quality", 24, is_nullable=True),
        key("reading_daily", "meter_id", "day_at_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reading_archive",
        time("day_at_ms"),
        time("part"),
        text("file", 120),
        time("row_count"),
        time("byte_count"),
        text("sha256", 64),
        time("archived_at_ms"),
        key("reading_archive", "day_at_ms", "part"),
    )
    put_policies(
        [
            ("retention.readings.raw.days", 0, _RULE + "every reading as it came"),
            ("retention.readings.hourly.days", 0, _RULE + "the hours of each meter"),
            ("retention.readings.daily.days", 0, _RULE + "the days of each meter"),
        ]
    )
