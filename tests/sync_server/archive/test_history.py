"""A meter's course is the same before and after its readings left, at every zoom."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.__main__ import main
from sync_server.archive.history_store import Zoom, course
from sync_server.archive.retention_io import let_leave
from sync_server.archive.upkeep_io import keep_partitions
from sync_server.db.engine_io import reading
from tests.sync_server.archive.archive_parts import (
    FLOW,
    OLD,
    OLD_DAYS,
    VOLUME,
    keep,
    keeper,
    old_town,
    store,
)
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import batch, frame
from wire_contracts.quantities import Quantity

ZOOMS = (0, 4 * 3600, 86_400)
COUNT = 16 * OLD_DAYS + 4


@pytest.fixture
def town(engine: Engine) -> Engine:
    old_town(engine)
    keep_partitions(engine, NOON)
    return engine


def _rounded(value: float | None) -> float | None:
    """Return a mean as two databases add it up: their sums differ in the last digit."""
    return None if value is None else round(value, 9)


def seen(
    engine: Engine, archive: Path | None, quantity: Quantity, mean_s: int, from_utc: datetime = OLD
) -> list[tuple[datetime, float | None]]:
    with reading(engine) as connection:
        zoom = Zoom(from_utc=from_utc, now_utc=NOON, mean_s=mean_s)
        points = course(connection, archive, "M-2", quantity, zoom)
    return [(each.at_utc, _rounded(each.observed)) for each in points]


@pytest.mark.parametrize("quantity", [VOLUME, FLOW])
def test_the_course_stays_as_it_was_when_its_readings_left(
    town: Engine, tmp_path: Path, quantity: Quantity
) -> None:
    starts = (OLD, OLD + timedelta(hours=20), NOON - timedelta(days=1))
    before = [seen(town, None, quantity, mean_s, start) for mean_s in ZOOMS for start in starts]
    keep(town, raw=40)

    let_leave(keeper(town, tmp_path), NOON)

    after = [seen(town, tmp_path, quantity, mean_s, start) for mean_s in ZOOMS for start in starts]
    assert after == before
    assert (len(before[0]), len(before[2])) == (COUNT, 4)


def test_what_came_late_stands_in_the_course_before_and_after_it_left(
    town: Engine, tmp_path: Path
) -> None:
    keep(town, raw=40)
    let_leave(keeper(town, tmp_path), NOON)
    late = OLD + timedelta(minutes=7)
    store(town, batch(frame(900, late, {FLOW: 5.0}, device="D-2")))

    before = seen(town, tmp_path, FLOW, 0)
    let_leave(keeper(town, tmp_path), NOON)

    assert (late, 5.0) in before
    assert seen(town, tmp_path, FLOW, 0) == before


def test_without_an_archive_hours_and_days_tell_the_register(town: Engine) -> None:
    every, daily = seen(town, None, VOLUME, 0), seen(town, None, VOLUME, 86_400)
    keep(town, raw=40, hourly=160)

    let_leave(keeper(town, None), NOON)
    by_hours = seen(town, None, VOLUME, 86_400)
    let_leave(keeper(town, None), NOON + timedelta(days=25))
    by_days = seen(town, None, VOLUME, 0)

    assert by_hours == daily
    assert len(by_days) == OLD_DAYS + 1 + 4
    assert all(point in every for point in by_days)
    assert by_days[-4:] == every[-4:]


def test_one_late_reading_does_not_hide_the_hours_of_those_that_left(town: Engine) -> None:
    keep(town, raw=40)
    let_leave(keeper(town, None), NOON)
    before = seen(town, None, VOLUME, 0)
    late = OLD + timedelta(minutes=150)
    store(town, batch(frame(900, late, {VOLUME: 100.01}, device="D-2")))

    after = seen(town, None, VOLUME, 0)

    assert (late, 100.01) in after
    assert [point for point in before if point not in after] == []


def test_a_damaged_file_is_named_and_the_page_shows_the_registers_that_are_left(
    town: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = seen(town, None, VOLUME, 86_400)
    keep(town, raw=40)
    folder = tmp_path / "archive"
    let_leave(keeper(town, folder), NOON)
    settings = tmp_path / "server.toml"
    url = town.url.render_as_string(hide_password=False)
    settings.write_text(f'[database]\nurl = "{url}"\n[archive]\nfolder = "archive"\n')
    sound = main(["retention", "--check", "--config", str(settings)])
    found = sorted(folder.rglob("*.parquet"))
    for file in found:
        file.write_bytes(file.read_bytes()[:-20])

    broken = main(["retention", "--check", "--config", str(settings)])

    said = capsys.readouterr()
    assert (sound, broken) == (0, 1)
    assert f"{len(found)} files, each as it was written" in said.out
    assert f"{len(found)} of {len(found)} files are damaged; put them back from a copy" in said.err
    assert seen(town, folder, VOLUME, 86_400) == before


def test_the_command_lets_leave_what_is_due_and_says_so(
    town: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(town, raw=60)
    settings = tmp_path / "server.toml"
    url = town.url.render_as_string(hide_password=False)
    settings.write_text(f'[database]\nurl = "{url}"\n[archive]\nfolder = "kept"\n')

    done = main(["archive-readings", "--config", str(settings)])
    shown = main(["retention", "--config", str(settings)])

    said = capsys.readouterr().out
    assert (done, shown) == (0, 0)
    assert f"left: readings of {OLD_DAYS + 1} days, 0 hours, 0 days' figures" in said
    assert "retention.readings.raw.days: 60 days, oldest 2026-11-0" in said
    assert f"{OLD_DAYS + 1} files, {16 * OLD_DAYS * 3} readings" in said


def test_two_at_once_do_not_write_the_same_files(
    town: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(town, raw=40)
    settings = tmp_path / "server.toml"
    url = town.url.render_as_string(hide_password=False)
    settings.write_text(f'[database]\nurl = "{url}"\n[archive]\nfolder = "kept"\n')
    answers: list[int] = []

    def other() -> bool:
        if not answers:
            answers.append(main(["archive-readings", "--config", str(settings)]))
        return False

    let_leave(replace(keeper(town, tmp_path / "kept"), is_stopped=other), NOON)

    assert answers == [1]
    assert "is in use by another process; try again when it has ended" in capsys.readouterr().err
