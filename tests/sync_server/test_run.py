"""The whole server: starts, announces its first link, stops as a whole when told or broken."""

import ctypes
import os
import queue
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, select
from structlog.testing import capture_logs

from sync_server.config import BrokerConfig, ServerConfig
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.reading_tables import READING
from sync_server.detection.watch.round_store import Rounds, load_rounds
from sync_server.readings.health import IngestMetrics
from sync_server.readings.ingest_run_io import IngestLoop
from sync_server.readings.mqtt_io import BrokerLink
from sync_server.run import Part, nothing_reached, run_server
from tests.free_ports import free_port
from tests.sync_server.real_parts import NOON, HandClock, wait_until
from tests.sync_server.town_parts import GATEWAY, found_town, frame, new_meter
from wire_contracts.acks import parse_ack
from wire_contracts.frames import dump_batch, frame_json
from wire_contracts.payloads import pack, unpack
from wire_contracts.quantities import Quantity
from wire_contracts.topics import Channel, Topic

ROOT = Path(__file__).resolve().parent.parent.parent


def _config(folder: Path, broker_port: int) -> ServerConfig:
    return ServerConfig(
        data=folder,
        database_url=f"sqlite:///{folder / 'server.sqlite3'}",
        broker=BrokerConfig(port=broker_port),
        listen_port=free_port(),
    )


