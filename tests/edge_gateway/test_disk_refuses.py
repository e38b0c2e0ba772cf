"""A disk that takes nothing while the gateway runs: it reads on, and loses no frame."""

import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from edge_gateway.config import ConfigError, QueueConfig
from edge_gateway.config_io import load_config
from edge_gateway.queue.lineage import NO_SERVER
from edge_gateway.queue.outbox_io import LeftOver, Outbox
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.queue.standby_io import memory_folder
from edge_gateway.remote.revision_store import RevisionStore
from edge_gateway.remote.revisions_io import FOLDER
from edge_gateway.run import QUEUE_FILE, _keep_left
from tests.edge_gateway.order_rig import GATEWAY, Signer, link, settings_text, sound
from tests.edge_gateway.rig import ROOT, LedgerServer, MeterServer, Mosquitto, until
from tests.edge_gateway.test_queue_damage import NOW, frames
from wire_contracts.topics import Channel


@dataclass
class Process:
    """A gateway in a process of its own, so that its disk alone refuses."""

    pid: int
    said: bytearray = field(default_factory=bytearray)


@contextmanager
def gateway(file: Path) -> Iterator[Process]:
    module = "tests.edge_gateway.gateway_process"
    with subprocess.Popen(
        [sys.executable, "-u", "-m", module, str(file), "nowhere", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        running = Process(pid=process.pid)
        lines = process.stdout
        reader = threading.Thread(target=lambda: [*map(running.said.extend, lines)])
        reader.start()
        try:
            yield running
        finally:
            process.terminate()
            reader.join()


def limit_files(pid: int, size: int) -> None:
    """Let a process write no file beyond so many bytes; -1: as far as it likes."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_disk_that_takes_nothing_for_a_while_costs_no_frame(tmp_path: Path) -> None:
    file, signer = tmp_path / "gateway.toml", Signer()
    with (
        MeterServer(units={1: sound()}) as plant,
        Mosquitto(folder=tmp_path, lines="allow_anonymous true\n") as broker,
        LedgerServer(broker.port) as server,
    ):
        text = settings_text(tmp_path, broker.port, signer, link(plant.port))
        file.write_text(text, encoding="utf-8")
        with gateway(file) as process:
            until(lambda: knows_server(tmp_path / "gateway" / QUEUE_FILE))
            server.is_acknowledging = False
            known = len(server.ledger)
            until(lambda: len(server.ledger) > known + 1)
            limit_files(process.pid, 1)
            server.is_acknowledging = True
            server.acknowledge(GATEWAY)  # marks that the disk does not take
            until(lambda: b"queue.refuses" in process.said or b"queue.failed" in process.said)
            told = len(server.payloads(Channel.HEALTH))
            until(lambda: len(server.payloads(Channel.HEALTH)) > told)
            limit_files(process.pid, -1)
            until(lambda: b"commits_again" in process.said)
            known = len(server.ledger)
            until(lambda: len(server.ledger) > known)

    assert b"queue.failed" not in process.said
    assert "lost=0" in plain(process.said)


def knows_server(file: Path) -> bool:
    """Whether the gateway has kept an acknowledgement."""
    if not file.exists():
        return False
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        query = "SELECT value FROM meta WHERE name = 'server_epoch'"
        try:
            return bool(connection.execute(query).fetchone()[0] != NO_SERVER)
        except sqlite3.OperationalError:
            return False


def plain(said: bytearray) -> str:
    """The log without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", said.decode())


def test_a_file_in_place_of_the_folder_of_revisions_is_named(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_bytes(b"")

    with pytest.raises(ConfigError, match=r"remote: data: .*; move away what is in its place"):
        RevisionStore(tmp_path / FOLDER)


def test_what_one_outbox_could_not_commit_the_next_one_does(tmp_path: Path) -> None:
    """Everything is built afresh while the disk takes nothing."""
    config = QueueConfig(commit_s=0.02, min_free_bytes=0)
    with closing(open_queue(tmp_path / "q", config, NOW)[0]) as store:
        connection = store._current._connection
        connection.execute("PRAGMA max_page_count = 1")
        left = LeftOver()
        for _ in range(2):
            outbox = outbox_of(store, config)
            outbox.take_over(left)
            for frame in frames(100):
                outbox.add(frame)
            outbox.close()
            outbox.run()
            left = outbox.left()
        connection.execute("PRAGMA max_page_count = 1000000")
        outbox = outbox_of(store, config)
        outbox.take_over(replace(left, lost=7))
        outbox.close()
        outbox.run()
        figures = store.figures()

    assert len(left.frames) == 200
    assert outbox.left() == LeftOver()
    assert (figures.open_count, figures.last_seq) == (201, 208)


def test_what_no_disk_took_at_the_end_is_kept_in_memory_with_what_was_lost(tmp_path: Path) -> None:
    name = f"gw-full-{os.getpid()}"
    file = tmp_path / "g.toml"
    text = settings_text(tmp_path, 1, Signer(), link(1)).replace(GATEWAY, name)
    file.write_text(text, encoding="utf-8")
    config = load_config(file)
    standby = memory_folder(config.data / QUEUE_FILE, name)
    (config.data / QUEUE_FILE).mkdir(parents=True)
    try:
        _keep_left(config, LeftOver(frames=frames(5), lost=2), NOW)
        with closing(open_queue(standby / QUEUE_FILE, QueueConfig(), NOW)[0]) as store:
            bodies = [json.loads(each.body) for each in store.open_after(0, 100)]
    finally:
        shutil.rmtree(standby, ignore_errors=True)

    assert sum("v" in body for body in bodies) == 5
    assert [body["gap"]["n"] for body in bodies if "gap" in body] == [2]


def test_a_frame_that_cannot_be_written_ends_alone(tmp_path: Path) -> None:
    config = QueueConfig(commit_s=0.02, commit_frames=10, min_free_bytes=0)
    with closing(open_queue(tmp_path / "q", config, NOW)[0]) as store:
        outbox = outbox_of(store, config)
        for frame in frames(5):
            outbox.add(frame)
        outbox.add(replace(frames(1)[0], device="half a character \ud800"))
        for frame in frames(4, 5):
            outbox.add(frame)
        outbox.close()
        outbox.run()
        bodies = [json.loads(each.body) for each in store.open_after(0, 100)]

    flows = [body["v"]["flow_m3h"] for body in bodies if "v" in body]
    assert flows == [number / 4 for number in range(9)]
    assert [body["gap"]["n"] for body in bodies if "gap" in body] == [1]


def outbox_of(store: QueueStore, config: QueueConfig) -> Outbox:
    return Outbox(store, config, on_commit=lambda: None, reached=lambda _point: None)
