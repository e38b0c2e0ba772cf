"""Decides which records stand in the bytes of a database, page by page, without its directory.

The layout is that of the SQLite file format (sqlite.org/fileformat2.html): sections 1.6 (b-tree
pages), 2.1 (records) and 4.1 (the log). Only leaf pages of tables are read; what does not fit is
left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Cell = str | int | float | None
Record = tuple[Cell, ...]

_DEFAULT_PAGE_BYTES: Final = 4096
_FILE_HEAD_BYTES: Final = 100
_LOG_HEAD_BYTES: Final = 32
_FRAME_HEAD_BYTES: Final = 24
_LEAF: Final = 0x0D
_LONGEST_RECORD: Final = 4 * 1024 * 1024
_INTEGER_BYTES: Final[Mapping[int, int]] = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_CONSTANTS: Final[Mapping[int, int]] = {8: 0, 9: 1}
_REAL: Final = 7
_FIRST_TEXT: Final = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The pages of a database: the newest of each number, and all that ever stood in the log."""

    page_bytes: int
    newest: Mapping[int, bytes]
    former: Sequence[bytes]


def split_pages(database: bytes, log: bytes) -> Pages:
    """Return the pages of a database and its log, whatever is left of both."""
    size = _page_bytes(database)
    newest = {
        start // size + 1: database[start : start + size]
        for start in range(0, len(database) - size + 1, size)
    }
    former: list[bytes] = []
    for number, page in _log_pages(log, size):
        former.append(newest.get(number, b""))
        newest[number] = page
    return Pages(page_bytes=size, newest=newest, former=former[::-1])


def _log_pages(log: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield (number, page) of the log's frames, the oldest first.

    Behind the frames that carry the salts of the log's head stand older ones, of logs before it.
    """
    step = _FRAME_HEAD_BYTES + size
    starts = range(_LOG_HEAD_BYTES, len(log) - step + 1, step)
    salts = log[16:24]
    present = [start for start in starts if log[start + 8 : start + 16] == salts]
    for start in (*sorted(set(starts) - set(present)), *present):
        number = int.from_bytes(log[start : start + 4], "big")
        yield number, log[start + _FRAME_HEAD_BYTES : start + step]


def _page_bytes(database: bytes) -> int:
    told = int.from_bytes(database[16:18], "big")
    size = 65536 if told == 1 else told
    is_possible = size in {2**power for power in range(9, 17)}
    return size if is_possible and database.startswith(b"SQLite format 3") else _DEFAULT_PAGE_BYTES


def records(pages: Pages) -> Iterator[Record]:
    """Yield every record that can be read, those of the newest pages first."""
    for number, page in pages.newest.items():
        yield from _records_of(pages, page, _FILE_HEAD_BYTES if number == 1 else 0)
    for page in pages.former:
        yield from _records_of(pages, page, 0)


def _records_of(pages: Pages, page: bytes, head: int) -> Iterator[Record]:
    if len(page) != pages.page_bytes or page[head] != _LEAF:
        return
    count = int.from_bytes(page[head + 3 : head + 5], "big")
    for index in range(min(count, pages.page_bytes // 4)):
        at = head + 8 + 2 * index
        cell_at = int.from_bytes(page[at : at + 2], "big")
        try:
            payload = _payload(pages, page, cell_at)
            record = None if payload is None else _record(payload)
        except (IndexError, ValueError):
            continue
        if record is not None:
            yield record


def _payload(pages: Pages, page: bytes, at: int) -> bytes | None:
    """Return the record of a cell with what overflowed; section 1.6 has the arithmetic."""
    size, at = _varint(page, at)
    _, at = _varint(page, at)
    most = pages.page_bytes - 35
    if size <= most:
        payload = page[at : at + size]
        return payload if len(payload) == size else None
    if size > _LONGEST_RECORD:
        return None
    least = (pages.page_bytes - 12) * 32 // 255 - 23
    here = least + (size - least) % (pages.page_bytes - 4)
    if here > most:
        here = least
    return _with_overflow(pages, page[at : at + here + 4], size)


def _with_overflow(pages: Pages, start: bytes, size: int) -> bytes | None:
    payload = bytearray(start[:-4])
    number = int.from_bytes(start[-4:], "big")
    seen: set[int] = set()
    while len(payload) < size:
        page = pages.newest.get(number, b"")
        if number in seen or not page:
            return None
        seen.add(number)
        payload += page[4 : 4 + size - len(payload)]
        number = int.from_bytes(page[:4], "big")
    return bytes(payload)


def _record(payload: bytes) -> Record | None:
    head_size, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < head_size:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    at = head_size
    cells: list[Cell] = []
    for kind in kinds:
        size = _size_of(kind)
        content = payload[at : at + size]
        if len(content) != size:
            return None
        cells.append(_cell(kind, content))
        at += size
    return tuple(cells) if at == len(payload) else None


def _size_of(kind: int) -> int:
    if kind in _INTEGER_BYTES:
        return _INTEGER_BYTES[kind]
    if kind == _REAL:
        return 8
    return (kind - 12) // 2 if kind >= _FIRST_TEXT - 1 else 0


def _cell(kind: int, content: bytes) -> Cell:
    if kind in _INTEGER_BYTES:
        return int.from_bytes(content, "big", signed=True)
    if kind in _CONSTANTS:
        return _CONSTANTS[kind]
    if kind >= _FIRST_TEXT and kind % 2 == 1:
        return content.decode()
    return None  # NULL, a real or a blob: no table of the crew's words holds the others


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place behind it (section 1.6)."""
    value = 0
    for offset in range(8):
        byte = content[at + offset]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004  # the highest bit says that more follow
            return value, at + offset + 1
    return value << 8 | content[at + 8], at + 9
