"""Copies blobs beside a backup of the database, and back: each file once, verified on the way."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sync_server.blobs.files_io import BlobFiles, sync_folder

FOLDER: Final = "blobs"
"""Beside the copies of the database: many copies share one folder, for blobs never change."""

_READ_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """How many blobs were copied, were there before, or are not what their name says."""

    copied: int
    present: int
    broken: tuple[str, ...]


def copy_blobs(source: BlobFiles, target: BlobFiles) -> CopyReport:
    """Return what was copied; a blob that is in the target already is left alone.

    Copy the database first: every blob that it knows as safe is then in the folder.
    """
    copied, present = 0, 0
    broken: list[str] = []
    for name in source.names():
        if target.size_of(name) is not None:
            present += 1
        elif _copy(source.path_of(name), target.path_of(name), name):
            copied += 1
        else:
            broken.append(name)
    return CopyReport(copied=copied, present=present, broken=tuple(broken))


def _copy(source: Path, target: Path, name: str) -> bool:
    """Copy one file and verify its hash; nothing stands under its name before that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{name}.unfinished")
    digest = hashlib.sha256()
    with source.open("rb") as reader, unfinished.open("wb") as writer:
        while piece := reader.read(_READ_BYTES):
            digest.update(piece)
            writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
    if digest.hexdigest() != name:
        unfinished.unlink()
        return False
    unfinished.rename(target)
    sync_folder(target.parent)
    return True
