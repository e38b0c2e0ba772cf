"""Runs the sync's histories seed by seed and prints whatever broke.

`python -m benchmarks.simulate_sync --seeds 2000 --steps 250 [--first N] [--postgresql URL]`
"""

import argparse
import sys
import time

import structlog

from sync_server.db.migrate_io import migrate
from tests.sync_simulation.invariants import Violation
from tests.sync_simulation.one_seed import STEPS, run_on_postgresql, run_seed
from tests.sync_simulation.server_memory import found_pinned
from tests.sync_simulation.server_postgres import PostgresServer, new_server


def run_there(admin_url: str, seed: int, steps: int) -> list[Violation]:
    """Return what broke on a fresh database of a running PostgreSQL that may be written to."""
    server = new_server(admin_url, "template1", PostgresServer)
    migrate(server.engine)
    try:
        return run_on_postgresql(server, found_pinned(server.engine), seed, steps=steps)
    finally:
        server.drop()


def main() -> int:
    """Return 0 when nothing broke in any history."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--postgresql", metavar="URL", default="")
    asked = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    began, broken = time.process_time(), 0
    for seed in range(asked.first, asked.first + asked.seeds):
        found = (
            run_there(asked.postgresql, seed, asked.steps)
            if asked.postgresql
            else run_seed(seed, steps=asked.steps)
        )
        broken += bool(found)
        for each in found[:3]:
            print(f"seed {seed}: {each.invariant}: {each.what}", flush=True)
    seconds = time.process_time() - began
    print(
        f"{asked.seeds} seeds x {asked.steps} steps: {broken} with violations, {seconds:.0f} s CPU"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
