"""A gateway in a process of its own that ends itself with SIGKILL at a named point."""

import os
import signal
import sys
import threading
from pathlib import Path

from edge_gateway.clock_io import SystemClock
from edge_gateway.config_io import load_config
from edge_gateway.run import run_gateway


def main() -> None:
    """Run the settings given first; die at the n-th passing of the point given next."""
    config = load_config(Path(sys.argv[1]))
    point, passing = sys.argv[2], int(sys.argv[3])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    passed = 0

    def reached(name: str) -> None:
        nonlocal passed
        passed += name == point
        if passed == passing:
            os.kill(os.getpid(), signal.SIGKILL)

    run_gateway(config, SystemClock(), stop, reached)


if __name__ == "__main__":
    main()
