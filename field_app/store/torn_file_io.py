"""Reads a file of which the disk does not give every block: what is missing is zeros."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

BLOCK_BYTES: Final = 4096
"""The page of the tablet's store, and the sector of flash cards: one bad sector costs one page."""


_AS_BYTES: Final[int] = getattr(os, "O_BINARY", 0)
"""Windows changes line ends where nobody says this; it has no `pread` either."""


def torn_blocks(path: Path) -> Iterator[bytes]:
    """Yield the file block by block, each as long as it is there; a lost one as zeros.

    Raises:
        OSError: The file cannot be opened at all.
    """
    descriptor = os.open(path, os.O_RDONLY | _AS_BYTES)
    try:
        size = os.fstat(descriptor).st_size
        for at in range(0, size, BLOCK_BYTES):
            yield _block(descriptor, at, min(BLOCK_BYTES, size - at))
    finally:
        os.close(descriptor)


def read_torn(path: Path) -> bytes:
    """Return the whole file, as long as it is, with zeros for what the disk does not give.

    Raises:
        OSError: The file cannot be opened at all.
    """
    return b"".join(torn_blocks(path))


def _block(descriptor: int, at: int, length: int) -> bytes:
    try:
        os.lseek(descriptor, at, os.SEEK_SET)
        return os.read(descriptor, length)
    except OSError:
        return bytes(length)
