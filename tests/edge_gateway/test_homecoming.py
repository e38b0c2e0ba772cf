"""What was read in memory comes back to the disk: all of it, once, and whatever is full."""

import errno
import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_gateway.config import QueueConfig
from edge_gateway.queue import homecoming_io, standby_io
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import open_queue
from edge_gateway.queue.standby_io import Place, memory_folder, takes_work, working_folder
from edge_gateway.run import QUEUE_FILE
from edge_gateway.uplink.event_store import EVENTS_FILE, EventStore
from tests.edge_gateway.test_queue_damage import NOW, frames

STATE = "remote/state.json"


def filled(folder: Path, count: int) -> int:
    """Put frames into the queue of a folder; return its epoch."""
    with closing(open_queue(folder / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        store.put(frames(count))
        return store.epoch


def in_memory(root: Path) -> Path:
    """Return the folder in memory of the data folder `root/data`, which is in use."""
    filled(root / "data", 3)
    return memory_folder(root / "data" / QUEUE_FILE, "gw-1", root)


def started(root: Path, *, is_refused: bool = False) -> Place:
    """Return where a gateway works that is started and stopped."""
    file = root / "data" / QUEUE_FILE
    with working_folder(file, "gw-1", root, is_refused=is_refused) as place:
        return place


def waiting(root: Path) -> Mapping[int, int]:
    """How many frames of each epoch wait in the data folder."""
    with closing(open_queue(root / "data" / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        return {each.epoch: each.figures().open_count for each in store.stores()}


def keep(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def kept(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def test_a_log_that_nobody_could_bring_into_its_file_comes_too(tmp_path: Path) -> None:
    """Somebody looks at the queue in memory, or the memory is full: nothing is checkpointed."""
    standby = in_memory(tmp_path)
    epoch = filled(standby, 1)
    with closing(sqlite3.connect(standby / QUEUE_FILE, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM frame").fetchall()
        filled(standby, 40)
        place = started(tmp_path)

    assert place.left == ""
    assert waiting(tmp_path)[epoch] == 41


def test_a_damaged_queue_in_memory_is_read_out_on_the_disk(tmp_path: Path) -> None:
    standby = in_memory(tmp_path)
    epoch = filled(standby, 500)
    data = bytearray((standby / QUEUE_FILE).read_bytes())
    data[8192:10240] = bytes(2048)
    (standby / QUEUE_FILE).write_bytes(data)

    place = started(tmp_path)

    assert place.left == ""
    assert not standby.exists()
    assert 0 < waiting(tmp_path)[epoch] <= 500


def test_what_stands_behind_a_damaged_page_of_the_log_in_memory_comes(tmp_path: Path) -> None:
    standby = in_memory(tmp_path)
    with closing(open_queue(tmp_path / "open" / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        for _ in range(10):
            store.put(frames(20))
        shutil.copytree(tmp_path / "open", standby)  # as a kill leaves it
        epoch = store.epoch
    log = standby / f"{QUEUE_FILE}-wal"
    data = bytearray(log.read_bytes())
    data[len(data) // 4] ^= 0xFF
    log.write_bytes(data)

    started(tmp_path)

    assert waiting(tmp_path)[epoch] > 150


def test_events_of_a_file_without_a_table_hold_nothing_up(tmp_path: Path) -> None:
    """The memory was full when the file of the events was made."""
    standby = in_memory(tmp_path)
    epoch = filled(standby, 5)
    keep(standby, EVENTS_FILE, "")
    EventStore(tmp_path / "data" / EVENTS_FILE).close()

    place = started(tmp_path)

    assert place.left == ""
    assert waiting(tmp_path)[epoch] == 5


def test_a_disk_without_room_gets_the_rest_later_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standby = in_memory(tmp_path)
    epoch = filled(standby, 50)
    keep(standby, STATE, "read in memory")
    with monkeypatch.context() as patch:
        patch.setattr(homecoming_io, "LEFT_FREE", 1 << 60)
        first = started(tmp_path)
        assert kept(tmp_path / "data", STATE) == "read in memory"
        keep(tmp_path / "data", STATE, "changed on the disk since")
        second = started(tmp_path)
        names = {each.name for each in (tmp_path / "data").iterdir()}
    last = started(tmp_path)

    assert [bool(each.left) for each in (first, second, last)] == [True, True, False]
    assert "make room on the disk, then start the gateway again" in second.left
    assert not [name for name in names if name.startswith("standby.")]
    assert kept(tmp_path / "data", STATE) == "changed on the disk since"
    assert waiting(tmp_path)[epoch] == 50


def test_half_of_what_is_known_never_goes_over_the_whole(tmp_path: Path) -> None:
    """The memory is full while settings and orders are copied into it."""
    standby = in_memory(tmp_path)
    keep(tmp_path / "data", STATE, "s" * 3000)
    keep(tmp_path / "data", "learnt.json", "l" * 3000)

    with files_of_at_most(1000), pytest.raises(QueueError, match=r"data: .*; make room there"):
        started(tmp_path, is_refused=True)
    place = started(tmp_path)

    assert (place.problem, place.left) == ("", "")
    assert kept(tmp_path / "data", STATE) == "s" * 3000
    assert kept(tmp_path / "data", "learnt.json") == "l" * 3000
    assert not standby.exists()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_at_the_start_is_left_for_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standby = in_memory(tmp_path)
    monkeypatch.setattr(standby_io, "_ROOM", 1 << 60)

    place = started(tmp_path)

    assert place.folder == standby
    assert os.strerror(errno.ENOSPC) in place.problem


def test_a_card_that_cannot_even_be_looked_at_is_left_for_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standby = in_memory(tmp_path)
    keep(tmp_path / "data", STATE, "known")
    is_file = Path.is_file

    def broken(path: Path) -> bool:
        if path.name == QUEUE_FILE and path.parent == tmp_path / "data":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", broken)

    place = started(tmp_path)

    assert place.folder == standby
    assert kept(standby, STATE) == "known"


def test_a_memory_that_is_not_there_takes_no_work(tmp_path: Path) -> None:
    assert takes_work(tmp_path)
    assert not takes_work(tmp_path / "none")
