"""Copies out of a damaged queue file what can still be read, under the epoch it belongs to."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.queue.claims_io import Claim
from edge_gateway.queue.queue_file_io import (
    NO_SERVER,
    QueueError,
    connect,
    remove,
    rename,
    set_meta,
)
from edge_gateway.queue.queued import HeldFrame
from edge_gateway.queue.remains_io import COLUMNS, Remains, Row, opened
from wire_contracts.errors import ContractError
from wire_contracts.frames import MAX_EPOCH, MAX_SEQ, Frame, parse_frame
from wire_contracts.payloads import read_json

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What was saved from a damaged file.

    Attributes:
        epoch: Its epoch; None: not even that was readable.
        count: Rows saved.
        strays: The frames, when the epoch is unknown: they need new numbers.
        disputed: Numbers that stood there with several contents; the first was saved.
        refused: Rows that could be read and not be written.
    """

    epoch: int | None
    count: int
    strays: Sequence[Frame | HeldFrame] = ()
    disputed: int = 0
    refused: int = 0


def salvage(damaged: Path, base: Path, claim: Claim | None = None) -> Salvaged:
    """Return what could be read; frames of a known epoch lie in `epoch_file(base, epoch)` then.

    The damaged file is only read. A row counts when its body has its check sum. When the claim is
    of another epoch, that has a file without frames then: all of it is gone.

    Raises:
        OSError: A file cannot be read or written.
        sqlite3.Error: The disk takes nothing.
        QueueError: What was written is damaged at once, or the folder cannot be written.
    """
    with opened(damaged) as remains:
        epoch = remains.memory.get("epoch")
        if epoch is None or not 0 < epoch <= MAX_EPOCH:
            epoch = None if claim is None else claim.epoch
        if epoch is None:
            rows = sorted(remains.rows(), key=lambda row: row.seq)
            strays = [frame for row in rows for frame in _frames(row)]
            disputed = len(remains.disputed)
            return Salvaged(epoch=None, count=len(strays), strays=strays, disputed=disputed)
        told = remains.memory.get("last_seq")
        is_claimed = claim is not None and claim.epoch == epoch
        end = claim.end(told) if claim is not None and is_claimed else told or 0
        saved = _write(base, epoch, remains, end)
        if claim is not None and not epoch_file(base, claim.epoch).exists():
            _write(base, claim.epoch, None, claim.last)
    _LOG.warning("queue.salvaged", file=str(damaged), epoch=epoch, frames=saved.count)
    return saved


def epoch_file(base: Path, epoch: int) -> Path:
    """Return the file of an earlier epoch beside the present queue file."""
    return base.with_name(f"{base.name}.epoch-{epoch}")


def _frames(row: Row) -> Iterator[Frame | HeldFrame]:
    """Yield the frame of a row, nothing for a gap record."""
    if row.gap is not None:
        return
    try:
        frame = parse_frame(read_json("salvage", row.body))
    except ContractError:
        return
    yield frame if row.uptime is None else HeldFrame(frame=frame, uptime=row.uptime)


def _write(base: Path, epoch: int, remains: Remains | None, end: int) -> Salvaged:
    """Return what now lies in the file of that epoch; it appears whole or not at all.

    `end` is the last number given; without remains all of them are missing.
    """
    unfinished = base.with_name(f"{base.name}.salvage")
    remove(unfinished)
    try:
        saved = _write_new(unfinished, epoch, remains, end)
    except BaseException:
        remove(unfinished)  # its room is needed
        raise
    remove(epoch_file(base, epoch))  # of an attempt that did not end; its log must not stay
    rename(unfinished, epoch_file(base, epoch))
    return saved


def _write_new(file: Path, epoch: int, remains: Remains | None, end: int) -> Salvaged:
    target = connect(file, epoch)
    if target is None:
        message = f"{file}: queue: is damaged at once; give it another disk"
        raise QueueError(message)
    count = refused = top = newest_ms = 0
    with closing(target):
        target.execute("BEGIN IMMEDIATE")
        for row in () if remains is None else remains.rows():
            if not _is_written(target, row):
                refused += 1
                continue
            count += 1
            top = max(top, row.seq)
            newest_ms = max(newest_ms, 0 if row.uptime is not None else row.at_ms or 0)
        if remains is not None:
            target.executemany("INSERT OR IGNORE INTO acked VALUES (?, ?, ?)", remains.marks)
            server_epoch = remains.memory.get("server_epoch", NO_SERVER)
            set_meta(target, "server_epoch", server_epoch)
        last_seq = max(top, end)
        set_meta(target, "last_seq", last_seq if last_seq <= MAX_SEQ else top)
        set_meta(target, "newest_ms", newest_ms)
        set_meta(target, "must_explain", 1)
        target.execute("COMMIT")
    disputed = 0 if remains is None else len(remains.disputed)
    return Salvaged(epoch=epoch, count=count, disputed=disputed, refused=refused)


def _is_written(target: sqlite3.Connection, row: Row) -> bool:
    """Write a row; return False when the file does not take this one, whatever else it takes."""
    try:
        target.execute(f"INSERT INTO frame ({COLUMNS}) VALUES (?{', ?' * 8})", row.columns())  # noqa: S608  # names of ours
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeEncodeError):
        return False
    return True
