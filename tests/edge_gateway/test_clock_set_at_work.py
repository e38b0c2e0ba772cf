"""The clock of a box that started in 1970 is set at work: no stamp of 1970 leaves it."""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_gateway.config import MqttConfig, SparkplugConfig
from edge_gateway.run import Machine, run_gateway
from tests.edge_gateway.rig import (
    LOOPBACK,
    LedgerServer,
    MeterServer,
    Mosquitto,
    Request,
    running,
    until,
)
from tests.edge_gateway.test_meter_to_server import gateway, heat_meter, meters
from tests.edge_gateway.test_sparkplug_output import Host
from wire_contracts.frames import ms_from_utc

MINUTE_MS = 60_000


@dataclass
class Box:
    """A machine without a battery for its clock."""

    boot_id: str = "boot-1"
    is_set: bool = False
    started_s: float = field(default_factory=time.monotonic)

    def now_utc(self) -> datetime:
        if self.is_set:
            return datetime.now(UTC)  # noqa: TID251  # what a time server would tell
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            seconds=time.monotonic() - self.started_s
        )

    def wall_seconds(self, seconds: float) -> float:
        return seconds

    def uptime_ms(self) -> int:
        return int(time.monotonic() * 1000)

    def is_synchronised(self) -> bool:
        return self.is_set


def test_neither_output_ever_tells_of_1970(tmp_path: Path) -> None:
    box, asked = Box(), 0
    honest = heat_meter(1.25)

    def behave(request: Request) -> bytes | None:
        nonlocal asked
        asked += 1
        if asked == 12:  # while this answer is on its way
            box.is_set = True
        return honest(request)

    with (
        Mosquitto(folder=tmp_path) as broker,
        MeterServer(units={1: behave}) as plant,
        LedgerServer(broker.port) as server,
        Host(broker.port) as host,
    ):
        scada = SparkplugConfig(
            group_id="town",
            node_id="gw-1",
            primary_host=None,
            mqtt=MqttConfig(host=LOOPBACK, port=broker.port),
        )
        config = replace(gateway(tmp_path, broker.port, {plant.port: meters(1)}), sparkplug=scada)
        machine = Machine(time_source=box)
        with running(lambda stop: run_gateway(config, box, stop, machine=machine)):
            until(lambda: asked > 20 and "DDATA" in host.verbs())
            until(lambda: len(server.ledger) > 15)
        now_ms = ms_from_utc(box.now_utc())

    stamps = [ms_from_utc(frame.measured_at_utc) for frame in server.frames()]
    told = [payload.timestamp_ms for verb, payload in host.heard if verb in {"NBIRTH", "DDATA"}]
    assert [each for each in stamps if not now_ms - MINUTE_MS < each <= now_ms] == []
    assert told
    assert [each for each in told if not now_ms - MINUTE_MS < (each or 0) <= now_ms] == []
