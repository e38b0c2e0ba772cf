"""Damaged pages, cut power, old files: what was committed stays, or is told to be missing."""

import json
import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest

from edge_gateway.config import QueueConfig
from edge_gateway.queue.export_io import exported
from edge_gateway.queue.given_io import given_file
from edge_gateway.queue.queue_store import QueueStore, open_queue, read_figures
from wire_contracts.acks import Ack, EpochAck
from wire_contracts.frames import Frame
from wire_contracts.quantities import Quantity

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
VERSION_1 = Path(__file__).parent / "data" / "queue_v1.sqlite3"
"""Written by the first version: 55 numbers, 6 acknowledged and kept, 35 open, gap records."""

PAGE = 2048
CONFIG = QueueConfig(min_free_bytes=0)


def frames(count: int, first: int = 0) -> list[Frame]:
    return [
        Frame(
            seq=0,
            device=f"HM-{number % 5}",
            measured_at_utc=NOW + timedelta(seconds=number),
            profile="tuf_2000m@1",
            group="fast",
            values={Quantity.FLOW_M3H: number / 4},
            raw=bytes(100),
        )
        for number in range(first, first + count)
    ]


def opened(path: Path) -> QueueStore:
    return open_queue(path, CONFIG, NOW)[0]


def open_seqs(store: QueueStore, which: int = 0) -> list[int]:
    return [each.seq for each in store.stores()[which].open_after(0, 100_000)]


def filled(path: Path, count: int = 400) -> int:
    with closing(opened(path)) as store:
        for first in range(0, count, 50):
            store.put(frames(50, first))
        return store.epoch


def spoil(path: Path, pages: Sequence[int]) -> None:
    data = bytearray(path.read_bytes())
    for page in pages:
        data[page * PAGE : (page + 1) * PAGE] = b"\xa5" * PAGE
    path.write_bytes(bytes(data))


