"""M-Bus from the meter to the server: values, telegrams and faults arrive as what they are."""

from datetime import timedelta
from itertools import cycle
from pathlib import Path

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import GatewayConfig, LinkConfig, MeterConfig, MqttConfig, QueueConfig
from edge_gateway.links.driver import TELEGRAM
from edge_gateway.run import run_gateway
from meter_telegrams.mbus.joining import decode_readout
from meter_telegrams.telegram_meaning import meaning_of
from tests.edge_gateway.mbus_meters import Fault, MbusLine, SimulatedMeter
from tests.edge_gateway.rig import LOOPBACK, LedgerServer, Mosquitto, running, until
from tests.edge_gateway.served_line import on_pty
from tests.meter_telegrams.telegram_builder import WATER, Device
from wire_contracts.quantities import Quantity

OFTEN = {TELEGRAM: timedelta(seconds=0.3)}


def gateway(folder: Path, broker_port: int, links: dict[str, list[str]]) -> GatewayConfig:
    return GatewayConfig(
        gateway_id="gw-01",
        data=folder / "gateway",
        mqtt=MqttConfig(host=LOOPBACK, port=broker_port, ack_timeout_s=0.5),
        queue=QueueConfig(commit_s=0.1),
        health_interval=timedelta(seconds=1),
        links=[
            LinkConfig(
                name=url.rsplit("/", 1)[1],
                url=url,
                timeout_s=0.5,
                meters=[
                    MeterConfig(
                        serial=address[-8:],
                        device_address=address,
                        profile="mbus@1",
                        intervals=OFTEN,
                    )
                    for address in addresses
                ],
            )
            for url, addresses in links.items()
        ],
    )


def test_telegrams_reach_the_server_with_values_that_they_prove(tmp_path: Path) -> None:
    plan = cycle([Fault.NONE, Fault.NONE, Fault.NONE, Fault.CHECKSUM, Fault.CUT, Fault.NONE])
    wired = SimulatedMeter(
        device=Device(identification="00000001", device_type=WATER), primary=5, telegram_count=2
    )
    remote = SimulatedMeter(device=Device(identification="00000002"), primary=6)
    with (
        Mosquitto(folder=tmp_path) as broker,
        LedgerServer(broker.port) as server,
        MbusLine([remote], fault=lambda: next(plan)) as line,
        on_pty(MbusLine([wired])) as device,
    ):
        links = {
            f"mbus://{device}?baud=9600": ["5/00000001"],
            f"mbus://{LOOPBACK}:{line.port}": ["00000002"],
        }
        config = gateway(tmp_path, broker.port, links)
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: len([f for f in server.frames() if f.values]) >= 8)
            until(
                lambda: {f.device for f in server.frames() if f.values} == {"00000001", "00000002"}
            )
        frames = server.frames()

    told = {
        (frame.device, frame.profile, frame.group, int(frame.values[Quantity.VOLUME_M3] // 10))
        for frame in frames
        if frame.values
    }
    assert told == {("00000001", "mbus@1", TELEGRAM, 1), ("00000002", "mbus@1", TELEGRAM, 2)}
    for frame in frames:
        if frame.values:
            assert frame.raw is not None
            assert meaning_of(decode_readout(frame.raw)).values == frame.values
