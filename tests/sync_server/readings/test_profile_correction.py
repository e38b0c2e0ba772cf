"""A wrong profile from the meter to the alert: ingest, export, decode again, apply (R17)."""

import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select

from firmware_profiles.__main__ import main as firmware_profiles
from firmware_profiles.decode import decode_group
from firmware_profiles.parse_profile import parse_profile
from firmware_profiles.profile import Profile
from firmware_profiles.words import pack_words
from sync_server.__main__ import main as sync_server
from sync_server.alerts.alert import AlertFilter, AlertRecord
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.assets.assets import MeterClass
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import READING, READING_CORRECTION
from sync_server.detection.watch.fleet_watch import FleetWatch
from sync_server.readings.reading_store import ReadingStore
from tests.firmware_profiles.profile_text import TEXT
from tests.sync_server.town_parts import GATEWAY, found_town, new_meter, snapshot
from wire_contracts.alert_states import Condition
from wire_contracts.frames import Batch, Frame

ZONE = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 11, 14, tzinfo=ZONE).astimezone(UTC)
NOW = MIDNIGHT + timedelta(hours=7)
QUARTER = timedelta(minutes=15)
HISTORY_QUARTERS = 30 * 96

TOTAL = """
[[register]]
name = "total"
fc = 3
address = 20
count = 2
type = "u32"
scale = "SCALE"
unit = "m3"
quantity = "volume"
group = "fast"
"""


def profile_text(revision: int, scale: str) -> str:
    head = TEXT.replace("rev = 1", f"rev = {revision}").replace('kind = "heat"', 'kind = "water"')
    return head + TOTAL.replace("SCALE", scale)


def profile_of(text: str) -> Profile:
    return parse_profile("x", tomllib.loads(text, parse_float=Decimal))


WRONG, RIGHT = profile_text(1, "0.001"), profile_text(2, "0.0001")


def frames_by(profile: Profile) -> list[Frame]:
    """Return what a gateway sends of a flat: still at night until a drip of 6 l/h begins."""
    frames: list[Frame] = []
    count = 1_000_000
    for index in range(HISTORY_QUARTERS + 28):
        at_utc = MIDNIGHT + (index - HISTORY_QUARTERS) * QUARTER
        words = {(3, 10): 0, (3, 11): 0, (3, 20): count >> 16, (3, 21): count & 0xFFFF}
        decoded = decode_group(profile, "fast", words, {})
        frames.append(
            Frame(
                seq=index + 1,
                device="D-1",
                measured_at_utc=at_utc,
                profile=profile.reference,
                group="fast",
                values=decoded.values,
                raw=pack_words(words),
            )
        )
        is_day = at_utc.astimezone(ZONE).hour in {7, 8, 19, 20}
        count += 300 if is_day else 0
        count += 15 if at_utc >= MIDNIGHT else 0
    return frames


def ingest(engine: Engine, frames: list[Frame]) -> None:
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1", meter_class=MeterClass.HOUSEHOLD)])
        batch = Batch(gateway_id=GATEWAY, epoch=1, frames=frames)
        ReadingStore().store_batches(connection, [batch], NOW)


def alerts(engine: Engine) -> list[AlertRecord]:
    with reading(engine) as connection:
        return list(list_alerts(connection, AlertFilter(is_open=True, visibility=None)))


def test_a_wrong_scale_is_corrected_up_to_the_alert_that_it_raised(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for revision, text in ((1, WRONG), (2, RIGHT)):
        (tmp_path / f"example_heat@{revision}.toml").write_text(text)
    settings = tmp_path / "server.toml"
    settings.write_text(f'[database]\nurl = "{engine.url.render_as_string(hide_password=False)}"\n')
    place = ["--config", str(settings)]
    words, lines = str(tmp_path / "words.jsonl"), str(tmp_path / "lines.jsonl")
    sent = frames_by(profile_of(WRONG))
    ingest(engine, sent)
    watch = FleetWatch(engine)
    watch.look(NOW)
    (raised,) = alerts(engine)

    redecode = ["redecode", words, "--profile", "example_heat@2", "--out", lines]
    statuses = [
        sync_server(["export-raw", *place, words, "--profile", "example_heat@1"]),
        firmware_profiles(["--directory", str(tmp_path), *redecode]),
        sync_server(["apply-corrections", *place, lines, "--dry-run"]),
        sync_server(["apply-corrections", *place, lines]),
    ]
    with reading(engine) as connection:
        corrected = snapshot(connection)
        kept = connection.execute(select(READING_CORRECTION.c.value)).scalars().all()
        profiles = connection.execute(select(READING.c.profile).distinct()).scalars().all()
    statuses.append(sync_server(["apply-corrections", *place, lines]))
    watch.look(NOW + timedelta(minutes=1))

    said = capsys.readouterr().out
    assert statuses == [0, 0, 0, 0, 0]
    assert f"{len(sent)} lines: {len(sent)} would change" in said
    assert f"{len(sent)} lines: 0 changed, {len(sent)} say what is stored" in said
    assert profiles == ["example_heat@2"]
    assert sorted(kept) == sorted(value for each in sent for value in each.values.values())
    with reading(engine) as connection:
        assert snapshot(connection) == corrected
    (now,) = alerts(engine)
    assert raised.condition is Condition.UNACKNOWLEDGED
    assert now.condition is Condition.RETURNED_UNACKNOWLEDGED
    assert (now.alert_id, now.started_at_utc) == (raised.alert_id, raised.started_at_utc)
    assert (now.score, now.evidence) == (raised.score, raised.evidence)


def test_corrected_readings_are_those_of_a_gateway_that_was_right_from_the_start(
    engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "example_heat@1.toml").write_text(WRONG)
    (tmp_path / "example_heat@2.toml").write_text(RIGHT)
    settings = tmp_path / "server.toml"
    settings.write_text(f'[database]\nurl = "{engine.url.render_as_string(hide_password=False)}"\n')
    place = ["--config", str(settings)]
    words, lines = str(tmp_path / "words.jsonl"), str(tmp_path / "lines.jsonl")
    ingest(engine, frames_by(profile_of(WRONG))[-200:])
    sync_server(["export-raw", *place, words])
    redecode = ["redecode", words, "--profile", "example_heat@2", "--out", lines]
    firmware_profiles(["--directory", str(tmp_path), *redecode])
    sync_server(["apply-corrections", *place, lines])
    with reading(engine) as connection:
        corrected = snapshot(connection)

    with engine.begin() as connection:
        for table in ("reading", "reading_latest", "reading_hourly", "frame_ledger", "frame_run"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  # the names above
        batch = Batch(gateway_id=GATEWAY, epoch=2, frames=frames_by(profile_of(RIGHT))[-200:])
        ReadingStore().store_batches(connection, [batch], NOW)

    with reading(engine) as connection:
        right = snapshot(connection)
    for table in ("reading", "reading_latest", "reading_hourly"):
        assert corrected[table] == right[table]
