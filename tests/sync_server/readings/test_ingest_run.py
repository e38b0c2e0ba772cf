"""The subscriber against a real Mosquitto: it acknowledges after the commit, always."""

import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, func, select

from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_store import open_queue
from edge_gateway.uplink.batching import batch_payload
from sync_server.config import BrokerConfig
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.reading_tables import QUARANTINE, READING
from sync_server.readings.health import IngestMetrics
from sync_server.readings.ingest_run_io import AFTER_COMMIT, IngestLoop
from sync_server.readings.ledger_store import taken_count
from sync_server.readings.mqtt_io import BrokerLink, close_links
from sync_server.readings.quality_event_store import list_quality_events
from tests.free_ports import free_port
from tests.odd_broker import odd_broker
from tests.sync_server.real_parts import NOON, HandClock, start_mosquitto, wait_until
from tests.sync_server.town_parts import GATEWAY, batch, found_town, frame, new_meter
from wire_contracts.acks import Ack, parse_ack
from wire_contracts.frames import Frame, dump_batch, frame_json, ms_from_utc
from wire_contracts.payloads import pack, unpack
from wire_contracts.quantities import Quantity
from wire_contracts.topics import Channel, Topic

HOUR = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
UP = Topic(gateway_id=GATEWAY, channel=Channel.UP).text()
ACK = Topic(gateway_id=GATEWAY, channel=Channel.ACK).text()
SERVER_EPOCH = 99
HALF_A_MINUTE = timedelta(seconds=30)


def _payload(*frames: Frame, epoch: int = 7) -> bytes:
    return pack(dump_batch(GATEWAY, epoch, [frame_json(each) for each in frames]))


def _frames(first: int, last: int) -> list[Frame]:
    return [
        frame(seq, HOUR - timedelta(minutes=15 * seq), {Quantity.VOLUME_M3: float(-seq)})
        for seq in range(first, last + 1)
    ]


