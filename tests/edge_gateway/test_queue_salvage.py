"""Damage anywhere in a queue file: no wrong frame, and everything on undamaged pages is found."""

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.config import QueueConfig
from edge_gateway.queue.export_io import exported
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.queue.queued import HeldFrame, StoredFrame, Uptime
from edge_gateway.queue.raw_file_io import RawFile
from edge_gateway.queue.remains_io import opened
from edge_gateway.queue.sqlite_pages import index_rows, table_rows
from edge_gateway.queue.wal_pages import read_log
from wire_contracts.acks import Ack, EpochAck
from wire_contracts.frames import Frame, TimeQuality
from wire_contracts.quantities import Quantity

NOW_UTC = datetime(2026, 3, 1, 6, tzinfo=UTC)
CONFIG = QueueConfig(min_free_bytes=0)
PAGE = 2048
LONGEST = 1536
VERSION_1 = Path(__file__).parent / "data" / "queue_v1.sqlite3"


def frame(number: int, raw_bytes: int = 90) -> Frame:
    return Frame(
        seq=0,
        device=f"HM-{number % 7}",
        measured_at_utc=NOW_UTC + timedelta(seconds=number),
        profile="tuf_2000m@1",
        group="fast",
        values={Quantity.FLOW_M3H: number / 4},
        raw=bytes(number * step % 256 for step in range(raw_bytes)),
    )


def opened_queue(path: Path) -> QueueStore:
    return open_queue(path, CONFIG, NOW_UTC)[0]


