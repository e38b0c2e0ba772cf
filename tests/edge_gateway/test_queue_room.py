"""What gives way when there is no room: thinned first, the oldest then, alarms never; all told."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_gateway.config import QueueConfig
from edge_gateway.queue.fresh_frames import MOST_BYTES, MOST_FRAMES, FreshFrames
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.queue.queued import HeldFrame, StoredFrame, Uptime
from edge_gateway.queue.seq_ranges import (
    Ranges,
    complement,
    count,
    covers,
    intersect,
    merged,
    subtract,
)
from wire_contracts.acks import Ack, EpochAck, add_range, add_seqs
from wire_contracts.frames import Frame, TimeQuality
from wire_contracts.quantities import Quantity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOME = st.sets(st.integers(1, 40))


def frame(minute: int, *, device: str = "HM-1", events: tuple[str, ...] = ()) -> Frame:
    return Frame(
        seq=0,
        device=device,
        measured_at_utc=NOON + minute * MINUTE,
        profile="tuf_2000m@1",
        group="fast",
        values={Quantity.FLOW_M3H: minute / 4},
        events=events,
    )


@contextmanager
def opened(path: Path, config: QueueConfig | None = None) -> Iterator[QueueStore]:
    with closing(open_queue(path, config or QueueConfig(), NOON)[0]) as store:
        yield store


def bodies(store: QueueStore) -> list[dict[str, object]]:
    return [json.loads(each.body) for each in store.open_after(0, 100_000)]


def in_file(path: Path, offered: Sequence[StoredFrame]) -> list[tuple[int, bytes]]:
    """Return the rows of the offered numbers as another reader of the file finds them."""
    with closing(sqlite3.connect(path)) as other:
        rows = dict(other.execute("SELECT seq, body FROM frame").fetchall())
    return [(each.seq, rows[each.seq]) for each in offered]


def of_seqs(seqs: set[int]) -> Ranges:
    return merged((seq, seq) for seq in seqs)


@given(SOME, SOME)
def test_ranges_behave_like_sets(left: set[int], right: set[int]) -> None:
    a, b = of_seqs(left), of_seqs(right)

    assert merged([*a, *b]) == of_seqs(left | right)
    assert intersect(a, b) == of_seqs(left & right)
    assert subtract(a, b) == of_seqs(left - right)
    assert complement(a, 5, 30) == of_seqs(set(range(5, 31)) - left)
    assert all(covers(a, seq) is (seq in left) for seq in range(42))
    assert count(a) == len(left)


def test_old_frames_are_thinned_to_one_an_hour_and_the_newest_hour_stays(tmp_path: Path) -> None:
    with opened(tmp_path / "q", QueueConfig(max_open_bytes=40_000)) as store:
        for minute in range(0, 600, 2):
            store.put([frame(minute, device=name) for name in ("HM-1", "HM-2")])
        found = bodies(store)

    minutes = sorted(
        (each["t"] - NOON.timestamp() * 1000) / 60_000  # type: ignore[operator]  # a number
        for each in found
        if each.get("d") == "HM-1"
    )
    hours = [minute // 60 for minute in minutes]
    thinned = next(hour for hour in range(10) if hours.count(hour) > 1)
    assert hours[:thinned] == list(range(thinned))
    assert thinned >= 2
    assert [minute for minute in minutes if minute > 538] == list(range(540, 600, 2))


def test_a_frame_with_events_never_gives_way_to_one_without(tmp_path: Path) -> None:
    with opened(tmp_path / "q", QueueConfig(max_open_bytes=8_000)) as store:
        for minute in range(500):
            event = (f"leak-{minute}",) if minute % 100 == 0 else ()
            store.put([frame(minute, events=event)])
        found = bodies(store)

    assert [each["e"] for each in found if "e" in each] == [
        [f"leak-{minute}"] for minute in range(0, 500, 100)
    ]


def test_a_flat_battery_reported_for_years_is_kept_where_it_began(tmp_path: Path) -> None:
    config = QueueConfig(max_open_bytes=40_000)
    with opened(tmp_path / "q", config) as store:
        for hour in range(30):
            store.put([frame(60 * hour + each, events=("battery",)) for each in range(50)])
        found = bodies(store)
        size = store.figures().open_bytes

    assert size <= config.max_open_bytes + 500
    assert min(each["t"] for each in found if "e" in each) == NOON.timestamp() * 1000  # type: ignore[type-var]  # numbers


def test_what_waited_too_long_is_told_as_a_gap(tmp_path: Path) -> None:
    with opened(tmp_path / "q", QueueConfig(max_age=timedelta(days=1))) as store:
        store.put([frame(minute) for minute in range(0, 60, 10)])
        late = NOON + timedelta(days=1, minutes=30)

        assert store.prune(late, is_time_known=False) == 0
        store.prune(late)
        found = bodies(store)

    assert [each["gap"] for each in found if "gap" in each] == [
        {"from": 1, "to": 3, "n": 3, "why": "waited too long"}
    ]
    assert len(found) == 4


def test_a_nearly_full_disk_stops_the_file_from_growing(tmp_path: Path) -> None:
    without_end = QueueConfig(min_free_bytes=2**60)
    path = tmp_path / "q"
    with opened(path, without_end) as store:
        for start in range(0, 20_000, 100):
            store.put([frame(minute) for minute in range(start, start + 100)])
        waiting, last = store.figures().open_count, store.figures().last_seq
        told = sum(each["gap"]["n"] for each in bodies(store) if "gap" in each)  # type: ignore[index]  # a mapping
        pages = store._current._connection.execute("PRAGMA page_count").fetchone()[0]

    assert waiting < 20_000
    assert told + waiting == last
    assert pages * 2048 < 2_000_000


def fill_until_refused(store: QueueStore) -> None:
    for minute in range(100, 1000):
        try:
            store.put([frame(minute)] * 10)
        except sqlite3.OperationalError:
            return


def test_a_full_disk_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    with opened(tmp_path / "q") as store:
        store.put([frame(minute) for minute in range(100)])
        connection = store._current._connection
        connection.execute("PRAGMA max_page_count = 40")
        fill_until_refused(store)
        before = store.figures()
        connection.execute("PRAGMA max_page_count = 1000000")
        seqs = store.put([frame(2000)], never_written=7)
        found = bodies(store)
        after = store.figures()

    assert seqs == [before.last_seq + 9]
    assert [each["gap"]["n"] for each in found if "gap" in each] == [7]  # type: ignore[index]  # a mapping
    assert [each["s"] for each in found] == [
        *range(1, before.last_seq + 1),
        *range(before.last_seq + 8, after.last_seq + 1),
    ]


def test_a_reader_with_a_cursor_gets_what_is_kept_for_it_and_is_told_what_it_missed(
    tmp_path: Path,
) -> None:
    config = QueueConfig(keep_sent=timedelta(0), keep_sent_bytes=3_000)
    with opened(tmp_path / "q", config) as store:
        assert store.cursor("scada").seq == 0
        seqs = store.put([frame(minute) for minute in range(10)])
        ack = Ack(server_epoch=1, epochs=[EpochAck(epoch=store.epoch, upto=10)])
        store.acknowledge(ack, NOON)
        store.prune(NOON + timedelta(days=9))
        read = store.read_after(0, 4)
        store.move_cursor("scada", read[-1].seq)
        store.prune(NOON + timedelta(days=9))
        rest = store.read_after(store.cursor("scada").seq, 100)

        assert [each.seq for each in read] == list(seqs[:4])
        assert [each.seq for each in rest] == list(seqs[4:])

        store.put([frame(minute) for minute in range(100)])
        last = store.figures().last_seq
        ack = Ack(server_epoch=1, epochs=[EpochAck(epoch=store.epoch, upto=last)])
        store.acknowledge(ack, NOON)
        store.prune(NOON)
        left = store.read_after(4, 1000)

        assert store.cursor("scada").missed_count == last - 4 - len(left) > 0
        store.move_cursor("scada", 2)
        assert store.cursor("scada").seq == 4


def test_held_frames_are_neither_sent_nor_read_before_they_are_dated(tmp_path: Path) -> None:
    held = HeldFrame(
        frame=replace(frame(0), time_quality=TimeQuality.BOOT_RELATIVE),
        uptime=Uptime(boot_id="b", ms=60_000),
    )
    with opened(tmp_path / "q") as store:
        store.put([frame(0), held, frame(1)])
        assert [each.seq for each in store.open_after(0, 9)] == [1, 3]
        assert [each.seq for each in store.read_after(0, 9)] == [1]
        assert store.figures().held_count == 1

        start_ms = int(NOON.timestamp() * 1000)
        assert store.repair("b", start_ms, TimeQuality.REPAIRED) == 1
        dated = bodies(store)[1]

    assert (dated["t"], dated["tq"]) == (start_ms + 60_000, "repaired")


def test_what_waits_for_the_time_is_not_offered_from_memory(tmp_path: Path) -> None:
    held = HeldFrame(frame=frame(3), uptime=Uptime(boot_id="b", ms=5))
    with opened(tmp_path / "q") as store:
        store.put([frame(1), frame(2)])
        store.put([frame(3), held, frame(4)])
        store.put([frame(5)] * 60)
        offered = store.open_after(0, 100)

        assert [each.seq for each in offered] == [1, 2, 3, *range(5, 66)]
        assert store.open_after(3, 2) == offered[3:5]
        assert store.open_after(5, 100) == offered[4:]
        assert [(each.seq, each.body) for each in offered] == in_file(tmp_path / "q", offered)


def test_a_long_outage_is_not_kept_in_memory() -> None:
    fresh = FreshFrames()
    for start in range(1, 5 * MOST_FRAMES, 50):
        fresh.add([StoredFrame(seq=seq, body=b"{}") for seq in range(start, start + 50)])
    last = start + 49
    held = fresh.between(last - 99, last, 50)
    fresh.add([StoredFrame(seq=last + 1, body=bytes(MOST_BYTES + 1))])

    assert held is not None
    assert [each.seq for each in held] == list(range(last - 99, last - 49))
    assert fresh.between(1, last, 50) is None
    assert fresh.between(last + 1, last + 1, 1) is None


def numbers_of(gaps: Mapping[int, tuple[int, int, int]]) -> list[int]:
    """Return every number that a gap record stands for, as often as one does."""
    return [seq for low, high, _ in gaps.values() for seq in range(low, high + 1)]


class QueueBooks(RuleBasedStateMachine):
    """Every number is open, acknowledged, or covered by exactly one gap record, whatever happens.

    Gap records count as long as they are open or acknowledged themselves. What a kill has forgotten
    to be acknowledged is like any other: where room is short a gap record may take its place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "q"
        self.config = QueueConfig(
            max_open_bytes=3_000, max_age=timedelta(hours=12), keep_sent=timedelta(0)
        )
        self.minute = 0
        self.taken: dict[int, tuple[int, int, int]] = {}
        self.forgotten: set[int] = set()

    @initialize()
    def start(self) -> None:
        self.store = open_queue(self.path, self.config, NOON)[0]
        self.server = EpochAck(epoch=self.store.epoch, upto=0)
        self.acked: set[int] = set()

    def teardown(self) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        self.store.close()
        self.folder.cleanup()

    @rule(number=st.integers(1, 9), step=st.integers(1, 40), has_events=st.booleans())
    def put(self, number: int, step: int, has_events: bool) -> None:  # noqa: FBT001  # hypothesis
        frames = []
        for at in range(number):
            self.minute += step
            events = (f"leak-{self.minute}",) if has_events and at == 0 else ()
            frames.append(frame(self.minute, events=events))
        self.store.put(frames)

    @rule(number=st.integers(1, 5))
    def lose_before_the_disk(self, number: int) -> None:
        self.store.put([], never_written=number)

    @rule(take=st.lists(st.booleans(), min_size=1, max_size=12))
    def server_takes_some(self, take: list[bool]) -> None:
        for each, is_taken in zip(self.store.open_after(0, len(take)), take, strict=False):
            if not is_taken:
                continue
            body = json.loads(each.body)
            self.acked.add(each.seq)
            self.server = add_seqs(self.server, [each.seq])
            if "gap" in body:
                gap = body["gap"]
                self.taken[each.seq] = (gap["from"], gap["to"], gap["n"])
                self.server = add_range(self.server, gap["from"], gap["to"])
        self.store.acknowledge(Ack(server_epoch=1, epochs=[self.server]), NOON)

    @rule()
    def grow_old(self) -> None:
        self.store.prune(NOON + self.minute * MINUTE)

    @rule(place=st.integers(0, 9))
    def put_one_aside(self, place: int) -> None:
        """Only what the server never took, though a kill may have forgotten that it did."""
        waiting = [each for each in self.store.open_after(0, 10) if each.seq not in self.acked]
        if place < len(waiting):
            self.store.stores()[0].put_aside(waiting[place].seq)

    @rule()
    def crash_and_open(self) -> None:
        """A second look at the file while the first still has it open is what a kill leaves.

        It may have forgotten that the server took something, and open that again.
        """
        abandoned = self.store
        self.store = open_queue(self.path, self.config, NOON)[0]
        for each in abandoned.stores():
            each._connection.close()
        waiting = {each.seq for each in self.store.open_after(0, 100_000)}
        self.forgotten |= self.acked & waiting

    @invariant()
    def every_number_is_accounted_for_once(self) -> None:
        open_frames = self.store.open_after(0, 100_000)
        waiting = {each.seq for each in open_frames}
        gaps = {seq: gap for seq, gap in self.taken.items() if seq not in waiting}
        for each in open_frames:
            gap = json.loads(each.body).get("gap")
            if gap is not None:
                gaps[each.seq] = (gap["from"], gap["to"], gap["n"])
        gone = self.forgotten & set(numbers_of(gaps)) - waiting
        gaps = {seq: gap for seq, gap in gaps.items() if seq not in gone}
        taken = self.acked - waiting - gone
        last = self.store.figures().last_seq

        assert sorted([*waiting, *taken, *numbers_of(gaps)]) == list(range(1, last + 1))
        assert all(n == high - low + 1 for low, high, n in gaps.values())

    @invariant()
    def what_is_offered_is_what_the_file_holds(self) -> None:
        """The newest frames are offered from memory; nobody may notice."""
        offered = self.store.open_after(0, 100_000)

        assert [(each.seq, each.body) for each in offered] == in_file(self.path, offered)
        for at in range(0, len(offered), 9):
            assert self.store.open_after(offered[at].seq, 3) == offered[at + 1 : at + 4]

    @invariant()
    def the_figures_are_right(self) -> None:
        assert self.store.figures().open_count == len(self.store.open_after(0, 100_000))


QueueBooks.TestCase.settings = settings(stateful_step_count=30, max_examples=60)
TestQueueBooks = QueueBooks.TestCase
