"""Decides where the gateway works while its data folder takes nothing: in memory, and back again.

A card that fails is mounted for reading alone. Readings of today must not wait for a visit: they
are read and sent from a folder in memory, which outlives the process and no power cut. At the first
start with a folder that takes something again, what was not sent goes on from there.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.queue.data_lock_io import held_folder
from edge_gateway.queue.homecoming_io import LEARNT, LEFT_FREE, REMOTE, bring_back
from edge_gateway.queue.queue_file_io import QueueError

MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own in it, mode 0700, checked to be ours

_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_BROKEN = frozenset({errno.EIO, errno.EBADMSG, errno.EUCLEAN})
"""What a card says that cannot be read: the last two of a file system that is damaged."""

_ROOM = 128 * 1024
"""Bytes without which no queue opens: its log and the index of that (judgement)."""

_COPIED = (REMOTE, LEARNT)
"""What the gateway must know to work as before: settings and orders, byte orders that it found."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the gateway works.

    Attributes:
        folder: The folder of its data.
        problem: Why it is not that of the settings; empty: it is.
        left: What of an earlier time in memory is still there, and why; empty: nothing.
    """

    folder: Path
    problem: str = ""
    left: str = ""


def memory_folder(queue_file: Path, gateway_id: str, memory: Path = MEMORY) -> Path:
    """Return the folder in memory for one data folder: two of one gateway id stay apart."""
    folder = os.fsencode(queue_file.parent.resolve())
    mark = hashlib.blake2b(folder, digest_size=4).hexdigest()
    return memory / f"lamplighter-{gateway_id}-{mark}"


@contextmanager
def working_folder(
    queue_file: Path, gateway_id: str, memory: Path = MEMORY, *, is_refused: bool = False
) -> Generator[Place]:
    """Hold the folder of the settings, or one in memory, while the block runs.

    One in memory is for a folder that was in use before and takes nothing now: a new gateway whose
    folder cannot be written has wrong settings.

    Args:
        queue_file: The queue file in the folder of the settings.
        gateway_id: Names the one in memory.
        memory: Where that is made.
        is_refused: Whether a disk that takes files is known to take no frames.

    Raises:
        QueueError: Another gateway holds it, it never could be written, or the memory is full.
    """
    folder, standby = queue_file.parent, memory_folder(queue_file, gateway_id, memory)
    with ExitStack() as held:
        refusal = os.strerror(errno.ENOSPC) if is_refused else disk_refusal(queue_file, _ROOM)
        if not refusal:
            held.enter_context(held_folder(folder))
            place = Place(folder=folder, left=bring_back(standby, queue_file))
        else:
            _make_own(standby)
            held.enter_context(held_folder(standby))
            _copy(folder, standby)
            place = Place(folder=standby, problem=_text(folder, refusal))
            _LOG.error("data.read_only", text=place.problem)
        yield place


def _text(folder: Path, refusal: str) -> str:
    return (
        f"{folder}: data: {refusal}; the gateway reads and sends from memory, and what is not sent "
        "is lost with a power cut; look at the disk, then start the gateway again"
    )


def disk_refusal(queue_file: Path, room: int = 0) -> str:
    """Return why a folder that was in use takes nothing now; empty: it does, or never was.

    Args:
        queue_file: The queue file in the folder.
        room: Bytes that must be free; 0: a disk that is only full does not refuse.
    """
    try:
        if not queue_file.is_file():
            return ""
    except OSError as error:  # a card that cannot be read any more cannot say either
        return os.strerror(error.errno or 0) if error.errno in _BROKEN else ""
    try:
        with tempfile.TemporaryFile(dir=queue_file.parent):
            is_full = shutil.disk_usage(queue_file.parent).free < room
    except OSError as error:
        is_one = error.errno in _READ_ONLY or error.errno in _BROKEN
        return os.strerror(error.errno or 0) if is_one else ""
    return os.strerror(errno.ENOSPC) if is_full else ""


def takes_work(memory: Path = MEMORY) -> bool:
    """Return whether there is room in memory to work in."""
    try:
        return shutil.disk_usage(memory).free >= LEFT_FREE
    except OSError:
        return False


def _make_own(standby: Path) -> None:
    """Make the folder in memory; one that somebody else made there is not used."""
    try:
        standby.mkdir(mode=0o700, exist_ok=True)
        found = standby.lstat()
    except OSError as error:
        message = f"{standby}: data: {error.strerror}; make the data folder writable again"
        raise QueueError(message) from error
    if standby.is_symlink() or found.st_uid != os.getuid():
        message = f"{standby}: data: is not this user's; remove it"
        raise QueueError(message)


def _copy(folder: Path, standby: Path) -> None:
    """Copy what is needed to work as before, each whole; what cannot be read costs itself alone.

    Raises:
        QueueError: The memory is full: half of it would go over what is on the disk one day.
    """
    for name in _COPIED:
        part = standby / f"{name}.part"
        try:
            shutil.rmtree(part, ignore_errors=True)
            if not (standby / name).exists() and _copied(folder / name, part):
                part.rename(standby / name)
        except OSError as error:
            message = f"{standby}: data: {error.strerror}; make room there, or look at the disk"
            raise QueueError(message) from error


def _copied(source: Path, target: Path) -> bool:
    """Return whether a file or folder could be read; it is copied without rights that refuse."""
    try:
        inside = sorted(source.iterdir()) if source.is_dir() else None
        content = source.read_bytes() if inside is None else b""
    except FileNotFoundError:
        return False
    except OSError as error:
        _LOG.warning("data.unread", file=str(source), error=str(error))
        return False
    if inside is None:
        target.write_bytes(content)
        return True
    target.mkdir()
    for each in inside:
        _copied(each, target / each.name)
    return True
