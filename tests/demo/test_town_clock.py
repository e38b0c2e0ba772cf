"""The clock: one time for all processes, never backwards, also over a restart."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.town_clock import Anchor, TownClock
from demo.town_clock_io import (
    SAVED_EVERY_S,
    ClockFileError,
    join_clock,
    keep_saving,
    save_progress,
    start_clock,
)

START = datetime(2026, 12, 14, 12, 0, tzinfo=UTC)


def clock_at(wall_s: float, rate: float = 900.0) -> TownClock:
    return TownClock(Anchor(start_utc=START, wall_start_s=1000.0, rate=rate), lambda: wall_s)


def test_a_second_of_the_wall_is_a_quarter_of_an_hour_of_the_town() -> None:
    assert clock_at(1001.0).now_utc() == START + timedelta(minutes=15)
    assert clock_at(1001.0).wall_seconds(900.0) == pytest.approx(1.0)


def test_the_town_never_shows_a_time_before_its_start() -> None:
    assert clock_at(900.0).now_utc() == START


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.1, 10_000))
def test_town_time_never_runs_backwards(first_s: float, more_s: float, rate: float) -> None:
    early = clock_at(1000.0 + first_s, rate).now_utc()

    assert clock_at(1000.0 + first_s + more_s, rate).now_utc() >= early


def test_another_process_that_joins_reads_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clock = start_clock(path, START, 900.0)
    program = (
        "import sys; from pathlib import Path; from demo.town_clock_io import join_clock;"
        "print(join_clock(Path(sys.argv[1])).now_utc().isoformat())"
    )

    before = clock.now_utc()
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    after = clock.now_utc()

    assert before <= datetime.fromisoformat(done.stdout.strip()) <= after


def test_a_restarted_town_goes_on_after_its_last_time_however_long_it_was_off(
    tmp_path: Path,
) -> None:
    path = tmp_path / "clock.json"
    first = start_clock(path, START, 900.0)
    save_progress(path, first)
    stopped_at = first.now_utc()

    second = start_clock(path, START, 900.0)

    assert second.anchor.start_utc >= stopped_at
    assert second.anchor.start_utc <= stopped_at + timedelta(seconds=2 * SAVED_EVERY_S * 900)


def test_a_town_that_was_killed_between_two_saves_still_does_not_jump_back(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    start_clock(path, START, 900.0)
    body = json.loads(path.read_text())
    latest = datetime.fromisoformat(body["latest_utc"])

    second = start_clock(path, START, 900.0)

    assert second.anchor.start_utc == latest + timedelta(seconds=SAVED_EVERY_S * 900)


def test_progress_is_saved_until_the_town_stops(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clock = start_clock(path, START, 900.0)
    stop = threading.Event()
    stop.set()

    keep_saving(path, clock, stop)

    assert json.loads(path.read_text())["latest_utc"] > START.isoformat()
    assert join_clock(path).anchor == clock.anchor


@pytest.mark.parametrize("text", ["", "{}", '{"start_utc": 1}', "[]"])
def test_a_broken_clock_file_names_the_file_and_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clock.json"
    path.write_text(text)

    with pytest.raises(ClockFileError, match=r"clock\.json: is no town clock .*demo-reset"):
        join_clock(path)
