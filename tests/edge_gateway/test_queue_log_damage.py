"""Damage of a queue file and its log after a kill: nothing silent, no number with two contents."""

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.config import QueueConfig
from edge_gateway.queue import given_io
from edge_gateway.queue.doubts import Doubt, OnDisk, Remembered, doubt_of
from edge_gateway.queue.given_io import GivenFile, given_file, read_given
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.queue.queued import HeldFrame, StoredFrame, Uptime
from edge_gateway.queue.wal_pages import read_log
from wire_contracts.acks import Ack, EpochAck
from wire_contracts.frames import Frame, TimeQuality
from wire_contracts.quantities import Quantity

NOW_UTC = datetime(2026, 3, 1, 6, tzinfo=UTC)
CONFIG = QueueConfig(min_free_bytes=0)
FRAME = 2048 + 24
SUFFIXES = ("", "-wal", ".given")
Files = dict[str, bytes]


def frame(number: int, note: int = 0) -> Frame:
    return Frame(
        seq=0,
        device=f"HM-{number % 7}",
        measured_at_utc=NOW_UTC + timedelta(seconds=number),
        profile="tuf_2000m@1",
        group="fast",
        values={Quantity.FLOW_M3H: number / 4 + note},
        raw=bytes(90),
    )


def opened(path: Path) -> QueueStore:
    return open_queue(path, CONFIG, NOW_UTC)[0]


def taken(path: Path) -> Files:
    """What a kill leaves of the files of a queue that is in use."""
    files = {each: path.with_name(path.name + each) for each in SUFFIXES}
    return {each: file.read_bytes() for each, file in files.items() if file.exists()}


def laid(folder: Path, files: Files) -> Path:
    for suffix, content in files.items():
        (folder / f"q{suffix}").write_bytes(content)
    return folder / "q"


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """A queue at a kill: its files, what it held open, and what it had given numbers to."""

    files: Files
    before: Files
    epoch: int
    last: int
    bodies: dict[int, bytes]


def live(*, is_long: bool, is_log_used_again: bool = False) -> Killed:
    folder = Path(mkdtemp(prefix="queue-killed-"))
    before: Files = {}
    with closing(opened(folder / "q")) as store:
        if is_log_used_again:
            store.put([frame(number) for number in range(500)])
            store._current._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        for first in range(0, 240 if is_long else 60, 6):
            before = taken(folder / "q")
            store.put([frame(number) for number in range(first, first + 6)])
        if is_long:
            uptimes = [Uptime(boot_id="b-1", ms=1000 * number) for number in range(9)]
            store.put([HeldFrame(frame=frame(900), uptime=each) for each in uptimes])
            store.repair("b-1", 1_772_000_000_000, TimeQuality.REPAIRED)
            store.put([frame(number) for number in range(240, 252)])
            before = taken(folder / "q")
            store.put([frame(number) for number in range(252, 255)])
        killed = Killed(
            files=taken(folder / "q"),
            before=before,
            epoch=store.epoch,
            last=store.figures().last_seq,
            bodies={each.seq: each.body for each in store.open_after(0, 10_000)},
        )
    shutil.rmtree(folder)
    return killed


@cache
def killed() -> Killed:
    return live(is_long=True)


@cache
def short() -> Killed:
    """All of it lies in the log."""
    return live(is_long=False)


@cache
def log_used_again() -> Killed:
    return live(is_long=False, is_log_used_again=True)


def offered(store: QueueStore) -> Iterator[StoredFrame]:
    for each in store.stores():
        yield from each.open_after(0, 10_000)


def explained(store: QueueStore, epoch: int) -> set[int]:
    """The numbers that gap records name when the server has nothing of that epoch."""
    found = {each.epoch: each for each in store.stores()}[epoch]
    found.acknowledge(Ack(server_epoch=1, epochs=[EpochAck(epoch=epoch, upto=0)]), NOW_UTC)
    gaps = [json.loads(each.body).get("gap") for each in found.open_after(0, 10_000)]
    return {seq for gap in gaps if gap for seq in range(gap["from"], gap["to"] + 1)}


def check(of: Killed, files: Files, *, may_lose: bool = True) -> bool:
    """Open the files and read on; return whether the queue noticed something."""
    with TemporaryDirectory() as folder:
        path = laid(Path(folder), files)
        with closing(opened(path)) as store:
            notices = list(store.take_notices())
            found = {(each.epoch, each.seq): each.body for each in offered(store)}
            new_seqs = store.put([frame(number, note=7000) for number in range(5)])
            old = {seq: body for (epoch, seq), body in found.items() if epoch == of.epoch}
            wrong = {seq for seq, body in old.items() if of.bodies.get(seq) != body}
            lost = set(range(1, of.last + 1)) - set(old)
            is_same = store.epoch == of.epoch
            told = set() if is_same else explained(store, of.epoch)

    assert not wrong - set(range(of.last + 1, of.last + 1000)), wrong
    assert not {seq for seq in wrong if seq <= of.last}
    assert is_same is not bool(notices)
    if is_same:
        assert not lost
        assert min(new_seqs) > of.last
    assert lost <= told
    assert may_lose or not lost
    assert not {of.bodies[seq] for seq in lost} & on_whole_pages(of, files)
    assert told <= lost
    return bool(notices)


