"""A SCADA host hears the queue over a real broker, through breaks, and never stops the lifeline."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from edge_gateway.config import MqttConfig, MqttVersion, QueueConfig, SparkplugConfig
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.sparkplug.payload import DataType, Metric, Payload, dump_payload, parse_payload
from edge_gateway.sparkplug.sparkplug_io import CURSOR, SparkplugOutput, SparkplugParts
from tests.edge_gateway.rig import LOOPBACK, FastClock, Mosquitto, running, until
from wire_contracts.frames import Frame
from wire_contracts.quality import BAD_TIMEOUT
from wire_contracts.quantities import Quantity

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Host:
    """A SCADA host that writes down what it hears."""

    port: int
    heard: list[tuple[str, Payload]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_message
        self.client.on_connect = lambda client, *_: client.subscribe("spBv1.0/#", 1)
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.reconnect_delay_set(1, 1)
        self.client.connect_async(LOOPBACK, self.port)
        self.client.loop_start()
        assert self._ready.wait(15)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.client.on_message = self.client.on_connect = self.client.on_subscribe = None

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        parts = message.topic.split("/")
        verb = parts[2]
        if parts[1] == "STATE":
            self.heard.append(("STATE", Payload()))
        elif verb != "NCMD":
            self.heard.append((verb, parse_payload(bytes(message.payload))))

    def verbs(self) -> list[str]:
        return [verb for verb, _ in list(self.heard)]

    def say_state(self, *, is_online: bool, at_ms: int) -> None:
        text = json.dumps({"online": is_online, "timestamp": at_ms})
        self.client.publish("spBv1.0/STATE/scada", text, qos=1, retain=True).wait_for_publish(5)

    def ask_rebirth(self) -> None:
        wish = Metric(name="Node Control/Rebirth", data_type=DataType.BOOLEAN, value=True)
        payload = dump_payload(Payload(timestamp_ms=1, metrics=[wish]))
        self.client.publish("spBv1.0/town/NCMD/gw-1", payload, qos=1).wait_for_publish(5)

    def flows(self) -> list[float]:
        """Return every flow that was told, in births and data, null ones left out."""
        return [
            float(metric.value)
            for _, payload in list(self.heard)
            for metric in payload.metrics
            if isinstance(metric.value, float)
        ]


@dataclass(frozen=True, kw_only=True)
class Births:
    """How many births of the node a host shall have heard."""

    host: Host
    wanted: int

    def have_come(self) -> bool:
        return self.host.verbs().count("NBIRTH") == self.wanted


@pytest.fixture
def store(tmp_path: Path) -> Iterator[QueueStore]:
    opened, _ = open_queue(tmp_path / "queue.sqlite3", QueueConfig(), START)
    yield opened
    opened.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as mosquitto:
        yield mosquitto


def output(
    store: QueueStore,
    folder: Path,
    port: int,
    *,
    primary_host: str | None = None,
    version: MqttVersion | None = None,
) -> SparkplugOutput:
    mqtt = MqttConfig(host=LOOPBACK, port=port, keepalive_s=5, version=version)
    config = SparkplugConfig(group_id="town", node_id="gw-1", primary_host=primary_host, mqtt=mqtt)
    parts = SparkplugParts(config=config, queue=store, clock=FastClock(1.0), folder=folder)
    return SparkplugOutput(parts)


def frame(number: int, *, device: str = "W-1", is_silent: bool = False) -> Frame:
    return Frame(
        seq=0,
        device=device,
        measured_at_utc=START + timedelta(hours=1, seconds=number),
        profile="x@1",
        group="fast",
        values={} if is_silent else {Quantity.FLOW_M3H: float(number)},
        quality={Quantity.FLOW_M3H: BAD_TIMEOUT} if is_silent else {},
    )


@pytest.mark.parametrize("version", [None, MqttVersion.V5])
def test_a_host_hears_births_data_deaths_and_the_farewell(
    store: QueueStore, broker: Mosquitto, tmp_path: Path, version: MqttVersion | None
) -> None:
    store.cursor(CURSOR)
    with Host(broker.port) as host:
        with running(output(store, tmp_path, broker.port, version=version).run):
            store.put([frame(1), frame(2)])
            until(lambda: "DDATA" in host.verbs())
            store.put([frame(3, is_silent=True)])
            until(lambda: "DDEATH" in host.verbs())
        until(lambda: "NDEATH" in host.verbs())

    assert host.verbs() == ["NBIRTH", "DBIRTH", "DDATA", "DDEATH", "NDEATH"]
    assert host.flows() == [1.0, 2.0]
    assert host.heard[0][1].metrics[0].value == host.heard[-1][1].metrics[0].value


def test_a_rebirth_is_given_when_asked(
    store: QueueStore, broker: Mosquitto, tmp_path: Path
) -> None:
    store.cursor(CURSOR)
    with Host(broker.port) as host, running(output(store, tmp_path, broker.port).run):
        store.put([frame(1)])
        until(lambda: "DBIRTH" in host.verbs())
        host.ask_rebirth()
        until(lambda: host.verbs().count("DBIRTH") == 2)

        verbs = host.verbs()

    assert verbs == ["NBIRTH", "DBIRTH", "NBIRTH", "DBIRTH"]


def test_nothing_is_told_before_the_primary_host_is_there_nor_after_it_went(
    store: QueueStore, broker: Mosquitto, tmp_path: Path
) -> None:
    store.cursor(CURSOR)
    with Host(broker.port) as host:
        host.say_state(is_online=False, at_ms=1)
        with running(output(store, tmp_path, broker.port, primary_host="scada").run):
            store.put([frame(1)])
            host.say_state(is_online=True, at_ms=2)
            until(lambda: "DBIRTH" in host.verbs())
            host.say_state(is_online=False, at_ms=3)
            until(lambda: "NDEATH" in host.verbs())
            store.put([frame(2)])
            host.say_state(is_online=True, at_ms=4)
            until(lambda: 2.0 in host.flows())

    assert host.verbs()[:6] == ["STATE", "STATE", "NBIRTH", "DBIRTH", "STATE", "NDEATH"]
    assert "NBIRTH" in host.verbs()[host.verbs().index("STATE", 5) :]
    first, second = (payload for verb, payload in host.heard if verb == "NBIRTH")
    assert first.metrics[0].value != second.metrics[0].value


def test_what_a_broken_connection_may_have_lost_is_told_again_as_history(
    store: QueueStore, tmp_path: Path
) -> None:
    store.cursor(CURSOR)
    broker = Mosquitto(tmp_path)
    with broker, Host(broker.port) as host:
        with running(output(store, tmp_path, broker.port).run):
            store.put([frame(1), frame(2)])
            until(lambda: 2.0 in host.flows())
            broker.__exit__()
            store.put([frame(3)])
            broker.__enter__()
            until(lambda: host.flows().count(2.0) >= 2 and 3.0 in host.flows())

        again = [
            metric
            for _, payload in host.heard
            for metric in payload.metrics
            if metric.value == 1.0 and metric.is_historical
        ]

    assert again
    assert store.figures().open_count == 3


def test_the_numbers_of_births_and_deaths_go_on_after_a_restart(
    store: QueueStore, broker: Mosquitto, tmp_path: Path
) -> None:
    store.cursor(CURSOR)
    with Host(broker.port) as host:
        for count in (1, 2, 3):
            births = Births(host=host, wanted=count)
            with running(output(store, tmp_path, broker.port).run):
                until(births.have_come)
        until(lambda: host.verbs().count("NDEATH") == 3)

    numbers = [payload.metrics[0].value for verb, payload in host.heard if verb == "NBIRTH"]
    assert numbers == [0, 1, 2]
    memory = json.loads((tmp_path / "sparkplug.json").read_text(encoding="utf-8"))
    assert memory == {"bd_seq": 2}


def test_a_damaged_memory_file_does_not_keep_it_from_starting(
    store: QueueStore, broker: Mosquitto, tmp_path: Path
) -> None:
    (tmp_path / "sparkplug.json").write_text("{", encoding="utf-8")
    store.cursor(CURSOR)
    with Host(broker.port) as host, running(output(store, tmp_path, broker.port).run):
        until(lambda: "NBIRTH" in host.verbs())

        number = host.heard[0][1].metrics[0].value

    assert number == 0


def test_the_cursor_follows_only_what_a_standing_connection_carried(
    store: QueueStore, broker: Mosquitto, tmp_path: Path
) -> None:
    begin = store.cursor(CURSOR).seq
    with Host(broker.port) as host:
        with running(output(store, tmp_path, broker.port).run):
            store.put([frame(1), frame(2)])
            until(lambda: 2.0 in host.flows())
            assert store.cursor(CURSOR).seq == begin
        until(lambda: "NDEATH" in host.verbs())

    assert store.cursor(CURSOR).seq == begin + 2


def test_a_queue_file_that_is_replaced_while_it_runs_is_followed_from_its_first_frame(
    store: QueueStore, broker: Mosquitto, tmp_path: Path
) -> None:
    store.cursor(CURSOR)
    with Host(broker.port) as host, running(output(store, tmp_path, broker.port).run):
        store.put([frame(1), frame(2), frame(3)])
        until(lambda: 3.0 in host.flows())
        store._replace(store._current)
        assert store.put([frame(4)]) == [1]
        until(lambda: 4.0 in host.flows())

        flows = host.flows()

    assert flows == [1.0, 2.0, 3.0, 4.0]
