"""A broker of MQTT 3.1.1 that greets everybody and forgets to answer what it is told to forget."""

import contextlib
import socketserver
import struct
import threading
from collections.abc import Iterator

_CONNECT, _PUBLISH, _SUBSCRIBE, _PINGREQ = 1, 3, 8, 12
_QOS = 0x06


class OddBroker(socketserver.ThreadingTCPServer):
    """Keeps nothing and delivers nothing.

    Attributes:
        greeted: Connections that were accepted.
        topics: Where something was published, in order.
        unpublished: Whether no publication is confirmed.
        forgotten: So many subscriptions, from now on, are left without an answer.
        greets_after_s: How long each greeting is on its way.
    """

    daemon_threads = True

    def __init__(
        self,
        port: int,
        *,
        unpublished: bool = False,
        forgotten: int = 0,
        greets_after_s: float = 0.0,
    ) -> None:
        self.greeted = 0
        self.topics: list[str] = []
        self.unpublished = unpublished
        self.forgotten = forgotten
        self.greets_after_s = greets_after_s
        super().__init__(("127.0.0.1", port), _Connection)


class _Connection(socketserver.StreamRequestHandler):
    server: OddBroker  # type: ignore[mutable-override]  # the one it is made by

    def handle(self) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        with contextlib.suppress(OSError):
            while head := self.rfile.read(1):
                self._answer(head[0], self.rfile.read(self._length()))

    def _length(self) -> int:
        size = shift = 0
        while True:
            (part,) = self.rfile.read(1)
            size |= (part & 0x7F) << shift
            shift += 7
            if part < 0x80:
                return size

    def _answer(self, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == _CONNECT:
            self.server.greeted += 1
            threading.Event().wait(self.server.greets_after_s)
            self.wfile.write(b"\x20\x02\x00\x00")
        elif kind == _SUBSCRIBE:
            self._subscribe(body)
        elif kind == _PINGREQ:
            self.wfile.write(b"\xd0\x00")
        elif kind == _PUBLISH:
            (length,) = struct.unpack(">H", body[:2])
            self.server.topics.append(body[2 : 2 + length].decode())
            if head & _QOS and not self.server.unpublished:
                self.wfile.write(b"\x40\x02" + body[2 + length : 4 + length])

    def _subscribe(self, body: bytes) -> None:
        if self.server.forgotten:
            self.server.forgotten -= 1
            return
        count, rest = 0, body[2:]
        while rest:
            (length,) = struct.unpack(">H", rest[:2])
            count, rest = count + 1, rest[3 + length :]
        self.wfile.write(bytes((0x90, 2 + count)) + body[:2] + b"\x01" * count)


@contextlib.contextmanager
def odd_broker(
    port: int = 0,
    *,
    unpublished: bool = False,
    forgotten: int = 0,
    greets_after_s: float = 0.0,
) -> Iterator[OddBroker]:
    """Serve until the block ends."""
    broker = OddBroker(
        port, unpublished=unpublished, forgotten=forgotten, greets_after_s=greets_after_s
    )
    thread = threading.Thread(target=broker.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield broker
    finally:
        broker.shutdown()
        thread.join()
        broker.server_close()
