"""The network that can be cut: it relays, it drops in the middle, it comes back."""

import socket
import threading
from collections.abc import Iterator

import pytest

from demo.cut_network_io import CuttableNetwork

WAIT_S = 60.0


def echo(listener: socket.socket) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            while data := receive(peer):
                peer.sendall(data)


def receive(peer: socket.socket) -> bytes:
    try:
        return peer.recv(1024)
    except OSError:
        return b""


@pytest.fixture
def network() -> Iterator[CuttableNetwork]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = threading.Thread(target=echo, args=(listener,))
    server.start()
    with CuttableNetwork(listener.getsockname()[1]) as relay:
        yield relay
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    server.join(WAIT_S)


def ask(relay: CuttableNetwork, question: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", relay.port), timeout=WAIT_S) as tablet:
        try:
            tablet.sendall(question)
        except OSError:
            return b""
        return receive(tablet)


def test_it_relays_while_it_is_whole(network: CuttableNetwork) -> None:
    assert ask(network, b"hello") == b"hello"


def test_a_cut_drops_what_is_being_said(network: CuttableNetwork) -> None:
    with socket.create_connection(("127.0.0.1", network.port), timeout=WAIT_S) as tablet:
        tablet.sendall(b"first")
        assert receive(tablet) == b"first"

        network.cut()

        assert receive(tablet) == b""


def test_nobody_gets_through_until_it_is_restored(network: CuttableNetwork) -> None:
    network.cut()
    assert ask(network, b"hello") == b""

    network.restore()

    assert ask(network, b"again") == b"again"
