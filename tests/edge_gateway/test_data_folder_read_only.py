"""A data folder that takes nothing when the gateway starts: it reads and sends from memory."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import open_queue, read_figures
from edge_gateway.queue.standby_io import MEMORY, working_folder
from edge_gateway.run import QUEUE_FILE
from tests.edge_gateway.order_rig import GATEWAY, Signer, link, settings_text, sound
from tests.edge_gateway.rig import ROOT, LedgerServer, MeterServer, Mosquitto, until
from tests.edge_gateway.test_meter_to_server import event_kinds
from tests.edge_gateway.test_queue_damage import NOW, frames
from wire_contracts.frames import parse_frame
from wire_contracts.payloads import read_json

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
    file, data, standby = tmp_path / "g.toml", tmp_path / "gateway", MEMORY / f"lamplighter-{name}"
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
    standby, data = tmp_path / "lamplighter-gw-1", tmp_path / "data"
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


def test_a_folder_in_memory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "lamplighter-gw-1").symlink_to(other)
    (other / QUEUE_FILE).write_bytes(b"no queue")

    with working_folder(tmp_path / "data" / QUEUE_FILE, "gw-1", tmp_path) as place:
        assert place.problem == ""

    assert place.folder == tmp_path / "data"
    assert (other / QUEUE_FILE).read_bytes() == b"no queue"
