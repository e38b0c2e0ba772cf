"""Old readings leave the database for files, exactly as they were, and none before it is safe."""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.archive.archive_store import parts_between
from sync_server.archive.parquet_io import ArchiveError, check_installed, read_part
from sync_server.archive.retention_io import let_leave
from sync_server.archive.tiers import TierError, Tiers, tiers_of
from sync_server.archive.upkeep_io import keep_partitions
from sync_server.db.engine_io import reading
from sync_server.db.partition_io import list_partitions
from sync_server.db.reading_tables import READING, READING_DAILY, READING_HOURLY
from tests.sync_server.archive.archive_parts import (
    FLOW,
    METERS,
    OLD,
    OLD_DAYS,
    STEP,
    VOLUME,
    correct,
    count,
    keep,
    keeper,
    old_town,
    rows,
    store,
)
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import batch, frame
from wire_contracts.frames import LATEST_MS, ms_from_utc
from wire_contracts.quality import BAD_CRC, STALE

OLD_ROWS = 16 * OLD_DAYS * len(METERS)
NEW_ROWS = 4 * len(METERS)


@pytest.fixture
def town(engine: Engine) -> Engine:
    old_town(engine)
    keep_partitions(engine, NOON)
    return engine


def archived(engine: Engine, folder: Path) -> list[tuple[object, ...]]:
    with reading(engine) as connection:
        parts = parts_between(connection, 0, LATEST_MS)
    return [row for part in parts for row in read_part(folder / part.file)]


def test_nothing_leaves_until_the_utility_says_so(town: Engine, tmp_path: Path) -> None:
    left = let_leave(keeper(town, tmp_path / "archive"), NOON)

    assert (left.raw_days, left.hours, left.days) == (0, 0, 0)
    assert count(town) == OLD_ROWS + NEW_ROWS


def test_old_readings_are_in_files_as_they_were_and_hours_stay(
    town: Engine, tmp_path: Path
) -> None:
    before, hours = rows(town), rows(town, READING_HOURLY)
    keep(town, raw=40)

    left = let_leave(keeper(town, tmp_path / "archive"), NOON)
    again = let_leave(keeper(town, tmp_path / "archive"), NOON)

    kept = archived(town, tmp_path / "archive")
    old = [row for row in before if int(str(row[1])) < ms_from_utc(NOON - timedelta(days=40))]
    assert sorted(kept, key=lambda row: (str(row[0]), int(str(row[1])))) == old
    assert rows(town) == [row for row in before if row not in old]
    assert rows(town, READING_HOURLY) == hours
    assert (left.raw_days, len(kept), again.raw_days) == (OLD_DAYS + 1, OLD_ROWS, 0)


def test_a_late_reading_joins_its_day_as_another_part(town: Engine, tmp_path: Path) -> None:
    keep(town, raw=40)
    let_leave(keeper(town, tmp_path), NOON)
    store(town, batch(frame(900, OLD + timedelta(minutes=1), {VOLUME: 99.9})))

    let_leave(keeper(town, tmp_path), NOON)

    with reading(town) as connection:
        parts = parts_between(connection, 0, LATEST_MS)
    assert [each.part for each in parts] == [1, 2, 1, 1, 1]
    assert parts[1].row_count == 1
    assert count(town) == NEW_ROWS
    assert len(archived(town, tmp_path)) == OLD_ROWS + 1


