"""A link that resets in the middle of bytes, refuses requests and swallows answers.

It stands between a real tablet and a real server and speaks HTTP only as far as it must to know
where a request begins and ends. What happens is decided by bytes and by a seed, not by time: at
`BYTES_PER_S` "every ten seconds" is so many bytes, and the test need not wait for them.
"""

import random
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

BYTES_PER_S = 125_000
"""1 Mbit/s, a good day of 4G in a cellar's entrance."""

RESET_EVERY_S = 10.0

_PIECE = 16 * 1024
_HEAD_END = b"\r\n\r\n"
_LONGEST_HEAD = 64 * 1024
_LENGTH = re.compile(rb"(?im)^content-length:\s*(\d+)")
_OFFSET = re.compile(rb"(?im)^upload-offset:\s*(\d+)")
_LINGER_NO_WAIT = struct.pack("ii", 1, 0)
_NOTICED_LATE_S = 0.03
"""A server notices a lost link later than the tablet: its own half stays open a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How bad the link is; all zero is a good one."""

    refused_share: float = 0.0
    swallowed_share: float = 0.0
    resets: bool = False


@dataclass(slots=True)
class Traffic:
    """What went over the link.

    `offsets` are those of the PATCH requests per blob, in order: an upload that restarts goes back.
    """

    up_bytes: int = 0
    down_bytes: int = 0
    requests: int = 0
    refused: int = 0
    swallowed: int = 0
    resets: int = 0
    offsets: dict[str, list[int]] = field(default_factory=dict)


class CutError(Exception):
    """The link was reset at this very byte."""


class BadLink:
    """Forwards from its own port to a server's; `watch` is called before every request goes on."""

    def __init__(self, target: int, seed: int) -> None:
        self.target = target
        self.faults = Faults()
        self.traffic = Traffic()
        self.watch: Callable[[], None] = lambda: None
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._left = self._draw()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._is_closed = threading.Event()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._is_closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(10)
        for thread in self._threads:
            thread.join(10)

    def _draw(self) -> int:
        return self._random.randrange(1, int(2 * BYTES_PER_S * RESET_EVERY_S))

    def _accept(self) -> None:
        while not self._is_closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(30)
        with client, suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.target), timeout=30)
            try:
                while self._one_request(client, server):
                    pass
            except CutError:
                _reset(client)
                self._is_closed.wait(_NOTICED_LATE_S)
            finally:
                server.close()

    def _one_request(self, client: socket.socket, server: socket.socket) -> bool:
        head, body = _read_head(client)
        if not head:
            return False
        self.watch()
        with self._lock:
            self.traffic.requests += 1
            fate = self._random.random()
        self._note_offset(head)
        self._count(len(head), is_up=True)
        if fate < self.faults.refused_share:
            self.traffic.refused += 1
            self._refuse(client)
            return False
        server.sendall(head)
        self._forward(client, server, body, _length_of(head), is_up=True)
        return self._answer(client, server, head, fate)

    def _answer(
        self, client: socket.socket, server: socket.socket, request: bytes, fate: float
    ) -> bool:
        head, body = _read_head(server)
        if not head:
            return False
        if 1 - fate < self.faults.swallowed_share:
            self.traffic.swallowed += 1
            raise CutError
        self._count(len(head), is_up=False)
        client.sendall(head)
        length = 0 if request.startswith(b"HEAD") else _length_of(head)
        self._forward(server, client, body, length, is_up=False)
        return True

    def _refuse(self, client: socket.socket) -> None:
        """Turn half of them away like a proxy does, and half with no word at all."""
        if self.traffic.refused % 2:
            page = b"<html>busy</html>"
            head = f"HTTP/1.1 503 Busy\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
            with suppress(OSError):
                client.sendall(head.encode() + page)
        else:
            _reset(client)

    def _forward(
        self, source: socket.socket, sink: socket.socket, first: bytes, length: int, *, is_up: bool
    ) -> None:
        left = length
        piece = first[:left]
        while left:
            if not piece:
                piece = source.recv(min(left, _PIECE))
                if not piece:
                    raise CutError
            allowed = self._count(len(piece), is_up=is_up)
            sink.sendall(piece[:allowed])
            if allowed < len(piece):
                raise CutError
            left -= len(piece)
            piece = b""

    def _count(self, size: int, *, is_up: bool) -> int:
        """Return how many of the bytes get through before the link resets."""
        with self._lock:
            allowed = size
            if self.faults.resets:
                allowed = min(size, self._left)
                self._left -= allowed
                if self._left == 0:
                    self._left = self._draw()
                    self.traffic.resets += 1
            if is_up:
                self.traffic.up_bytes += allowed
            else:
                self.traffic.down_bytes += allowed
        return allowed

    def _note_offset(self, head: bytes) -> None:
        offset = _OFFSET.search(head)
        if head.startswith(b"PATCH") and offset is not None:
            name = head.split(b" ", 2)[1].rsplit(b"/", 1)[-1].decode()
            self.traffic.offsets.setdefault(name, []).append(int(offset[1]))


def _read_head(source: socket.socket) -> tuple[bytes, bytes]:
    """Return the head of a message and what came behind it already; empty at the end."""
    data = b""
    while _HEAD_END not in data:
        piece = source.recv(_PIECE)
        if not piece or len(data) > _LONGEST_HEAD:
            return b"", b""
        data += piece
    head, _, body = data.partition(_HEAD_END)
    return head + _HEAD_END, body


def _length_of(head: bytes) -> int:
    found = _LENGTH.search(head)
    return 0 if found is None else int(found[1])


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NO_WAIT)
    connection.close()


@contextmanager
def bad_link(target: int, seed: int) -> Iterator[BadLink]:
    """Run a link to a port until the block ends; it is a good one until `faults` is set."""
    link = BadLink(target, seed)
    try:
        yield link
    finally:
        link.close()
