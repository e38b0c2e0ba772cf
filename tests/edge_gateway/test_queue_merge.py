"""An old copy of a queue file beside the file of its epoch: both are offered, neither replaces."""

import json
import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_gateway.queue import salvage_io
from edge_gateway.queue.given_io import given_file
from edge_gateway.queue.queue_store import QueueStore
from edge_gateway.queue.queued import HeldFrame, Uptime
from edge_gateway.queue.salvage_io import epoch_file
from tests.edge_gateway.test_queue_damage import (
    NOW,
    filled,
    frames,
    leaf_pages,
    open_seqs,
    opened,
    spoil,
)
from wire_contracts.acks import Ack, EpochAck
from wire_contracts.frames import TimeQuality


def copied(path: Path, target: Path) -> Path:
    shutil.copyfile(path, target)
    return target


def offered(store: QueueStore) -> list[float]:
    """The flows of everything that is offered, each of which is one frame's alone."""
    found = [each.open_after(0, 100_000) for each in store.stores()]
    bodies = [json.loads(frame.body) for some in found for frame in some]
    return sorted(body["v"]["flow_m3h"] for body in bodies if "v" in body)


def flows(*numbers: range) -> list[float]:
    return sorted(number / 4 for some in numbers for number in some)


def set_aside(path: Path) -> int:
    """Have the present file set aside whole; return the epoch under which its frames go on."""
    path.with_name("lost").write_bytes(b"")
    data = bytearray(path.read_bytes())
    data[:16] = bytes(16)
    path.write_bytes(bytes(data))
    with closing(opened(path)) as store:
        return store.stores()[1].epoch


@pytest.mark.parametrize("is_given_known", [True, False])
def test_an_old_copy_takes_no_frame_from_the_file_of_its_epoch(
    tmp_path: Path, *, is_given_known: bool
) -> None:
    path = tmp_path / "q"
    epoch = filled(path, 50)
    old = copied(path, tmp_path / "old")
    with closing(opened(path)) as store:
        store.put(frames(50, 50))
    assert set_aside(path) == epoch
    with closing(opened(path)) as store:
        store.put(frames(10, 100))
    shutil.copyfile(old, path)
    if not is_given_known:
        given_file(path).unlink()

    with closing(opened(path)) as store:
        told = store.take_notices()
        epochs = [each.epoch for each in store.stores()]
        everything = offered(store)

    assert everything == flows(range(100))
    assert epoch in epochs[1:]
    assert epochs[0] != epoch
    assert "was not the one in use before" in told[0]


def test_what_an_old_copy_got_elsewhere_goes_on_under_new_numbers(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "q", tmp_path / "elsewhere" / "q"
    epoch = filled(path, 50)
    elsewhere.parent.mkdir()
    copied(path, elsewhere)
    with closing(opened(path)) as store:
        store.put(frames(50, 50))
    with closing(opened(elsewhere)) as store:
        store.put(frames(30, 1000))
    set_aside(path)
    shutil.copyfile(elsewhere, path)

    with closing(opened(path)) as store:
        told = store.take_notices()
        everything = offered(store)
        seqs = open_seqs(store, [each.epoch for each in store.stores()].index(epoch))

    assert everything == flows(range(100), range(1000, 1030))
    assert seqs == list(range(1, 101))
    assert "30 numbers stood there with several contents" in told[0]


def test_what_the_server_has_of_either_file_is_not_offered_again(tmp_path: Path) -> None:
    path = tmp_path / "q"
    epoch = filled(path, 100)
    with closing(opened(path)) as store:
        acknowledge(store, epoch, 1, 20)
        store.flush()
    old = copied(path, tmp_path / "old")
    set_aside(path)
    with closing(opened(path)) as store:
        acknowledge(store, epoch, 15, 40)
    shutil.copyfile(old, path)

    with closing(opened(path)) as store:
        everything = offered(store)

    assert everything == flows(range(40, 100))


def acknowledge(store: QueueStore, epoch: int, first: int, last: int) -> None:
    entry = EpochAck(epoch=epoch, upto=0, ranges=[(first, last)])
    for each in store.stores():
        each.acknowledge(Ack(server_epoch=1, epochs=[entry]), NOW)
        each.flush()


def test_a_frame_that_one_of_the_files_has_dated_is_offered_dated(tmp_path: Path) -> None:
    path = tmp_path / "q"
    with closing(opened(path)) as store:
        uptimes = [Uptime(boot_id="b-1", ms=1000 * number) for number in range(5)]
        store.put([HeldFrame(frame=f, uptime=u) for f, u in zip(frames(5), uptimes, strict=True)])
    older = copied(path, tmp_path / "older")
    set_aside(path)
    shutil.copyfile(older, path)
    with closing(opened(path)) as store:
        store.repair("b-1", 1_772_000_000_000, TimeQuality.REPAIRED)
        everything = offered(store)

    assert everything == flows(range(5))


def test_what_no_server_takes_stays_in_the_file_of_its_epoch(tmp_path: Path) -> None:
    path = tmp_path / "q"
    epoch = filled(path, 50)
    old = copied(path, tmp_path / "old")
    set_aside(path)
    with closing(opened(path)) as store:
        store.stores()[1].put_aside(3)
        acknowledge(store, epoch, 1, 10_000)
        store.prune(NOW + timedelta(days=30))
        kept = store.figures().aside_count
    shutil.copyfile(old, path)
    with closing(opened(path)) as store:
        merged = store.figures().aside_count

    assert epoch_file(path, epoch).exists()
    assert (kept, merged) == (1, 1)


class StopHere(BaseException):
    """The power is cut."""


@pytest.mark.parametrize("at", ["_write_new", "replace"])
def test_a_kill_while_two_files_become_one_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    path = tmp_path / "q"
    epoch = filled(path, 50)
    old = copied(path, tmp_path / "old")
    with closing(opened(path)) as store:
        store.put(frames(50, 50))
    set_aside(path)
    shutil.copyfile(old, path)

    def stop(*_: object, **__: object) -> None:
        raise StopHere

    with monkeypatch.context() as patch:
        patch.setattr(*((salvage_io, at, stop) if at == "_write_new" else (Path, at, stop)))
        with pytest.raises(StopHere):
            opened(path)
    with closing(opened(path)) as store:
        everything = offered(store)

    assert everything == flows(range(100))
    assert epoch_file(path, epoch).exists()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000))
def test_two_damaged_files_of_one_epoch_offer_what_either_has(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    path = tmp_path_factory.mktemp("merge") / "q"
    chance = Random(seed)
    epoch = filled(path, 200)
    whole = path.read_bytes()
    spoil(path, chance.sample(leaf_pages(path), 3))
    with closing(opened(path)) as store:
        first = set(offered(store))
    path.write_bytes(whole)
    spoil(path, chance.sample(leaf_pages(path), 3))
    with closing(opened(path)) as store:
        both = offered(store)

    assert epoch_file(path, epoch).exists()
    assert len(both) == len(set(both))
    assert first <= set(both) <= set(flows(range(200)))
    assert len(both) >= len(first)
