"""The whole way: meters on sockets, a gateway, a broker, a server that acknowledges."""

import functools
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import GatewayConfig, LinkConfig, MeterConfig, MqttConfig, QueueConfig
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import open_queue, read_figures
from edge_gateway.queue.queued import QueueFigures
from edge_gateway.run import QUEUE_FILE, run_gateway
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from firmware_profiles.probe import MeantMeter
from tests.edge_gateway.rig import (
    LOOPBACK,
    ROOT,
    Amqtt,
    Behave,
    FastClock,
    LedgerServer,
    MeterServer,
    Mosquitto,
    Request,
    from_image,
    running,
    silent,
    until,
)
from wire_contracts.acks import EpochAck
from wire_contracts.clock import Clock
from wire_contracts.payloads import read_json
from wire_contracts.quality import BAD_TIMEOUT
from wire_contracts.quantities import Quantity
from wire_contracts.topics import Channel

pytestmark = pytest.mark.usefixtures("unhurried")

PROFILE = "tuf_2000m@1"
QUICK = {"fast": timedelta(seconds=0.2), "slow": timedelta(seconds=0.5)}
HOURLY = {"fast": timedelta(minutes=15), "slow": timedelta(hours=1)}


def heat_meter(flow_m3h: float) -> Behave:
    """A meter that holds its own unit where its profile looks for it."""
    values = {Quantity.FLOW_M3H: flow_m3h, Quantity.ENERGY_KWH: 4800.0}

    @functools.cache
    def held_by(unit: int) -> Behave:
        identity = MeantMeter(device_address=unit, serial=f"HM-{unit}")
        return from_image(encode_values(load_profile(PROFILE), values, identity=identity))

    return lambda request: held_by(request.unit)(request)


def meters(*units: int, intervals: dict[str, timedelta] | None = None) -> list[MeterConfig]:
    return [
        MeterConfig(
            serial=f"HM-{unit}",
            device_address=unit,
            profile=PROFILE,
            intervals=intervals or QUICK,
        )
        for unit in units
    ]


def gateway(
    folder: Path, broker_port: int, links: dict[int, list[MeterConfig]], timeout_s: float = 5.0
) -> GatewayConfig:
    """Settings of a gateway; meters that are silent on purpose want a shorter time-out."""
    return GatewayConfig(
        gateway_id="gw-01",
        data=folder / "gateway",
        mqtt=MqttConfig(host=LOOPBACK, port=broker_port, ack_timeout_s=0.5),
        queue=QueueConfig(commit_s=0.1),
        health_interval=timedelta(seconds=1),
        links=[
            LinkConfig(
                name=f"link-{port}",
                url=f"tcp://{LOOPBACK}:{port}",
                meters=each,
                timeout_s=timeout_s,
            )
            for port, each in links.items()
        ],
    )


def figures(config: GatewayConfig) -> QueueFigures:
    return read_figures(config.data / QUEUE_FILE)


def kept(config: GatewayConfig) -> int:
    """How many frames the server has acknowledged; 0 while the queue file is being made."""
    with suppress(QueueError, sqlite3.DatabaseError):
        return figures(config).kept_count
    return 0


def waiting(config: GatewayConfig) -> int:
    """How many frames are not acknowledged; 0 while the queue file is being made."""
    with suppress(QueueError, sqlite3.DatabaseError):
        return figures(config).open_count
    return 0


@contextmanager
def running_gateway(config: GatewayConfig, clock: Clock | None = None) -> Iterator[None]:
    with running(lambda stop: run_gateway(config, clock or SystemClock(), stop)):
        yield


@pytest.fixture(params=[Mosquitto, Amqtt], ids=["mosquitto", "amqtt"])
def broker_port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    broker = Mosquitto(folder=tmp_path) if request.param is Mosquitto else Amqtt()
    with broker:
        yield broker.port


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(folder=tmp_path) as broker:
        yield broker


def test_a_meters_values_reach_the_server_and_are_marked(broker_port: int, tmp_path: Path) -> None:
    with (
        MeterServer(units={1: heat_meter(1.25), 2: heat_meter(7.5)}) as plant,
        LedgerServer(broker_port) as server,
    ):
        config = gateway(tmp_path, broker_port, {plant.port: meters(1, 2)})
        with running_gateway(config):
            until(lambda: kept(config) >= 12)

        flows = {
            (frame.device, frame.values[Quantity.FLOW_M3H])
            for frame in server.frames()
            if frame.group == "fast"
        }
        assert flows == {("HM-1", 1.25), ("HM-2", 7.5)}
        assert all(frame.quality == {} and frame.raw for frame in server.frames())
        assert server.conflicts == []


