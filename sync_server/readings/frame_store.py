"""Owns the ledger of frames, the acknowledgements, the gaps and the clones (RULINGS R2, R3)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson
from sqlalchemy import Connection, and_, or_, select

from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.reading_tables import FRAME_CLONE, FRAME_EPOCH, FRAME_GAP, FRAME_LEDGER
from sync_server.readings.arrivals import Accepted, Arrivals
from sync_server.readings.fresh import AnyBatch
from sync_server.readings.ingest_memory import IngestMemory
from wire_contracts.acks import EpochAck, add_range, add_seqs
from wire_contracts.frame_columns import SplitBatch
from wire_contracts.frames import frame_json
from wire_contracts.payloads import dump_json

EpochKey = tuple[str, int]
"""Gateway and epoch."""

_CHUNK = 200


def load_epochs(connection: Connection, memory: IngestMemory, wanted: Iterable[EpochKey]) -> None:
    """Bring the acknowledgements of these epochs into the memory."""
    missing = [key for key in wanted if key not in memory.epochs]
    for start in range(0, len(missing), _CHUNK):
        chunk = missing[start : start + _CHUNK]
        is_wanted = or_(
            *(
                and_(FRAME_EPOCH.c.gateway_id == gateway_id, FRAME_EPOCH.c.epoch == epoch)
                for gateway_id, epoch in chunk
            )
        )
        for row in connection.execute(select(FRAME_EPOCH).where(is_wanted)):
            memory.epochs[row.gateway_id, row.epoch] = EpochAck(
                epoch=row.epoch,
                upto=row.upto,
                ranges=tuple((low, high) for low, high in orjson.loads(row.ranges)),
            )
        for key in chunk:
            memory.epochs.setdefault(key, EpochAck(epoch=key[1], upto=0))


def load_refused(connection: Connection, batch: AnyBatch) -> Sequence[tuple[int, str]]:
    """Return which seqs of the batch lie in quarantine, ascending, each with its code."""
    rows = connection.execute(
        select(FRAME_LEDGER.c.seq, FRAME_LEDGER.c.refused_code)
        .where(
            FRAME_LEDGER.c.gateway_id == batch.gateway_id,
            FRAME_LEDGER.c.epoch == batch.epoch,
            FRAME_LEDGER.c.seq.in_(list(seqs_of(batch))),
            FRAME_LEDGER.c.refused_code.is_not(None),
        )
        .order_by(FRAME_LEDGER.c.seq)
    )
    return [(seq, code) for seq, code in rows]


def write_ledger(connection: Connection, arrivals: Arrivals) -> None:
    """Enter every new frame, with the reason when it was refused."""
    rows: list[Row] = [
        (item.key.gateway_id, item.key.epoch, item.key.seq, item.payload_hash, None)
        for item in arrivals.accepted
    ]
    rows += [
        (item.key.gateway_id, item.key.epoch, item.key.seq, item.payload_hash, None)
        for item in arrivals.gaps
    ]
    rows += [
        (item.key.gateway_id, item.key.epoch, item.key.seq, item.payload_hash, str(item.code))
        for item in arrivals.refused
        if (item.key.gateway_id, item.key.epoch, item.key.seq) not in arrivals.taken
    ]
    write_rows(connection, FRAME_LEDGER, rows, OnExisting.KEEP)


def write_gaps(connection: Connection, arrivals: Arrivals, received_at_ms: int) -> None:
    """Keep the gap records: what the gateway had to drop, and why."""
    rows: list[Row] = [
        (
            gap.key.gateway_id,
            gap.key.epoch,
            gap.key.seq,
            gap.record.first,
            gap.record.last,
            gap.record.count,
            gap.record.why,
            received_at_ms,
        )
        for gap in arrivals.gaps
    ]
    write_rows(connection, FRAME_GAP, rows, OnExisting.KEEP)


def without_known_clones(connection: Connection, arrivals: Arrivals) -> Arrivals:
    """Return the arrivals without clones that are kept and alarmed already: they came again."""
    fresh: dict[tuple[str, int, int, int], Accepted] = {}
    for clone in arrivals.clones:
        key = clone.key
        fresh.setdefault((key.gateway_id, key.epoch, key.seq, clone.payload_hash), clone)
    for gateway_id, epoch in {(place[0], place[1]) for place in fresh}:
        found = connection.execute(
            select(FRAME_CLONE.c.seq, FRAME_CLONE.c.payload_hash).where(
                FRAME_CLONE.c.gateway_id == gateway_id,
                FRAME_CLONE.c.epoch == epoch,
                FRAME_CLONE.c.seq.in_({place[2] for place in fresh}),
            )
        )
        for seq, payload_hash in found:
            fresh.pop((gateway_id, epoch, seq, payload_hash), None)
    repeated = len(arrivals.clones) - len(fresh)
    return replace(
        arrivals,
        clones=tuple(fresh.values()),
        duplicate_count=arrivals.duplicate_count + repeated,
    )


def write_clones(connection: Connection, clones: Sequence[Accepted], received_at_ms: int) -> None:
    """Keep the frames that came under another frame's key, verbatim."""
    rows: list[Row] = [
        (
            clone.key.gateway_id,
            clone.key.epoch,
            clone.key.seq,
            clone.payload_hash,
            received_at_ms,
            dump_json(frame_json(clone.frame)).decode(),
        )
        for clone in clones
    ]
    write_rows(connection, FRAME_CLONE, rows, OnExisting.KEEP)


def advance_epochs(
    connection: Connection, memory: IngestMemory, batches: Sequence[AnyBatch], received_at_ms: int
) -> None:
    """Move the acknowledgements past the frames of these batches."""
    touched: set[EpochKey] = set()
    for batch in batches:
        key = (batch.gateway_id, batch.epoch)
        ack = _add_all(memory.epochs[key], sorted(seqs_of(batch)))
        for gap in batch.gaps:
            ack = add_range(ack, gap.first, gap.last)
        memory.epochs[key] = ack
        touched.add(key)
    rows: list[Row] = [
        (
            gateway_id,
            epoch,
            memory.epochs[gateway_id, epoch].upto,
            orjson.dumps(memory.epochs[gateway_id, epoch].ranges).decode(),
            received_at_ms,
        )
        for gateway_id, epoch in sorted(touched)
    ]
    write_rows(connection, FRAME_EPOCH, rows, OnExisting.REPLACE)


def _add_all(ack: EpochAck, seqs: Sequence[int]) -> EpochAck:
    if not seqs:
        return ack
    is_next = seqs[0] == ack.upto + 1 and seqs[-1] - seqs[0] + 1 == len(seqs)
    if is_next and not ack.ranges and len(set(seqs)) == len(seqs):
        return EpochAck(epoch=ack.epoch, upto=seqs[-1])
    return add_seqs(ack, seqs)


def seqs_of(batch: AnyBatch) -> Sequence[int]:
    """Return the number of everything in a batch: frames, gap records, what could not be read."""
    if isinstance(batch, SplitBatch):
        return batch.seqs
    kinds = (batch.frames, batch.gaps, batch.rejected)
    return [item.seq for kind in kinds for item in kind]
