"""The gateway as a process of its own, on a clock that may run faster than the wall's.

`python -m benchmarks.gateway_process SETTINGS RATE` runs until its standard input ends.
"""

import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_gateway.config_io import load_config
from edge_gateway.logs_io import configure_logs
from edge_gateway.processor_io import keep_to_one_processor
from edge_gateway.run import run_gateway


class FastClock:
    """Runs `rate` times as fast as the wall's clock, from the present on."""

    def __init__(self, rate: float) -> None:
        """Begin now."""
        self._rate = rate
        self._began_s = time.monotonic()
        self._began_utc = datetime.now(UTC)

    def now_utc(self) -> datetime:
        """Return the present moment of this clock."""
        passed_s = (time.monotonic() - self._began_s) * self._rate
        return self._began_utc + timedelta(seconds=passed_s)

    def wall_seconds(self, seconds: float) -> float:
        """Return how long so many seconds take on the wall."""
        return seconds / self._rate


def main() -> None:
    """Run until standard input ends, as the command `run` does."""
    keep_to_one_processor()
    configure_logs(is_pretty=False, is_verbose=False)
    stop = threading.Event()
    threading.Thread(target=_until_told, args=(stop,), daemon=True).start()
    run_gateway(load_config(Path(sys.argv[1])), FastClock(float(sys.argv[2])), stop)


def _until_told(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
