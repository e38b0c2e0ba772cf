"""ThingsBoard's gateway on the same meters: the peer that ours is measured against (PEERS=1).

It pins libraries that ours cannot share, so it lives in an environment of its own: the folder of a
virtual environment with `thingsboard-gateway==3.8.5` and `pymodbus==3.9.2` is named by
`PEERS_VENV`. The platform is a stub: a Mosquitto broker and this client, which grants a session
without any limit and counts what arrives. Its logs are set to errors and its polls to as fast as
they go (100 ms). It sends at its shipped pace of 50 ms: without a pause its sender starves its
poller. The stub subscribes to everything, because a publication that nobody hears counts as failed
there.
"""

import json
import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

PEER = "thingsboard-gateway 3.8.5"
WARM_UP_S = 10.0
MEASURED_S = 15.0
"""The first telemetry comes after about 5 s; the rate is steady from then on."""

_REQUEST = "v1/devices/me/rpc/request/"
_RESPONSE = "v1/devices/me/rpc/response/"
_TELEMETRY = "v1/gateway/telemetry"
_SESSION = {
    "maxPayloadSize": 65536,
    "maxInflightMessages": 1000,
    "rateLimits": {"messages": "0:0,", "telemetryMessages": "0:0,", "telemetryDataPoints": "0:0,"},
    "gatewayRateLimits": {
        "messages": "0:0,",
        "telemetryMessages": "0:0,",
        "telemetryDataPoints": "0:0,",
    },
}
_START = (
    "import sys\n"
    "from thingsboard_gateway.gateway.tb_gateway_service import TBGatewayService\n"
    "TBGatewayService(sys.argv[1])\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSite:
    """Where the peer finds its meters and its broker.

    Attributes:
        meter_port: Port of the simulated meters on loopback, unit identifiers `units`.
        broker_port: Port of a broker on loopback that lets everyone in.
        units: The unit identifiers.
        points: 32-bit values of each meter, from address 0 on.
        folder: An empty folder for its settings and data.
    """

    meter_port: int
    broker_port: int
    units: Sequence[int]
    points: int
    folder: Path


def peer_python() -> Path | None:
    """Return the Python of the peer's environment, None when it is not asked for or not there."""
    venv = os.environ.get("PEERS_VENV")
    if os.environ.get("PEERS") != "1" or not venv:
        return None
    python = Path(venv) / "bin" / "python"
    return python if python.is_file() else None


def peer_readings_per_s(python: Path, site: PeerSite) -> float:
    """Return the readings a second that the peer delivers to the broker, after a warm-up."""
    platform = _Platform(site.broker_port)
    config = _write_settings(site)
    log = (site.folder / "peer.log").open("wb")
    with log, platform:
        peer = subprocess.Popen(  # noqa: S603  # the environment is named by who measures
            [python, "-c", _START, str(config)], cwd=site.folder, stdout=log, stderr=log
        )
        try:
            platform.wait(WARM_UP_S)
            before = platform.readings
            platform.wait(MEASURED_S)
            return (platform.readings - before) / MEASURED_S
        finally:
            peer.kill()
            peer.wait()


class _Platform:
    """What the peer takes for ThingsBoard: it grants the session and counts readings."""

    def __init__(self, port: int) -> None:
        self.readings = 0
        self._port = port
        self._never = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.subscribe("#")
        self._client.loop_start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait(self, seconds: float) -> None:
        """Let the peer work."""
        self._never.wait(seconds)

    def _on_message(self, client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.topic.startswith(_REQUEST):
            number = message.topic.removeprefix(_REQUEST)
            client.publish(f"{_RESPONSE}{number}", json.dumps(_SESSION), qos=1)
            return
        if message.topic != _TELEMETRY:
            return
        devices = json.loads(message.payload)
        self.readings += sum(
            len(record.get("values", record)) for records in devices.values() for record in records
        )


def _write_settings(site: PeerSite) -> Path:
    config = site.folder / "config"
    config.mkdir(parents=True)
    (site.folder / "logs").mkdir()
    none = "0:0,"
    gateway = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": site.broker_port,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "maxPayloadSizeBytes": 65536,
            "minPackSizeToSend": 500,
            "security": {"type": "accessToken", "accessToken": "benchmark"},
            "qos": 1,
            "rateLimits": none,
            "dpRateLimits": none,
            "messagesRateLimits": none,
            "deviceMessagesRateLimits": none,
            "deviceRateLimits": none,
            "deviceDpRateLimits": none,
        },
        "storage": {"type": "memory", "read_records_count": 1000, "max_records_count": 1_000_000},
        "grpc": {"enabled": False},
        "connectors": [{"type": "modbus", "name": "Meters", "configuration": "meters.json"}],
    }
    logs = {"version": 1, "disable_existing_loggers": False, "root": {"level": "ERROR"}}
    logs["loggers"] = {"pymodbus.logging": {"level": "CRITICAL"}}
    slaves = [_slave(site, unit) for unit in site.units]
    for name, content in (
        ("tb_gateway.json", gateway),
        ("logs.json", logs),
        ("meters.json", {"master": {"slaves": slaves}}),
    ):
        (config / name).write_text(json.dumps(content), encoding="utf-8")
    return config / "tb_gateway.json"


def _slave(site: PeerSite, unit: int) -> dict[str, object]:
    points = [
        {
            "tag": f"p{index}",
            "type": "32uint",
            "functionCode": 3,
            "objectsCount": 2,
            "address": 2 * index,
        }
        for index in range(site.points)
    ]
    return {
        "host": "127.0.0.1",
        "port": site.meter_port,
        "type": "tcp",
        "method": "socket",
        "unitId": unit,
        "deviceName": f"M{unit}",
        "timeout": 5,
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "retries": 0,
        "pollPeriod": 100,
        "connectAttemptTimeMs": 1000,
        "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 1000,
        "attributes": [],
        "timeseries": points,
        "attributeUpdates": [],
        "rpc": [],
    }
