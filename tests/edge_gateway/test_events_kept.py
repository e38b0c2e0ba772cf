"""What happened in a gateway is told, whatever ends or is damaged in between."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.uplink.event_delivery_io import (
    AT_ONCE,
    HOLD_S,
    MAX_UNKEPT,
    EventDelivery,
    EventDeliveryParts,
)
from edge_gateway.uplink.event_store import (
    EVENTS_FILE,
    LONGEST_TEXT,
    LOST,
    MAX_EVENTS,
    EventStore,
    KeptEvent,
)
from edge_gateway.uplink.messages import Event
from tests.edge_gateway.rig import ROOT, LedgerServer, MeterServer, Mosquitto, good, silent, until
from tests.free_ports import free_port
from wire_contracts.frames import TimeQuality, ms_from_utc
from wire_contracts.topics import Channel

NOW_UTC = datetime(2026, 3, 1, 8, tzinfo=UTC)
SETTINGS = """
[gateway]
id = "gw-01"
data = "data"

[mqtt]
host = "127.0.0.1"
port = {broker}

[[link]]
name = "meters"
url = "tcp://127.0.0.1:{meters}"
timeout_s = 0.1
intervals = {{ fast = "1s" }}
meter = [
    {{ serial = "HM-1", device_address = 1, profile = "tuf_2000m@1" }},
    {{ serial = "HM-9", device_address = 9, profile = "tuf_2000m@1" }},
]
"""


def event(number: int, kind: str = "test") -> Event:
    return Event(at_utc=NOW_UTC + timedelta(seconds=number), kind=kind, text=f"event {number}")


def all_of(store: EventStore) -> list[KeptEvent]:
    return list(store.after(None, 10 * MAX_EVENTS))


def texts(path: Path) -> list[str]:
    with closing(EventStore(path)) as store:
        return [kept.event.text for kept in all_of(store)]


class Broker:
    """Takes messages and confirms, denies or forgets them when told."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.open: dict[int, str] = {}
        self.confirmed: list[str] = []

    def publish(self, payload: bytes) -> int:
        mid = len(self.sent)
        self.sent.append(str(json.loads(payload)["id"]))
        self.open[mid] = self.sent[-1]
        return mid

    def confirm(self, delivery: EventDelivery) -> None:
        for mid in sorted(self.open):
            self.confirmed.append(self.open.pop(mid))
            assert delivery.published(mid, None, 0.0)


def delivery_over(store: EventStore, broker: Broker) -> EventDelivery:
    return EventDelivery(
        EventDeliveryParts(
            gateway_id="gw-01", store=store, publish=broker.publish, now_utc=lambda: NOW_UTC
        )
    )


def test_a_killed_gateway_tells_after_its_restart_what_happened_before(tmp_path: Path) -> None:
    broker_port = free_port()
    settings = tmp_path / "gateway.toml"
    command = [sys.executable, "-m", "edge_gateway", "run", "--config", str(settings)]
    with MeterServer(units={1: good, 9: silent}) as plant:
        settings.write_text(SETTINGS.format(broker=broker_port, meters=plant.port))
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as gateway:
            assert gateway.stderr is not None
            until(lambda: "meter_silent" in kinds(tmp_path / "data"))
            gateway.kill()
        before = kept_rows(tmp_path / "data")
        with (
            Mosquitto(folder=tmp_path, port=broker_port) as broker,
            LedgerServer(broker.port) as server,
            subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as gateway,
        ):
            until(lambda: len(server.payloads(Channel.EVENT)) >= len(before))
            until(lambda: not kept_rows(tmp_path / "data"))
            gateway.terminate()
            assert gateway.wait(15) == 0
            told = [json.loads(each) for each in server.payloads(Channel.EVENT)]

    assert [(each["id"].rpartition("-")[2], each["t"], each["kind"]) for each in told][
        : len(before)
    ] == before
    assert all(each["tq"] in set(TimeQuality) for each in told)
    assert len({each["id"] for each in told}) == len(told)


def kept_rows(data: Path) -> list[tuple[str, int, str]]:
    if not (data / EVENTS_FILE).exists():
        return []
    with closing(sqlite3.connect(f"file:{data / EVENTS_FILE}?mode=ro", uri=True)) as connection:
        try:
            rows = connection.execute("SELECT number, body FROM event").fetchall()
        except sqlite3.OperationalError:
            return []
    bodies = [(number, json.loads(body)) for number, body in rows]
    return [(str(number), body["t"], body["kind"]) for number, body in bodies]


def kinds(data: Path) -> list[str]:
    return [kind for _, _, kind in kept_rows(data)]


