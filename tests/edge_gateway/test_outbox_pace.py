"""A link that reads faster than the disk writes is held back; a disk that refuses holds nobody."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from edge_gateway.config import QueueConfig
from edge_gateway.queue.outbox_io import HELD_BACK_FROM, HELD_BACK_S, Outbox
from edge_gateway.queue.queue_store import open_queue
from tests.edge_gateway.rig import running, until
from wire_contracts.frames import Frame
from wire_contracts.quantities import Quantity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FRAME = Frame(
    seq=0,
    device="HM-1",
    measured_at_utc=NOON,
    profile="tuf_2000m@1",
    group="fast",
    values={Quantity.FLOW_M3H: 1.0},
)
MORE = 40


def seconds_of(outbox: Outbox, count: int) -> float:
    began_s = time.monotonic()
    for _ in range(count):
        outbox.add(FRAME)
    return time.monotonic() - began_s


def test_frames_that_come_faster_than_a_commit_wait_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite3"
    store, _ = open_queue(path, QueueConfig(commit_s=0.01), NOON)
    outbox = Outbox(
        store, QueueConfig(commit_s=0.01), on_commit=lambda: None, reached=lambda _point: None
    )
    with closing(store), closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with running(lambda _stop: outbox.run()):
            outbox.add(FRAME)
            until(lambda: not outbox._waiting)
            seconds_of(outbox, HELD_BACK_FROM)
            held_s = seconds_of(outbox, MORE)
            other.execute("COMMIT")
            until(lambda: store.figures().last_seq == 1 + HELD_BACK_FROM + MORE)
            outbox.close()

    assert held_s >= MORE * HELD_BACK_S