def test_a_reading_that_changes_after_it_was_written_stays(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    old_town(sqlite_engine)
    keep(sqlite_engine, raw=40)
    changes = iter([None, None])

    def corrected() -> bool:
        """Correct a reading once its day is in a file, before its rows are deleted."""
        if list(tmp_path.rglob("*.parquet")) and next(changes, 1) is None:
            correct(sqlite_engine, "M-1", ms_from_utc(OLD), 77.0)
        return False

    let_leave(replace(keeper(sqlite_engine, tmp_path), is_stopped=corrected), NOON)

    assert count(sqlite_engine) == NEW_ROWS + 1
    assert [row[2] for row in rows(sqlite_engine) if row[1] == ms_from_utc(OLD)] == [77.0]
    let_leave(keeper(sqlite_engine, tmp_path), NOON)
    volumes = [row[2] for row in archived(sqlite_engine, tmp_path) if row[1] == ms_from_utc(OLD)]
    assert 77.0 in volumes
    assert count(sqlite_engine) == NEW_ROWS


def test_a_folder_that_cannot_be_written_keeps_every_reading(town: Engine, tmp_path: Path) -> None:
    keep(town, raw=40)
    blocked = tmp_path / "archive"
    blocked.mkdir()
    (blocked / f"{OLD:%Y}").write_text("a file where a folder should be")

    with pytest.raises(ArchiveError, match=r"cannot be written .*; make room, nothing was removed"):
        let_leave(keeper(town, blocked), NOON)

    assert count(town) == OLD_ROWS + NEW_ROWS


def test_a_run_that_was_stopped_goes_on(town: Engine, tmp_path: Path) -> None:
    before = rows(town)
    keep(town, raw=40)
    for patience in range(1, 12):
        asked = itertools.count()

        def is_stopped(asked: Iterator[int] = asked, patience: int = patience) -> bool:
            return next(asked) >= patience

        let_leave(replace(keeper(town, tmp_path), is_stopped=is_stopped), NOON)
    let_leave(keeper(town, tmp_path), NOON)

    found = [*archived(town, tmp_path), *rows(town)]
    assert sorted(found, key=lambda row: (str(row[0]), int(str(row[1])))) == before
    assert count(town) == NEW_ROWS


def test_partitions_go_as_a_whole(postgres_engine: Engine, tmp_path: Path) -> None:
    old_town(postgres_engine)
    keep_partitions(postgres_engine, NOON)
    keep(postgres_engine, raw=40, hourly=41)
    with reading(postgres_engine) as connection:
        before = [each.name for each in list_partitions(connection, READING)]

    let_leave(keeper(postgres_engine, tmp_path), NOON)

    with reading(postgres_engine) as connection:
        after = [each.name for each in list_partitions(connection, READING)]
        hours = [each.name for each in list_partitions(connection, READING_HOURLY)]
    assert before[1:] == after
    assert len(hours) == len(after)
    assert len(archived(postgres_engine, tmp_path)) == OLD_ROWS


def test_without_an_archive_what_leaves_is_gone_and_its_hours_stay(town: Engine) -> None:
    hours = rows(town, READING_HOURLY)
    keep(town, raw=40)

    let_leave(keeper(town, None), NOON)

    assert count(town) == NEW_ROWS
    assert rows(town, READING_HOURLY) == hours


def test_an_hour_whose_readings_left_keeps_its_registers_when_one_comes_late(
    town: Engine, tmp_path: Path
) -> None:
    keep(town, raw=40)
    before = {(row[0], row[1]): row for row in rows(town, READING_HOURLY)}
    let_leave(keeper(town, tmp_path), NOON)
    late = frame(900, OLD + timedelta(minutes=1), {VOLUME: 100.5, FLOW: 9.0})

    store(town, batch(replace(late, quality={FLOW: STALE})))

    changed = [row for row in rows(town, READING_HOURLY) if before[row[0], row[1]] != row]
    former = before["M-1", ms_from_utc(OLD)]
    assert len(changed) == 1
    assert changed[0][:5] == former[:5]
    assert changed[0][5:7] == (ms_from_utc(OLD) + 60_000, 100.5)
    assert changed[0][-2:] == (int(str(former[-2])) + 1, STALE)


def test_hours_become_days_of_the_site(town: Engine, tmp_path: Path) -> None:
    hours = [row for row in rows(town, READING_HOURLY) if row[0] == "M-1"]
    keep(town, raw=40, hourly=41)

    left = let_leave(keeper(town, tmp_path), NOON)

    days = [row for row in rows(town, READING_DAILY) if row[0] == "M-1"]
    midnights = sorted({_midnight_ms(int(str(row[1]))) for row in hours[: 16 * OLD_DAYS]})
    assert [row[1] for row in days] == midnights
    assert left.hours == OLD_ROWS
    assert sum(int(str(row[10])) for row in days) == 16 * OLD_DAYS
    assert (days[0][3], days[0][4]) == (hours[0][3], hours[0][4])
    assert days[-1][6] == hours[16 * OLD_DAYS - 1][6]
    for day in days:
        assert day[7] == pytest.approx(float(str(day[6])) - float(str(day[4])))
    assert count(town, READING_HOURLY) == NEW_ROWS


def test_a_fault_is_no_value_and_is_told_of_the_day(town: Engine, tmp_path: Path) -> None:
    at_utc = OLD + timedelta(minutes=2)
    fault = replace(frame(901, at_utc, {}, device="D-2"), quality={VOLUME: BAD_CRC})
    store(town, batch(fault))
    keep(town, raw=40, hourly=41)

    let_leave(keeper(town, tmp_path), NOON)

    day = next(row for row in rows(town, READING_DAILY) if row[0] == "M-2")
    assert day[-1] == BAD_CRC
    assert day[7] is not None
    assert 0.0 not in (day[4], day[6])


def test_a_register_that_fell_has_no_volume_that_day(town: Engine, tmp_path: Path) -> None:
    exchanged = frame(902, OLD + STEP * 3 + timedelta(minutes=1), {VOLUME: 0.2}, device="D-3")
    store(town, batch(exchanged))
    keep(town, raw=40, hourly=41)

    let_leave(keeper(town, tmp_path), NOON)

    day = next(row for row in rows(town, READING_DAILY) if row[0] == "M-3")
    assert (day[7], day[10]) == (None, count_of_first_day() + 1)


def test_an_hour_that_comes_when_its_day_is_made_joins_it(town: Engine, tmp_path: Path) -> None:
    keep(town, raw=40, hourly=41)
    let_leave(keeper(town, tmp_path), NOON)
    first = rows(town, READING_DAILY)[0]
    store(town, batch(frame(903, OLD - timedelta(minutes=30), {VOLUME: 99.0})))

    let_leave(keeper(town, tmp_path), NOON)

    day = rows(town, READING_DAILY)[0]
    assert (day[:2], day[4], day[6]) == (first[:2], 99.0, first[6])
    assert day[10] == int(str(first[10])) + 1
    assert count(town, READING_HOURLY) == NEW_ROWS


def test_days_leave_last(town: Engine, tmp_path: Path) -> None:
    keep(town, raw=40, hourly=41, daily=42)

    let_leave(keeper(town, tmp_path), NOON)

    assert count(town, READING_DAILY) == 0


def test_a_meter_whose_last_hour_left_is_heard_again(town: Engine, tmp_path: Path) -> None:
    keep(town, raw=40, hourly=41)
    much_later = NOON + timedelta(days=200)
    let_leave(keeper(town, tmp_path), much_later)
    assert count(town, READING_HOURLY) == 0

    store(town, batch(frame(904, NOON - timedelta(minutes=5), {VOLUME: 9999.0})))

    assert [hour[4] for hour in rows(town, READING_HOURLY)] == [9999.0]


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ({"raw": 39}, "39 days are fewer than the reports of a month look at; write 40 or more"),
        ({"raw": 50, "hourly": 49}, r"hourly\.days: 49 days are fewer than retention.readings.raw"),
        ({"hourly": 400}, r"hourly\.days: 400 days are fewer"),
        ({"raw": 50, "hourly": 60, "daily": 59}, r"daily\.days: 59 days are fewer"),
    ],
)
def test_tiers_that_do_not_fit_are_refused(days: dict[str, float], reason: str) -> None:
    with pytest.raises(TierError, match=reason):
        tiers_of({f"retention.readings.{name}.days": value for name, value in days.items()})


def test_tiers_that_fit_are_taken() -> None:
    policies = {"retention.readings.raw.days": 40.0, "retention.readings.hourly.days": 400.0}

    assert tiers_of(policies) == Tiers(raw=40, hourly=400, daily=0)


def test_an_archive_without_its_libraries_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(ArchiveError, match=r"duckdb is not installed; run pip install .*archive"):
        check_installed()


def _midnight_ms(at_ms: int) -> int:
    shifted = at_ms + 8 * 3_600_000
    return shifted - shifted % 86_400_000 - 8 * 3_600_000


def count_of_first_day() -> int:
    """Return how many readings a meter has before the site's first midnight."""
    end_ms = _midnight_ms(ms_from_utc(OLD)) + 86_400_000
    return sum(ms_from_utc(OLD + STEP * number) < end_ms for number in range(16))
