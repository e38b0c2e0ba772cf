"""A kill at any moment of tap, push, pull, photo, withdrawal, opening or start loses nothing."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sync_simulation.kill_deeds import DEEDS
from tests.sync_simulation.kill_points import COMMIT_OF_SERVER

ROOT = Path(__file__).parents[2]

LONG = frozenset({"sealed", "opened", "repeat", "repeat_new"})
"""Deeds of more than a hundred moments: by day those around the commits, every one at night."""

AT_NIGHT = frozenset({"repeat_new"})
"""Of these what is as another by day and has only more of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deaths:
    """What an enumeration found; `chosen` are the moments at which somebody was to die."""

    moments: list[str]
    chosen: int
    deaths: int
    broken: list[str]

    @property
    def commits(self) -> int:
        return self.moments.count(COMMIT_OF_SERVER)

    def of(self, side: str) -> int:
        return sum(moment.startswith(side) for moment in self.moments)


def deaths_of(*arguments: str) -> Deaths:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sync_simulation.kill_points", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Deaths(**json.loads(done.stdout.splitlines()[-1]))


def assert_is_whole(name: str, found: Deaths) -> None:
    assert found.broken == []
    assert found.deaths == found.chosen == len(found.moments) >= DEEDS[name].fewest
    assert found.of("server") >= DEEDS[name].fewest_of_server


@pytest.mark.parametrize("name", sorted(DEEDS.keys() - LONG))
def test_a_kill_at_any_moment_breaks_no_invariant(name: str) -> None:
    assert_is_whole(name, deaths_of(name, "--every-moment"))


@pytest.mark.parametrize("name", sorted(LONG - AT_NIGHT))
def test_a_kill_around_any_commit_breaks_no_invariant(name: str) -> None:
    found = deaths_of(name)

    assert found.broken == []
    assert found.deaths == found.chosen > found.commits > 0


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(LONG))
def test_a_kill_at_any_moment_of_a_long_deed_breaks_no_invariant(name: str) -> None:
    assert_is_whole(name, deaths_of(name, "--every-moment"))
