"""A process killed at every step of a file's replacement: the old is there or the new, never less.

Each attempt is a process of its own that ends itself with SIGKILL before its n-th call that touches
a disk or a database, for every n until it comes through.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_gateway.links.learnt import MbusLearnt
from edge_gateway.polling.kept_learnt import MeterKey
from edge_gateway.polling.learnt_store import LEARNT_FILE, LearntStore
from edge_gateway.queue.standby_io import memory_folder, working_folder
from edge_gateway.remote.revision_store import RevisionStore
from edge_gateway.remote.standing import Standing
from edge_gateway.run import QUEUE_FILE
from tests.edge_gateway.test_queue_damage import filled, frames, opened
from tests.edge_gateway.test_queue_merge import acknowledge, flows, offered, set_aside
from wire_contracts.gateway_commands import SignedText

TOUCHING = frozenset(
    [
        "close",
        "connect",
        "execute",
        "executemany",
        "fdatasync",
        "fsync",
        "mkdir",
        "open",
        "pwrite",
        "rename",
        "replace",
        "rmdir",
        "unlink",
        "write",
    ]
)
MOST_STEPS = 5000


def survives(work: Callable[[], object], step: int) -> bool:
    """Whether a process came through that was to be killed at so many steps."""
    child = os.fork()
    if not child:
        _die_at(work, step)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def _die_at(work: Callable[[], object], step: int) -> None:
    """In the child: work, and die before a step; never returns."""
    passed = 0

    def count(_frame: object, event: str, called: object) -> None:
        nonlocal passed
        if event == "c_call" and getattr(called, "__name__", "") in TOUCHING:
            passed += 1
            if passed == step:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.setprofile(count)
        work()
        sys.setprofile(None)
    except BaseException:  # noqa: BLE001  # the parent is told by the status
        os._exit(1)
    os._exit(0)


def killed_folders(start: Path, work: Callable[[Path], object], stride: int = 1) -> Iterator[Path]:
    """Yield, for each step, the folder as a process left it that was killed there."""
    for step in range(1, MOST_STEPS, stride):
        folder = start.with_name(f"killed-{step}")
        shutil.copytree(start, folder)
        is_through = survives(lambda folder=folder: work(folder), step)  # type: ignore[misc]  # mypy knows no defaults of lambdas
        yield folder
        shutil.rmtree(folder)
        if is_through:
            return
    pytest.fail("it never came through")


def prepared_merge(folder: Path) -> tuple[Path, int]:
    """A queue file that is an old copy, beside the file of its epoch, which has more."""
    path = folder / QUEUE_FILE
    epoch = filled(path, 50)
    with closing(opened(path)) as store:
        acknowledge(store, epoch, 1, 10)
    old = folder.with_name("old")
    shutil.copyfile(path, old)
    with closing(opened(path)) as store:
        store.put(frames(50, 50))
    set_aside(path)
    with closing(opened(path)) as store:
        store.put(frames(10, 100))
    shutil.copyfile(old, path)
    return path, epoch


@pytest.mark.parametrize("stride", [53, pytest.param(1, marks=pytest.mark.nightly)])
def test_two_queue_files_become_one_and_no_kill_takes_a_frame(tmp_path: Path, stride: int) -> None:
    start = tmp_path / "start"
    start.mkdir()
    prepared_merge(start)
    steps = 0
    for folder in killed_folders(start, lambda place: opened(place / QUEUE_FILE).close(), stride):
        steps += 1
        with closing(opened(folder / QUEUE_FILE)) as store:
            assert set(offered(store)) == set(flows(range(10, 100)))
        with closing(opened(folder / QUEUE_FILE)) as store:
            assert set(offered(store)) == set(flows(range(10, 100)))

    assert steps > 5


def test_what_was_read_in_memory_is_brought_back_whatever_kills_it(tmp_path: Path) -> None:
    start = tmp_path / "start"
    standby = start / "in-memory"
    standby.mkdir(parents=True)
    filled(standby / QUEUE_FILE, 50)
    RevisionStore(standby / "remote").keep(3, signed("three"), "# three")
    filled(start / "data" / QUEUE_FILE, 50)

    def bring_back(place: Path) -> None:
        if (place / "in-memory").exists():
            (place / "in-memory").rename(memory_folder(place / "data" / QUEUE_FILE, "gw-1", place))
        with working_folder(place / "data" / QUEUE_FILE, "gw-1", place):
            pass

    for folder in killed_folders(start, bring_back, 3):
        bring_back(folder)
        with closing(opened(folder / "data" / QUEUE_FILE)) as store:
            assert offered(store) == sorted([*flows(range(50)), *flows(range(50))])
        assert RevisionStore(folder / "data" / "remote").read(3) == signed("three")
        assert not memory_folder(folder / "data" / QUEUE_FILE, "gw-1", folder).exists()


def signed(body: str) -> SignedText:
    return SignedText(key_id="0" * 16, body=body, signature=bytes(64))


def test_a_revision_is_in_force_whole_or_the_one_before_it(tmp_path: Path) -> None:
    start = tmp_path / "start"
    store = RevisionStore(start)
    store.keep(1, signed("one"), "# one")
    store.save(Standing(highest=1, confirmed=(1,)))
    found = set()

    def push(place: Path) -> None:
        store = RevisionStore(place)
        store.keep(2, signed("two"), "# two")
        store.save(Standing(highest=2, confirmed=(1, 2)))

    for folder in killed_folders(start, push):
        store = RevisionStore(folder)
        number = store.standing().in_force
        found.add((number, store.read(number).body))
        push(folder)
        assert store.read(store.standing().in_force).body == "two"

    assert found == {(1, "one"), (2, "two")}


def test_what_was_learnt_is_the_old_or_the_new(tmp_path: Path) -> None:
    start, key = tmp_path / "start", MeterKey(url="mbus://h:1", serial="M-1", device_address="5")
    start.mkdir()
    before, after = MbusLearnt(believed="00000001.LMP.01.07"), MbusLearnt(believed="2.LMP.01.07")
    LearntStore(start / LEARNT_FILE).take({key: before})
    found = []

    for folder in killed_folders(
        start, lambda place: LearntStore(place / LEARNT_FILE).take({key: after})
    ):
        found.append(LearntStore(folder / LEARNT_FILE).of(key))
        LearntStore(folder / LEARNT_FILE).take({key: after})
        assert LearntStore(folder / LEARNT_FILE).of(key) == after

    assert found[0] == before
    assert found[-1] == after
    assert {each for each in found if each not in (before, after)} == set()
