"""Keeps some room of the disk back, so that a full one cannot keep the crew's words here.

Every contact begins with a write and every outcome is one. Who fills the disk (photos of another
app, a pull) leaves no byte for them; this file is then given back, and what waits goes out first.
"""

import os
import shutil
from pathlib import Path
from typing import Final

RESERVE_BYTES: Final = 8 * 1024 * 1024
"""Twice the length at which the log is emptied (sync spec 5, 1,000 pages of 4 kB): a batch of 200
operations writes 2 to 3 MB of it."""

_EASE: Final = 2
"""The disk has room again when it has so many times the reserve to spare."""

_PIECE: Final = bytes(64 * 1024)


def keep_reserve(path: Path) -> None:
    """Make the file where it is missing and the disk has room; never fail for want of it."""
    if is_kept(path) or _free_bytes(path) < _EASE * RESERVE_BYTES:
        return
    try:
        with path.open("wb") as file:
            _fill(file.fileno())
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)


def give_back(path: Path) -> bool:
    """Return whether there was a reserve; its room is free now."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def is_short(path: Path) -> bool:
    """Return whether the reserve was given back, or never was, and the disk has no room for it."""
    return not is_kept(path) and _free_bytes(path) < RESERVE_BYTES * _EASE


def is_kept(path: Path) -> bool:
    """Return whether the whole reserve is there."""
    try:
        return path.stat().st_size >= RESERVE_BYTES
    except OSError:
        return False


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path.parent).free


def _fill(file: int) -> None:
    """Take the room; a file of holes would take none."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, RESERVE_BYTES)
        return
    for _ in range(RESERVE_BYTES // len(_PIECE)):
        os.write(file, _PIECE)
