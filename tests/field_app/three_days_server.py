"""The real server as a process of its own, on a clock that another process sets in a file.

`python -m tests.field_app.three_days_server DATA PORT CLOCK` runs until its standard input ends.
"""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from sync_server.config import BrokerConfig, ServerConfig
from sync_server.logs_io import configure_logs
from sync_server.run import Part, run_server

RATE = 3600.0
"""Simulated seconds per wall second, for whatever waits."""


class FileClock:
    """Tells the time that stands in a file, in ms since 1970."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now_utc(self) -> datetime:
        return datetime.fromtimestamp(int(self._path.read_text()) / 1000, tz=UTC)

    def wall_seconds(self, seconds: float) -> float:
        return seconds / RATE


def database_url(data: Path) -> str:
    return f"sqlite:///{data / 'server.sqlite3'}"


def main() -> None:
    data, port, clock = Path(sys.argv[1]), int(sys.argv[2]), FileClock(Path(sys.argv[3]))
    configure_logs(is_pretty=False)
    stop = threading.Event()
    threading.Thread(target=_until_told, args=(stop,), daemon=True).start()
    config = ServerConfig(
        data=data,
        database_url=database_url(data),
        broker=BrokerConfig(),
        listen_port=port,
        public_url=f"http://127.0.0.1:{port}",
    )
    run_server(config, clock, stop, parts={Part.PAGES})


def _until_told(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
