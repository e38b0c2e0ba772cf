"""The queue file: nothing is lost by any order of puts, acknowledgements and restarts."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import QueueStore, open_queue, read_figures
from wire_contracts.acks import MAX_RANGES, Ack, EpochAck, add_range, add_seqs, fitting
from wire_contracts.fields import FieldReader
from wire_contracts.frames import Frame, GapRecord, parse_frame, parse_gap
from wire_contracts.payloads import read_json
from wire_contracts.quantities import Quantity

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def frame(number: int = 0) -> Frame:
    return Frame(
        seq=0,
        device=f"HM-{number}",
        measured_at_utc=NOW + timedelta(seconds=number),
        profile="tuf_2000m@1",
        group="fast",
        values={Quantity.FLOW_M3H: number / 4},
    )


def frames(count: int) -> list[Frame]:
    return [frame(number) for number in range(count)]


@contextmanager
def opened(path: Path, config: QueueConfig | None = None) -> Iterator[QueueStore]:
    store, aside = open_queue(path, config or QueueConfig(), NOW)
    assert aside is None
    with closing(store):
        yield store


def acked(store: QueueStore, seqs: Iterable[int], *, server: int = 1) -> Ack:
    entry = add_seqs(EpochAck(epoch=store.epoch, upto=0), seqs)
    return Ack(server_epoch=server, epochs=[entry])


def open_seqs(store: QueueStore) -> list[int]:
    return [stored.seq for stored in store.open_after(0, 10_000)]


def body(store: QueueStore, seq: int) -> FieldReader:
    (stored,) = store.open_among([seq])
    return read_json("queue", stored.body)


def gaps(store: QueueStore) -> list[GapRecord]:
    readers = [read_json("queue", stored.body) for stored in store.open_after(0, 10_000)]
    return [parse_gap(reader) for reader in readers if reader.has("gap")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "queue.sqlite3"


def test_a_frame_comes_back_as_it_was_put_with_its_number(path: Path) -> None:
    with opened(path) as store:
        assert store.put(frames(3)) == [1, 2, 3]
        found = parse_frame(body(store, 2))

    assert found.seq == 2
    assert (found.device, found.values) == ("HM-1", {Quantity.FLOW_M3H: 0.25})


def test_numbers_go_on_after_a_restart_even_when_everything_was_forgotten(path: Path) -> None:
    config = QueueConfig(keep_sent=timedelta(0))
    with opened(path, config) as store:
        epoch = store.epoch
        store.put(frames(5))
        store.acknowledge(acked(store, range(1, 6)), NOW)
        assert store.prune(NOW + DAY) == 5
    with opened(path, config) as store:
        assert store.epoch == epoch
        assert store.put([frame()]) == [6]


def test_every_file_draws_its_own_epoch(tmp_path: Path) -> None:
    epochs = set()
    for name in "abcd":
        with opened(tmp_path / name) as store:
            epochs.add(store.epoch)

    assert len(epochs) == 4
    assert all(0 < epoch < 2**63 for epoch in epochs)


def test_only_what_the_server_names_is_marked_and_it_is_kept(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(10))
        entry = EpochAck(epoch=store.epoch, upto=3, ranges=[(6, 7)], refused=[(7, "meter.unknown")])
        effect = store.acknowledge(Ack(server_epoch=1, epochs=[entry]), NOW)
        figures = store.figures()

        assert open_seqs(store) == [4, 5, 8, 9, 10]
        assert sorted(effect.seqs) == [1, 2, 3, 6, 7]
        assert effect.refused == [(7, "meter.unknown")]
        assert (figures.open_count, figures.kept_count) == (5, 5)


def test_the_acknowledgement_of_another_epoch_changes_nothing(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(3))
        other = Ack(server_epoch=9, epochs=[EpochAck(epoch=store.epoch + 1, upto=3)])

        assert store.acknowledge(other, NOW).seqs == ()
        assert open_seqs(store) == [1, 2, 3]


def test_after_a_card_was_put_back_what_was_never_sent_stays_open(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(8))
        knows_more = acked(store, range(1, 11))
        effect = store.acknowledge(knows_more, NOW, sent=((1, 6),))

        assert list(effect.seqs) == [1, 2, 3, 4, 5, 6]
        assert open_seqs(store) == [7, 8]


def test_a_restored_server_is_offered_again_what_is_still_kept(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(6))
        store.acknowledge(acked(store, range(1, 6)), NOW)
        effect = store.acknowledge(acked(store, [1, 2], server=2), NOW)

        assert effect.is_new_server
        assert open_seqs(store) == [3, 4, 5, 6]
        assert not store.acknowledge(acked(store, [1, 2, 3], server=2), NOW).is_new_server


def test_a_server_that_lacks_what_it_had_acknowledged_is_offered_it_again(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(9))
        store.acknowledge(acked(store, range(1, 7)), NOW)
        words = [acked(store, seqs) for seqs in ([1, 2, 8], [1, 2, 8, 9], [1, 2, 3, 4, 8, 9])]
        effects = [
            store.acknowledge(word, NOW + timedelta(minutes=at)) for at, word in enumerate(words)
        ]

        assert [effect.is_new_server for effect in effects] == [False, True, False]
        assert open_seqs(store) == [5, 6, 7]


def test_a_server_of_very_many_islands_that_lost_some_is_offered_them_again(path: Path) -> None:
    """It was put back from a snapshot of a backlog in which every other frame had come."""
    count = 2 * (MAX_RANGES + 500)
    with opened(path) as store:
        store.put(frames(count + 2))
        store.acknowledge(acked(store, range(1, count + 1)), NOW)
        snapshot = add_seqs(EpochAck(epoch=store.epoch, upto=0), range(2, count, 2))
        told = []
        for minutes, last in enumerate([count + 1, count + 2]):
            snapshot = add_seqs(snapshot, [last])
            word = Ack(server_epoch=1, epochs=[fitting(snapshot, [last])])
            effect = store.acknowledge(word, NOW + timedelta(minutes=minutes))
            told.append(effect.is_new_server)

        assert told == [False, True]
        assert {*range(1, count, 2)} <= {*open_seqs(store)}


def test_two_servers_that_answer_in_turn_open_everything_three_times_in_an_hour(
    path: Path,
) -> None:
    with opened(path) as store:
        store.put(frames(40))
        effects = [
            store.acknowledge(
                acked(store, range(1 + turn % 2, turn + 2), server=1 + turn % 2),
                NOW + timedelta(minutes=turn),
            )
            for turn in range(39)
        ]

        assert sum(effect.is_new_server for effect in effects) == 3
        assert [effect.is_disputed for effect in effects].count(True) == 1
        assert open_seqs(store) == [40]


def test_a_server_that_has_answered_alone_for_an_hour_gets_what_others_took(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(20))
        for turn in range(10):
            store.acknowledge(acked(store, range(1, turn + 2), server=1 + turn % 2), NOW)
    with opened(path) as store:  # the gateway was started anew meanwhile
        before = store.acknowledge(acked(store, range(1, 6), server=2), NOW)
        after = store.acknowledge(acked(store, range(1, 6), server=2), NOW + HOUR)

        assert (before.is_new_server, after.is_new_server) == (False, True)
        assert open_seqs(store) == [*range(6, 21)]
        assert not store.acknowledge(acked(store, [*range(1, 8)], server=2), NOW).is_new_server


def test_what_it_had_acknowledged_and_is_kept_no_more_is_declared_as_a_gap(path: Path) -> None:
    with opened(path, QueueConfig(keep_sent=DAY)) as store:
        store.put(frames(9))
        store.acknowledge(acked(store, range(1, 8)), NOW)
        store.prune(NOW + 2 * DAY)
        words = [acked(store, [1, 2, 8]), acked(store, [1, 2, 8, 9])]
        effects = [store.acknowledge(word, NOW + at * DAY) for at, word in enumerate(words, 2)]

        assert [effect.is_new_server for effect in effects] == [False, True]
        assert [(gap.first, gap.last) for gap in gaps(store)] == [(3, 7)]


@given(order=st.permutations(range(6)), times=st.integers(1, 2))
def test_words_that_come_late_or_twice_are_no_sign_of_a_loss(order: list[int], times: int) -> None:
    """Each word of a server that loses nothing holds all that an earlier one held."""
    with TemporaryDirectory() as folder, opened(Path(folder) / "queue.sqlite3") as store:
        store.put(frames(12))
        stored: list[int] = []
        words = []
        for place in order:
            stored += [2 * place + 1, 2 * place + 2]
            words.append(acked(store, stored))
        for place in (at for at in order for _ in range(times)):
            assert not store.acknowledge(words[place], NOW).is_new_server


def test_what_neither_the_restored_server_nor_the_queue_holds_is_declared_as_a_gap(
    path: Path,
) -> None:
    with opened(path, QueueConfig(keep_sent=DAY)) as store:
        store.put(frames(4))
        store.acknowledge(acked(store, range(1, 5)), NOW)
        store.prune(NOW + 2 * DAY)
        store.put(frames(2))
        store.acknowledge(acked(store, range(1, 7)), NOW + 2 * DAY)
        store.acknowledge(acked(store, [1], server=2), NOW + 2 * DAY)

        assert [(gap.seq, gap.first, gap.last, gap.count) for gap in gaps(store)] == [(7, 2, 4, 3)]
        assert open_seqs(store) == [5, 6, 7]


def test_a_full_queue_replaces_its_oldest_frames_by_gap_records(path: Path) -> None:
    config = QueueConfig(max_open_bytes=20_000)
    with opened(path, config) as store:
        for _ in range(100):
            store.put(frames(10))
        found = gaps(store)
        waiting = open_seqs(store)
        figures = store.figures()

    dropped = sum(gap.count for gap in found)
    assert figures.open_bytes <= config.max_open_bytes
    assert dropped + len(waiting) == figures.last_seq
    assert {gap.why for gap in found} == {"queue full"}
    assert len(found) <= 90


def test_a_gap_record_covers_no_frame_that_is_still_open(path: Path) -> None:
    with opened(path, QueueConfig(max_open_bytes=3000)) as store:
        for round_number in range(40):
            seqs = store.put(frames(3))
            if round_number % 3 == 0:
                store.acknowledge(acked(store, seqs[:1]), NOW)
        found = gaps(store)
        waiting = open_seqs(store)

    covered = [seq for gap in found for seq in waiting if gap.first <= seq <= gap.last]
    assert found
    assert covered == []


def test_kept_frames_are_bounded_by_bytes_oldest_first(path: Path) -> None:
    with opened(path, QueueConfig(keep_sent_bytes=1500)) as store:
        seqs = store.put(frames(40))
        store.acknowledge(acked(store, seqs), NOW)
        gone = store.prune(NOW)
        figures = store.figures()

    assert figures.kept_bytes <= 1500
    assert figures.kept_count == 40 - gone


@pytest.mark.parametrize("damage", ["header", "middle", "not a database"])
def test_a_damaged_file_is_set_aside_whole_and_the_gateway_goes_on(path: Path, damage: str) -> None:
    with opened(path) as store:
        store.put(frames(400))
        old_epoch = store.epoch
    data = path.read_bytes()
    spoiled = {
        "header": b"\0" * 100 + data[100:],
        "middle": data[:4096] + b"\xff" * (len(data) - 8192) + data[-4096:],
        "not a database": b"hello" * 1000,
    }[damage]
    path.write_bytes(spoiled)

    store, aside = open_queue(path, QueueConfig(), NOW)
    with closing(store):
        assert aside is not None
        assert aside.read_bytes() == spoiled
        assert store.epoch != old_epoch
        assert store.put([frame()])


@pytest.mark.parametrize(
    "damage", ["DROP TABLE frame", "DROP TABLE meta", "DELETE FROM meta WHERE name = 'last_seq'"]
)
def test_a_sound_database_that_is_no_queue_is_set_aside_too(path: Path, damage: str) -> None:
    with opened(path) as store:
        store.put(frames(3))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(damage)
        connection.commit()

    store, aside = open_queue(path, QueueConfig(), NOW)
    with closing(store):
        assert aside is not None
        assert store.put([frame()])


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(1))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    before = path.read_bytes()

    with pytest.raises(QueueError, match="has version 99, known is 2; update the gateway"):
        open_queue(path, QueueConfig(), NOW)
    assert path.read_bytes() == before


def test_every_commit_is_on_disk_in_wal_mode(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(2))
        with closing(sqlite3.connect(path)) as other:
            mode = other.execute("PRAGMA journal_mode").fetchone()[0]
            seen = other.execute("SELECT count(*) FROM frame").fetchone()[0]
        full = store._current._connection.execute("PRAGMA synchronous").fetchone()[0]

    assert (mode, seen, full) == ("wal", 2, 2)


def test_the_figures_can_be_read_while_a_gateway_uses_the_file(path: Path) -> None:
    with opened(path) as store:
        store.put(frames(7))
        store.acknowledge(acked(store, [1, 2]), NOW)

        store.flush()

        assert read_figures(path) == store.figures()


class QueueLife(RuleBasedStateMachine):
    """Puts, acknowledgements of any subset, restarts, prunings and restored servers, in any order.

    The model is the server: whatever was ever put must be with the server, with the queue, or
    named by a gap record.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "queue.sqlite3"
        self.config = QueueConfig(max_open_bytes=4000, keep_sent=timedelta(0))
        self.server_epoch = 1
        self.now = NOW
        self.given: set[int] = set()

    @initialize()
    def start(self) -> None:
        self.store = open_queue(self.path, self.config, NOW)[0]
        self.ledger = EpochAck(epoch=self.store.epoch, upto=0)
        self.backup = self.ledger

    def teardown(self) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        self.store.close()
        self.folder.cleanup()

    @rule(count=st.integers(1, 8))
    def put(self, count: int) -> None:
        seqs = set(self.store.put(frames(count)))

        assert not seqs & self.given
        self.given |= seqs

    @rule(take=st.lists(st.booleans(), min_size=1, max_size=8))
    def server_takes_some_and_acknowledges(self, take: list[bool]) -> None:
        offered = self.store.open_after(0, len(take))
        for stored, is_taken in zip(offered, take, strict=False):
            if is_taken:
                self._server_stores(read_json("queue", stored.body))
        self.store.acknowledge(Ack(server_epoch=self.server_epoch, epochs=[self.ledger]), self.now)

    def _server_stores(self, reader: FieldReader) -> None:
        self.ledger = add_seqs(self.ledger, [reader.integer("s", low=1, high=2**62)])
        if reader.has("gap"):
            gap = parse_gap(reader)
            self.ledger = add_range(self.ledger, gap.first, gap.last)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store, aside = open_queue(self.path, self.config, NOW)

        assert aside is None

    @rule()
    def prune(self) -> None:
        self.store.prune(NOW + timedelta(seconds=1))

    @rule()
    def server_backs_up(self) -> None:
        self.backup = self.ledger

    @rule()
    def server_is_restored(self) -> None:
        self.server_epoch += 1
        self.ledger = self.backup
        self.now += HOUR
        self.store.acknowledge(Ack(server_epoch=self.server_epoch, epochs=[self.ledger]), self.now)

    @invariant()
    def nothing_is_lost(self) -> None:
        named = [(gap.first, gap.last) for gap in gaps(self.store)]
        waiting = set(open_seqs(self.store))
        lost = {
            seq
            for seq in self.given
            if seq not in waiting
            and not self.ledger.covers(seq)
            and not any(first <= seq <= last for first, last in named)
        }

        assert lost == set()

    @invariant()
    def the_figures_agree_with_the_file(self) -> None:
        self.store.flush()

        assert self.store.figures() == read_figures(self.path)


QueueLife.TestCase.settings = settings(stateful_step_count=25)
TestQueueLife = QueueLife.TestCase
