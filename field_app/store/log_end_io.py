"""Decides whether the write-ahead log ends where it was left: SQLite does not ask.

SQLite takes the first frame with a wrong checksum for the end of the log and plays what stands
before it into the file: one changed bit loses every commit behind it, unnoticed. A commit of the
same log behind that end was on the disk, so the end is damage. Layout: sqlite.org/fileformat2.html
section 4.1 (the log) and walformat.html section 2.1 (its index).
"""

import io
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

from field_app.store.torn_file_io import read_torn

_LOG: Final = "-wal"
_INDEX: Final = "-shm"
_HEAD: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_FRAMES_IN_INDEX: Final = slice(16, 20)
_LARGEST_PAGE: Final = 65536


def commits_behind_the_end(path: Path) -> int:
    """Return how many commits stand in the log of `path` behind what SQLite takes for its end.

    The file may be in use by nobody else; it stays as it is, only the log's index is made.
    """
    log = path.with_name(path.name + _LOG)
    if not path.exists() or not log.exists() or log.stat().st_size <= _HEAD.size:
        return 0
    read = _frames_read(path)
    if read is None:
        return 0  # SQLite cannot read it at all, and says so itself
    return _commits_behind(io.BytesIO(read_torn(log)), read)


def _frames_read(path: Path) -> int | None:
    """Return up to which frame SQLite reads the log, None when it reads nothing.

    The connection only reads: the end of a writing one would play the log into the file.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as reader:
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            index = path.with_name(path.name + _INDEX).read_bytes()
            return int.from_bytes(index[_FRAMES_IN_INDEX], "little")
    except (sqlite3.DatabaseError, OSError, UnicodeDecodeError):
        return None


def _commits_behind(log: BinaryIO, read: int) -> int:
    head = _HEAD.unpack(log.read(_HEAD.size))
    page_bytes = _LARGEST_PAGE if head[2] == 1 else head[2]
    if page_bytes not in {2**power for power in range(9, 17)}:
        page_bytes = 4096  # the head is damaged; this is the size that SQLite chose for us
    salts = head[4:6] if _is_whole(head) else None
    step = _FRAME.size + page_bytes
    log.seek(_HEAD.size if salts is None else _HEAD.size + read * step)
    commits = 0
    while len(frame := log.read(_FRAME.size)) == _FRAME.size:
        _, pages_after_commit, *found, _, _ = _FRAME.unpack(frame)
        salts = salts or (found[0], found[1])
        is_whole = len(log.read(page_bytes)) == page_bytes
        if is_whole and tuple(found) == tuple(salts) and pages_after_commit:
            commits += 1
    return commits


def _is_whole(head: tuple[int, ...]) -> bool:
    """Return whether the log's head has the checksum that it says."""
    first, second = 0, 0
    is_big = head[0] & 1
    words = head[:6] if is_big else tuple(map(_swapped, head[:6]))
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return (first, second) == head[6:]


def _swapped(word: int) -> int:
    return int.from_bytes(word.to_bytes(4, "big"), "little")