def fill(path: Path) -> None:
    """Frames of all kinds: acknowledged, forgotten, given way, dated later, longer than a page."""
    with closing(opened_queue(path)) as store:
        for first in range(0, 300, 50):
            store.put([frame(number) for number in range(first, first + 50)])
        store.put([frame(number, raw_bytes=2500) for number in range(300, 310)])
        uptime = [Uptime(boot_id="b-1", ms=1000 * number) for number in range(20)]
        store.put([HeldFrame(frame=frame(310 + each.ms // 1000), uptime=each) for each in uptime])
        store.repair("b-1", 1_772_000_000_000, TimeQuality.REPAIRED)
        acks = [EpochAck(epoch=store.epoch, upto=40, ranges=[(60, 70)])]
        store.acknowledge(Ack(server_epoch=1, epochs=acks), NOW_UTC)
        store.flush()
        store.put([frame(number) for number in range(330, 400)])


def test_a_folder_in_place_of_the_queue_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite3"
    path.mkdir()

    with pytest.raises(QueueError, match="queue: is a folder; move it away"):
        opened_queue(path)


@cache
def original() -> tuple[Path, dict[int, bytes], int]:
    """A queue file, its open frames by number, and its epoch."""
    path = Path(mkdtemp(prefix="queue-salvage-")) / "q"
    fill(path)
    with closing(opened_queue(path)) as store:
        frames = {each.seq: each.body for each in store.open_after(0, 10_000)}
        epoch = store.epoch
    return path, frames, epoch


@pytest.fixture(autouse=True, scope="module")
def no_file_left() -> Iterator[None]:
    """Leave no file; what follows when the module goes on in another turn begins anew."""
    yield
    if original.cache_info().currsize:
        shutil.rmtree(original()[0].parent)
        original.cache_clear()


def all_offered(store: QueueStore) -> Sequence[StoredFrame]:
    found: list[StoredFrame] = []
    for each in store.stores():
        found += each.open_after(0, 10_000)
    return found


def without_number(body: bytes) -> str:
    return json.dumps({**json.loads(body), "s": 0}, sort_keys=True)


def pages_of(data: bytes, body: bytes) -> set[int]:
    """The pages that a frame lies in; none when it does not lie in one piece."""
    at = data.find(body)
    return set() if at < 0 else set(range(at // PAGE, (at + len(body) - 1) // PAGE + 1))


def check(damaged: bytes, folder: Path) -> None:
    """Open the file as a gateway does; nothing wrong is offered, and what is whole is."""
    path, frames, epoch = original()
    data = path.read_bytes()
    target = folder / "q"
    target.write_bytes(damaged)
    with closing(opened_queue(target)) as store:
        offered = all_offered(store)
    bodies = [each.body for each in offered if b'"gap"' not in each.body]
    numbered = {each.body for each in offered if each.epoch == epoch and each.body in bodies}
    ever = frames_ever(path)
    found = {without_number(each.body) for each in offered}

    assert numbered <= ever
    assert {without_number(body) for body in bodies} <= {without_number(body) for body in ever}
    assert len(bodies) == len(set(bodies))
    spoilt = {at // PAGE for at in range(len(data)) if data[at] != damaged[at]}
    for seq, body in frames.items():
        pages = pages_of(data, body)
        assert not pages or pages & spoilt or without_number(body) in found, seq


@cache
def frames_ever(path: Path) -> frozenset[bytes]:
    """All bodies in the file, acknowledged ones too."""
    with closing(sqlite3.connect(path)) as connection:
        return frozenset(row[0] for row in connection.execute("SELECT body FROM frame"))


def spoil(data: bytes, spots: Sequence[tuple[int, bytes]]) -> bytes:
    changed = bytearray(data)
    for at, content in spots:
        start = at % len(changed)
        part = content[: len(changed) - start]
        changed[start : start + len(part)] = part
    return bytes(changed)


SPOTS = st.tuples(
    st.one_of(st.integers(0, LONGEST), st.integers(0, 500 * PAGE)),
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.builds(
            lambda byte, length: bytes([byte]) * length,
            st.integers(0, 255),
            st.integers(1, LONGEST),
        ),
        st.builds(
            lambda seed, length: random.Random(seed).randbytes(length),
            st.integers(0, 99),
            st.integers(1, 5000),
        ),
    ),
)


@given(st.lists(SPOTS, min_size=1, max_size=4))
def test_damage_at_random_places_gives_no_wrong_frame_and_loses_no_whole_page(
    spots: list[tuple[int, bytes]],
) -> None:
    with TemporaryDirectory() as folder:
        check(spoil(original()[0].read_bytes(), spots), Path(folder))


@pytest.mark.parametrize("at", [0, 16, 18, 19, 20, 21, 28, 32, 44, 56, 60, 92, 100, 103, 105, 108])
@pytest.mark.parametrize("content", [bytes(4), b"\xff" * 4, b"\x03\x00\x00\x02"])
def test_a_damaged_header_costs_no_frame(at: int, content: bytes, tmp_path: Path) -> None:
    data = original()[0].read_bytes()

    check(spoil(data, [(at, content)]), tmp_path)


@pytest.mark.parametrize("content", [b"\x00", b"\xa5", b"\x0d"])
def test_without_the_whole_first_page_all_frames_are_offered_under_their_epoch(
    content: bytes, tmp_path: Path
) -> None:
    path, frames, epoch = original()
    target = tmp_path / "q"
    target.write_bytes(spoil(path.read_bytes(), [(0, content * PAGE)]))

    with closing(opened_queue(target)) as store:
        assert [each.epoch for each in store.stores()] == [store.epoch, epoch]
        offered = {each.seq: each.body for each in store.stores()[1].open_after(0, 10_000)}
        assert store.stores()[1].figures().last_seq == 400

    assert frames.items() <= offered.items()


def test_a_frame_that_was_dated_is_not_offered_with_its_guess(tmp_path: Path) -> None:
    path, frames, _ = original()
    target = tmp_path / "q"
    target.write_bytes(spoil(path.read_bytes(), [(0, bytes(PAGE))]))

    with closing(opened_queue(target)) as store:
        assert store.figures().held_count == 0
        offered = {each.seq: each.body for each in store.stores()[1].open_after(0, 10_000)}

    assert {seq: offered[seq] for seq in range(311, 331)} == {
        seq: frames[seq] for seq in range(311, 331)
    }


def test_what_lies_in_the_log_alone_survives_a_damaged_first_page(tmp_path: Path) -> None:
    path, copy = tmp_path / "q", tmp_path / "copy"
    with closing(opened_queue(path)) as store:
        store.put([frame(number) for number in range(60)])
        store.flush()
        store._current._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.put([frame(number) for number in range(60, 120)])
        epoch = store.epoch
        copy.write_bytes(spoil(path.read_bytes(), [(0, b"\xa5" * LONGEST)]))
        shutil.copy(path.with_name("q-wal"), copy.with_name("copy-wal"))

    with closing(opened_queue(copy)) as store:
        found = [each.seq for each in store.stores()[1].open_after(0, 1000)]
        assert store.stores()[1].epoch == epoch

    assert found == list(range(1, 121))


def test_a_log_counts_as_far_as_its_check_sums_hold(tmp_path: Path) -> None:
    path = tmp_path / "q"
    with closing(opened_queue(path)) as store:
        for first in range(0, 100, 10):
            store.put([frame(number) for number in range(first, first + 10)])
        log = path.with_name("q-wal").read_bytes()
    whole = read_log(log)
    torn = read_log(spoil(log, [(len(log) // 2, b"\xff" * 9)]))
    headless = read_log(spoil(log, [(24, b"\x00\x01")]))

    assert whole is not None
    assert torn is not None
    assert headless is not None
    assert (whole.ends_behind, len(whole.behind)) == (0, 0)
    assert len(torn.pages) > 0
    assert len(torn.committed) + len(torn.behind) == len(whole.committed)
    assert torn.ends_behind > 1
    assert sum(not each.is_proven for each in torn.behind) == 1
    assert headless.committed == []
    assert len(headless.behind) == len(whole.committed)
    assert read_log(log[:31]) is None


def test_a_file_of_version_1_is_read_page_by_page(tmp_path: Path) -> None:
    target = tmp_path / "q"
    with closing(sqlite3.connect(VERSION_1)) as connection:
        query = "SELECT seq FROM frame WHERE acked_at_ms IS NULL"
        seqs = {row[0] for row in connection.execute(query)}
    target.write_bytes(spoil(VERSION_1.read_bytes(), [(0, bytes(4096))]))

    with closing(opened_queue(target)) as store:
        found = {each.seq for each in store.stores()[1].open_after(0, 1000)}

    assert seqs <= found


def test_content_that_changed_under_a_sound_file_is_a_gap_and_no_reading(tmp_path: Path) -> None:
    path = tmp_path / "q"
    with closing(opened_queue(path)) as store:
        store.put([frame(number) for number in range(30)])
        store.put([HeldFrame(frame=frame(30), uptime=Uptime(boot_id="b-1", ms=5))])
    data = path.read_bytes()
    for old, new in (
        (b'"flow_m3h":2.5', b'"flow_m3h":9.5'),
        (b'"flow_m3h":7.5', b'"flow_m3h":1.5'),
    ):
        assert old in data
        data = data.replace(old, new)
    path.write_bytes(data)

    with closing(opened_queue(path)) as store:
        store.repair("b-1", 1_772_000_000_000, TimeQuality.REPAIRED)
        offered = store.open_after(0, 100)
        again = store.open_after(0, 100)

    numbers = [json.loads(each.body) for each in again]
    gaps = [each["gap"]["from"] for each in numbers if "gap" in each]
    assert offered == again
    assert gaps == [11, 31]
    assert [each["s"] for each in numbers if "gap" not in each] == [
        each for each in range(1, 31) if each != 11
    ]


def test_an_export_reads_a_file_without_its_first_page(tmp_path: Path) -> None:
    path, frames, epoch = original()
    target = tmp_path / "q"
    target.write_bytes(spoil(path.read_bytes(), [(0, bytes(LONGEST))]))

    found = {each.body["s"]: each for each in exported(target)}

    assert set(frames) <= set(found)
    assert {each.epoch for each in found.values()} == {epoch}


def test_a_file_that_is_nothing_is_no_queue(tmp_path: Path) -> None:
    target = tmp_path / "q"
    target.write_bytes(b"\xa5" * 10_000)

    with pytest.raises(QueueError, match="nothing of it can be read; name a queue file"):
        list(exported(target))


@given(st.binary(max_size=3000), st.sampled_from([0x0D, 0x0A]))
def test_any_bytes_can_be_looked_at_as_a_page(content: bytes, kind: int) -> None:
    page = bytes([kind]) + content

    rows = [
        *table_rows(page, lambda _number: page, lambda _rowid: True),
        *index_rows(page, lambda _number: page),
    ]

    assert len(rows) <= len(page)


@given(st.binary(max_size=5000), st.binary(max_size=3000))
def test_any_bytes_can_be_looked_at_as_a_file_with_a_log(data: bytes, log: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "q"
        path.write_bytes(data)
        path.with_name("q-wal").write_bytes(log)
        with RawFile(path) as raw:
            assert all(row.rowid >= 0 or row.columns for row in raw.rows(lambda _seq: True))
        with opened(path) as remains:
            assert list(remains.rows()) == []
