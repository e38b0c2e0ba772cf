"""A town of several partitions for replicas of the ingest: gateways that resend, replicas to kill.

`python -m tests.sync_server.readings.replica_town DATABASE-URL BROKER-PORT` is one replica.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, Engine

from sync_server.assets.asset_store import add_gateway, add_meters, map_new_devices
from sync_server.assets.assets import MeterClass
from sync_server.config import BrokerConfig
from sync_server.db.advisory_io import AdvisoryLocks
from sync_server.db.engine_io import open_engine
from sync_server.readings.health import IngestMetrics
from sync_server.readings.ingest_run_io import IngestLoop
from sync_server.readings.partition_links_io import HOLDER_NAME, PartitionLinks
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.town_parts import frame, new_meter
from wire_contracts.acks import parse_ack
from wire_contracts.frames import Batch, Frame, dump_batch, frame_json
from wire_contracts.payloads import pack, unpack
from wire_contracts.quantities import Quantity
from wire_contracts.topics import Channel, Topic, subscription

GATEWAYS = tuple(f"gw-{number:02d}" for number in range(1, 7))
"""Each in a partition of its own."""

HOUR = timedelta(hours=1)
HOURS = 24 * 8
"""Enough for the detectors to tell water that never stops."""

START = NOON - HOURS * HOUR
EPOCH, SERVER_EPOCH = 7, 99
RESEND_S = 1.0
LEAK_M3 = 30.0


def meters_of(gateway_id: str) -> Sequence[str]:
    number = gateway_id.removeprefix("gw-")
    return [f"M-{number}{each}" for each in range(2)]


def found_partitions(connection: Connection) -> None:
    """Add the gateways, and two homes to each."""
    names = [name for gateway_id in GATEWAYS for name in meters_of(gateway_id)]
    for gateway_id in GATEWAYS:
        add_gateway(connection, gateway_id, gateway_id, NOON)
    homes = [
        new_meter(name, meter_class=MeterClass.HOUSEHOLD, interval=HOUR, is_mains_powered=False)
        for name in names
    ]
    add_meters(connection, homes, NOON)
    map_new_devices(connection, [(name.replace("M-", "D-"), name) for name in names])


def frames_of(gateway_id: str) -> list[Frame]:
    """Return the readings of a gateway's homes, hour by hour; at last the first home's tap runs."""
    frames: list[Frame] = []
    for place, name in enumerate(meters_of(gateway_id)):
        total = 100.0
        for hour in range(HOURS):
            total += 0.05 if hour % 24 in {7, 8, 19} else 0.0
            total += LEAK_M3 if place == 0 and hour >= HOURS // 2 else 0.0
            values = {Quantity.VOLUME_M3: round(total, 3)}
            device = name.replace("M-", "D-")
            frames.append(frame(len(frames) + 1, START + hour * HOUR, values, device=device))
    return frames


def batches_of(gateway_id: str, size: int) -> list[Batch]:
    frames = frames_of(gateway_id)
    return [
        Batch(gateway_id=gateway_id, epoch=EPOCH, frames=frames[first : first + size])
        for first in range(0, len(frames), size)
    ]


class Gateways:
    """Every gateway of the town: what is not acknowledged is sent again, as gateways do."""

    def __init__(self, port: int, batches: Sequence[Batch]) -> None:
        self._waiting = {(each.gateway_id, each.frames[-1].seq): each for each in batches}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="gateways")
        self._client.max_queued_messages_set(0)
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(subscription(Channel.ACK), 1)]
        )
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._sender = threading.Thread(target=self._send)
        self._sender.start()

    @property
    def waiting_count(self) -> int:
        with self._lock:
            return len(self._waiting)

    def _send(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                waiting = list(self._waiting.values())
            for each in waiting:
                if self._stop.is_set():
                    break
                bodies = [frame_json(one) for one in each.frames]
                payload = pack(dump_batch(each.gateway_id, each.epoch, bodies))
                topic = Topic(gateway_id=each.gateway_id, channel=Channel.UP).text()
                self._client.publish(topic, payload, qos=1)
            self._stop.wait(RESEND_S)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        gateway_id = message.topic.split("/")[3]
        ack = parse_ack(unpack(message.topic, bytes(message.payload)))
        with self._lock:
            for each in ack.epochs:
                done = [
                    key
                    for key, batch in self._waiting.items()
                    if key[0] == gateway_id and all(each.covers(one.seq) for one in batch.frames)
                ]
                for key in done:
                    del self._waiting[key]

    def close(self) -> None:
        self._stop.set()
        self._sender.join(60)
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_connect = self._client.on_message = None


class Replica:
    """A replica of the ingest as a process of its own, to be killed."""

    def __init__(self, engine: Engine, port: int, log: Path) -> None:
        self._log = log.open("wb")
        url = engine.url.render_as_string(hide_password=False)
        command = [sys.executable, "-m", "tests.sync_server.readings.replica_town", url, str(port)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(60)
        self._log.close()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()


def links_on(engine: Engine, port: int) -> PartitionLinks:
    return PartitionLinks(BrokerConfig(port=port), AdvisoryLocks(engine, HOLDER_NAME))


def _run(url: str, port: int) -> None:
    engine = open_engine(url)
    links, stop = links_on(engine, port), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    loop = IngestLoop(
        engine, links, HandClock(), IngestMetrics(CollectorRegistry()), lambda _point: None
    )
    links.start()
    loop.run(SERVER_EPOCH, stop)
    links.close()
    engine.dispose()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    _run(sys.argv[1], int(sys.argv[2]))
