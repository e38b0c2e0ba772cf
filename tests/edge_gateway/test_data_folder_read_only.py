"""A data folder that takes nothing when the gateway starts: it reads and sends from memory."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import open_queue, read_figures
from edge_gateway.queue.standby_io import memory_folder, working_folder
from edge_gateway.run import QUEUE_FILE
from edge_gateway.uplink.event_store import EVENTS_FILE, EventStore
from edge_gateway.uplink.messages import Event
from tests.edge_gateway.order_rig import GATEWAY, Signer, link, settings_text, sound
from tests.edge_gateway.rig import ROOT, LedgerServer, MeterServer, Mosquitto, until
from tests.edge_gateway.test_meter_to_server import event_kinds
from tests.edge_gateway.test_queue_damage import NOW, frames
from wire_contracts.frames import parse_frame
from wire_contracts.payloads import read_json
from wire_contracts.topics import Channel

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1


def as_anybody() -> None:
    """Let the process that is about to start obey the rights of files, also as root."""
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)


@contextmanager
def gateway(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    module = "tests.edge_gateway.gateway_process"
    with subprocess.Popen(
        [sys.executable, "-m", module, str(file), "nowhere", "1"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        preexec_fn=as_anybody,  # noqa: PLW1509  # one call of the C library
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def make(folder: Path, *, is_writable: bool) -> None:
    for path in [*folder.rglob("*"), folder]:
        right = 0o700 if path.is_dir() else 0o600
        path.chmod(right if is_writable else right & 0o500)


def test_a_gateway_whose_disk_is_read_only_reads_and_sends_and_loses_nothing(
    tmp_path: Path,
) -> None:
    name = f"gw-ro-{os.getpid()}"
    file, data = tmp_path / "g.toml", tmp_path / "gateway"
    standby = memory_folder(data / QUEUE_FILE, name)
    with (
        MeterServer(units={1: sound()}) as plant,
        Mosquitto(folder=tmp_path, lines="allow_anonymous true\n") as broker,
        LedgerServer(broker.port) as server,
    ):
        text = settings_text(tmp_path, broker.port, Signer(), link(plant.port))
        file.write_text(text.replace(GATEWAY, name), encoding="utf-8")
        with closing(open_queue(data / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
            first = store.epoch
        make(data, is_writable=False)
        try:
            with gateway(file) as process:
                until(lambda: "disk_read_only" in event_kinds(server))
                server.is_acknowledging = False
                known = len(server.ledger)
                until(lambda: len(server.ledger) > known + 1)
                process.kill()  # what was sent and not acknowledged outlives the process
        finally:
            make(data, is_writable=True)
        epochs, before = {epoch for epoch, _ in server.ledger}, server.deliveries
        server.is_acknowledging = True
        with gateway(file):
            until(lambda: not standby.exists())
            (moved,) = (data / f"{QUEUE_FILE}.epoch-{epoch}" for epoch in epochs - {first})
            until(lambda: waiting(moved) == 0)

    assert moved.exists()
    assert server.deliveries > before
    assert event_kinds(server).count("disk_read_only") == 1
    assert server.conflicts == []


_REFUSING = """
import signal, sys
from pathlib import Path
from edge_gateway import run
from edge_gateway.queue import outbox_io
from tests.edge_gateway import gateway_process

opened, opening = [], run.open_queue
outbox_io.REFUSED_FOR_S = float(sys.argv[4])

def open_queue(*args):
    found = opening(*args)
    opened.append(found[0])
    return found

def refuse(_number, _frame):
    opened[0]._current._connection.execute("PRAGMA query_only=1")

