"""Owns what the ledger of frames has taken: single entries, and runs of ordinary frames (ADR 0036).

No frame is in both. A run is never changed; it leaves as a whole.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, case, func, select

from sync_server.db.bulk_io import OnExisting, write_rows
from sync_server.db.reading_tables import FRAME_LEDGER, FRAME_RUN
from sync_server.readings.frame_runs import LONGEST, FrameRun, entries_of
from sync_server.readings.ingest_memory import IngestMemory
from wire_contracts.frames import MAX_SEQ, Batch

FrameNumber = tuple[str, int, int]
"""Gateway, epoch, number."""


def load_known_hashes(
    connection: Connection, memory: IngestMemory, batches: Sequence[Batch]
) -> Mapping[FrameNumber, int]:
    """Return (gateway, epoch, seq) to hash of the frames that may have come before.

    A seq that the acknowledgement does not cover has certainly not, and costs no query.
    """
    known: dict[FrameNumber, int] = {}
    for batch in batches:
        ack = memory.epochs[batch.gateway_id, batch.epoch]
        numbers = [item.seq for kind in (batch.frames, batch.gaps, batch.rejected) for item in kind]
        if not ack.ranges and min(numbers, default=0) > ack.upto:
            continue
        seqs = [seq for seq in numbers if ack.covers(seq)]
        if seqs:
            known.update(_hashes(connection, (batch.gateway_id, batch.epoch), seqs))
    return known


def _hashes(
    connection: Connection, key: tuple[str, int], seqs: Sequence[int]
) -> Mapping[FrameNumber, int]:
    """Return the hash of each of these numbers of an epoch that was taken."""
    gateway_id, epoch = key
    singles = connection.execute(
        select(FRAME_LEDGER.c.seq, FRAME_LEDGER.c.payload_hash).where(
            FRAME_LEDGER.c.gateway_id == gateway_id,
            FRAME_LEDGER.c.epoch == epoch,
            FRAME_LEDGER.c.seq.in_(seqs),
        )
    )
    known = {(gateway_id, epoch, seq): payload_hash for seq, payload_hash in singles}
    wanted = {(gateway_id, epoch, seq) for seq in seqs}
    runs = connection.execute(
        select(FRAME_RUN).where(
            FRAME_RUN.c.gateway_id == gateway_id,
            FRAME_RUN.c.epoch == epoch,
            FRAME_RUN.c.first_seq > min(seqs) - LONGEST,
            FRAME_RUN.c.first_seq <= max(seqs),
        )
    )
    for row in runs:
        known.update(entry for entry in entries_of(tuple(row)) if entry[0] in wanted)
    return known


def write_runs(connection: Connection, runs: Sequence[FrameRun]) -> None:
    """Enter frames of which none is in the ledger."""
    write_rows(connection, FRAME_RUN, runs, OnExisting.KEEP)


def taken_count(
    connection: Connection,
    gateway_id: str | None = None,
    epoch: int | None = None,
    upto: int = MAX_SEQ,
) -> int:
    """Return how many frames and gap records were taken: of all gateways and epochs, or of one.

    Args:
        connection: To read by.
        gateway_id: None: of every gateway.
        epoch: None: of every epoch.
        upto: The highest number that counts.
    """
    total = 0
    last = case((FRAME_RUN.c.last_seq > upto, upto), else_=FRAME_RUN.c.last_seq)
    in_runs = func.coalesce(func.sum(last - FRAME_RUN.c.first_seq + 1), 0)
    for table, counted, seq in (
        (FRAME_LEDGER, func.count(), FRAME_LEDGER.c.seq),
        (FRAME_RUN, in_runs, FRAME_RUN.c.first_seq),
    ):
        query = select(counted).select_from(table).where(seq <= upto)
        if gateway_id is not None:
            query = query.where(table.c.gateway_id == gateway_id)
        if epoch is not None:
            query = query.where(table.c.epoch == epoch)
        total += int(connection.execute(query).scalar_one())
    return total
