"""What is sent first, what may not block the rest, and what an odd broker cannot hide."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import GatewayConfig, LinkConfig, MeterConfig, MqttConfig, QueueConfig
from edge_gateway.queue.queue_store import QueueStore, open_queue, read_figures
from edge_gateway.run import QUEUE_FILE, Machine, run_gateway
from edge_gateway.uplink import event_delivery_io, uplink_io
from edge_gateway.uplink.event_store import EVENTS_FILE
from edge_gateway.uplink.lanes import Allowance, advance_block, open_block, start_lanes
from edge_gateway.uplink.uplink_io import Uplink
from edge_gateway.uplink.uplink_parts import UplinkParts
from edge_gateway.watchdog import Watchdog
from tests.edge_gateway.rig import LOOPBACK, FastClock, LedgerServer, Mosquitto, running, until
from tests.free_ports import free_port
from tests.odd_broker import odd_broker
from wire_contracts.clock import Clock
from wire_contracts.frames import Batch, Frame, GapRecord, ms_from_utc
from wire_contracts.payloads import read_json
from wire_contracts.quantities import Quantity
from wire_contracts.topics import Channel, Topic

MINUTE = timedelta(minutes=1)
UP = Topic(gateway_id="gw-01", channel=Channel.UP).text()


def config(folder: Path, port: int, **mqtt: float) -> GatewayConfig:
    settings = {"ack_timeout_s": 0.3, "window": 8, "backlog_per_s": 500.0, **mqtt}
    return GatewayConfig(
        gateway_id="gw-01",
        data=folder,
        mqtt=MqttConfig(
            host=LOOPBACK,
            port=port,
            ack_timeout_s=settings["ack_timeout_s"],
            window=int(settings["window"]),
            backlog_per_s=settings["backlog_per_s"],
        ),
        queue=QueueConfig(min_free_bytes=0),
        links=[],
    )


def frames(count: int, newest_utc: datetime, step: timedelta = MINUTE) -> list[Frame]:
    return [
        Frame(
            seq=0,
            device="HM-1",
            measured_at_utc=newest_utc - (count - 1 - number) * step,
            profile="tuf_2000m@1",
            group="fast",
            values={Quantity.FLOW_M3H: float(number)},
        )
        for number in range(count)
    ]


@contextmanager
def uplink_of(
    settings: GatewayConfig, store: QueueStore, clock: Clock | None = None
) -> Iterator[Uplink]:
    uplink = Uplink(
        UplinkParts(
            config=settings,
            queue=store,
            clock=clock or SystemClock(),
            links=tuple,
            reached=lambda _point: None,
            interval=lambda _device, _group: 5 * MINUTE,
        )
    )
    with running(uplink.run):
        yield uplink


@contextmanager
def opened(settings: GatewayConfig) -> Iterator[QueueStore]:
    store, _ = open_queue(settings.data / QUEUE_FILE, settings.queue, SystemClock().now_utc())
    with closing(store):
        yield store


def kinds(server: LedgerServer) -> list[str]:
    return [read_json("event", each).text("kind") for each in server.payloads(Channel.EVENT)]


@dataclass
class Recorder(LedgerServer):
    """A server that also remembers the order in which frames came, and drops what it dislikes."""

    arrived: list[Frame] = field(default_factory=list)
    gaps: list[GapRecord] = field(default_factory=list)
    disliked: float | None = None

    def _store(self, batch: Batch) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        if any(each.values.get(Quantity.FLOW_M3H) == self.disliked for each in batch.frames):
            return
        self.arrived += batch.frames
        self.gaps += batch.gaps
        super()._store(batch)


def test_after_an_outage_live_frames_overtake_the_backlog(tmp_path: Path) -> None:
    now_utc = SystemClock().now_utc()
    with Mosquitto(folder=tmp_path) as broker, Recorder(broker.port) as server:
        settings = config(tmp_path / "g", broker.port, backlog_per_s=50.0)
        with opened(settings) as store:
            store.put(frames(2000, now_utc - MINUTE))
            with uplink_of(settings, store) as uplink:
                until(lambda: len(server.arrived) >= 50)
                (live,) = store.put(frames(1, now_utc))
                uplink.wake()
                until(lambda: any(each.seq == live for each in list(server.arrived)))
                before = [each.seq for each in list(server.arrived)].index(live)

    assert before < 400


@pytest.mark.nightly
def test_a_backlog_of_seven_days_drains_while_live_frames_take_less_than_two_periods(
    tmp_path: Path,
) -> None:
    """10 meters every 15 minutes; the clock runs 300 times as fast, the rate limit is kept."""
    clock, period, arrived_at = FastClock(300), 15 * MINUTE, dict[int, datetime]()

    @dataclass
    class Stamping(LedgerServer):
        def _store(self, batch: Batch) -> None:  # type: ignore[explicit-override]  # needs 3.12
            super()._store(batch)
            for each in batch.frames:
                arrived_at.setdefault(each.seq, clock.now_utc())

    with Mosquitto(folder=tmp_path) as broker, Stamping(broker.port) as server:
        settings = config(tmp_path / "g", broker.port, backlog_per_s=200.0, ack_timeout_s=2.0)
        with opened(settings) as store:
            for _ in range(7 * 96):
                store.put(frames(10, clock.now_utc() - period, step=timedelta(seconds=1)))
            waited = store.figures().last_seq
            live: dict[int, datetime] = {}
            with uplink_of(settings, store, clock) as uplink:
                while len(server.ledger) < waited + len(live):
                    now_utc = clock.now_utc()
                    seqs = store.put(frames(10, now_utc, step=timedelta(seconds=1)))
                    live |= dict.fromkeys(seqs, now_utc)
                    uplink.wake()
                    threading.Event().wait(clock.wall_seconds(period.total_seconds()))

    assert len(live) >= 50
    assert max(arrived_at[seq] - at_utc for seq, at_utc in live.items()) < 2 * period


def test_the_backlog_comes_newest_hour_first_and_says_that_it_is_late(tmp_path: Path) -> None:
    noon = SystemClock().now_utc().replace(minute=0, second=0, microsecond=0)
    with Mosquitto(folder=tmp_path) as broker, Recorder(broker.port) as server:
        settings = config(tmp_path / "g", broker.port, window=1)
        with opened(settings) as store:
            store.put(frames(240, noon - MINUTE))
            with uplink_of(settings, store):
                until(lambda: len(server.ledger) == 240)

    hours = [each.measured_at_utc.hour for each in server.arrived]
    firsts = list(dict.fromkeys(hours))
    assert firsts == [(noon - (back + 1) * 60 * MINUTE).hour for back in range(4)]
    late = [each for each in server.arrived if each.measured_at_utc < noon - 20 * MINUTE]
    assert all(each.is_historical for each in late)
    assert server.conflicts == []


def test_a_live_frame_is_not_late(tmp_path: Path) -> None:
    with Mosquitto(folder=tmp_path) as broker, Recorder(broker.port) as server:
        settings = config(tmp_path / "g", broker.port)
        with opened(settings) as store, uplink_of(settings, store) as uplink:
            store.put(frames(3, SystemClock().now_utc(), step=MINUTE))
            uplink.wake()
            until(lambda: len(server.ledger) == 3)

    assert [each.is_historical for each in server.arrived] == [False] * 3


def test_one_frame_that_the_server_never_takes_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    with (
        Mosquitto(folder=tmp_path) as broker,
        Recorder(broker.port, disliked=7.0) as server,
    ):
        settings = config(tmp_path / "g", broker.port, ack_timeout_s=0.2)
        with opened(settings) as store, uplink_of(settings, store) as uplink:
            store.put(frames(20, SystemClock().now_utc()))
            number = 100

            def goes_on() -> bool:
                nonlocal number
                number += 1
                store.put(frames(1, SystemClock().now_utc() + number * MINUTE))
                uplink.wake()
                threading.Event().wait(0.05)
                return "frame_put_aside" in kinds(server)

            until(goes_on, within_s=30)
            until(lambda: set(range(1, 21)) - set(server.seqs()) == {8} and server.gaps)
            figures = store.figures()

    assert figures.aside_count == 1
    assert [(gap.first, gap.last, gap.count) for gap in server.gaps] == [(8, 8, 1)]


def test_a_denied_publication_is_held_and_told_once(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    state, event = (
        Topic(gateway_id="gw-01", channel=each).text() for each in (Channel.STATE, Channel.EVENT)
    )
    rules.write_text(f"topic read #\ntopic write {state}\ntopic write {event}\n")
    lines = f"allow_anonymous true\nacl_file {rules}\n"
    with Mosquitto(folder=tmp_path, lines=lines) as broker, LedgerServer(broker.port) as server:
        settings = config(tmp_path / "g", broker.port)
        with opened(settings) as store, uplink_of(settings, store) as uplink:
            store.put(frames(100, SystemClock().now_utc()))
            uplink.wake()
            until(lambda: "publish_denied" in kinds(server))
            until(lambda: uplink.snapshot().published >= 150)
            open_count = store.figures().open_count

    assert open_count == 100
    assert kinds(server).count("publish_denied") == 1


def test_a_broker_that_confirms_nothing_is_left_and_told_of(tmp_path: Path) -> None:
    with odd_broker(unpublished=True) as deaf:
        settings = config(tmp_path / "g", deaf.server_address[1])
        with opened(settings) as store, uplink_of(settings, store) as uplink:
            store.put(frames(5, SystemClock().now_utc()))
            uplink.wake()
            until(lambda: deaf.greeted >= 3, within_s=30)
            until(lambda: any(topic.endswith("/event") for topic in deaf.topics), within_s=30)
            open_count = store.figures().open_count

    assert open_count == 5


def test_a_broker_that_forgets_our_topics_is_left_before_anything_is_published(
    tmp_path: Path,
) -> None:
    with odd_broker(forgotten=2) as broker:
        settings = config(tmp_path / "g", broker.server_address[1])
        with opened(settings) as store:
            store.put(frames(5, SystemClock().now_utc()))
            with uplink_of(settings, store):
                until(lambda: UP in broker.topics, within_s=30)
                greeted = broker.greeted

    assert greeted >= 3
    assert broker.forgotten == 0


def test_a_broker_at_the_end_of_a_slow_line_is_given_longer_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink_io, "CONNACK_WITHIN_S", 0.3)
    with odd_broker(greets_after_s=1.0) as broker:
        settings = config(tmp_path / "g", broker.server_address[1], ack_timeout_s=10.0)
        with opened(settings) as store:
            store.put(frames(5, SystemClock().now_utc()))
            with uplink_of(settings, store):
                until(lambda: UP in broker.topics, within_s=30)
                greeted = broker.greeted

    assert greeted > 1


def test_the_server_is_asked_what_it_holds_of_a_damaged_epoch(tmp_path: Path) -> None:
    with Mosquitto(folder=tmp_path) as broker, Recorder(broker.port) as server:
        settings = config(tmp_path / "g", broker.port)
        with opened(settings) as store:
            store.put(frames(300, SystemClock().now_utc()))
            old_epoch = store.epoch
        path = settings.data / QUEUE_FILE
        data = bytearray(path.read_bytes())
        pages = [at for at in range(2048, len(data), 2048) if data[at] == 0x0D]
        data[pages[5] : pages[5] + 2048] = bytes(2048)
        path.write_bytes(bytes(data))
        with opened(settings) as store, uplink_of(settings, store):
            until(lambda: server.acks.get(old_epoch) and server.acks[old_epoch].upto >= 300)

        assert "queue_set_aside" in kinds(server)
    missing = set(range(1, 301)) - set(server.seqs(old_epoch))
    told = {seq for gap in server.gaps for seq in range(gap.first, gap.last + 1)}
    assert missing
    assert told == missing


def test_the_parts_of_the_order() -> None:
    lanes = start_lanes(100)
    block = open_block(lanes, (61, 100))
    assert (block.block, block.rest) == ((61, 100), ((1, 60),))
    assert advance_block(block, 80).block == (81, 100)
    assert advance_block(block, 100).block is None
    assert not open_block(lanes, None).has_backlog()

    allowance = Allowance(per_s=100.0, left=0.0, counted_at_s=0.0)
    assert allowance.at(0.5).left == 50
    assert allowance.at(60).left == 100
    assert allowance.at(1).spend(30).left == 70


def test_a_thread_that_gives_no_sign_of_life_is_found() -> None:
    now_s = 0.0
    watchdog = Watchdog(lambda: now_s)
    watchdog.beat("link-a", 10)
    watchdog.beat("link-b", 10)
    watchdog.beat("uplink", 1)
    watchdog.rest("uplink")
    now_s = 29.0
    watchdog.beat("link-b", 10)
    assert watchdog.hanging() == []

    now_s = 31.0
    assert [(each.name, each.silent_s) for each in watchdog.hanging()] == [("link-a", 31.0)]


def test_a_part_that_hangs_is_left_behind_and_the_gateway_goes_on(tmp_path: Path) -> None:
    hung: list[str] = []
    release = threading.Event()

    def hangs_once(point: str) -> None:
        if not hung:
            hung.append(point)
            release.wait(60)

    with Mosquitto(folder=tmp_path) as broker, LedgerServer(broker.port) as server:
        settings = GatewayConfig(
            gateway_id="gw-01",
            data=tmp_path / "g",
            mqtt=MqttConfig(host=LOOPBACK, port=broker.port, ack_timeout_s=0.5),
            queue=QueueConfig(commit_s=0.05, min_free_bytes=0),
            links=[
                LinkConfig(
                    name="nobody",
                    url=f"tcp://{LOOPBACK}:{free_port()}",
                    meters=[
                        MeterConfig(
                            serial="HM-1",
                            device_address=1,
                            profile="tuf_2000m@1",
                            intervals={"fast": timedelta(seconds=1)},
                        )
                    ],
                    timeout_s=0.2,
                )
            ],
        )
        machine = Machine(outbox_step_s=0.7, uplink_step_s=5.0)
        work = lambda stop: run_gateway(settings, SystemClock(), stop, hangs_once, machine)  # noqa: E731  # one expression
        with running(work):
            until(lambda: "part_hung" in kinds(server), within_s=40)
            at_hang = read_figures(settings.data / QUEUE_FILE).last_seq
            until(lambda: len(server.ledger) > at_hang, within_s=30)
            release.set()

    assert hung == ["gateway.between_commits"]
    texts = [json.loads(each)["text"] for each in server.payloads(Channel.EVENT)]
    assert any(text.startswith("outbox has hung for") for text in texts)
    assert ms_from_utc(server.frames()[0].measured_at_utc) > 0


def test_an_event_that_the_broker_hands_to_nobody_waits_for_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker was started afresh, and the server has not come back to it yet."""
    monkeypatch.setattr(event_delivery_io, "HOLD_S", 0.2)
    with Mosquitto(folder=tmp_path) as broker:
        settings = config(tmp_path, broker.port)
        with opened(settings) as store, uplink_of(settings, store) as uplink:
            uplink.announce("test", "event 1")
            until(lambda: uplink.snapshot().is_connected and kept_count(tmp_path) == 1)
            uplink.announce("test", "event 2")
            until(lambda: kept_count(tmp_path) == 2)
            with LedgerServer(broker.port) as server:
                until(lambda: kept_count(tmp_path) == 0)
                until(lambda: len(texts_told(server)) > 1)

    assert texts_told(server) == {"event 1", "event 2"}


def texts_told(server: LedgerServer) -> set[str]:
    """What has reached the server; the broker may tell it after it has told us."""
    told = [read_json("event", each) for each in server.payloads(Channel.EVENT)]
    return {each.text("text") for each in told}


def kept_count(folder: Path) -> int:
    with closing(sqlite3.connect(f"{(folder / EVENTS_FILE).as_uri()}?mode=ro", uri=True)) as file:
        return int(file.execute("SELECT count(*) FROM event").fetchone()[0])


def test_two_servers_that_acknowledge_in_turn_are_told_once(tmp_path: Path) -> None:
    with Mosquitto(folder=tmp_path) as broker, LedgerServer(broker.port) as server:
        settings = config(tmp_path, broker.port)
        with opened(settings) as store, uplink_of(settings, store) as uplink:
            for turn in range(8):
                server.server_epoch = 1 + turn % 2
                store.put(frames(1, SystemClock().now_utc()))
                uplink.wake()
                until(lambda: store.figures().open_count == 0)
            until(lambda: "server_disagrees" in kinds(server))
            told = kinds(server)

    assert sorted(told) == ["server_disagrees", *["server_restored"] * 3]
