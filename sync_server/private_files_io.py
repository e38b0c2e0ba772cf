"""Writes files that nobody else may read, whole or not at all."""

import os
from pathlib import Path

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC = 0o644


def write_whole(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Put a file in place, on the disk, in one step: a stop leaves the former one.

    Raises:
        OSError: The folder cannot be written to.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
