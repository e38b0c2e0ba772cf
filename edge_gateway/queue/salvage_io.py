"""Copies out of a damaged queue file what can still be read, under the epoch it belongs to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.files_io import sync_folder
from edge_gateway.queue.claims_io import Claim
from edge_gateway.queue.lineage import NO_SERVER
from edge_gateway.queue.merge_store import Merge
from edge_gateway.queue.queue_file_io import (
    QueueError,
    connect,
    remove,
    set_meta,
)
from edge_gateway.queue.queued import HeldFrame
from edge_gateway.queue.remains_io import Remains, Row, opened
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
        strays: The frames that need new numbers: the epoch is unknown, or its file has another
            content under their number.
        disputed: Numbers that stood there with several contents; the first was saved under it.
        refused: Rows that could be read and not be written.
    """

    epoch: int | None
    count: int
    strays: Sequence[Frame | HeldFrame] = ()
    disputed: int = 0
    refused: int = 0


def salvage(
    damaged: Path, base: Path, claim: Claim | None, release: Callable[[int], None]
) -> Salvaged:
    """Return what could be read; frames of a known epoch lie in `epoch_file(base, epoch)` then.

    The damaged file is only read. A row counts when its body has its check sum. A file of that
    epoch which is there already keeps all it has. When the claim is of another epoch, that has a
    file without frames then: all of it is gone.

    Args:
        damaged: The file.
        base: The place of the present queue file.
        claim: What is known of its numbers from outside.
        release: Called with its epoch before the file of that is touched: whoever has it open
            closes it.

    Raises:
        OSError: A file cannot be read or written.
        sqlite3.Error: The disk takes nothing.
        QueueError: What was written is damaged at once, or the folder cannot be written.
    """
    with ExitStack() as files:
        remains = files.enter_context(opened(damaged))
        epoch = remains.memory.get("epoch")
        if epoch is None or not 0 < epoch <= MAX_EPOCH:
            epoch = None if claim is None else claim.epoch
        if epoch is None:
            rows = sorted(remains.rows(), key=lambda row: row.seq)
            strays = [frame for row in rows for frame in _frames(row)]
            disputed = len(remains.disputed)
            return Salvaged(epoch=None, count=len(strays), strays=strays, disputed=disputed)
        release(epoch)
        before = _present(epoch_file(base, epoch), files)
        told = remains.memory.get("last_seq")
        is_claimed = claim is not None and claim.epoch == epoch
        end = claim.end(told) if claim is not None and is_claimed else told or 0
        saved = _write(base, _Sources(epoch=epoch, before=before, remains=remains, end=end))
        if claim is not None and not epoch_file(base, claim.epoch).exists():
            _write(base, _Sources(epoch=claim.epoch, end=claim.last))
    _LOG.warning("queue.salvaged", file=str(damaged), epoch=epoch, frames=saved.count)
    return saved


def _present(path: Path, files: ExitStack) -> Remains | None:
    """Return what the file of an epoch holds already, its log brought into it; None: nothing."""
    if not path.exists():
        remove(path)  # a log without its file
        return None
    connection = connect(path)
    if connection is None:
        message = f"{path}: queue: is damaged; it is set aside and read out at the next start"
        raise QueueError(message)
    connection.close()
    return files.enter_context(opened(path))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """What the file of an epoch is made from.

    Attributes:
        epoch: The epoch.
        before: What its file holds already: what was offered to the server. None: there is none.
        remains: What is left of a damaged file; None: nothing, all its numbers are missing.
        end: The last number given.
    """

    epoch: int
    before: Remains | None = None
    remains: Remains | None = None
    end: int

    def last(self) -> int:
        """Return the last number given as far as any of the files knows."""
        return max(self.end, 0 if self.before is None else self.before.memory.get("last_seq", 0))

    def server_epoch(self) -> int:
        """Return the server that has acknowledged something."""
        told = (each.memory.get("server_epoch", NO_SERVER) for each in self.each())
        return next((each for each in told if each != NO_SERVER), NO_SERVER)

    def each(self) -> Sequence[Remains]:
        """Return the files, the one first whose content counts."""
        return [each for each in (self.before, self.remains) if each is not None]


def _write(base: Path, sources: _Sources) -> Salvaged:
    """Return what now lies in the file of that epoch; it appears whole or not at all.

    One that was there stays until the new one, which holds all of it, takes its place.
    """
    unfinished = base.with_name(f"{base.name}.salvage")
    remove(unfinished)
    try:
        saved = _write_new(unfinished, sources)
        unfinished.replace(epoch_file(base, sources.epoch))
        sync_folder(base.parent)  # before what it was made from counts as read out
    except BaseException:
        remove(unfinished)  # its room is needed
        raise
    return saved


def _write_new(file: Path, sources: _Sources) -> Salvaged:
    target = connect(file, sources.epoch)
    if target is None:
        message = f"{file}: queue: is damaged at once; give it another disk"
        raise QueueError(message)
    with closing(target):
        target.execute("BEGIN IMMEDIATE")
        merge = Merge(target)
        if sources.before is not None:
            merge.begin(sources.before)
        if sources.remains is not None:
            merge.add(sources.remains)
        last_seq = max(merge.top, sources.last())
        set_meta(target, "server_epoch", sources.server_epoch())
        set_meta(target, "last_seq", last_seq if last_seq <= MAX_SEQ else merge.top)
        set_meta(target, "newest_ms", merge.newest_ms)
        set_meta(target, "must_explain", 1)
        target.execute("COMMIT")
    strays = [frame for row in merge.strays for frame in _frames(row)]
    disputed = len(merge.strays)
    if sources.remains is not None:
        disputed += len(sources.remains.disputed)
    return Salvaged(
        epoch=sources.epoch,
        count=merge.count,
        strays=strays,
        disputed=disputed,
        refused=merge.refused,
    )
