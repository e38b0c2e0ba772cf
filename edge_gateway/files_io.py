"""Files that are either the old ones or the new ones, whatever happens in between."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in place of the file; it is on disk when this returns.

    A kill or a power cut leaves the old file or the new one, never half of it.
    """
    aside = path.with_name(path.name + ".new")
    _write(aside, content)
    aside.replace(path)
    sync_folder(path.parent)


def make_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files (names may hold one slash); all are on disk at the end.

    The folder appears whole under its name, or not at all. A folder of that name is replaced.
    """
    aside = path.with_name(path.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name, content in files.items():
        target = aside / name
        target.parent.mkdir(exist_ok=True)
        _write(target, content)
    for folder in {(aside / name).parent for name in files} | {aside}:
        sync_folder(folder)
    if path.exists():
        shutil.rmtree(path)
    aside.rename(path)
    sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Add a line to a file; it is on disk when this returns."""
    with path.open("ab") as file:
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Bring what was made, renamed or removed in a folder to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
