"""The port that one DTU dials in to: who may, who replaces whom, who is sent away.

A thread of its own answers the door, because a DTU dials when it likes and not when a meter is
due. What comes after the registration is read by the link's thread.
"""

import contextlib
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field

from edge_gateway.links.link_url import LONGEST_SIGN, ListenUrl
from edge_gateway.links.ports_io import TcpPort

REGISTER_WITHIN_S = 30.0
"""Wall seconds in which a DTU must have said its registration; they do at once. Judgement."""

MOST_WAITING = 8
"""Connections that may be waiting to be recognised; more are sent away at once."""

_LOOK_EVERY_S = 5.0


class DtuPort(TcpPort):
    """The connection of the DTU that is served, with the first bytes it said."""

    def __init__(self, connection: socket.socket, host: str) -> None:
        """Take an accepted connection."""
        super().__init__(connection)
        self.host = host
        self.greeting = b""
        self.is_taken = False
        self._connection = connection
        self._has_asked = False
        self._is_closed = threading.Event()

    def write(self, data: bytes) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        """Send everything; raise OSError when the far end is gone or takes nothing."""
        self._has_asked = True
        super().write(data)

    def read(self, timeout_s: float) -> bytes:  # type: ignore[explicit-override]  # Python 3.12
        """Return what is there; what comes before the first request is kept as the greeting."""
        data = super().read(timeout_s)
        if not self._has_asked:
            self.greeting = (self.greeting + data)[:LONGEST_SIGN]
        return data

    def close(self) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        """Close the connection; never raises."""
        self._is_closed.set()
        super().close()

    def is_alive(self) -> bool:
        """Return whether the far end has not hung up."""
        if self._is_closed.is_set():
            return False
        try:
            return self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def hang_up(self) -> None:
        """End the connection from another thread; its reader hears that it is closed."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class _Caller:
    """Somebody who has dialled in and is not recognised yet."""

    connection: socket.socket
    host: str
    until_s: float
    said: bytes = b""


@dataclass(slots=True)
class _Door:
    """What the thread works with while it answers the door."""

    listener: socket.socket
    selector: selectors.BaseSelector
    wake: socket.socket
    callers: dict[socket.socket, _Caller] = field(default_factory=dict)


class DtuDoor:
    """Listens on one port and keeps the one DTU that may use it."""

    def __init__(self, url: ListenUrl) -> None:
        """Keep the settings; nothing listens before the first look for a connection."""
        self.port = url.port
        self.refused_count = 0
        self._url = url
        self._lock = threading.Lock()
        self._served: DtuPort | None = None
        self._thread: threading.Thread | None = None
        self._stop: socket.socket | None = None

    def connection(self) -> DtuPort:
        """Return the DTU's connection; start listening if nothing does.

        Raises:
            OSError: The port cannot be listened on, or no DTU has dialled in.
        """
        if self._thread is None:
            self._start()
        with self._lock:
            served = self._served
            if served is not None and served.is_alive():
                served.is_taken = True
                return served
        sent_away = f", {self.refused_count} sent away" if self.refused_count else ""
        message = f"no DTU has dialled in{sent_away}"
        raise OSError(message)

    def close(self) -> None:
        """Hang up, stop listening and wait for the thread."""
        thread, stop = self._thread, self._stop
        if thread is None or stop is None:
            return
        stop.close()
        thread.join()
        self._thread = self._stop = None

    def _start(self) -> None:
        family = socket.AF_INET6 if ":" in self._url.bind else socket.AF_INET
        listener = socket.create_server((self._url.bind, self._url.port), family=family)
        wake, self._stop = socket.socketpair()
        door = _Door(listener, selectors.DefaultSelector(), wake)
        self._thread = threading.Thread(
            target=self._answer_door, args=(door,), name=f"dtu-{self._url.port}", daemon=True
        )
        self._thread.start()

    def _answer_door(self, door: _Door) -> None:
        door.listener.setblocking(False)  # noqa: FBT003  # the standard library's signature
        for one in (door.listener, door.wake):
            door.selector.register(one, selectors.EVENT_READ)
        is_open = True
        while is_open:
            ready = {key.fileobj for key, _ in door.selector.select(_LOOK_EVERY_S)}
            is_open = door.wake not in ready
            for caller in [*door.callers.values()]:
                if caller.connection in ready:
                    self._hear(door, caller)
                elif time.monotonic() > caller.until_s:
                    self._send_away(door, caller)
            if door.listener in ready:
                self._greet(door)
        self._shut(door)

    def _shut(self, door: _Door) -> None:
        for caller in [*door.callers.values()]:
            self._forget(door, caller)
            caller.connection.close()
        door.selector.close()
        door.listener.close()
        door.wake.close()
        with self._lock:
            served, self._served = self._served, None
        if served is not None:
            served.close()

    def _greet(self, door: _Door) -> None:
        """Take a new connection: served at once, listened to first, or sent away."""
        try:
            connection, address = door.listener.accept()
        except OSError:
            return
        caller = _Caller(connection, str(address[0]), time.monotonic() + REGISTER_WITHIN_S)
        if not self._url.registration and self._may_follow(caller):
            self._serve(caller)
            return
        door.callers[connection] = caller
        door.selector.register(connection, selectors.EVENT_READ)
        if len(door.callers) > MOST_WAITING:
            self._send_away(door, caller)

    def _may_follow(self, caller: _Caller) -> bool:
        """Return whether nobody is served, or the same DTU by its address."""
        with self._lock:
            served = self._served
        return served is None or not served.is_alive() or served.host == caller.host

    def _hear(self, door: _Door, caller: _Caller) -> None:
        try:
            heard = caller.connection.recv(LONGEST_SIGN + 1 - len(caller.said))
        except OSError:
            heard = b""
        caller.said += heard
        wanted = self._url.registration or self._greeting_served()
        if not heard or not wanted or not _begins_alike(caller.said, wanted):
            self._send_away(door, caller)
        elif len(caller.said) >= len(wanted):
            self._forget(door, caller)
            self._serve(caller)

    def _greeting_served(self) -> bytes:
        with self._lock:
            return b"" if self._served is None else self._served.greeting

    def _serve(self, caller: _Caller) -> None:
        """Let a DTU in, in place of the one before it."""
        try:
            port = DtuPort(caller.connection, caller.host)
        except OSError:
            caller.connection.close()
            return
        with self._lock:
            before, self._served = self._served, port
            is_taken = before is not None and before.is_taken
        if before is None:
            return
        if is_taken:
            before.hang_up()
        else:
            before.close()

    def _send_away(self, door: _Door, caller: _Caller) -> None:
        self.refused_count += 1
        self._forget(door, caller)
        caller.connection.close()

    def _forget(self, door: _Door, caller: _Caller) -> None:
        if door.callers.pop(caller.connection, None) is not None:
            door.selector.unregister(caller.connection)


def _begins_alike(said: bytes, wanted: bytes) -> bool:
    return said.startswith(wanted) or wanted.startswith(said)
