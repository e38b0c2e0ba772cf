"""A network that can be cut: a loopback relay between a tablet and the server."""

import selectors
import socket
import threading
from types import TracebackType
from typing import Self

CHUNK_BYTES = 64 * 1024


class CuttableNetwork:
    """Relays TCP from a port of its own to the server, until somebody cuts it; a context manager.

    While it is cut, new connections are closed at once and open ones are dropped in the middle:
    what a tablet sees in a cellar.
    """

    def __init__(self, server_port: int, port: int = 0) -> None:
        """Listen on a loopback port, a free one for 0; `open` begins to relay."""
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._connected = threading.Event()
        self._connected.set()
        self._stop = threading.Event()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._relay, name="cut-network", daemon=True)

    def __enter__(self) -> Self:
        """Begin to relay."""
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self.close()

    def open(self) -> None:
        """Begin to relay."""
        self._thread.start()

    def close(self) -> None:
        """Drop everything and stop listening."""
        self._stop.set()
        self._thread.join()
        self._drop_all()
        self._listener.close()

    @property
    def is_connected(self) -> bool:
        """Whether the tablet has a network."""
        return self._connected.is_set()

    def cut(self) -> None:
        """Take the network away, in the middle of whatever is being said."""
        self._connected.clear()
        self._drop_all()

    def restore(self) -> None:
        """Give the network back."""
        self._connected.set()

    def _drop_all(self) -> None:
        with self._lock:
            for each in list(self._pairs):
                each.close()
            self._pairs.clear()

    def _relay(self) -> None:
        while not self._stop.is_set():
            with self._lock, selectors.DefaultSelector() as selector:
                for each in [self._listener, *self._pairs]:
                    selector.register(each, selectors.EVENT_READ)
                for key, _ in selector.select(timeout=0.02):
                    if isinstance(key.fileobj, socket.socket):
                        self._serve(key.fileobj)

    def _serve(self, ready: socket.socket) -> None:
        if ready is self._listener:
            self._accept()
            return
        peer = self._pairs.get(ready)
        if peer is None:
            return
        try:
            data = ready.recv(CHUNK_BYTES)
            if data:
                peer.sendall(data)
                return
        except OSError:
            data = b""
        for each in (ready, peer):
            self._pairs.pop(each, None)
            each.close()

    def _accept(self) -> None:
        tablet, _ = self._listener.accept()
        if not self.is_connected:
            tablet.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port), timeout=5)
        except OSError:
            tablet.close()
            return
        self._pairs[tablet] = server
        self._pairs[server] = tablet
