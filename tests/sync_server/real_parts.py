"""Real parts that server tests start and wait for: a clock moved by hand, a Mosquitto."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
"""A Monday, 12:00 in Shanghai."""


@dataclass(slots=True)
class HandClock:
    """A clock that a test moves by hand; a second of it costs nothing of the wall's."""

    at_utc: datetime = NOON

    def now_utc(self) -> datetime:
        return self.at_utc

    def wall_seconds(self, seconds: float) -> float:
        return seconds / 3600.0

    def advance(self, **parts: float) -> datetime:
        self.at_utc += timedelta(**parts)
        return self.at_utc


def wait_until(is_true: Callable[[], bool], *, within_s: float = 60.0) -> None:
    """Wait for a condition with a deadline; the deadline failing fails the test."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not is_true():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        pause.wait(0.01)


class start_mosquitto:  # noqa: N801  # used like a function: `with start_mosquitto(...) as port`
    """Runs Mosquitto on a port until the block ends."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        config = folder / f"mosquitto-{port}.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        )
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> int:
        self._process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: _answers(self.port))
        return self.port

    def __exit__(self, *_details: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def kill(self) -> None:
        """End it as a power cut does: what it had in memory is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
