"""kill -9 at random moments of a scripted shift: no answer older than the last tap is lost."""

import random
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from field_app.clock_io import SystemClock
from field_app.crew import HeadlessCrew
from field_app.tablet import open_tablet
from tests.field_app.office_parts import Office
from tests.field_app.shift_script import open_orders, standing, taps
from wire_contracts.quantities import Medium

ROOT = Path(__file__).parents[2]


@pytest.fixture
def morning(tmp_path: Path, office: Office, crew: HeadlessCrew) -> Path:
    """Return the folder of a tablet with two orders, before the shift."""
    office.new_order(Medium.GAS)
    office.new_order(Medium.WATER)
    crew.sync_now()
    crew.close()
    return tmp_path / "tablet"


def standings(folder: Path) -> list[str]:
    """Return what was said after every tap of an undisturbed shift, before the first one too."""
    with closing(open_tablet(folder, SystemClock())) as tablet:
        found = [standing(tablet)]
        for tap in taps(tablet, open_orders(tablet)):
            tap()
            found.append(standing(tablet))
        return found


def kill_after(folder: Path, tap: int) -> int:
    """Work the shift in a process, kill it when it has said `tap`; return the last tap it said."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.field_app.shift_script", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = 0
    while said < tap:
        said = int(child.stdout.readline())
    child.kill()
    rest = [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    child.stdout.close()
    child.wait(10)
    return int(rest[-1]) if rest else said


def check_kills(morning: Path, tmp_path: Path, count: int) -> None:
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(morning, undisturbed)
    expected = standings(undisturbed)
    chance = random.Random(2026)
    wrong = []
    for number in range(count):
        folder = tmp_path / f"run-{number}"
        shutil.copytree(morning, folder)
        said = kill_after(folder, chance.randrange(1, len(expected) - 1))
        with closing(open_tablet(folder, SystemClock())) as tablet:
            found = standing(tablet)
        if found not in expected[said : said + 2]:
            wrong.append((said, found))
        shutil.rmtree(folder)

    assert len(expected) > 60, "the shift is long enough to be killed anywhere"
    assert wrong == []


def test_a_killed_shift_loses_no_answer_older_than_the_last_tap(
    morning: Path, tmp_path: Path
) -> None:
    check_kills(morning, tmp_path, 3)


@pytest.mark.nightly
@pytest.mark.timeout(3600)  # 200 processes, one after the other
def test_two_hundred_killed_shifts_lose_no_answer(morning: Path, tmp_path: Path) -> None:
    check_kills(morning, tmp_path, 200)
