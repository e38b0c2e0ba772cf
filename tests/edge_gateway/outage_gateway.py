"""A gateway in a process of its own on a clock that runs faster than the wall's."""

import signal
import sys
import threading
from pathlib import Path

from edge_gateway.config_io import load_config
from edge_gateway.run import run_gateway
from tests.edge_gateway.anchored_clock import AnchoredClock


def main() -> None:
    """Run the settings given first; anchor and rate of the clock follow."""
    clock = AnchoredClock(anchor_s=float(sys.argv[2]), rate=float(sys.argv[3]))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    run_gateway(load_config(Path(sys.argv[1])), clock, stop)


if __name__ == "__main__":
    main()
