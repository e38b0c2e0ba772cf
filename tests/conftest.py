"""How hard the property tests look, and where the tests keep their files.

`fast` at every change, `thorough` in the nightly run.
"""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests.compiled_once import compiled_once
from tests.profiles_read_once import read_profiles_once

# properties are judged by what they find, never by how busy the machine is
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("fast", _UNHURRIED, max_examples=20, derandomize=True)
settings.register_profile("thorough", _UNHURRIED, max_examples=300)
settings.load_profile("fast")

IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a file system in memory: its fsync costs nothing
ROOM_FOR_ALL_TESTS = 4 * 2**30
"""Bytes: several times what a whole run holds at once."""


FIRST = (
    "tests/demo_processes/",
    "tests/sync_simulation/test_kill_points.py",
    "tests/edge_gateway/test_soak_links.py",
    "tests/edge_gateway/test_outages.py",
    "tests/field_app/test_three_days.py",
    "tests/sync_server/trials/test_replay.py",
)
"""Where the longest tests are. Whole towns mostly wait for their own clock."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest tests begin first, whole towns before all others.

    Beginning first, the towns stand at the head of one worker's queue: they run one after another
    beside everything else, and none of the long ones is left alone at the end.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    found = (turn for turn, place in enumerate(FIRST) if item.nodeid.startswith(place))
    return next(found, len(FIRST))


def pytest_collection_finish() -> None:
    """Let the collector pass over what was collected, and come less often: a tenth of the work."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_configure(config: pytest.Config) -> None:
    """Do in one process what each of hundreds would do again, before the first test is read."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        gc.disable()  # while tests are read, nearly nothing is let go of
    if config.getoption("--hypothesis-profile") in {None, "fast"}:
        _draw_alike_everywhere()
    read_profiles_once()
    _keep_what_is_compiled()
    _stay_in_memory()


def _draw_alike_everywhere() -> None:
    """Let a property see the same examples in every run of the same tree, alone or beside others.

    Hypothesis strews in the constants of whatever modules are loaded at that moment, so that what a
    worker draws depends on the tests before it. The night does without this.
    """
    providers._get_local_constants = lambda: providers._local_constants


def _keep_what_is_compiled() -> None:
    """Let Python keep compiled modules where its owner said it must not, as containers often do.

    Every server that a test starts would compile the whole server, which takes as long as running.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def _stay_in_memory() -> None:
    """Keep every temporary file in memory where the system has the room: no test waits for a disk.

    That holds in every process that a test starts, too. What a killed process has written outlives
    it there as on a disk, and tests of cut power copy the files that it would leave.
    """
    if "TMPDIR" in os.environ or not IN_MEMORY.is_dir():
        return
    if shutil.disk_usage(IN_MEMORY).free >= ROOM_FOR_ALL_TESTS:
        os.environ["TMPDIR"] = str(IN_MEMORY)
        tempfile.tempdir = None  # asked for anew


@pytest.fixture(autouse=True, scope="session")
def passed_over_for_good() -> Iterator[None]:
    """Keep the collector off what was collected when a part run inside a test has ended.

    A gateway lets go of what it froze, which in a process of its own is only its own. Here that are
    the modules and tests of the whole suite, and every later search would go through them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "unfreeze", lambda: None)
        patch.setattr(gc, "get_freeze_count", lambda: 1)  # it counts a million, one by one
        yield


@pytest.fixture(autouse=True, scope="session")
def statements_compiled_once() -> Iterator[None]:
    """Share what SQLAlchemy has compiled among the tests of a process."""
    with compiled_once():
        yield


@pytest.fixture(autouse=True)
def logs_as_they_are() -> Iterator[None]:
    """Undo what a command run inside the test has done to the logs of all."""
    yield
    structlog.reset_defaults()
