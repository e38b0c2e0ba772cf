"""Copies blobs beside a backup of the database, and back: each file once, verified on the way."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from sync_server.blobs.files_io import BlobFiles, sync_folder

FOLDER: Final = "blobs"
"""Beside the copies of the database: many copies share one folder, for blobs never change."""

_READ_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """How many blobs were copied, were there before, or are not what their name says.

    Of `unreadable` the disk did not give the bytes.
    """

    copied: int
    present: int
    broken: tuple[str, ...]
    unreadable: tuple[str, ...] = ()


def copy_blobs(source: BlobFiles, target: BlobFiles) -> CopyReport:
    """Return what was copied; a blob that is in the target already is left alone.

    Copy the database first: every blob that it knows as safe is then in the folder. One that
    cannot be read keeps none of the others back.

    Raises:
        OSError: The target takes no more; what was copied stays.
    """
    copied, present = 0, 0
    broken: list[str] = []
    unreadable: list[str] = []
    for name in source.names():
        if target.size_of(name) is not None:
            present += 1
            continue
        try:
            is_whole = _copy(source.path_of(name), target.path_of(name), name)
        except _UnreadableError:
            unreadable.append(name)
            continue
        if is_whole:
            copied += 1
        else:
            broken.append(name)
    return CopyReport(
        copied=copied, present=present, broken=tuple(broken), unreadable=tuple(unreadable)
    )


class _UnreadableError(RuntimeError):
    """The disk does not give a file."""


def _copy(source: Path, target: Path, name: str) -> bool:
    """Copy one file and verify its hash; nothing stands under its name before that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{name}.unfinished")
    digest = hashlib.sha256()
    with unfinished.open("wb") as writer:
        try:
            for piece in _pieces(source):
                digest.update(piece)
                writer.write(piece)
        except _UnreadableError:
            unfinished.unlink()
            raise
        writer.flush()
        os.fsync(writer.fileno())
    if digest.hexdigest() != name:
        unfinished.unlink()
        return False
    unfinished.rename(target)
    sync_folder(target.parent)
    return True


def _pieces(source: Path) -> Iterator[bytes]:
    try:
        reader = source.open("rb")
    except OSError as error:
        raise _UnreadableError from error
    with reader:
        while piece := _read(reader):
            yield piece


def _read(reader: BinaryIO) -> bytes:
    try:
        return reader.read(_READ_BYTES)
    except OSError as error:
        raise _UnreadableError from error