def _is_live(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_server_starts_announces_its_first_link_and_stops_when_told(
    tmp_path: Path, mosquitto_port: int
) -> None:
    config = _config(tmp_path, mosquitto_port)
    stop = threading.Event()
    links: list[str] = []
    server = threading.Thread(
        target=run_server,
        args=(config, HandClock(), stop),
        kwargs={"announce": links.append},
    )
    server.start()
    wait_until(lambda: _is_live(config.listen_port))
    stop.set()
    server.join(60)

    assert not server.is_alive()
    assert [link.startswith("http://127.0.0.1:8000/first-start/") for link in links] == [True]
    with closing(sqlite3.connect(tmp_path / "server.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_sync_is_looked_after_once_a_day(tmp_path: Path, mosquitto_port: int) -> None:
    config = _config(tmp_path, mosquitto_port)
    stop, clock = threading.Event(), HandClock()

    def is_kept_up() -> bool:
        clock.advance(hours=6)
        return any(line["event"] == "sync.upkeep" for line in logs)

    with capture_logs() as logs:
        server = threading.Thread(
            target=run_server,
            args=(config, clock, stop),
            kwargs={"announce": lambda _link: None, "parts": {Part.DETECTION}},
        )
        server.start()
        wait_until(is_kept_up)
        stop.set()
        server.join(60)

    assert [line["withdrawn"] for line in logs if line["event"] == "sync.upkeep"][:1] == [0]


def test_a_row_that_detection_cannot_judge_leaves_the_ingest_at_work_and_is_no_good_look(
    tmp_path: Path, mosquitto_port: int
) -> None:
    config = _config(tmp_path, mosquitto_port)
    stop, clock = threading.Event(), HandClock()
    server = threading.Thread(
        target=run_server,
        args=(config, clock, stop),
        kwargs={"announce": lambda _link: None, "parts": {Part.INGEST, Part.DETECTION}},
    )
    with capture_logs() as logs:
        server.start()
        wait_until(lambda: any(line["event"] == "ingest.connected" for line in logs))
        engine = open_engine(config.database_url)
        wait_until(lambda: _rounds(engine).good_at_utc == NOON)
        with engine.begin() as connection:
            found_town(connection, [new_meter("M-1")])
            connection.exec_driver_sql("UPDATE meter SET meter_class = 'castle'")
        first = [frame_json(frame(1, NOON, {Quantity.VOLUME_M3: 5.0}))]
        second = [frame_json(frame(2, NOON, {Quantity.FLOW_M3H: 5.0}))]
        _acknowledged(mosquitto_port, pack(dump_batch(GATEWAY, 7, first)))
        clock.advance(hours=1)
        wait_until(lambda: any(line["event"] == "detection.round_failed" for line in logs))
        upto = _acknowledged(mosquitto_port, pack(dump_batch(GATEWAY, 7, second)))
        stop.set()
        server.join(60)
        rounds = _rounds(engine)
        engine.dispose()

    assert upto == 2
    assert not server.is_alive()
    assert rounds == Rounds(good_at_utc=NOON, awaited_from_utc=NOON)
    assert [rounds.is_late(NOON + timedelta(minutes=each)) for each in (134, 135)] == [False, True]


def _rounds(engine: Engine) -> Rounds:
    with reading(engine) as connection:
        return load_rounds(connection)


def _tell_process(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def _tell_other_thread(pid: int) -> None:
    """Deliver the signal as a busy system may: to a thread that is not the main one."""
    *_, other = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
    assert other != pid
    assert ctypes.CDLL(None).tgkill(pid, other, signal.SIGTERM) == 0


@pytest.mark.parametrize("tell", [_tell_process, _tell_other_thread])
def test_the_command_ends_with_status_0_on_sigterm(
    tmp_path: Path, mosquitto_port: int, tell: Callable[[int], None]
) -> None:
    port = free_port()
    settings = tmp_path / "server.toml"
    settings.write_text(
        f'[server]\ndata = "data"\nlisten_port = {port}\n[mqtt]\nport = {mosquitto_port}\n'
    )
    command = [sys.executable, "-m", "sync_server", "--config", str(settings), "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        wait_until(lambda: _is_live(port))
        tell(server.pid)
        printed, _ = server.communicate(timeout=60)

    assert server.returncode == 0
    assert f"http://127.0.0.1:{port}/first-start/" in printed


def test_a_part_that_ends_by_itself_ends_the_server_with_its_name(
    tmp_path: Path, mosquitto_port: int
) -> None:
    config = _config(tmp_path, mosquitto_port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", config.listen_port))
        taken.listen()

        with pytest.raises(RuntimeError, match="server: pages: ended by itself"):
            run_server(config, HandClock(), threading.Event(), announce=lambda _link: None)


def test_a_process_without_pages_answers_machines_on_its_own_port(
    tmp_path: Path, mosquitto_port: int
) -> None:
    config, port, stop = _config(tmp_path, mosquitto_port), free_port(), threading.Event()
    server = threading.Thread(
        target=lambda: run_server(config, HandClock(), stop, parts=(Part.INGEST,), health_port=port)
    )
    server.start()
    try:
        wait_until(lambda: _is_live(port))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=60) as answer:
            ready = answer.read()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            metrics = answer.read().decode()
    finally:
        stop.set()
        server.join(60)

    assert ready == b'{"database":"ok"}'
    assert "# TYPE" in metrics
    assert not _is_live(config.listen_port)


@contextmanager
def _processes(settings: Path, folder: Path) -> Iterator[tuple[dict[Part, Path], dict[Part, int]]]:
    """Run each part in a process; yield their logs, and their exit statuses once the block ends."""
    logs = {part: folder / f"{part}.log" for part in Part}
    ended: dict[Part, int] = {}
    with ExitStack() as open_things:
        servers = {}
        for part, log in logs.items():
            command = [sys.executable, "-m", "sync_server", "--config", str(settings), "serve"]
            servers[part] = open_things.enter_context(
                subprocess.Popen(
                    [*command, "--only", part],
                    stdout=open_things.enter_context(log.open("w")),
                    stderr=subprocess.STDOUT,
                )
            )
        try:
            yield logs, ended
        finally:
            for server in servers.values():
                server.send_signal(signal.SIGTERM)
            ended |= {part: server.wait(60) for part, server in servers.items()}


def _acknowledged(port: int, payload: bytes) -> int:
    """Send a batch as a gateway does and return the watermark that comes back."""
    upto: queue.Queue[int] = queue.Queue()

    def hear(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        ack = parse_ack(unpack(message.topic, bytes(message.payload)))
        upto.put(max((entry.upto for entry in ack.epochs), default=0))

    def send(client: Client, *_details: object) -> None:
        client.publish(Topic(gateway_id=GATEWAY, channel=Channel.UP).text(), payload, qos=1)

    gateway = Client(CallbackAPIVersion.VERSION2, client_id="gateway")
    gateway.on_message = hear
    gateway.on_subscribe = send
    gateway.on_connect = lambda client, *_: client.subscribe(
        Topic(gateway_id=GATEWAY, channel=Channel.ACK).text(), 1
    )
    gateway.connect("127.0.0.1", port)
    gateway.loop_start()
    try:
        return upto.get(timeout=60)
    finally:
        gateway.disconnect()
        gateway.loop_stop()
        gateway.on_connect = gateway.on_subscribe = gateway.on_message = None


def test_ingest_pages_and_detection_work_as_three_processes_over_one_new_database(
    tmp_path: Path, mosquitto_port: int
) -> None:
    port = free_port()
    settings = tmp_path / "server.toml"
    settings.write_text(
        f'[server]\ndata = "data"\nlisten_port = {port}\n[mqtt]\nport = {mosquitto_port}\n'
    )
    frames = [frame_json(frame(1, NOON, {Quantity.VOLUME_M3: 5.0}))]
    with _processes(settings, tmp_path) as (logs, ended):
        wait_until(lambda: _is_live(port))
        wait_until(lambda: "ingest.connected" in logs[Part.INGEST].read_text())
        engine = open_engine(f"sqlite:///{tmp_path / 'data' / 'server.sqlite3'}")
        with engine.begin() as connection:
            found_town(connection, [new_meter("M-1")])
        upto = _acknowledged(mosquitto_port, pack(dump_batch(GATEWAY, 7, frames)))
        with engine.connect() as connection:
            stored = connection.execute(select(READING.c.volume_m3)).scalars().all()
        engine.dispose()

    assert upto == 1
    assert stored == [5.0]
    assert ended == dict.fromkeys(Part, 0)
    assert [part for part in Part if "/first-start/" in logs[part].read_text()] == [Part.PAGES]


def test_a_process_without_pages_leaves_the_port_alone(tmp_path: Path, mosquitto_port: int) -> None:
    config = _config(tmp_path, mosquitto_port)
    stop = threading.Event()
    with socket.socket() as taken, capture_logs() as logs:
        taken.bind(("127.0.0.1", config.listen_port))
        taken.listen()
        server = threading.Thread(
            target=run_server,
            args=(config, HandClock(), stop),
            kwargs={"parts": (Part.INGEST, Part.DETECTION)},
        )
        server.start()
        wait_until(lambda: any(line["event"] == "ingest.connected" for line in logs))
        stop.set()
        server.join(60)

    ends = [line["parts"] for line in logs if line["event"] == "server.stopped"]
    assert ends == [[Part.INGEST, Part.DETECTION]]


@contextmanager
def _amqtt(port: int) -> Iterator[None]:
    """Run an amqtt broker (MQTT 3.1.1 only): a process takes its open sockets with it."""
    command = [sys.executable, "-m", "tests.edge_gateway.amqtt_process", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as broker:
        try:
            wait_until(lambda: _listens(port))
            yield
        finally:
            broker.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_broker_that_knows_only_the_old_protocol_is_met_with_one_line(tmp_path: Path) -> None:
    port = free_port()
    config = _config(tmp_path, port)
    stop = threading.Event()
    with _amqtt(port), capture_logs() as logs:
        link = BrokerLink(config.broker)
        engine = open_engine(config.database_url)
        loop = IngestLoop(
            engine, link, HandClock(), IngestMetrics(CollectorRegistry()), nothing_reached
        )
        worker = threading.Thread(target=loop.run, args=(1, stop))
        worker.start()
        link.start()
        wait_until(lambda: link.is_subscribed)
        stop.set()
        worker.join(60)
        link.close()
        engine.dispose()

    falls = [line for line in logs if line["event"] == "ingest.mqtt_fallback"]
    assert [line["version"] for line in falls] == ["3.1.1"]
