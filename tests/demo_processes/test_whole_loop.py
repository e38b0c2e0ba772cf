"""The whole loop in one command: from the leak in a meter to the finding that closes its alert."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

SECONDS = 300
"""The loop closes in about 40 s on an idle machine; the other tests run beside it."""


@pytest.mark.timeout(900)
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
