"""Brings what was kept in memory back into the data folder: each part whole, and once.

A part leaves the memory as soon as it is on the disk: a later start must not put it over what is
newer there. What cannot be brought stays where it is, takes nothing with it, and is told.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.files_io import replace_file, sync_folder
from edge_gateway.queue.data_lock_io import held_folder
from edge_gateway.queue.doubts import ONE_TRANSACTION
from edge_gateway.queue.given_io import given_file
from edge_gateway.queue.queue_file_io import (
    QueueError,
    connect,
    get_meta,
    is_damage,
    remove,
    rename,
)
from edge_gateway.queue.remains_io import look_at
from edge_gateway.queue.salvage_io import epoch_file

REMOTE = "remote"
LEARNT = "learnt.json"
_EVENTS = "events.sqlite3"

LEFT_FREE = 1024 * 1024
"""Bytes of the disk that no file from memory takes: the queue must still open (judgement)."""

_NO_EPOCH = 1
"""Names a file that tells no epoch; its frames get new numbers when it is read out."""

_LOG: FilteringBoundLogger = structlog.get_logger()


def bring_back(standby: Path, queue_file: Path) -> str:
    """Put what was kept in memory into the data folder; a kill in between repeats one part.

    Args:
        standby: The folder in memory; it is gone when everything was brought.
        queue_file: The present queue file of the data folder, which the caller holds.

    Returns:
        What people must know of what could not be brought; empty: nothing.
    """
    is_own = standby.is_dir() and not standby.is_symlink()
    if not is_own or standby.lstat().st_uid != os.getuid():
        return ""
    try:
        with held_folder(standby):
            failures = _bring_all(standby, queue_file)
            if not failures:
                shutil.rmtree(standby)
    except (OSError, QueueError) as error:
        failures = [str(error)]
    if not failures:
        _LOG.warning("data.brought_back", folder=str(queue_file.parent))
        return ""
    text = (
        f"{standby}: data: what was read in memory could not all be brought to"
        f" {queue_file.parent} ({'; '.join(failures)}): it stays there, and is lost with a power"
        " cut; make room on the disk, then start the gateway again"
    )
    _LOG.error("data.not_brought_back", text=text)
    return text


def _bring_all(standby: Path, queue_file: Path) -> Sequence[str]:
    """Bring every part; return why some could not be."""
    folder = queue_file.parent

    def queue(source: Path) -> None:
        _bring_queue(source, queue_file)

    parts: Sequence[tuple[Path, Callable[[Path], None]]] = [
        (standby / REMOTE, lambda source: _bring_orders(source, folder / REMOTE)),
        (standby / LEARNT, lambda source: replace_file(folder / LEARNT, source.read_bytes())),
        (standby / _EVENTS, lambda source: _bring_events(source, folder / _EVENTS)),
        *[(each, queue) for each in _queues(standby, queue_file.name)],
    ]
    failures = []
    for source, bring in parts:
        try:
            if source.exists():
                bring(source)
                sync_folder(folder)
                _forget(source)
        except (OSError, QueueError, sqlite3.DatabaseError) as error:
            failures.append(f"{source.name}: {error}")
    return failures


def _forget(source: Path) -> None:
    """Remove a part from memory, a queue file with the note of the numbers given in it."""
    if source.is_dir():
        shutil.rmtree(source)
        return
    given_file(source).unlink(missing_ok=True)
    remove(source)


def _queues(standby: Path, name: str) -> Sequence[Path]:
    """Return the queue files of a folder: those of earlier epochs, and the present one."""
    start = f"{name}.epoch-"
    epochs = sorted(standby.glob(f"{start}*"))
    return [*(each for each in epochs if each.name.removeprefix(start).isdigit()), standby / name]


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


def _bring_events(source: Path, target: Path) -> None:
    """Put events that the broker does not have into the file of the data folder.

    A kill before they are taken out of the one in memory has people told twice.
    """
    if not target.is_file():
        _bring_file(source, target)
        return
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        try:
            rows = old.execute("SELECT crc, body FROM event ORDER BY number").fetchall()
            with new:
                new.executemany("INSERT INTO event (crc, body) VALUES (?, ?)", rows)
        except sqlite3.DatabaseError as error:
            if not _is_hopeless(error):
                raise


def _is_hopeless(error: sqlite3.DatabaseError) -> bool:
    """Return whether nothing can be had of a file, now or later: damage, or a table is missing."""
    return is_damage(error) or error.sqlite_errorcode == sqlite3.SQLITE_ERROR


def _bring_queue(source: Path, queue_file: Path) -> None:
    """Put a queue file beside the present one, under its epoch; a damaged one is read out there.

    One that was put there before a kill holds no more than this one: only this was written since.
    """
    copy = queue_file.with_name(f"standby.{source.name}")
    try:
        _copy_with_log(source, copy)
        target = epoch_file(queue_file, _epoch_of(copy))
        remove(target)
        rename(copy, target)
    finally:
        remove(copy)


def _bring_file(source: Path, target: Path) -> None:
    """Put a file of SQLite, with its log, where none is."""
    copy = target.with_name(f"standby.{target.name}")
    try:
        _copy_with_log(source, copy)
        rename(copy, target)
    finally:
        remove(copy)


def _epoch_of(copy: Path) -> int:
    """Return the epoch of a queue file, whose log is in the file behind this if both are sound.

    SQLite would drop what stands in a log behind a damaged page; reading it out does not.
    """
    found = look_at(copy)
    if found.ends_behind <= ONE_TRANSACTION:
        connection = connect(copy)
        if connection is not None:
            with closing(connection):
                return get_meta(connection, "epoch")
    return found.epoch or _NO_EPOCH


def _copy_with_log(source: Path, target: Path) -> None:
    """Copy a file of SQLite with its write-ahead log, which no full memory has brought into it."""
    remove(target)
    parts = [source, source.with_name(f"{source.name}-wal")]
    size = sum(part.stat().st_size for part in parts if part.exists())
    if shutil.disk_usage(target.parent).free - size < LEFT_FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target.parent))
    for part in parts:
        if part.exists():
            copied = target.with_name(target.name + part.name.removeprefix(source.name))
            shutil.copy(part, copied)
            with copied.open("rb+") as file:
                os.fsync(file.fileno())
