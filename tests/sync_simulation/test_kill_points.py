"""A kill between any two statements of tap, page, acknowledgement, start and push loses nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sync_simulation.kill_points import DEEDS

ROOT = Path(__file__).parents[2]

FEWEST = {"tap": 12, "acknowledgement": 8, "page": 10, "start": 8, "push": 15}
"""Statements that each deed has at the least: an enumeration of nothing would prove nothing."""


@pytest.mark.parametrize("name", DEEDS)
def test_a_kill_between_any_two_statements_breaks_no_invariant(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sync_simulation.kill_points", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["broken"] == []
    assert found["deaths"] == found["statements"] >= FEWEST[name]
