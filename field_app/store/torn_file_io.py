"""Reads a file of which the disk does not give every block: what is missing is zeros."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

BLOCK_BYTES: Final = 4096
"""The page of the tablet's store, and the sector of flash cards: one bad sector costs one page."""


_AS_BYTES: Final[int] = getattr(os, "O_BINARY", 0)
"""Windows changes line ends where nobody says this; it has no `pread` either."""


def torn_blocks(path: Path, hidden: Collection[int] = ()) -> Iterator[bytes]:
    """Yield the file block by block, each as long as it is there; a lost one as zeros.

    `hidden` are the numbers of blocks that are taken for lost without being asked for.

    Raises:
        OSError: The file cannot be opened at all.
    """
    for block, length in _blocks(path, hidden):
        yield bytes(length) if block is None else block


def lost_blocks(path: Path, among: Collection[int] | None = None) -> list[int]:
    """Return the numbers of the blocks that the disk does not give, of 4096 bytes from 0.

    Only those `among` are asked for, where they are named: a bad one may take seconds.

    Raises:
        OSError: The file cannot be opened at all.
    """
    if among is None:
        return [number for number, (block, _) in enumerate(_blocks(path)) if block is None]
    descriptor = os.open(path, os.O_RDONLY | _AS_BYTES)
    try:
        places = ((number, number * BLOCK_BYTES) for number in among)
        return [number for number, at in places if _block(descriptor, at, BLOCK_BYTES) is None]
    finally:
        os.close(descriptor)


def read_torn(path: Path, hidden: Collection[int] = ()) -> bytes:
    """Return the whole file, as long as it is, with zeros for what the disk does not give.

    Raises:
        OSError: The file cannot be opened at all.
    """
    return b"".join(torn_blocks(path, hidden))


def _blocks(path: Path, hidden: Collection[int] = ()) -> Iterator[tuple[bytes | None, int]]:
    """Yield each block, None where the disk does not give it, and how long it is."""
    descriptor = os.open(path, os.O_RDONLY | _AS_BYTES)
    try:
        size = os.fstat(descriptor).st_size
        for at in range(0, size, BLOCK_BYTES):
            length = min(BLOCK_BYTES, size - at)
            is_hidden = at // BLOCK_BYTES in hidden
            yield None if is_hidden else _block(descriptor, at, length), length
    finally:
        os.close(descriptor)


def _block(descriptor: int, at: int, length: int) -> bytes | None:
    try:
        os.lseek(descriptor, at, os.SEEK_SET)
        return os.read(descriptor, length)
    except OSError:
        return None