class Sender:
    """A gateway's side of the wire: publishes payloads, hears acknowledgements."""

    def __init__(self, port: int) -> None:
        self.acks: queue.Queue[Ack] = queue.Queue()
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="sender")
        self._client.on_connect = lambda client, *_: client.subscribe(ACK, 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(60)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.acks.put(parse_ack(unpack(message.topic, bytes(message.payload))))

    def send(self, payload: bytes, topic: str = UP) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(60)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None


@pytest.fixture
def town(sqlite_engine: Engine) -> Engine:
    with sqlite_engine.begin() as connection:
        found_town(connection, [new_meter("M-1")])
    return sqlite_engine


@contextmanager
def _ingest(
    engine: Engine,
    port: int,
    reached: Callable[[str], None] = lambda _point: None,
    *,
    name: str = "lamplighter-ingest",
    clock: HandClock | None = None,
) -> Iterator[BrokerLink]:
    link = BrokerLink(BrokerConfig(port=port, client_id=name))
    metrics = IngestMetrics(CollectorRegistry())
    loop = IngestLoop(engine, link, clock or HandClock(), metrics, reached)
    stop = threading.Event()
    worker = threading.Thread(target=loop.run, args=(SERVER_EPOCH, stop))
    worker.start()
    link.start()
    try:
        wait_until(lambda: link.is_subscribed)
        yield link
    finally:
        stop.set()
        worker.join(60)
        link.close()


def _count(engine: Engine) -> tuple[int, int]:
    with reading(engine) as connection:
        frames = taken_count(connection)
        rows: int = connection.execute(select(func.count()).select_from(READING)).scalar_one()
    return frames, rows


def test_a_broker_that_forgets_our_topics_is_greeted_again(town: Engine) -> None:
    with odd_broker(forgotten=1) as broker, _ingest(town, broker.server_address[1]):
        greeted = broker.greeted

    assert greeted >= 2


def test_frames_are_acknowledged_only_after_they_are_committed(
    town: Engine, mosquitto_port: int
) -> None:
    seen_at_commit: list[tuple[str, tuple[int, int]]] = []
    sender = Sender(mosquitto_port)
    with _ingest(town, mosquitto_port, lambda point: seen_at_commit.append((point, _count(town)))):
        sender.send(_payload(*_frames(1, 3)))
        ack = sender.acks.get(timeout=60)
    sender.close()

    assert ack.server_epoch == SERVER_EPOCH
    assert [(entry.epoch, entry.upto) for entry in ack.epochs] == [(7, 3)]
    assert seen_at_commit[0] == (AFTER_COMMIT, (3, 3))


def test_two_ingests_on_one_database_whose_words_cross_open_nothing_again(
    town: Engine, mosquitto_port: int, tmp_path: Path
) -> None:
    """Both hear every batch; each word is that of the moment of its commit, told when it comes."""
    sender, clocks = Sender(mosquitto_port), (HandClock(), HandClock(NOON + timedelta(seconds=1)))
    with closing(open_queue(tmp_path / "q", QueueConfig(), NOON)[0]) as store:
        store.put(_frames(1, 60))
        with (
            _ingest(town, mosquitto_port, name="one", clock=clocks[0]),
            _ingest(town, mosquitto_port, name="two", clock=clocks[1]),
        ):
            sent = [store.open_after(at, 2) for at in random.Random(7).sample(range(0, 60, 2), 30)]
            payloads = [batch_payload(GATEWAY, store.epoch, frames)[0] for frames in sent]
            words = list[Ack]()
            sender.send(payloads[0])  # a word of each before the rest: more than one from both
            while len({each.server_at_ms for each in words}) < len(clocks):
                words.append(sender.acks.get(timeout=60))
            for payload in payloads[1:]:
                sender.send(payload)
            while [*map(_upto, words)].count(60) < len(clocks):
                words.append(sender.acks.get(timeout=60))
        sender.close()
    streams = [
        [each for each in words if each.server_at_ms == ms_from_utc(clock.at_utc)]
        for clock in clocks
    ]

    for seed in range(20):
        with closing(open_queue(tmp_path / f"q{seed}", QueueConfig(), NOON)[0]) as store:
            store.put(_frames(1, 60))
            effects = [
                store.acknowledge(
                    _of_epoch(word, store.epoch),
                    NOON + timedelta(milliseconds=500 * at),
                    ((1, 2 * at if seed % 2 else 60),),  # the gateway was started anew: sent again
                )
                for at, word in enumerate(_crossed(streams, random.Random(seed)))
            ]
            last = next(word for word in words if _upto(word) == 60)
            effects.append(store.acknowledge(_of_epoch(last, store.epoch), NOON + HALF_A_MINUTE))
            assert [each for each in effects if each.is_new_server] == []
            assert store.figures().open_count == 0
    assert min(map(len, streams)) > 1


def _upto(word: Ack) -> int:
    return word.epochs[0].upto


def _of_epoch(word: Ack, epoch: int) -> Ack:
    return replace(word, epochs=[replace(word.epochs[0], epoch=epoch)])


def _crossed(streams: Sequence[Sequence[Ack]], dice: random.Random) -> list[Ack]:
    """The words of both as a broker may deliver them: each one's in order, crossed at random."""
    turns = [place for place, stream in enumerate(streams) for _ in stream]
    dice.shuffle(turns)
    left = [iter(each) for each in streams]
    return [next(left[turn]) for turn in turns]


def test_a_gateway_that_comes_online_is_told_the_time(town: Engine, mosquitto_port: int) -> None:
    sender = Sender(mosquitto_port)
    state = Topic(gateway_id=GATEWAY, channel=Channel.STATE).text()
    with _ingest(town, mosquitto_port):
        sender.send(b'{"v":1,"gw":"gw-01","state":"online","ep":7,"t":0}', state)
        ack = sender.acks.get(timeout=60)
    sender.close()

    now_ms = ms_from_utc(HandClock().now_utc())
    assert ack == Ack(server_epoch=SERVER_EPOCH, epochs=(), server_at_ms=now_ms)


def test_a_payload_that_is_no_batch_is_kept_verbatim_and_the_rest_goes_on(
    town: Engine, mosquitto_port: int
) -> None:
    sender = Sender(mosquitto_port)
    other = Topic(gateway_id="gw-other", channel=Channel.UP).text()
    with _ingest(town, mosquitto_port):
        sender.send(b"not a batch")
        sender.send(_payload(*_frames(1, 1)), topic=other)
        sender.send(_payload(*_frames(1, 1)))
        ack = sender.acks.get(timeout=60)
    sender.close()

    with reading(town) as connection:
        kept = connection.execute(select(QUARANTINE.c.code, QUARANTINE.c.body)).all()
    assert ack.epochs[0].upto == 1
    assert ("payload.form", b"not a batch") in [tuple(row) for row in kept]
    assert {row.code for row in kept} == {"payload.form", "topic.mismatch"}


_FRAME = b'"s":1,"t":1762052400000,"g":"fast","v":{"volume_m3":1.0}'
_DEEP = b"[" * 1000 + b"]" * 1000
_HALF = b'"' + rb"\ud800" + b'"'
_POISON = {
    "half a character as device": b'"d":%b,"p":"p@1"' % _HALF,
    "half a character in an unknown field": b'"d":"D-1","p":"p@1","zz":%b' % _HALF,
    "brackets a thousand deep as device": b'"d":%b,"p":"p@1"' % _DEEP,
    "brackets a thousand deep in an unknown field": b'"d":"D-1","p":"p@1","zz":%b' % _DEEP,
    "base64 with a letter that is none": '"d":"D-1","p":"p@1","raw":"é"'.encode(),
    "a revision of forty digits": b'"d":"D-1","p":"p@%b"' % (b"9" * 40),
}


@pytest.mark.parametrize("fields", _POISON.values(), ids=_POISON)
def test_no_frame_a_gateway_can_send_ends_the_ingest_of_the_others(
    town: Engine, mosquitto_port: int, fields: bytes
) -> None:
    sender = Sender(mosquitto_port)
    poison = b'{"v":1,"gw":"%b","ep":8,"f":[{%b,%b}]}' % (GATEWAY.encode(), _FRAME, fields)
    with _ingest(town, mosquitto_port):
        sender.send(poison)
        sender.send(_payload(*_frames(1, 1)))
        acks = [sender.acks.get(timeout=60)]
        if acks[0].epochs[0].epoch != 7:
            acks.append(sender.acks.get(timeout=60))
    sender.close()

    epochs = {entry.epoch: entry.upto for ack in acks for entry in ack.epochs}
    with reading(town) as connection:
        kept = connection.execute(select(func.count()).select_from(QUARANTINE)).scalar_one()
    assert epochs[7] == 1
    assert kept == 1 or epochs.get(8) == 1


def test_a_word_that_cannot_be_stored_is_kept_and_the_rest_goes_on(
    town: Engine, mosquitto_port: int
) -> None:
    sender = Sender(mosquitto_port)
    event = Topic(gateway_id=GATEWAY, channel=Channel.EVENT).text()
    with _ingest(town, mosquitto_port):
        sender.send(b'{"v":1,"kind":%b}' % _HALF, topic=event)
        sender.send(_payload(*_frames(1, 1)))
        ack = sender.acks.get(timeout=60)
    sender.close()

    with reading(town) as connection:
        (body,) = connection.execute(select(QUARANTINE.c.body)).scalars()
    assert ack.epochs[0].upto == 1
    assert _HALF in body


def test_an_event_that_is_sent_again_is_kept_once(town: Engine, mosquitto_port: int) -> None:
    sender = Sender(mosquitto_port)
    topic = Topic(gateway_id=GATEWAY, channel=Channel.EVENT).text()
    bodies = [
        f'{{"v":1,"gw":"{GATEWAY}","id":"{name}","t":1,"kind":"clock_step","text":"back"}}'.encode()
        for name in ("00c0ffee-1", "00c0ffee-2", "00c0ffee-1", "00c0ffee_1", "00c0ffee-10")
    ]
    with _ingest(town, mosquitto_port):
        for body in [*bodies, *bodies]:
            sender.send(body, topic=topic)
        sender.send(_payload(*_frames(1, 1)))
        sender.acks.get(timeout=60)
    sender.close()

    with reading(town) as connection:
        events = list_quality_events(connection)
    assert sorted(str(event.detail["id"]) for event in events) == [
        "00c0ffee-1",
        "00c0ffee-10",
        "00c0ffee-2",
        "00c0ffee_1",
    ]


def test_messages_wait_at_the_broker_while_the_server_is_away(
    town: Engine, mosquitto_port: int
) -> None:
    sender = Sender(mosquitto_port)
    with _ingest(town, mosquitto_port):
        pass
    sender.send(_payload(*_frames(1, 2)))
    with _ingest(town, mosquitto_port):
        ack = sender.acks.get(timeout=60)
    sender.close()

    assert ack.epochs[0].upto == 2


def test_a_word_is_not_kept_for_a_later_connection(mosquitto_port: int) -> None:
    """Gateways set clocks by the time in it."""
    sender = Sender(mosquitto_port)
    link = BrokerLink(BrokerConfig(port=mosquitto_port, client_id="later"))
    now_ms = ms_from_utc(NOON)
    words = [
        Ack(server_epoch=SERVER_EPOCH, epochs=(), server_at_ms=at)
        for at in (now_ms - 75_000, now_ms)
    ]
    link.publish_ack(GATEWAY, words[0])
    link.start()
    wait_until(lambda: link.is_subscribed)
    link.publish_ack(GATEWAY, words[1])
    heard = sender.acks.get(timeout=60)
    link.close()
    sender.close()

    assert heard == words[1]


def test_a_broker_that_comes_back_is_used_again(town: Engine, tmp_path: Path) -> None:
    port = free_port()
    with start_mosquitto(tmp_path, port):
        pass
    with start_mosquitto(tmp_path, port), _ingest(town, port) as link:
        assert link.is_connected
        sender = Sender(port)
        sender.send(_payload(*_frames(1, 1)))
        assert sender.acks.get(timeout=60).epochs[0].upto == 1
        sender.close()


_KILLED_SERVER = """
import os, signal, sys, threading
from prometheus_client import CollectorRegistry
from sync_server.config import BrokerConfig
from sync_server.db.engine_io import open_engine
from sync_server.readings.health import IngestMetrics
from sync_server.readings.ingest_run_io import IngestLoop
from sync_server.readings.mqtt_io import BrokerLink
from tests.sync_server.real_parts import HandClock

link = BrokerLink(BrokerConfig(port=int(sys.argv[2])))
loop = IngestLoop(
    open_engine(sys.argv[1]), link, HandClock(), IngestMetrics(CollectorRegistry()),
    lambda point: os.kill(os.getpid(), signal.SIGKILL),
)
link.start()
loop.run(99, threading.Event())
"""


def test_killed_between_commit_and_ack_nothing_is_lost_or_doubled(
    town: Engine, mosquitto_port: int
) -> None:
    sender = Sender(mosquitto_port)
    with _ingest(town, mosquitto_port):
        pass
    sender.send(_payload(*_frames(1, 5)))
    command = [sys.executable, "-c", _KILLED_SERVER, str(town.url), str(mosquitto_port)]
    killed = subprocess.run(command, timeout=60, check=False, env={**os.environ})
    after_kill = _count(town)
    acks_after_kill = sender.acks.qsize()
    with _ingest(town, mosquitto_port):
        ack = sender.acks.get(timeout=60)
    sender.close()

    assert killed.returncode == -signal.SIGKILL
    assert (after_kill, acks_after_kill) == ((5, 5), 0)
    assert ack.epochs[0].upto == 5
    assert _count(town) == (5, 5)


def test_while_the_database_is_locked_frames_wait_and_are_stored_then(
    town: Engine, mosquitto_port: int
) -> None:
    sender = Sender(mosquitto_port)
    blocker = open_engine(str(town.url))
    with _ingest(town, mosquitto_port):
        with blocker.begin() as connection:
            connection.exec_driver_sql("SELECT 1")
            sender.send(_payload(*_frames(1, 1)))
            assert sender.acks.empty()
        ack = sender.acks.get(timeout=60)
    blocker.dispose()
    sender.close()

    assert ack.epochs[0].upto == 1
    assert batch().gateway_id == GATEWAY


def test_a_replica_lets_every_partition_go_at_once_while_the_broker_is_away() -> None:
    links = [
        BrokerLink(BrokerConfig(port=free_port(), client_id=f"away-{number}"))
        for number in range(32)
    ]
    for link in links:
        link.start()
    began_s = time.monotonic()

    close_links(links)

    assert time.monotonic() - began_s < len(links) / 4
    assert [thread.name for thread in threading.enumerate() if "paho" in thread.name] == []
