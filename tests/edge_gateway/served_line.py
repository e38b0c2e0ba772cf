"""Serves a simulated line to its one client: on a loopback port, or on a pty."""

import contextlib
import os
import pty
import select
import socket
import termios
import threading
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Self

from meter_telegrams.errors import RefusedTelegramError
from tests.edge_gateway.rig import LOOPBACK


class ServedLine(ABC):
    """A line that listens while it is entered; one connection after the other is served."""

    port: int

    @abstractmethod
    def serve(self, read: Callable[[], bytes], write: Callable[[bytes], None]) -> None:
        """Answer until `read` ends with an OSError or nothing."""

    def __enter__(self) -> Self:
        self._server = socket.create_server((LOOPBACK, self.port))
        self.port = self._server.getsockname()[1]
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, contextlib.suppress(OSError, RefusedTelegramError):
                self.serve(lambda: connection.recv(4096), connection.sendall)  # noqa: B023

    def drop(self) -> None:
        """Close what is connected; the port stays open."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.drop()
        self._thread.join()


@contextlib.contextmanager
def on_pty(line: ServedLine) -> Iterator[str]:
    """Serve the line on a pty; yield the name of the port that a master opens."""
    inner, outer = pty.openpty()
    tty.setraw(outer)
    stop_read, stop_write = os.pipe()

    def read() -> bytes:
        ready, _, _ = select.select([inner, stop_read], [], [])
        return b"" if stop_read in ready else os.read(inner, 4096)

    def write(data: bytes) -> None:
        os.write(inner, data)

    def serve() -> None:
        with contextlib.suppress(OSError, termios.error):
            line.serve(read, write)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(outer)
    finally:
        os.write(stop_write, b"x")
        thread.join()
        for descriptor in (inner, outer, stop_read, stop_write):
            os.close(descriptor)