def on_whole_pages(of: Killed, files: Files) -> set[bytes]:
    """The frames on pages that are as they were, up to the last whole end of a transaction."""
    log, damaged = of.files["-wal"], files.get("-wal", b"")
    places = range(32, len(log), FRAME)
    whole = [at for at in places if damaged[at : at + FRAME] == log[at : at + FRAME]]
    ends = [at for at in whole if any(log[at + 4 : at + 8])]
    pages = [log[at + 24 : at + FRAME] for at in whole if ends and at <= ends[-1]]
    return {body for body in of.bodies.values() if any(body in page for page in pages)}


def spoilt(files: Files, suffix: str, change: Callable[[bytearray], None]) -> Files:
    content = bytearray(files[suffix])
    change(content)
    return {**files, suffix: bytes(content)}


def flip(at: int, bit: int = 0) -> Callable[[bytearray], None]:
    def change(content: bytearray) -> None:
        content[at % len(content)] ^= 1 << bit

    return change


def overwrite(at: int, length: int, seed: int) -> Callable[[bytearray], None]:
    def change(content: bytearray) -> None:
        start = at % len(content)
        part = random.Random(seed).randbytes(min(length, len(content) - start))
        content[start : start + len(part)] = part

    return change


def cut(at: int) -> Callable[[bytearray], None]:
    def change(content: bytearray) -> None:
        del content[at % len(content) :]

    return change


CHANGES = st.one_of(
    st.builds(flip, st.integers(0, 10**6), st.integers(0, 7)),
    st.builds(
        overwrite, st.integers(0, 10**6), st.sampled_from([4, 600, 5000]), st.integers(0, 99)
    ),
    st.builds(cut, st.integers(0, 10**6)),
)


@pytest.mark.parametrize("bit", [0, 7])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.8, 0.99])
def test_one_flipped_bit_in_the_log_costs_one_row_at_most_and_is_told(
    share: float, bit: int
) -> None:
    of = short()

    assert check(of, spoilt(of.files, "-wal", flip(int(len(of.files["-wal"]) * share), bit)))


