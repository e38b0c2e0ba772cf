"""Runs one history from its seed and returns what it broke."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sync_simulation.invariants import Violation, violations
from tests.sync_simulation.server_memory import memory_server
from tests.sync_simulation.server_postgres import PostgresServer, open_up
from tests.sync_simulation.town import Town
from tests.sync_simulation.world import world

STEPS = 250
"""Sync spec 1.7."""

_IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a file system in memory: its fsync costs nothing


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Yield a folder in memory where the system has one: no step waits for a disk."""
    place = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="lamp-sync-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


SHORT = 100
"""Steps of a history that costs half of a whole one."""


def run_seed(seed: int, *, steps: int = STEPS, is_contested: bool = False) -> list[Violation]:
    """Return what broke in one history on SQLite in memory; empty when all is well.

    `is_contested`: most of it are days on which crews work on what the office gives to others,
    lost to one restore or two.
    """
    server, town = memory_server()
    with quick_folder() as folder, world(server, town, folder, seed) as one:
        one.is_contested = is_contested
        one.run(steps)
        return violations(one)


def run_on_postgresql(
    server: PostgresServer, town: Town, seed: int, *, steps: int = STEPS
) -> list[Violation]:
    """Return what broke in one history on a founded PostgreSQL, with open transactions."""
    with quick_folder() as folder, world(server, town, folder, seed) as one:
        open_up(one, server)
        one.run(steps)
        return violations(one)
