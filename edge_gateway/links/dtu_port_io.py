"""The connection of one DTU: what it said first, whether it is alive, since when it is silent."""

import contextlib
import select
import socket
import threading
import time

from edge_gateway.links.link_url import LONGEST_SIGN
from edge_gateway.links.ports_io import TcpPort

CLOSE_IDLE_S = 1
CLOSE_EVERY_S = 2
CLOSE_MISSES = 5
"""A far end that has vanished is known within 11 s while another DTU waits. Judgement: longer than
a radio is slow."""


class DtuPort(TcpPort):
    """The connection of a DTU that is served, with the first bytes it said."""

    def __init__(self, connection: socket.socket, host: str, greeting: bytes = b"") -> None:
        """Take an accepted connection, and what was heard of it at the door."""
        super().__init__(connection)
        self.host = host
        self.greeting = greeting
        self._is_greeted = bool(greeting)
        self.is_taken = self.is_doubted = False
        self._connection = connection
        self._has_asked = self._is_given_up = False
        self._waits_since_s: float | None = None
        self._is_closed = threading.Event()

    def write(self, data: bytes) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        """Send everything; raise OSError when the far end is gone or takes nothing."""
        self._has_asked = True
        if self._waits_since_s is None:
            self._waits_since_s = time.monotonic()
        super().write(data)

    def read(self, timeout_s: float) -> bytes:  # type: ignore[explicit-override]  # Python 3.12
        """Return what is there; what comes before the first request is kept as the greeting."""
        data = super().read(timeout_s)
        if data:
            self._waits_since_s = None
        if not (self._has_asked or self._is_greeted):
            self.greeting = (self.greeting + data)[:LONGEST_SIGN]
        return data

    def close(self) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        """Close the connection; never raises."""
        self._is_closed.set()
        super().close()

    def silent_s(self) -> float:
        """Return for how many wall seconds nothing has come behind a request; any thread may."""
        since_s = self._waits_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def is_alive(self) -> bool:
        """Return whether the far end has not hung up."""
        if self._is_closed.is_set() or self._is_given_up or self._has_hung_up():
            return False
        try:
            return self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _has_hung_up(self) -> bool:
        """Return whether the far end has, also behind bytes that nobody has read yet."""
        poll = select.poll()
        try:
            poll.register(self._connection, select.POLLRDHUP)
        except (OSError, ValueError):
            return True  # closed meanwhile
        return bool(poll.poll(0))

    def look_closely(self) -> None:
        """Have the kernel find out soon whether the far end is there."""
        for option, value in (
            (socket.TCP_KEEPIDLE, CLOSE_IDLE_S),
            (socket.TCP_KEEPINTVL, CLOSE_EVERY_S),
            (socket.TCP_KEEPCNT, CLOSE_MISSES),
            (socket.TCP_USER_TIMEOUT, 1000 * (CLOSE_IDLE_S + CLOSE_EVERY_S * CLOSE_MISSES)),
        ):
            with contextlib.suppress(OSError):
                self._connection.setsockopt(socket.IPPROTO_TCP, option, value)

    def hang_up(self) -> None:
        """End the connection from another thread; its reader hears that it is closed."""
        self._is_given_up = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