def leaf_pages(path: Path) -> list[int]:
    """The pages that hold nothing but rows, first byte 13 (SQLite file format 1.6)."""
    data = path.read_bytes()
    return [at // PAGE for at in range(PAGE, len(data), PAGE) if data[at] == 0x0D]


def gap_texts(store: QueueStore, which: int) -> list[tuple[int, int, str]]:
    found = store.stores()[which].open_after(0, 100_000)
    gaps = [json.loads(each.body).get("gap") for each in found]
    return [(gap["from"], gap["to"], gap["why"]) for gap in gaps if gap]


def test_what_a_damaged_file_still_holds_is_offered_under_its_own_epoch(tmp_path: Path) -> None:
    path = tmp_path / "q"
    old_epoch = filled(path)
    spoil(path, leaf_pages(path)[10:12])

    with closing(opened(path)) as store:
        assert store.epoch != old_epoch
        assert [each.epoch for each in store.stores()] == [store.epoch, old_epoch]
        assert store.put(frames(1)) == [1]
        readable = open_seqs(store, 1)
        assert 360 <= len(readable) < 400
        assert "of its frames could be read" in store.take_notices()[0]
        assert store.take_notices() == []

        said = Ack(server_epoch=1, epochs=[EpochAck(epoch=old_epoch, upto=20)])
        store.stores()[1].acknowledge(said, NOW)
        told = gap_texts(store, 1)

    missing = sorted(set(range(1, 401)) - set(readable) - set(range(1, 21)))
    covered = sorted(seq for low, high, _ in told for seq in range(low, high + 1))
    assert covered == missing
    assert {why for *_, why in told} == {"queue file damaged"}


def test_a_salvaged_epoch_survives_a_restart_and_goes_when_it_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "q"
    old_epoch = filled(path, 100)
    spoil(path, leaf_pages(path)[3:4])
    opened(path).close()

    with closing(opened(path)) as store:
        old = store.stores()[1]
        assert old.epoch == old_epoch
        everything = Ack(server_epoch=1, epochs=[EpochAck(epoch=old_epoch, upto=10**6)])
        old.acknowledge(everything, NOW)
        old.acknowledge(everything, NOW)
        store.prune(NOW + timedelta(days=30))
        assert [each.epoch for each in store.stores()] == [store.epoch]
    assert list(tmp_path.glob("*.epoch-*")) == []


def write_page(path: Path, page: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(content)


def test_rows_on_pages_of_several_states_are_saved_once_and_the_first_content_counts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "q"
    old_epoch = filled(path)
    given_file(path).unlink()
    here, later = leaf_pages(path)[10], leaf_pages(path)[12]
    older = path.read_bytes()[later * PAGE : (later + 1) * PAGE]
    lost_page = path.read_bytes()[here * PAGE : (here + 1) * PAGE]
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT seq, body FROM frame WHERE seq > 5").fetchall()
        seq, body = next(row for row in rows if row[1] in older)
        changed = body.replace(b'"HM-', b'"HX-')
        change = "UPDATE frame SET body = ?, crc = ? WHERE seq = ?"
        connection.execute(change, (changed, crc32(changed), seq))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    lost = {row[0] for row in rows if row[1] in lost_page}
    write_page(path, here, older)
    exported_seqs = [int(str(each.body["s"])) for each in exported(path)]

    with closing(opened(path)) as store:
        assert store.epoch != old_epoch
        kept = {each.seq: each.body for each in store.stores()[1].open_after(0, 100_000)}
        (notice,) = store.take_notices()

    assert lost
    assert exported_seqs == sorted(set(exported_seqs))
    assert set(exported_seqs) == set(kept) >= set(range(1, 401)) - lost - {seq}
    assert kept[seq] == body
    assert "1 numbers stood there with several contents, the first counts" in notice


def test_a_salvage_that_fails_stops_no_start_and_is_made_up_for_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "q"
    old_epoch = filled(path, 100)
    spoil(path, leaf_pages(path)[3:4])
    in_the_way = tmp_path / "q.salvage"
    in_the_way.mkdir()

    with closing(opened(path)) as store:
        new_epoch = store.epoch
        assert store.put(frames(1)) == [1]
        assert [each.epoch for each in store.stores()] == [new_epoch]
        (notice,) = store.take_notices()
    assert "its frames could not be saved" in notice
    assert "the next start of the gateway tries again" in notice

    in_the_way.rmdir()
    with closing(opened(path)) as store:
        assert [each.epoch for each in store.stores()] == [new_epoch, old_epoch]
        assert store.put(frames(1)) == [2]
        assert len(open_seqs(store, 1)) > 80
    assert not list(tmp_path.glob("*.todo"))


def test_a_page_that_proves_damaged_while_running_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "q"
    with closing(opened(path)) as store:
        for first in range(0, 2000, 50):
            store.put(frames(50, first))
        old_epoch = store.epoch
        store._current._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store._current._connection.execute("PRAGMA cache_size=1")
        spoil(path, leaf_pages(path)[-1:])

        seqs = store.put(frames(50))

        assert store.epoch != old_epoch
        assert len(seqs) == 50
        assert len(open_seqs(store, 1)) > 1900
        assert len(store.take_notices()) == 1


def test_frames_without_a_readable_epoch_get_new_numbers(tmp_path: Path) -> None:
    path = tmp_path / "q"
    filled(path, 50)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE meta")
        connection.commit()
    given_file(path).unlink()

    with closing(opened(path)) as store:
        assert len(open_seqs(store)) == 50
        assert len(store.stores()) == 1


def test_a_flipped_bit_is_no_reading(tmp_path: Path) -> None:
    path = tmp_path / "q"
    filled(path, 50)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE frame SET body = replace(CAST(body AS TEXT), '0.25', '9.25') WHERE seq = 2"
        )
        connection.execute("DELETE FROM meta WHERE name = 'server_epoch'")
        connection.commit()

    with closing(opened(path)) as store:
        assert open_seqs(store, 1) == [1, *range(3, 51)]


def test_a_file_of_version_1_is_brought_to_the_present_shape(tmp_path: Path) -> None:
    path = tmp_path / "q"
    shutil.copy(VERSION_1, path)

    with closing(opened(path)) as store:
        figures = store.figures()
        assert (figures.last_seq, figures.open_count, figures.kept_count) == (55, 35, 6)
        assert store.epoch == 6_436_595_646_704_113_622
        assert store.stores()[0].newest_hour(55) is not None
        assert store.put(frames(1)) == [56]
        ack = Ack(server_epoch=6, epochs=[EpochAck(epoch=store.epoch, upto=0)])
        assert store.acknowledge(ack, NOW).is_new_server
        assert store.figures().kept_count == 0
    assert read_figures(path).last_seq >= 56


def test_a_migration_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "q"
    shutil.copy(VERSION_1, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX frame_kept")
        before = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY 1").fetchall()
        rows = connection.execute("SELECT count(*) FROM frame").fetchone()

    with closing(opened(path)) as store:
        assert len(store.stores()) == 2
    (aside,) = (
        each for each in tmp_path.glob("q.damaged-*") if not each.name.endswith(("-wal", "-shm"))
    )
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert (
            connection.execute("SELECT name, sql FROM sqlite_master ORDER BY 1").fetchall()
            == before
        )
        assert connection.execute("SELECT count(*) FROM frame").fetchone() == rows


@pytest.mark.parametrize("seed", range(6))
def test_cut_power_keeps_everything_that_was_committed(seed: int, tmp_path: Path) -> None:
    """A copy of file and log is what a power cut leaves; a torn end of the log may come on top."""
    chance = random.Random(seed)
    path, copy = tmp_path / "q", tmp_path / "copy"
    with closing(opened(path)) as store:
        for _ in range(30):
            store.put(frames(chance.randint(1, 60)))
            if chance.random() < 0.4:
                upto = chance.randint(0, store.figures().last_seq)
                epochs = [EpochAck(epoch=store.epoch, upto=upto)]
                store.acknowledge(Ack(server_epoch=1, epochs=epochs), NOW)
            if chance.random() < 0.3:
                committed = store.figures()
                shutil.copy(path, copy)
                log = copy.with_name("copy-wal")
                shutil.copy(path.with_name("q-wal"), log)
                with log.open("ab") as torn:
                    torn.write(chance.randbytes(chance.randint(0, 5000)))
                with closing(opened(copy)) as after:
                    found = after.figures()
                    assert found.last_seq == committed.last_seq
                    assert (
                        found.open_count + found.kept_count
                        == committed.open_count + committed.kept_count
                    )
                    assert found.kept_count <= committed.kept_count
                    assert after.epoch == store.epoch
                for each in tmp_path.glob("copy*"):
                    each.unlink()