def test_six_hundred_bytes_of_the_log_are_told_with_their_gaps() -> None:
    of = killed()

    assert check(of, spoilt(of.files, "-wal", overwrite(len(of.files["-wal"]) // 3, 600, 1)))


@given(st.lists(st.tuples(st.sampled_from(["", "-wal"]), CHANGES), min_size=1, max_size=3))
def test_damage_anywhere_gives_no_wrong_frame_and_no_number_twice(
    changes: list[tuple[str, Callable[[bytearray], None]]],
) -> None:
    of = killed()
    files = of.files
    for suffix, change in changes:
        if files[suffix]:
            files = spoilt(files, suffix, change)

    check(of, files)


@pytest.mark.parametrize("gone", [["-wal"], [""], ["", "-wal"]])
def test_a_file_that_is_gone_is_told_with_everything_that_is_missing(gone: Sequence[str]) -> None:
    of = killed()

    assert check(of, {each: content for each, content in of.files.items() if each not in gone})


def test_without_its_main_file_the_log_still_gives_every_frame() -> None:
    of = short()

    assert check(of, {each: of.files[each] for each in ("-wal", ".given")}, may_lose=False)


@pytest.mark.parametrize("other", ["-wal", ""])
def test_without_any_mark_a_file_goes_on_where_it_says(other: str) -> None:
    of = killed()
    files = {each: content for each, content in of.files.items() if each != ".given"}

    assert not check(of, files)
    with TemporaryDirectory() as folder:
        path = laid(Path(folder), {**files, other: of.files[other]})
        opened(path).close()
        known = read_given(path)
    assert known is not None
    assert (known.epoch, known.last) == (of.epoch, of.last)


@pytest.mark.parametrize("which", [short, log_used_again])
def test_a_transaction_torn_at_any_byte_is_silent_and_takes_nothing_with_it(
    which: Callable[[], Killed],
) -> None:
    of = which()
    before, after = of.before["-wal"], of.files["-wal"]
    first = next(at for at in range(len(after)) if before[at : at + 1] != after[at : at + 1])
    last = max(at for at in range(len(after)) if before[at : at + 1] != after[at : at + 1])
    known = Killed(
        files=of.before,
        before={},
        epoch=of.epoch,
        last=of.last - 6,
        bodies={seq: body for seq, body in of.bodies.items() if seq <= of.last - 6},
    )
    places = {*range(first, last, 331), first + 1, first + 24, last - 1}
    for at in sorted(places):
        torn = after[:at] + before[at:]

        assert not check(known, {**of.before, "-wal": torn}), at


@pytest.mark.parametrize("length", [0, 1, 99, 100, 2047])
def test_a_main_file_that_was_cut_takes_nothing_of_the_log_with_it(length: int) -> None:
    of = killed()

    files = {**of.files, "": of.files[""][:length]}

    assert check(of, files, may_lose=False) is (length < 100)


def test_an_older_copy_of_the_files_begins_a_new_epoch() -> None:
    of = killed()

    assert check(of, {**of.before, ".given": of.files[".given"]})


def test_the_file_of_another_gateway_is_set_aside_and_the_own_one_is_told_as_gone() -> None:
    of, other = killed(), short()
    with TemporaryDirectory() as folder:
        path = laid(Path(folder), {**other.files, ".given": of.files[".given"]})
        with closing(opened(path)) as store:
            (notice,) = store.take_notices()
            epochs = {each.epoch for each in store.stores()}
            found = {each.seq: each.body for each in offered(store) if each.epoch == other.epoch}
            told = explained(store, of.epoch)

    assert "was not the one in use before" in notice
    assert epochs == {store.epoch, of.epoch, other.epoch}
    assert len(epochs) == 3
    assert found == other.bodies
    assert told == set(range(1, of.last + 1))


def test_what_was_noted_in_an_earlier_start_of_the_machine_is_a_bound(tmp_path: Path) -> None:
    of = killed()
    path = laid(tmp_path, {".given": of.files[".given"]})
    known = read_given(path)
    assert known is not None
    noted = GivenFile(path, known.epoch, known.last)
    noted._write(replace(noted._now, boot_id=b"earlier start...", last=90), is_flushed=True)

    with closing(opened(path)) as store:
        (notice,) = store.take_notices()
        told = explained(store, of.epoch)

    assert f"of {of.last + given_io.RESERVED_AT_ONCE} numbers given" in notice
    assert told == set(range(1, of.last + given_io.RESERVED_AT_ONCE + 1))


def test_one_half_of_the_mark_is_enough(tmp_path: Path) -> None:
    noted = GivenFile(tmp_path / "q", 77, 5)
    for last in range(6, 3000, 7):
        noted.reserve(last)
        noted.note(last)
    whole = read_given(tmp_path / "q")
    content = given_file(tmp_path / "q").read_bytes()
    found = []
    for at in (0, 512):
        given_file(tmp_path / "q").write_bytes(content[:at] + bytes(44) + content[at + 44 :])
        found.append(read_given(tmp_path / "q"))
    given_file(tmp_path / "q").write_bytes(bytes(600))

    assert whole is not None
    assert (whole.epoch, whole.last) == (77, 2995)
    assert whole in found
    assert {0 < whole.last - each.last <= 7 for each in found if each and each != whole} == {True}
    assert all(each and each.reserved >= whole.last for each in found)
    assert read_given(tmp_path / "q") is None


def test_a_kill_between_setting_aside_and_the_new_file_is_made_up_for(tmp_path: Path) -> None:
    of = killed()
    path = laid(tmp_path, {each: of.files[each] for each in ("-wal", ".given")})
    with closing(opened(path)) as store:
        epoch = store.epoch
    aside = next(each for each in tmp_path.glob("q.damaged-*") if not each.name.endswith("-wal"))
    claim = {"why": "was gone", "epoch": of.epoch, "last": of.last, "is_end_known": False}
    aside.with_name(f"{aside.name}.todo").write_text(json.dumps(claim), encoding="utf-8")
    for each in (path, *tmp_path.glob("q.epoch-*")):
        each.unlink()
    given_file(path).write_bytes(of.files[".given"])

    with closing(opened(path)) as store:
        found = {each.seq for each in offered(store) if each.epoch == of.epoch}
        told = explained(store, of.epoch)

    assert store.epoch not in {epoch, of.epoch}
    assert found | told == set(range(1, of.last + 1))
    assert not list(tmp_path.glob("*.todo"))


@given(st.binary(max_size=9000))
def test_any_bytes_can_be_looked_at_as_a_log(content: bytes) -> None:
    found = read_log(content)

    assert found is None or len(found.committed) + len(found.behind) <= len(content) // FRAME


@pytest.mark.parametrize(
    ("ends", "last", "known", "doubt"),
    [
        (0, 9, None, None),
        (1, 9, None, Doubt.CUT),
        (1, 9, Remembered(epoch=1, last=9, is_exact=True), None),
        (1, 9, Remembered(epoch=1, last=9, is_exact=False), Doubt.CUT),
        (1, 8, Remembered(epoch=1, last=9, is_exact=True), Doubt.CUT),
        (2, 9, Remembered(epoch=1, last=9, is_exact=True), Doubt.CUT),
        (0, 8, Remembered(epoch=1, last=9, is_exact=False), Doubt.SHORTER),
        (0, 9, Remembered(epoch=2, last=9, is_exact=True), Doubt.OTHER),
        (0, None, Remembered(epoch=1, last=9, is_exact=True), None),
    ],
)
def test_what_stands_behind_the_end_of_a_log_decides(
    ends: int, last: int | None, known: Remembered | None, doubt: Doubt | None
) -> None:
    found = OnDisk(is_there=True, has_log=True, ends_behind=ends, epoch=1, last=last)

    assert doubt_of(found, known) is doubt
