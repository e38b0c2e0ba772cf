"""Real parts for the gateway's tests: faulty meters, brokers, a server that acknowledges."""

import contextlib
import getpass
import shutil
import socket
import socketserver
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_gateway.links.answers import FaultKind
from edge_gateway.links.driver import Driver, JobKind, JobRead
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import read_figures
from tests.free_ports import free_port
from wire_contracts.acks import Ack, EpochAck, add_range, add_seqs, dump_ack
from wire_contracts.frames import Batch, Frame, ms_from_utc, parse_batch
from wire_contracts.payloads import unpack
from wire_contracts.topics import Channel, Topic

LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], object], *, within_s: float = 60.0) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        pause.wait(0.01)


def read_in_time(driver: Driver, job: JobKind) -> JobRead:
    """Return what a job brings once its meter was heard in time, right or wrong."""
    reads: list[JobRead] = []

    def is_heard() -> bool:
        reads.append(driver.read(job, retry_count=2))
        return bool(reads[-1].values) or reads[-1].faults[-1].kind is not FaultKind.TIMEOUT

    until(is_heard)
    return reads[-1]


def committed(queue_file: Path) -> int:
    """Return the highest number that a gateway has given; 0 while its file is made."""
    with contextlib.suppress(QueueError, sqlite3.DatabaseError):
        return read_figures(queue_file).last_seq
    return 0


def is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 0.2):
        return True
    return False


class FastClock:
    """A clock that runs `rate` times faster than the wall's."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._wall_start = time.monotonic()
        self._start = datetime(2026, 1, 1, tzinfo=UTC)

    def now_utc(self) -> datetime:
        passed_s = (time.monotonic() - self._wall_start) * self._rate
        return self._start + timedelta(seconds=passed_s)

    def wall_seconds(self, seconds: float) -> float:
        return seconds / self._rate


def register_of(unit: int, address: int) -> int:
    """What a test meter holds: every word tells whose it is and where it stands."""
    return (unit * 1000 + address) & 0xFFFF


Behave = Callable[["Request"], bytes | None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as the meter sees it, with what the meter was asked before."""

    transaction: int
    unit: int
    function: int
    address: int
    count: int
    before: "Request | None"
    socket: socket.socket

    def data(self, *, count: int | None = None) -> bytes:
        addresses = range(self.address, self.address + (self.count if count is None else count))
        return b"".join(register_of(self.unit, at).to_bytes(2, "big") for at in addresses)

    def answer(
        self,
        data: bytes,
        *,
        transaction: int | None = None,
        unit: int | None = None,
        function: int | None = None,
    ) -> bytes:
        return (
            struct.pack(
                ">HHHBBB",
                self.transaction if transaction is None else transaction,
                0,
                3 + len(data),
                self.unit if unit is None else unit,
                self.function if function is None else function,
                len(data),
            )
            + data
        )

    def exception(self, code: int) -> bytes:
        return struct.pack(">HHHBBB", self.transaction, 0, 3, self.unit, self.function | 0x80, code)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True


