"""What a queue file holds as JSON lines, damaged or not, also while a gateway is using it."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.remains_io import Row, opened, readable_rows
from edge_gateway.queue.seq_ranges import Range, Ranges, covers, merged
from wire_contracts.fields import JsonObject

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
    with opened(path) as remains:
        marks = [mark[:2] for mark in remains.marks]
        acked = merged([*marks, *_acked_in_1(remains.source)])
        epoch = remains.memory.get("epoch", UNKNOWN_EPOCH)
        is_empty = True
        for row in readable_rows(remains) if remains.is_sound() else remains.rows():
            is_empty = False
            yield _exported(row, epoch, acked)
        if is_empty and "epoch" not in remains.memory:
            message = f"{path}: queue: nothing of it can be read; name a queue file"
            raise QueueError(message)


def _acked_in_1(source: sqlite3.Connection) -> Sequence[Range]:
    """Return what a file of version 1 says is acknowledged."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        return [(seq, seq) for (seq,) in source.execute(_QUERY_ACKED_V1)]
    return ()


def _exported(row: Row, epoch: int, acked: Ranges) -> ExportedFrame:
    is_sent = covers(acked, row.seq)
    return ExportedFrame(
        epoch=epoch,
        standing=Standing.SENT if is_sent else Standing.OPEN,
        body=json.loads(row.body),
        boot_id=None if row.uptime is None else row.uptime.boot_id,
    )