def test_a_silent_meter_gives_frames_without_values(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (
        MeterServer(units={1: heat_meter(1.25), 9: silent}) as plant,
        LedgerServer(mosquitto.port) as server,
    ):
        config = gateway(tmp_path, mosquitto.port, {plant.port: meters(1, 9)}, timeout_s=0.4)
        with running_gateway(config):
            until(lambda: any(frame.device == "HM-9" for frame in server.frames()))
            seen = len(server.ledger)
            until(lambda: len(server.ledger) >= seen + 12)

        failed = [frame for frame in server.frames() if frame.device == "HM-9"]
        healthy = [frame for frame in server.frames() if frame.device == "HM-1"]
        assert {tuple(frame.values) for frame in failed} == {()}
        assert {code for frame in failed for code in frame.quality.values()} == {BAD_TIMEOUT}
        assert len(failed) < len(healthy)


def test_a_dead_link_does_not_stop_the_other(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (
        MeterServer(units={1: heat_meter(1.25)}) as plant,
        MeterServer(units={2: heat_meter(2.5)}) as gone,
        LedgerServer(mosquitto.port) as server,
    ):
        gone.__exit__()
        config = gateway(tmp_path, mosquitto.port, {plant.port: meters(1), gone.port: meters(2)})
        with running_gateway(config):
            until(lambda: len([f for f in server.frames() if f.device == "HM-1"]) >= 10)
            gone.__enter__()
            until(lambda: any(f.device == "HM-2" and f.values for f in server.frames()))

        assert any(f.device == "HM-2" and not f.values for f in server.frames())


def test_frames_wait_for_a_broker_that_is_away(tmp_path: Path) -> None:
    broker = Mosquitto(folder=tmp_path)
    with MeterServer(units={1: heat_meter(1.25)}) as plant:
        config = gateway(tmp_path, broker.port, {plant.port: meters(1)})
        with running_gateway(config):
            until(lambda: waiting(config) >= 5)
            with broker, LedgerServer(broker.port) as server:
                until(lambda: server.ledger and min(server.seqs()) == 1)
                until(lambda: kept(config) >= 5)
                assert server.conflicts == []


def test_a_killed_broker_that_forgets_everything_loses_nothing(tmp_path: Path) -> None:
    broker = Mosquitto(folder=tmp_path)
    with MeterServer(units={1: heat_meter(1.25)}) as plant, ExitStack() as stack:
        config = gateway(tmp_path, broker.port, {plant.port: meters(1)})
        broker.__enter__()
        stack.callback(broker.__exit__)
        server = stack.enter_context(LedgerServer(broker.port))
        with running_gateway(config):
            until(lambda: kept(config) >= 3)
            broker.__exit__()
            broker.__enter__()
            at_restart = figures(config).last_seq
            until(lambda: set(range(1, at_restart + 4)) <= set(server.seqs()))

    assert server.conflicts == []


def test_nothing_is_marked_before_the_server_has_it(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (
        MeterServer(units={1: heat_meter(1.25)}) as plant,
        LedgerServer(mosquitto.port, is_acknowledging=False) as server,
    ):
        config = gateway(tmp_path, mosquitto.port, {plant.port: meters(1)})
        with running_gateway(config):
            until(lambda: server.deliveries > len(server.ledger) >= 5)
            until(lambda: event_kinds(server) == ["unacknowledged"])
            assert figures(config).kept_count == 0
            server.is_acknowledging = True
            until(lambda: kept(config) >= 5)

        assert server.conflicts == []
        assert event_kinds(server) == ["unacknowledged"]


def test_a_server_that_knows_more_numbers_than_were_given_gets_every_frame(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """A card that was copied or put back gives numbers again that the server knows."""
    with (
        MeterServer(units={1: heat_meter(1.25)}) as plant,
        LedgerServer(mosquitto.port) as server,
    ):
        config = gateway(tmp_path, mosquitto.port, {plant.port: meters(1)})
        store, _ = open_queue(config.data / QUEUE_FILE, config.queue, SystemClock().now_utc())
        store.close()
        server.acks[store.epoch] = EpochAck(epoch=store.epoch, upto=10_000)
        with running_gateway(config):
            until(lambda: kept(config) >= 12)

        assert kept(config) <= len(server.seqs(store.epoch))


def test_a_restored_server_gets_everything_again(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (
        MeterServer(units={1: heat_meter(1.25)}) as plant,
        LedgerServer(mosquitto.port) as server,
    ):
        config = gateway(tmp_path, mosquitto.port, {plant.port: meters(1)})
        with running_gateway(config):
            until(lambda: kept(config) >= 8)
            server.ledger.clear()
            server.acks.clear()
            server.server_epoch = 2
            until(lambda: set(range(1, 9)) <= set(server.seqs()))

        assert event_kinds(server) == ["server_restored"]


def event_kinds(server: LedgerServer) -> list[str]:
    return [read_json("event", each).text("kind") for each in server.payloads(Channel.EVENT)]


def test_a_damaged_queue_file_is_announced_and_the_gateway_goes_on(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with (
        MeterServer(units={1: heat_meter(1.25)}) as plant,
        LedgerServer(mosquitto.port) as server,
    ):
        config = gateway(tmp_path, mosquitto.port, {plant.port: meters(1)})
        config.data.mkdir()
        (config.data / QUEUE_FILE).write_bytes(b"no database" * 1000)
        with running_gateway(config):
            until(lambda: kept(config) >= 2)

        assert event_kinds(server) == ["queue_set_aside"]
        assert len(list(config.data.glob("*.damaged-*"))) == 1


def suspects(server: LedgerServer) -> list[object]:
    """The meters that the newest health message calls silent."""
    payloads = server.payloads(Channel.HEALTH)
    if not payloads:
        return []
    (link,) = read_json("health", payloads[-1]).objects("links", longest=9)
    return list(link.array("suspects", longest=9))


def test_state_and_health_are_published(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (
        MeterServer(units={1: heat_meter(1.25), 9: silent}) as plant,
        LedgerServer(mosquitto.port) as server,
    ):
        config = gateway(tmp_path, mosquitto.port, {plant.port: meters(1, 9)}, timeout_s=1.0)
        with running_gateway(config):
            until(lambda: suspects(server) == ["HM-9"] and "meter_silent" in event_kinds(server))
        until(lambda: len(server.payloads(Channel.STATE)) == 2)

        states = [read_json("state", each).text("state") for each in server.payloads(Channel.STATE)]
        health = read_json("health", server.payloads(Channel.HEALTH)[-1])
        assert states == ["online", "offline"]
        assert health.object("queue").integer("last", low=1, high=9999) >= 1
        assert event_kinds(server) == ["meter_silent"]


def test_a_vanished_gateway_is_declared_offline_by_its_will(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with MeterServer(units={1: heat_meter(1)}) as plant, LedgerServer(mosquitto.port) as server:
        settings = write_settings(tmp_path, mosquitto.port, plant.port)
        process = start_process(settings, "", 1)
        until(lambda: len(server.payloads(Channel.STATE)) == 1)
        process.kill()
        process.wait()
        until(lambda: len(server.payloads(Channel.STATE)) == 2)

        last = read_json("state", server.payloads(Channel.STATE)[-1])
        assert last.text("state") == "offline"


def test_a_town_clock_of_900_times_yields_a_frame_each_quarter_hour(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with (
        MeterServer(units={1: heat_meter(1.25)}) as plant,
        LedgerServer(mosquitto.port) as server,
    ):
        each = meters(1, intervals=HOURLY)
        config = gateway(tmp_path, mosquitto.port, {plant.port: each})
        with running_gateway(config, FastClock(900)):
            until(lambda: len([f for f in server.frames() if f.group == "fast"]) >= 3)

        times = [frame.measured_at_utc for frame in server.frames() if frame.group == "fast"]
        quarters = [_quarter(moment) for moment in times]
        assert len(set(quarters)) == len(quarters)
        assert times == sorted(times)
        assert times[0].date() == datetime(2026, 1, 1, tzinfo=UTC).date()


def _quarter(moment: datetime) -> int:
    return int(moment.timestamp()) // 900


def test_a_link_too_slow_for_the_towns_clock_never_piles_up(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    slow = threading.Event()

    def takes_its_time(request: Request) -> bytes | None:
        slow.wait(0.05)
        return heat(request)

    heat = heat_meter(1.25)
    with (
        MeterServer(units=dict.fromkeys(range(1, 6), takes_its_time)) as plant,
        LedgerServer(mosquitto.port) as server,
    ):
        each = meters(*range(1, 6), intervals={"fast": timedelta(minutes=1)})
        config = gateway(tmp_path, mosquitto.port, {plant.port: each})
        with running_gateway(config, FastClock(900)):
            until(lambda: len(server.ledger) >= 20 and fewest(server, each) >= 2)

        assert len(plant.asked) <= 3 * figures(config).last_seq


def fewest(server: LedgerServer, asked: Sequence[MeterConfig]) -> int:
    """How many frames there are of the meter of which there are fewest."""
    counts = Counter(frame.device for frame in server.frames())
    return min(counts[each.serial] for each in asked)


def write_settings(folder: Path, broker_port: int, meter_port: int) -> Path:
    settings = folder / "gateway.toml"
    units = "".join(
        f'[[link.meter]]\nserial = "HM-{unit}"\ndevice_address = {unit}\nprofile = "{PROFILE}"\n'
        'intervals = {fast = "1s", slow = "1s"}\n'
        for unit in (1, 2, 3)
    )
    settings.write_text(
        f'[gateway]\nid = "gw-01"\ndata = "gateway"\n'
        f'[mqtt]\nhost = "{LOOPBACK}"\nport = {broker_port}\nack_timeout_s = 0.5\n'
        f"[queue]\ncommit_s = 0.05\n"
        f'[[link]]\nname = "plant"\nhost = "{LOOPBACK}"\nport = {meter_port}\n{units}'
    )
    return settings


def start_process(settings: Path, point: str, passing: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.edge_gateway.gateway_process"]
    return subprocess.Popen(
        [*command, str(settings), point, str(passing)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("point", "passing"),
    [
        ("gateway.between_commits", 2),
        ("gateway.after_publish", 2),
    ],
)
def test_a_killed_gateway_loses_and_duplicates_nothing(
    point: str, passing: int, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        units = {unit: heat_meter(unit) for unit in (1, 2, 3)}
        plant = stack.enter_context(MeterServer(units=units))
        server = stack.enter_context(LedgerServer(mosquitto.port))
        settings = write_settings(tmp_path, mosquitto.port, plant.port)
        killed = start_process(settings, point, passing)
        assert killed.wait(30) == -signal.SIGKILL

        file = tmp_path / "gateway" / QUEUE_FILE
        at_death = read_figures(file)
        again = start_process(settings, "", 1)
        until(lambda: read_figures(file).last_seq > at_death.last_seq)
        until(lambda: set(range(1, at_death.last_seq + 1)) <= set(server.seqs()))
        until(lambda: {frame.device for frame in server.frames()} == {"HM-1", "HM-2", "HM-3"})
        again.send_signal(signal.SIGTERM)
        assert again.wait(30) == 0
        last = read_figures(file)
        until(lambda: len(server.ledger) >= last.last_seq - last.open_count)

        assert at_death.last_seq > 0
        assert last.epoch == at_death.epoch
        assert server.conflicts == []
        assert {epoch for epoch, _ in server.ledger} == {last.epoch}


def test_kills_at_any_instant_lose_and_duplicate_nothing(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    units = {unit: heat_meter(unit) for unit in (1, 2, 3)}
    file = tmp_path / "gateway" / QUEUE_FILE
    with MeterServer(units=units) as plant, LedgerServer(mosquitto.port) as server:
        settings = write_settings(tmp_path, mosquitto.port, plant.port)
        for requests in (5, 11, 17):
            plant.asked.clear()
            process = start_process(settings, "", 1)
            until(partial(_has_asked, plant, requests))
            until(lambda: requests < 17 or read_figures(file).last_seq > 0)  # noqa: B023  # at once
            process.kill()
            process.wait()
        at_death = read_figures(file)
        plant.asked.clear()
        last = start_process(settings, "", 1)
        until(partial(_has_asked, plant, 1))
        until(lambda: set(range(1, at_death.last_seq + 1)) <= set(server.seqs()))
        last.send_signal(signal.SIGTERM)
        assert last.wait(30) == 0

    assert at_death.last_seq > 0
    assert server.conflicts == []
    assert {epoch for epoch, _ in server.ledger} == {at_death.epoch}


def _has_asked(plant: MeterServer, least: int) -> bool:
    return len(plant.asked) >= least


def test_a_part_that_dies_starts_everything_afresh(mosquitto: Mosquitto, tmp_path: Path) -> None:
    died: list[str] = []

    def dies_once(point: str) -> None:
        if not died:
            died.append(point)
            raise RuntimeError(point)

    with (
        MeterServer(units={1: heat_meter(1.25)}) as plant,
        LedgerServer(mosquitto.port) as server,
    ):
        config = gateway(tmp_path, mosquitto.port, {plant.port: meters(1)})
        with running(lambda stop: run_gateway(config, SystemClock(), stop, dies_once)):
            until(lambda: kept(config) >= 6)

    assert died == ["gateway.between_commits"]
    assert server.seqs() == list(range(1, len(server.ledger) + 1))
    assert server.conflicts == []