run.open_queue = open_queue
signal.signal(signal.SIGUSR1, refuse)
gateway_process.main()
"""
"""A gateway whose SQLite refuses to write from a signal on, as on a disk that is read-only."""


@contextmanager
def refusing_gateway(file: Path, after_s: float) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", _REFUSING, str(file), "nowhere", "1", str(after_s)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        preexec_fn=as_anybody,  # noqa: PLW1509  # one call of the C library
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.mark.parametrize("after_s", [0.0, 3600.0], ids=["moves", "is stopped before"])
def test_a_disk_that_becomes_read_only_at_work_costs_no_frame(
    tmp_path: Path, after_s: float
) -> None:
    name = f"gw-ro-{os.getpid()}-{after_s:g}"
    file, data = tmp_path / "g.toml", tmp_path / "gateway"
    standby = memory_folder(data / QUEUE_FILE, name)
    with (
        MeterServer(units={1: sound()}) as plant,
        Mosquitto(folder=tmp_path, lines="allow_anonymous true\n") as broker,
        LedgerServer(broker.port) as server,
    ):
        text = settings_text(tmp_path, broker.port, Signer(), link(plant.port))
        file.write_text(text.replace(GATEWAY, name), encoding="utf-8")
        try:
            with refusing_gateway(file, after_s) as process:
                until(lambda: server.ledger)
                make(data, is_writable=False)
                process.send_signal(signal.SIGUSR1)
                until(lambda: "disk_refuses" in event_kinds(server))
                if after_s:
                    until(lambda: open_in_health(server) > 1)
                else:
                    until(lambda: len({epoch for epoch, _ in server.ledger}) > 1)
        finally:
            make(data, is_writable=True)
        is_kept = standby.exists()
        with gateway(file):
            until(lambda: not standby.exists())
            until(lambda: len({epoch for epoch, _ in server.ledger}) > 1)

    assert is_kept
    assert ("disk_read_only" in event_kinds(server)) is not bool(after_s)
    assert server.conflicts == []


def open_in_health(server: LedgerServer) -> int:
    """Frames that wait, as the last health message says."""
    told = server.payloads(Channel.HEALTH)
    return int(json.loads(told[-1])["queue"]["open"]) if told else 0


def waiting(file: Path) -> int:
    """Frames that wait in the file of an earlier epoch; 0: it is gone, or all are acknowledged."""
    return read_figures(file).open_count if file.exists() else 0


def test_a_folder_that_never_could_be_written_is_refused_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with (
        pytest.raises(QueueError, match=r"data: .*; give the gateway a folder it may write to"),
        working_folder(tmp_path / "file" / QUEUE_FILE, "gw-1", tmp_path),
    ):
        pass


@pytest.mark.parametrize("times", [1, 2])
def test_what_was_read_in_memory_goes_on_from_the_disk(tmp_path: Path, times: int) -> None:
    data = tmp_path / "data"
    standby = memory_folder(data / QUEUE_FILE, "gw-1", tmp_path)
    standby.mkdir()
    with closing(open_queue(standby / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        store.put(frames(5))
        epoch = store.epoch
    (standby / "remote" / "revision-3").mkdir(parents=True)
    (standby / "remote" / "handled.json").write_text("{}", encoding="utf-8")
    shutil.copytree(standby, tmp_path / "again")
    for _ in range(times):  # as after a kill before the folder in memory was removed
        shutil.copytree(tmp_path / "again", standby, dirs_exist_ok=True)
        with working_folder(data / QUEUE_FILE, "gw-1", tmp_path) as place:
            assert place.folder == data
    with closing(open_queue(data / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        found = [each.open_after(0, 100) for each in store.stores()[1:]]

    bodies = [parse_frame(read_json("queue", each.body)) for some in found for each in some]
    assert [(each.epoch, each.seq) for some in found for each in some] == [
        (epoch, seq) for seq in range(1, 6)
    ]
    assert [each.values for each in bodies] == [each.values for each in frames(5)]
    assert sorted(path.name for path in (data / "remote").iterdir()) == [
        "handled.json",
        "revision-3",
    ]
    assert not standby.exists()


def test_events_what_was_learnt_and_files_of_other_epochs_come_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    standby = memory_folder(data / QUEUE_FILE, "gw-1", tmp_path)
    told = [Event(at_utc=NOW, kind="total_fell", text=text) for text in ("disk", "1", "2")]
    for folder in (standby, data):
        folder.mkdir()
    with closing(EventStore(data / EVENTS_FILE)) as events:
        events.add(told[:1])
    with closing(EventStore(standby / EVENTS_FILE)) as events:
        events.add(told[1:])
    (standby / "learnt.json").write_bytes(b"learnt in memory")
    (data / "learnt.json").write_bytes(b"before")
    with closing(open_queue(standby / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        store.put(frames(7))
        older = store.epoch
    (standby / QUEUE_FILE).replace(standby / f"{QUEUE_FILE}.epoch-{older}")
    with closing(open_queue(standby / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        store.put(frames(3))
        newer = store.epoch
    with working_folder(data / QUEUE_FILE, "gw-1", tmp_path):
        pass
    with closing(open_queue(data / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        found = {each.epoch: each.figures().open_count for each in store.stores()[1:]}
    with closing(EventStore(data / EVENTS_FILE)) as events:
        kept = [each.event for each in events.after(None, 10)]

    assert found == {older: 7, newer: 3}
    assert kept == told
    assert (data / "learnt.json").read_bytes() == b"learnt in memory"
    assert not standby.exists()


def test_what_was_read_after_a_kill_on_the_way_back_comes_too(tmp_path: Path) -> None:
    """Killed before the folder in memory was removed, then read-only again, then not."""
    data = tmp_path / "data"
    standby = memory_folder(data / QUEUE_FILE, "gw-1", tmp_path)
    with closing(open_queue(standby / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        store.put(frames(5))
    shutil.copytree(standby, tmp_path / "again")
    with working_folder(data / QUEUE_FILE, "gw-1", tmp_path):
        pass
    shutil.copytree(tmp_path / "again", standby)
    with closing(open_queue(standby / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        store.put(frames(9))
    with working_folder(data / QUEUE_FILE, "gw-1", tmp_path):
        pass
    with closing(open_queue(data / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        found = [each.figures().open_count for each in store.stores()[1:]]

    assert found == [14]


def test_two_data_folders_of_one_gateway_id_have_no_memory_in_common(tmp_path: Path) -> None:
    lost = memory_folder(tmp_path / "old" / QUEUE_FILE, "gw-1", tmp_path)
    lost.mkdir()
    with closing(open_queue(lost / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        store.put(frames(3))

    with working_folder(tmp_path / "data" / QUEUE_FILE, "gw-1", tmp_path):
        pass

    with closing(open_queue(lost / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
        assert store.figures().open_count == 3


def test_a_folder_in_memory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    memory_folder(tmp_path / "data" / QUEUE_FILE, "gw-1", tmp_path).symlink_to(other)
    (other / QUEUE_FILE).write_bytes(b"no queue")

    with working_folder(tmp_path / "data" / QUEUE_FILE, "gw-1", tmp_path) as place:
        assert place.problem == ""

    assert place.folder == tmp_path / "data"
    assert (other / QUEUE_FILE).read_bytes() == b"no queue"
