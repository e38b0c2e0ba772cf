"""The embedded broker: nobody without an account, nobody on another's topics."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from demo.broker_access import digest, may_publish, may_receive, may_subscribe
from demo.places import Places
from tests.free_ports import free_port
from wire_contracts.topics import Channel, Topic, subscription

ROOT = Path(__file__).resolve().parent.parent.parent
WAIT_S = 60.0
UP = Topic(gateway_id="gw-01", channel=Channel.UP).text()
ACK = Topic(gateway_id="gw-01", channel=Channel.ACK).text()
OTHER_UP = Topic(gateway_id="gw-02", channel=Channel.UP).text()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The broker's own process, as the demo runs it."""
    accounts = Places(tmp_path).broker_accounts_file
    accounts.parent.mkdir()
    accounts.write_text(
        json.dumps({"server": digest("s"), "gw-01": digest("g1"), "gw-02": digest("g2")})
    )
    chosen = free_port()
    command = [sys.executable, "-m", "demo.run_broker", "--data", str(tmp_path), "--port"]
    with subprocess.Popen(
        [*command, str(chosen)], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as broker:
        yield chosen
        broker.terminate()
        assert broker.wait(WAIT_S) == 0


class Talker:
    """One connected client with what it was told."""

    def __init__(self, port: int, account: str, password: str) -> None:
        self.received: Queue[tuple[str, bytes]] = Queue()
        self.connected: Queue[bool] = Queue()
        self.subscribed: Queue[list[bool]] = Queue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"test-{account}")
        self.client.username_pw_set(account, password)
        self.client.on_connect = lambda *told: self.connected.put(not told[3].is_failure)
        self.client.on_subscribe = lambda *told: self.subscribed.put(
            [not code.is_failure for code in told[3]]
        )
        self.client.on_message = lambda *told: self.received.put((told[2].topic, told[2].payload))
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.client.on_connect = self.client.on_subscribe = self.client.on_message = None


Talk = Callable[[str, str], Talker]


@pytest.fixture
def talk(port: int) -> Iterator[Talk]:
    opened: list[Talker] = []

    def open_one(account: str, password: str) -> Talker:
        opened.append(Talker(port, account, password))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def test_a_gateway_reaches_the_server_and_only_on_its_own_topic(talk: Talk) -> None:
    server = talk("server", "s")
    assert server.connected.get(timeout=WAIT_S)
    server.client.subscribe(subscription(Channel.UP), qos=1)
    assert server.subscribed.get(timeout=WAIT_S) == [True]
    gateway = talk("gw-01", "g1")
    assert gateway.connected.get(timeout=WAIT_S)

    gateway.client.publish(OTHER_UP, b"forged", qos=1)
    gateway.client.publish(UP, b"own", qos=1)

    assert server.received.get(timeout=WAIT_S) == (UP, b"own")
    with pytest.raises(Empty):
        server.received.get(timeout=0.3)


def test_a_wrong_password_is_refused(talk: Talk) -> None:
    stranger = talk("gw-01", "guess")

    assert stranger.connected.get(timeout=WAIT_S) is False


def test_a_gateway_cannot_listen_to_another(talk: Talk) -> None:
    gateway = talk("gw-02", "g2")
    assert gateway.connected.get(timeout=WAIT_S)

    gateway.client.subscribe(ACK, qos=1)

    assert gateway.subscribed.get(timeout=WAIT_S) == [False]


@pytest.mark.parametrize(
    ("account", "topic", "publish", "subscribe", "receive"),
    [
        ("gw-01", UP, True, False, False),
        ("gw-01", ACK, False, True, True),
        ("gw-02", ACK, False, False, False),
        ("server", ACK, True, False, False),
        ("server", UP, False, False, True),
        ("", UP, False, False, False),
        ("gw-01", "#", False, False, False),
    ],
)
def test_who_may_do_what(
    account: str, topic: str, *, publish: bool, subscribe: bool, receive: bool
) -> None:
    allowed = (
        may_publish(account, topic),
        may_subscribe(account, topic),
        may_receive(account, topic),
    )

    assert allowed == (publish, subscribe, receive)


def test_the_server_listens_to_every_gateway() -> None:
    assert may_subscribe("server", subscription(Channel.UP))
    assert not may_subscribe("server", "#")