class ServedPort(ABC):
    """A TCP port whose connections are served, each in its thread, while it is entered."""

    port: int

    @abstractmethod
    def serve(self, connection: socket.socket) -> None:
        """Answer one connection until it ends."""

    def __enter__(self) -> Self:
        outer = self
        connections: set[socket.socket] = set()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
                connections.add(self.request)
                with contextlib.suppress(OSError):
                    outer.serve(self.request)
                connections.discard(self.request)

        self._connections = connections
        self._server = _Server((LOOPBACK, self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()


@dataclass
class MeterServer(ServedPort):
    """A Modbus TCP port whose units behave as told; an unknown unit says nothing."""

    units: Mapping[int, Behave]
    port: int = 0
    asked: list[Request] = field(default_factory=list)

    def serve(self, connection: socket.socket) -> None:  # type: ignore[explicit-override]  # 3.12
        before: Request | None = None
        while frame := _read_exactly(connection, 12):
            transaction, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", frame)
            request = Request(
                transaction=transaction,
                unit=unit,
                function=function,
                address=address,
                count=count,
                before=before,
                socket=connection,
            )
            self.asked.append(request)
            before = request
            behave = self.units.get(unit, silent)
            answer = behave(request)
            if answer is not None:
                connection.sendall(answer)


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            return b""
        data += part
    return data


def good(request: Request) -> bytes:
    return request.answer(request.data())


def silent(_request: Request) -> None:
    return None


def from_image(image: Mapping[tuple[int, int], int]) -> Behave:
    """A meter that holds an image of words and zeros between them."""

    def behave(request: Request) -> bytes:
        addresses = range(request.address, request.address + request.count)
        words = [image.get((request.function, at), 0) for at in addresses]
        return request.answer(struct.pack(f">{len(words)}H", *words))

    return behave


@dataclass
class Mosquitto:
    """A Mosquitto of its own; may be stopped and started again on the same port."""

    folder: Path
    port: int = field(default_factory=free_port)
    lines: str = "allow_anonymous true\n"

    def __enter__(self) -> Self:
        binary = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin") or "mosquitto"
        settings = self.folder / "mosquitto.conf"
        user = getpass.getuser()
        settings.write_text(f"user {user}\nlistener {self.port} {LOOPBACK}\n{self.lines}")
        self._process = subprocess.Popen(
            [binary, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: is_listening(self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


@dataclass
class Amqtt:
    """The embedded broker in a process of its own."""

    port: int = field(default_factory=free_port)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.edge_gateway.amqtt_process", str(self.port)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: is_listening(self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


@dataclass
class LedgerServer:
    """A server that stores frames in memory, idempotently, and acknowledges while told to."""

    port: int
    server_epoch: int = 1
    is_acknowledging: bool = True
    ledger: dict[tuple[int, int], Frame] = field(default_factory=dict)
    conflicts: list[tuple[int, int]] = field(default_factory=list)
    acks: dict[int, EpochAck] = field(default_factory=dict)
    others: list[tuple[str, bytes]] = field(default_factory=list)
    deliveries: int = 0
    username: str | None = None
    password: str | None = None

    def __enter__(self) -> Self:
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id="ledger-server",
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        if self.username is not None:
            self._client.username_pw_set(self.username, self.password)
        self._is_subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe([("lamp/v1/#", 1)])
        self._client.on_subscribe = lambda *_: self._is_subscribed.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async(LOOPBACK, self.port)
        self._client.loop_start()
        assert self._is_subscribed.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None

    def seqs(self, epoch: int | None = None) -> list[int]:
        return sorted(seq for each, seq in self.ledger if epoch in (None, each))

    def frames(self) -> list[Frame]:
        return [self.ledger[key] for key in sorted(self.ledger)]

    def payloads(self, channel: Channel) -> list[bytes]:
        return [payload for topic, payload in list(self.others) if topic.endswith(f"/{channel}")]

    def acknowledge(self, gateway_id: str) -> None:
        ack = Ack(server_epoch=self.server_epoch, epochs=list(self.acks.values()))
        topic = Topic(gateway_id=gateway_id, channel=Channel.ACK).text()
        self._client.publish(topic, dump_ack(ack), qos=1)

    def tell_time(self, gateway_id: str, now_utc: datetime) -> None:
        ack = Ack(server_epoch=self.server_epoch, epochs=[], server_at_ms=ms_from_utc(now_utc))
        topic = Topic(gateway_id=gateway_id, channel=Channel.ACK).text()
        self._client.publish(topic, dump_ack(ack), qos=1)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.topic.endswith("/ack"):
            return
        if not message.topic.endswith("/up"):
            self.others.append((message.topic, bytes(message.payload)))
            return
        batch = parse_batch(unpack(message.topic, bytes(message.payload)))
        self._store(batch)
        if self.is_acknowledging:
            self.acknowledge(batch.gateway_id)

    def _store(self, batch: Batch) -> None:
        assert not batch.rejected
        self.deliveries += len(batch.frames)
        for frame in batch.frames:
            key = (batch.epoch, frame.seq)
            if self.ledger.setdefault(key, frame) != frame:
                self.conflicts.append(key)
        ack = self.acks.get(batch.epoch, EpochAck(epoch=batch.epoch, upto=0))
        ack = add_seqs(ack, [frame.seq for frame in batch.frames])
        for gap in batch.gaps:
            ack = add_range(add_seqs(ack, [gap.seq]), gap.first, gap.last)
        self.acks[batch.epoch] = ack


@contextlib.contextmanager
def running(work: Callable[[threading.Event], None]) -> Iterator[threading.Event]:
    """Run something in a thread until the block ends; an error in it fails the test."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work(stop)
        except BaseException as error:
            errors.append(error)
            raise

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    assert errors == []
