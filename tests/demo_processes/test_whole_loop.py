"""The whole loop in one command: from the leak in a meter to the finding that closes its alert."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo.check import play
from demo.check_report import CheckReport
from demo.loop import LoopBroke
from tests.demo_processes.living_town import LivingTown

ROOT = Path(__file__).resolve().parent.parent.parent

SECONDS = 300
"""The loop closes in about 40 s on an idle machine; the other tests run beside it."""


@pytest.mark.timeout(500)
def test_the_check_closes_the_loop_and_loses_nothing(tmp_path: Path) -> None:
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "demo",
            "--check",
            "--seconds",
            str(SECONDS),
            "--data",
            tmp_path / "town",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    report = json.loads(answer.stdout.splitlines()[-1])
    assert report["ok"] is True, answer.stdout + answer.stderr
    assert answer.returncode == 0
    assert report["readings_sent"] == report["readings_stored"] > 0
    assert (report["readings_lost"], report["readings_duplicated"]) == (0, 0)
    assert report["orders_closed_by_offline_crew"] == 1
    assert report["photos_arrived"] == 2


def test_a_loop_that_does_not_close_is_reported_with_its_step_and_its_account(
    living_town: LivingTown,
) -> None:
    report = CheckReport(town_seconds_per_wall_second=900)

    with pytest.raises(LoopBroke, match=r"^the alert did not come in time$"):
        play(living_town.run, 0.5, [], report)

    assert report.account is not None
    assert report.account.lost == 0
    assert report.orders_closed_by_offline_crew == 0
    assert report.times.alert_wall_s is None
    assert not report.ok


@pytest.mark.nightly
@pytest.mark.timeout(400)
def test_a_check_that_cannot_close_the_loop_says_so(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "demo", "--check", "--seconds", "2", "--data", tmp_path / "town"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    report = json.loads(answer.stdout.splitlines()[-1])
    assert answer.returncode == 1
    assert report["ok"] is False
    assert report["problem"] == "LoopBroke: the alert did not come in time"
