"""Opens what carries bytes to meters: a serial port or a TCP connection, told alike."""

import select
import socket
from typing import Protocol

from edge_gateway.links.link_url import SerialLine, TcpLine
from edge_gateway.links.serial_io import SerialPort

LEAST_CONNECT_S = 1.0
"""Wall seconds that a connection may take to come about however short answers are waited for."""

WRITE_WITHIN_S = 5.0
"""Wall seconds after which a far end that takes no bytes is given up. Judgement."""

KEEPALIVE_IDLE_S = 20
KEEPALIVE_EVERY_S = 5
KEEPALIVE_MISSES = 3
GONE_AFTER_MS = 30_000
"""A far end that has vanished without a word is noticed within 35 s, even when nothing is asked.
Judgement: shorter than any interval at which meters are usually read, longer than a radio fade."""

_MOST_BYTES = 4096


class BytePort(Protocol):
    """An open line that carries bytes; OSError says that it is gone."""

    def write(self, data: bytes) -> None:
        """Send everything."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """Return what came, at the latest after `timeout_s`; empty when nothing did."""
        ...

    def close(self) -> None:
        """Close the line; never raises."""
        ...


class TcpPort:
    """An open TCP connection."""

    def __init__(self, connection: socket.socket) -> None:
        """Take a connected socket, and make it notice a far end that has vanished."""
        self._socket = connection
        watch_far_end(connection)
        connection.setblocking(False)  # noqa: FBT003  # the standard library's signature
        self._readable = select.poll()
        self._readable.register(connection, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(connection, select.POLLOUT)

    def write(self, data: bytes) -> None:
        """Send everything; raise OSError when the far end is gone or takes nothing."""
        while data:
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                if not self._writable.poll(WRITE_WITHIN_S * 1000):
                    message = "the far end takes no more bytes"
                    raise TimeoutError(message) from None

    def read(self, timeout_s: float) -> bytes:
        """Return what is there, at the latest after `timeout_s`; empty when nothing came.

        Raises:
            OSError: The connection is gone.
        """
        if timeout_s <= 0:
            data = self._received() if self._readable.poll(0) else None
        else:
            data = self._received()
            if data is None and self._readable.poll(timeout_s * 1000):
                data = self._received()
        return b"" if data is None else data

    def _received(self) -> bytes | None:
        """Return what is there, None when nothing is.

        An answer often is, which saves the waiting; between two requests nothing should be, and
        to ask `poll` costs a third of an exception.
        """
        try:
            data = self._socket.recv(_MOST_BYTES)
        except BlockingIOError:
            return None
        if not data:
            message = "closed by the far end"
            raise ConnectionResetError(message)
        return data

    def close(self) -> None:
        """Close the connection; never raises."""
        self._socket.close()


def watch_far_end(connection: socket.socket) -> None:
    """Send without delay, and let the kernel notice a far end that has vanished."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_EVERY_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_MISSES)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_AFTER_MS)


def open_port(line: SerialLine | TcpLine, *, timeout_s: float) -> BytePort:
    """Return the open line.

    Args:
        line: What to open.
        timeout_s: Wall seconds a TCP connection may take, at least LEAST_CONNECT_S.

    Raises:
        OSError: It cannot be opened; the text is the reason.
    """
    if isinstance(line, SerialLine):
        return SerialPort(line)
    within_s = max(timeout_s, LEAST_CONNECT_S)
    return TcpPort(socket.create_connection((line.host, line.port), within_s))
