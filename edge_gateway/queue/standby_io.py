"""Decides where the gateway works while its data folder takes nothing: in memory, and back again.

A card that fails is mounted for reading alone. Readings of today must not wait for a visit: they
are read and sent from a folder in memory, which outlives the process and no power cut. At the first
start with a folder that takes something again, what was not sent goes on from there.
"""

import errno
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.files_io import replace_file, sync_folder
from edge_gateway.queue.data_lock_io import held_folder
from edge_gateway.queue.queue_file_io import QueueError, connect, get_meta
from edge_gateway.queue.salvage_io import epoch_file

MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own in it, mode 0700, checked to be ours

_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})
_LEARNT = "learnt.json"
_EVENTS = "events.sqlite3"
_BESIDE = ("-wal", "-shm")
"""Ends of the names of what SQLite has beside a file."""

_COPIED = ("remote", _LEARNT)
"""What the gateway must know to work as before: settings and orders, byte orders that it found."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the gateway works.

    Attributes:
        folder: The folder of its data.
        problem: Why it is not that of the settings; empty: it is.
    """

    folder: Path
    problem: str = ""


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
        QueueError: Another gateway holds it, or it never could be written.
    """
    folder, standby = queue_file.parent, memory_folder(queue_file, gateway_id, memory)
    with ExitStack() as held:
        refusal = os.strerror(errno.ENOSPC) if is_refused else disk_refusal(queue_file)
        if not refusal:
            held.enter_context(held_folder(folder))
            with suppress(OSError, QueueError, sqlite3.DatabaseError):
                _bring_back(standby, queue_file)
            place = Place(folder=folder)
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


def disk_refusal(queue_file: Path) -> str:
    """Return why a folder that was in use takes nothing now; empty: it does, or never was."""
    if not queue_file.is_file():
        return ""
    try:
        with tempfile.TemporaryFile(dir=queue_file.parent):
            return ""
    except OSError as error:
        return os.strerror(error.errno or 0) if error.errno in _READ_ONLY else ""


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
    """Copy what is needed to work as before; what cannot be read costs itself alone."""
    for name in _COPIED:
        if (standby / name).exists():
            continue
        for source in [folder / name, *sorted((folder / name).rglob("*"))]:
            target = standby / source.relative_to(folder)
            with suppress(OSError):
                if source.is_dir():
                    target.mkdir()
                else:
                    target.write_bytes(source.read_bytes())  # without the rights that refuse it


def _bring_back(standby: Path, queue_file: Path) -> None:
    """Put what was kept in memory into the data folder; a kill in between repeats it."""
    is_own = standby.is_dir() and not standby.is_symlink()
    if not is_own or standby.lstat().st_uid != os.getuid():
        return
    with held_folder(standby):
        _bring_orders(standby / "remote", queue_file.with_name("remote"))
        if (standby / _LEARNT).is_file():
            replace_file(queue_file.with_name(_LEARNT), (standby / _LEARNT).read_bytes())
        _bring_events(standby / _EVENTS, queue_file.with_name(_EVENTS))
        for source in _queue_files(standby / queue_file.name):
            _bring_queue(source, queue_file)
        sync_folder(queue_file.parent)
        shutil.rmtree(standby)
    _LOG.warning("data.brought_back", folder=str(queue_file.parent))


def _queue_files(queue_file: Path) -> Sequence[Path]:
    """Return the queue files of a folder: the present one, and those of earlier epochs."""
    start = f"{queue_file.name}.epoch-"
    epochs = sorted(queue_file.parent.glob(f"{start}*"))
    found = [each for each in epochs if each.name.removeprefix(start).isdigit()]
    return [each for each in (*found, queue_file) if each.is_file()]


def _bring_events(source: Path, target: Path) -> None:
    """Put events that the broker does not have into the file of the data folder.

    A kill before they are taken out of the one in memory has people told twice.
    """
    if not source.is_file():
        return
    if not target.is_file():
        with closing(sqlite3.connect(source)):
            _copy_whole(source, target)
        return
    with (
        closing(sqlite3.connect(source)) as old,
        closing(sqlite3.connect(target)) as new,
        suppress(
            sqlite3.DatabaseError
        ),  # one of the two is damaged: the readings come all the same
    ):
        rows = old.execute("SELECT crc, body FROM event ORDER BY number").fetchall()
        with new:
            new.executemany("INSERT INTO event (crc, body) VALUES (?, ?)", rows)
        with old:
            old.execute("DELETE FROM event")


def _bring_orders(source: Path, target: Path) -> None:
    """Put revisions and handled orders of the time in memory into the data folder."""
    for each in sorted(source.glob("*"), key=lambda path: path.is_file()):
        new, old = target / f"{each.name}.new", target / each.name
        if each.is_file():
            target.mkdir(exist_ok=True)
            replace_file(old, each.read_bytes())
        elif not old.exists():
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(each, new)
            new.replace(old)


def _bring_queue(source: Path, queue_file: Path) -> None:
    """Put a queue file beside the present one, under its epoch; whole or not at all.

    Raises:
        QueueError: It is damaged; it stays where it is.
    """
    connection = connect(source)
    if connection is None:
        message = f"{source}: queue: is damaged; it stays there"
        raise QueueError(message)
    with closing(connection):
        epoch = get_meta(connection, "epoch")
    _copy_whole(source, epoch_file(queue_file, epoch))


def _copy_whole(source: Path, target: Path) -> None:
    """Copy a file of SQLite over another one, if it is there: whole or not at all.

    One that was put there before a kill holds no more than this one: only this one was written
    since. What it has beside it goes first, because it is of no other file.
    """
    unfinished = target.with_name(f"standby.{target.name}")
    shutil.copy(source, unfinished)
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    for end in _BESIDE:
        target.with_name(target.name + end).unlink(missing_ok=True)
    unfinished.replace(target)