@pytest.mark.parametrize("number", range(4))
def test_what_was_kept_survives_a_kill_at_a_random_instant(number: int, tmp_path: Path) -> None:
    chance = random.Random(number)
    command = [sys.executable, "-m", "tests.edge_gateway.event_writer"]
    path = tmp_path / EVENTS_FILE
    with subprocess.Popen(
        [*command, str(path), "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(chance.randrange(1, 400))]
        os.kill(writer.pid, signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().splitlines()]

    found = [int(text) for text in texts(path)]
    assert found[: len(said)] == said
    assert found[len(said) :] in ([], [len(said)])


@dataclass
class Story:
    """A gateway's events, and a broker, through anything that may happen to both."""

    path: Path
    broker: Broker = field(default_factory=Broker)
    told: int = 0
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.broker.open.clear()
        self.store = EventStore(self.path)
        self.delivery = delivery_over(self.store, self.broker)

    def kill(self) -> None:
        """End without a word: what was told and is not on disk may be gone."""
        self.delivery.work(self.now_s)
        self.store.close()
        self.restart()

    def stop(self) -> None:
        self.delivery.close()
        self.restart()

    def happen(self) -> None:
        self.told += 1
        self.delivery.tell(event(self.told))

    def work(self) -> None:
        self.now_s += HOLD_S
        before = len(self.broker.sent)
        self.delivery.work(self.now_s)
        assert not set(self.broker.sent[before:]) & set(self.broker.confirmed)
        assert len(self.broker.open) <= AT_ONCE

    def connect(self) -> None:
        self.broker.open.clear()
        self.delivery.connected(AT_ONCE)

    def disconnect(self) -> None:
        self.broker.open.clear()
        self.delivery.disconnected()

    def confirm(self) -> None:
        self.broker.confirm(self.delivery)

    def deny(self) -> None:
        for mid in list(self.broker.open):
            self.broker.open.pop(mid)
            assert self.delivery.published(mid, "Not authorized", self.now_s)


STEPS = ["happen", "work", "connect", "disconnect", "confirm", "deny", "stop", "kill"]


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_whatever_happens_every_event_is_told_and_none_after_it_was_confirmed(
    steps: list[str],
) -> None:
    with TemporaryDirectory() as folder:
        story = Story(path=Path(folder) / EVENTS_FILE)
        for step in [*steps, "stop", "connect", *["work", "confirm"] * 12]:
            getattr(story, step)()
        left = all_of(story.store)
        story.delivery.close()

    broker = story.broker
    assert left == []
    assert len(broker.confirmed) == len(set(broker.confirmed)) == story.told
    first_sent = list(dict.fromkeys(broker.sent))
    assert first_sent == sorted(first_sent, key=lambda name: int(name.rpartition("-")[2]))


def test_too_many_events_give_way_to_newer_ones_and_that_is_told(tmp_path: Path) -> None:
    broker = Broker()
    with closing(EventStore(tmp_path / EVENTS_FILE)) as store:
        for start in range(0, MAX_EVENTS + 200, 100):
            store.add([event(number) for number in range(start, start + 100)])
        first = all_of(store)[0].event.text
        delivery = delivery_over(store, broker)
        delivery.connected(AT_ONCE)
        last = all_of(store)[-1].event

    assert first == "event 200"
    assert (last.kind, last.text) == (
        LOST,
        "200 older events gave way while there was no connection",
    )


def test_a_text_of_any_length_is_kept_in_part(tmp_path: Path) -> None:
    with closing(EventStore(tmp_path / EVENTS_FILE)) as store:
        store.add([Event(at_utc=NOW_UTC, kind="test", text="水" * 5000)])
        (kept,) = all_of(store)

    assert kept.event.text == "水" * (LONGEST_TEXT - 1) + "…"


@given(st.text(), st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # hypothesis wants them naive
def test_whatever_is_said_and_whenever_the_clock_says_can_be_kept(
    text: str, at_utc: datetime
) -> None:
    with TemporaryDirectory() as folder, closing(EventStore(Path(folder) / EVENTS_FILE)) as store:
        store.add([Event(at_utc=at_utc, kind="test", text=text)])

        assert len(all_of(store)) == 1


def test_time_and_its_quality_are_those_of_the_moment_it_happened(tmp_path: Path) -> None:
    happened = Event(
        at_utc=NOW_UTC, kind="clock_doubted", text="x", quality=TimeQuality.BOOT_RELATIVE
    )
    path = tmp_path / EVENTS_FILE
    with closing(EventStore(path)) as store:
        store.add([happened])
    with closing(EventStore(path)) as store:
        assert [kept.event for kept in all_of(store)] == [happened]
    assert ms_from_utc(happened.at_utc) == 1_772_352_000_000


@given(
    damage=st.lists(
        st.tuples(st.integers(0, 20_000), st.binary(min_size=1, max_size=600)), max_size=4
    )
)
def test_a_damaged_file_neither_stops_the_gateway_nor_tells_what_never_happened(
    damage: list[tuple[int, bytes]],
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / EVENTS_FILE
        with closing(EventStore(path)) as store:
            store.add([event(number) for number in range(60)])
            before = all_of(store)
        data = bytearray(path.read_bytes())
        for at, content in damage:
            data[at % len(data) : at % len(data) + len(content)] = content
        path.write_bytes(bytes(data))
        with closing(EventStore(path)) as store:
            delivery = delivery_over(store, Broker())
            delivery.tell(event(1000))
            delivery.connected(AT_ONCE)
            delivery.work(0.0)
            found = all_of(store)

    assert [kept for kept in found if kept.event == event(1000)] == found[-1:]
    told = [kept.event for kept in found[:-1]]  # the file's number, half of a name, has no sum
    assert len(set(told)) == len(told)
    assert set(told) <= {kept.event for kept in before}


@pytest.mark.parametrize(
    ("written", "damaged"),
    [
        (b"crc INTEGER", b"crb INTEGER"),
        (b"number INTEGER", b"numbes INTEGER"),
        (b"body BLOB", b"bodyxBLOB"),
        (b"lost INTEGER", b"lsst INTEGER"),
    ],
)
def test_a_file_with_a_changed_byte_in_its_schema_is_set_aside(
    written: bytes, damaged: bytes, tmp_path: Path
) -> None:
    """SQLite's own check finds nothing wrong with such a file."""
    path = tmp_path / EVENTS_FILE
    with closing(EventStore(path)) as store:
        store.add([event(1)])
    data = path.read_bytes()
    assert data.count(written) == 1
    spoilt = data.replace(written, damaged)
    path.write_bytes(spoilt)
    with closing(EventStore(path)) as store:
        store.add([event(2)])

    assert texts(path) == ["event 2"]
    assert path.with_name(f"{EVENTS_FILE}.damaged").read_bytes() == spoilt


def test_events_wait_in_memory_while_the_disk_refuses(tmp_path: Path) -> None:
    path = tmp_path / EVENTS_FILE
    with closing(EventStore(path)) as store:
        delivery = delivery_over(store, Broker())
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for number in range(MAX_UNKEPT + 5):
                delivery.tell(event(number))
            delivery.work(0.0)
            assert all_of(store) == []
            other.execute("COMMIT")
        delivery.work(0.0)
        found = [kept.event.text for kept in all_of(store)]

    assert found == [f"event {number}" for number in range(5, MAX_UNKEPT + 5)]


def test_an_event_that_the_disk_does_not_take_is_sent_all_the_same(tmp_path: Path) -> None:
    """That the disk refuses is one of the things events tell."""
    path, broker = tmp_path / EVENTS_FILE, Broker()
    with closing(EventStore(path)) as store:
        store.add([event(0)])
        delivery = delivery_over(store, broker)
        delivery.connected(AT_ONCE)
        store._connection.execute("PRAGMA query_only=1")
        for number in (1, 2):
            delivery.tell(event(number))
            delivery.work(0.0)
        broker.confirm(delivery)
        store._connection.execute("PRAGMA query_only=0")
        delivery.tell(event(3))
        delivery.work(0.0)
        found = [kept.event.text for kept in all_of(store)]
        delivery.close()

    assert len(broker.sent) == len(set(broker.sent)) == 4
    assert found == ["event 0", "event 3"]


def test_without_any_place_for_a_file_events_are_told_from_memory(tmp_path: Path) -> None:
    path = tmp_path / EVENTS_FILE
    path.mkdir()
    broker = Broker()
    with closing(EventStore(path)) as store:
        delivery = delivery_over(store, broker)
        delivery.tell(event(1))
        delivery.connected(AT_ONCE)
        delivery.work(0.0)

        assert len(broker.sent) == 1


def test_an_event_of_a_file_that_was_replaced_is_not_taken_for_one_of_the_new(
    tmp_path: Path,
) -> None:
    path = tmp_path / EVENTS_FILE
    with closing(EventStore(path)) as store:
        store.add([event(1)])
        (old,) = all_of(store)
    path.unlink()
    with closing(EventStore(path)) as store:
        store.add([event(2)])
        store.forget(old)
        (new,) = all_of(store)

        assert old.number == new.number
        assert old.name != new.name
        assert store.after(old, 1) == [new]
