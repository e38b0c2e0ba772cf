"""What a queue file holds as JSON lines, damaged or not, also while a gateway is using it."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.salvage_io import Row, acked_rows, memory_of, open_to_read, readable_rows
from edge_gateway.queue.seq_ranges import Range, Ranges, covers, merged
from wire_contracts.fields import JsonObject
from wire_contracts.frames import MAX_SEQ

UNKNOWN_EPOCH = 0
"""The epoch of a damaged file that does not even tell that; no queue draws it."""

_QUERY_ACKED_V1 = "SELECT seq FROM frame WHERE acked_at_ms IS NOT NULL"


class Standing(StrEnum):
    """Whether the server has a frame."""

    OPEN = "open"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFrame:
    """One row of a queue file.

    Attributes:
        epoch: Whose number it has, UNKNOWN_EPOCH where the file does not tell.
        standing: Whether the server has acknowledged it.
        body: The frame or gap record as it goes to the server.
        boot_id: Which start of the machine it was read in, while its time is not known.
    """

    epoch: int
    standing: Standing
    body: JsonObject
    boot_id: str | None = None

    def line(self) -> str:
        """Return it as one line: the body with `ep` and `state` before it."""
        held = {} if self.boot_id is None else {"boot": self.boot_id}
        return json.dumps(
            {"ep": self.epoch, "state": self.standing.value, **held, **self.body},
            ensure_ascii=False,
            separators=(",", ":"),
        )


def queue_files(base: Path) -> Sequence[Path]:
    """Return the queue file and what stands beside it: earlier epochs, files set aside."""
    beside = [
        file
        for pattern in ("epoch-*", "damaged-*")
        for file in sorted(base.parent.glob(f"{base.name}.{pattern}"))
        if not file.name.endswith(("-wal", "-shm", ".todo"))
    ]
    return [file for file in (base, *beside) if file.is_file()]


def exported(path: Path) -> Iterator[ExportedFrame]:
    """Yield what can be read of a queue file, ascending; of a damaged one what is whole.

    Raises:
        QueueError: It is no queue file, or nothing of it can be read.
    """
    try:
        with closing(open_to_read(path)) as source:
            memory = memory_of(source)
            acked = _acked(source)
            for row in readable_rows(source, memory.get("last_seq", MAX_SEQ)):
                yield _exported(row, memory.get("epoch", UNKNOWN_EPOCH), acked)
    except sqlite3.DatabaseError as error:
        message = f"{path}: queue: {error}; nothing of it can be read"
        raise QueueError(message) from error


def _acked(source: sqlite3.Connection) -> Ranges:
    ranges = [span for row in acked_rows(source) if (span := _span(row)) is not None]
    try:
        ranges += [(seq, seq) for (seq,) in source.execute(_QUERY_ACKED_V1)]
    except sqlite3.DatabaseError:
        return merged(ranges)
    return merged(ranges)


def _span(row: Row) -> Range | None:
    first, last = row[0], row[1]
    return (first, last) if isinstance(first, int) and isinstance(last, int) else None


def _exported(row: Row, epoch: int, acked: Ranges) -> ExportedFrame:
    seq, boot_id, body = row[0], row[2], row[8]
    is_sent = isinstance(seq, int) and covers(acked, seq)
    return ExportedFrame(
        epoch=epoch,
        standing=Standing.SENT if is_sent else Standing.OPEN,
        body=json.loads(body if isinstance(body, bytes) else b"{}"),
        boot_id=boot_id if isinstance(boot_id, str) else None,
    )
