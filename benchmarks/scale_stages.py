"""Measures the processor time of an ordinary frame by stage: one writer on PostgreSQL, no broker.

Run `python -m benchmarks.scale_stages`; `--gateways 7` is a replica's third of the town,
`--messages 40` a transaction in which each meter comes once. The smallest of the rounds, each of
frames that are new. Linux: the backend's share is read from /proc.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from benchmarks.ingest_limits import postgres
from benchmarks.ingest_town import FRAMES_PER_BATCH, GATEWAYS, NOW, add_town_meters, later
from benchmarks.ingest_town import make_batches as make_town
from sync_server.db.engine_io import open_engine
from sync_server.readings.fresh import AnyBatch
from sync_server.readings.inbox import read_split
from sync_server.readings.reading_store import ReadingStore
from wire_contracts.frames import Batch, dump_batch, frame_json
from wire_contracts.payloads import pack
from wire_contracts.topics import Channel, Topic

Wire = tuple[str, bytes]
Cost = tuple[float, float, float]
"""Microseconds a frame: inflate to columns, hash to COPY in the driver, PostgreSQL's backend."""


def main() -> None:
    """Measure and print."""
    options = _options()
    gc.set_threshold(1_000_000, 10, 10)  # as the ingest's own process has it
    names = [f"gw-{number:02d}" for number in range(options.gateways)]
    batches = [batch for batch in make_town() if batch.gateway_id in names]
    costs: list[Cost] = []
    frames = 0
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as made:
        engine = open_engine(made.engine.url.render_as_string(hide_password=False))
        add_town_meters(engine)
        store = ReadingStore(is_shared=True)
        with engine.connect() as connection:
            for epoch in range(2, 3 + options.rounds):
                wires = [_wire(batch) for batch in later(batches, epoch)]
                costs.append(_cost(connection, store, wires, options.messages))
                frames = len(wires) * FRAMES_PER_BATCH
                print(f"{epoch - 1} of {options.rounds + 1}: {costs[-1]}", file=sys.stderr)
        engine.dispose()
    best = min(costs[1:], key=sum)
    print(f"load average {os.getloadavg()[0]:.1f}; {frames} frames a round")
    for stage, spent in zip(
        ("inflate to columns", "hash to COPY", "PostgreSQL"), best, strict=True
    ):
        print(f"{stage:24}{spent:8.1f} us")
    print(f"{'sum':24}{sum(best):8.1f} us")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="processor time of an ordinary frame by stage")
    parser.add_argument("--gateways", type=int, default=GATEWAYS, help="of 100 meters each")
    parser.add_argument("--messages", type=int, default=200, help="of 50 frames, a transaction")
    parser.add_argument("--rounds", type=int, default=3, help="behind a first one, not counted")
    return parser.parse_args()


def _wire(batch: Batch) -> Wire:
    topic = Topic(gateway_id=batch.gateway_id, channel=Channel.UP).text()
    bodies = [frame_json(frame) for frame in batch.frames]
    return topic, pack(dump_batch(batch.gateway_id, batch.epoch, bodies))


def _cost(
    connection: Connection, store: ReadingStore, wires: Sequence[Wire], messages: int
) -> Cost:
    pid = int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
    connection.rollback()
    read_s = stored_s = 0.0
    backend_s, new_count = _backend_s(pid), 0
    for first in range(0, len(wires), messages):
        started_s = time.process_time()
        batches = [_read(wire) for wire in wires[first : first + messages]]
        read_s += time.process_time() - started_s
        started_s = time.process_time()
        with connection.begin():
            new_count += store.store_batches(connection, batches, NOW).new_count
        stored_s += time.process_time() - started_s
    frames = len(wires) * FRAMES_PER_BATCH
    if new_count != frames:
        message = f"{new_count} of {frames} frames were new"
        raise RuntimeError(message)
    shares = (read_s, stored_s, _backend_s(pid) - backend_s)
    read_us, stored_us, backend_us = (each / frames * 1e6 for each in shares)
    return read_us, stored_us, backend_us


def _read(wire: Wire) -> AnyBatch:
    batch = read_split(*wire)
    if batch is None:
        message = f"{wire[0]}: is not ordinary"
        raise RuntimeError(message)
    return batch


def _backend_s(pid: int) -> float:
    """Return the processor seconds of a process of one thread; proc(5), schedstat."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    main()
