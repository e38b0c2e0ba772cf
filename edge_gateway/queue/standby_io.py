"""Decides where the gateway works while its data folder takes nothing: in memory, and back again.

A card that fails is mounted for reading alone. Readings of today must not wait for a visit: they
are read and sent from a folder in memory, which outlives the process and no power cut. At the first
start with a folder that takes something again, what was not sent goes on from there.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Generator
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
_COPIED = ("remote", "learnt.json")
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


@contextmanager
def working_folder(queue_file: Path, gateway_id: str, memory: Path = MEMORY) -> Generator[Place]:
    """Hold the folder of the settings, or one in memory, while the block runs.

    One in memory is for a folder that was in use before and takes nothing now: a new gateway whose
    folder cannot be written has wrong settings.

    Args:
        queue_file: The queue file in the folder of the settings.
        gateway_id: Names the one in memory.
        memory: Where that is made.

    Raises:
        QueueError: Another gateway holds it, or it never could be written.
    """
    folder, standby = queue_file.parent, memory / f"lamplighter-{gateway_id}"
    with ExitStack() as held:
        refusal = _refusal(queue_file)
        if not refusal:
            held.enter_context(held_folder(folder))
            with suppress(OSError, QueueError):
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


def _refusal(queue_file: Path) -> str:
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
        if (standby / queue_file.name).is_file():
            _bring_queue(standby / queue_file.name, queue_file)
        _bring_orders(standby / "remote", queue_file.with_name("remote"))
        sync_folder(queue_file.parent)
        shutil.rmtree(standby)
    _LOG.warning("data.brought_back", folder=str(queue_file.parent))


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
    target = epoch_file(queue_file, epoch)
    if target.exists():
        return  # it was put there before a kill
    unfinished = queue_file.with_name(f"{queue_file.name}.standby")
    shutil.copy(source, unfinished)
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.replace(target)
