"""Reads rows out of single pages of an SQLite file, whatever became of the rest of it.

SQLite's file format: https://www.sqlite.org/fileformat2.html, sections 1.3 (header), 1.6 (b-tree
pages), 2.1 (records). A page is taken at its word no further than its own bytes: what points
outside of it, or is cut, is left out. Whether a row is true is for the caller to find out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

TABLE_LEAF = 0x0D
INDEX_LEAF = 0x0A
MOST_PAYLOAD = 1024 * 1024
"""Bytes of a row at most; ours are far smaller, and a damaged length must not cost memory."""

MOST_VERSIONS = 1000
"""No version of our files will ever be so high; a higher one is damage."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_LENGTH = 100
_FRACTIONS = bytes((64, 32, 32))
_INTEGER_LENGTHS = (0, 1, 2, 3, 4, 6, 8)
_FLOAT = 7
_FIRST_BLOB = 12

Value = int | bytes | None
"""A blob, or a text as its bytes; None for NULL, and for a float, which our files have not."""
FindPage = Callable[[int], bytes | None]
"""Returns the page of a number, counted from 1; None: there is none."""


class _CutError(ValueError):
    """Something points outside of what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """One row: its number (0 in an index) and its columns."""

    rowid: int
    columns: Sequence[Value]


def is_header_ours(header: bytes) -> bool:
    """Return whether the first 100 bytes of a file are those of a queue file, as far as one knows.

    Everything that SQLite never changes in a file of ours must be as SQLite writes it.
    """
    return (
        len(header) >= _HEADER_LENGTH
        and header.startswith(_MAGIC)
        and page_size_of(header) is not None
        and header[18] in {1, 2}
        and header[19] in {1, 2}
        and header[20] == 0
        and header[21:24] == _FRACTIONS
        and int.from_bytes(header[44:48]) <= 4  # noqa: PLR2004  # schema formats, 1.3.12
        and int.from_bytes(header[56:60]) <= 1  # UTF-8, 1.3.13
        and int.from_bytes(header[60:64]) <= MOST_VERSIONS
    )


def page_size_of(header: bytes) -> int | None:
    """Return the page size that a header tells, in bytes; None when it can be none."""
    size = int.from_bytes(header[16:18])
    size = 65_536 if size == 1 else size
    return size if 512 <= size <= 65_536 and size & (size - 1) == 0 else None  # noqa: PLR2004  # 1.3.2


def table_rows(
    page: bytes, find_page: FindPage, is_wanted: Callable[[int], bool]
) -> Iterator[PageRow]:
    """Yield the rows of a table's leaf page whose numbers are wanted; nothing of another page."""
    for at in _cells(page, TABLE_LEAF):
        try:
            length, at_rowid = _varint(page, at)
            rowid, start = _varint(page, at_rowid)
            if not is_wanted(rowid):
                continue
            payload = _payload(page, start, length, _most_in_leaf(page), find_page)
            yield PageRow(rowid=rowid, columns=_columns(payload))
        except _CutError:
            continue


def index_rows(page: bytes, find_page: FindPage) -> Iterator[PageRow]:
    """Yield the rows of a leaf page of an index, or of a table WITHOUT ROWID."""
    for at in _cells(page, INDEX_LEAF):
        try:
            length, start = _varint(page, at)
            most = (len(page) - 12) * 64 // 255 - 23
            yield PageRow(rowid=0, columns=_columns(_payload(page, start, length, most, find_page)))
        except _CutError:
            continue


def _most_in_leaf(page: bytes) -> int:
    """Return how many bytes of a payload a table's leaf page holds at most (1.6)."""
    return len(page) - 35


def _cells(page: bytes, kind: int) -> Iterator[int]:
    """Yield where the cells of a page begin; nothing when it is of another kind."""
    if len(page) < _HEADER_LENGTH or page[0] != kind:
        return
    count = int.from_bytes(page[3:5])
    first = 8 + 2 * count
    if first > len(page):
        return
    for pointer in range(8, first, 2):
        at = int.from_bytes(page[pointer : pointer + 2])
        if first <= at < len(page):
            yield at


def _payload(page: bytes, start: int, length: int, most: int, find_page: FindPage) -> bytes:
    """Return the bytes of a row, from its overflow pages too (1.6.2)."""
    if not 0 < length <= MOST_PAYLOAD:
        raise _CutError
    if length <= most:
        return _slice(page, start, length)
    usable = len(page)
    least = (usable - 12) * 32 // 255 - 23
    surplus = least + (length - least) % (usable - 4)
    here = surplus if surplus <= most else least
    found = _slice(page, start, here)
    following = int.from_bytes(_slice(page, start + here, 4))
    while len(found) < length:
        overflow = find_page(following) if following else None
        if overflow is None:
            raise _CutError
        found += overflow[4 : 4 + length - len(found)]
        following = int.from_bytes(overflow[:4])
    return found


def _columns(payload: bytes) -> Sequence[Value]:
    header_length, at = _varint(payload, 0)
    kinds = []
    while at < header_length:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    return values


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    """Return a column and where the next one begins (2.1)."""
    if kind >= _FIRST_BLOB:
        length = (kind - _FIRST_BLOB) // 2
        return _slice(payload, at, length), at + length
    if kind in {8, 9}:
        return kind - 8, at
    if kind == _FLOAT:
        return None, at + 8
    if kind == 0:
        return None, at
    if kind >= len(_INTEGER_LENGTHS):
        raise _CutError
    length = _INTEGER_LENGTHS[kind]
    return int.from_bytes(_slice(payload, at, length), signed=True), at + length


def _slice(data: bytes, start: int, length: int) -> bytes:
    if start + length > len(data):
        raise _CutError
    return data[start : start + length]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of 1 to 9 bytes, and where it ends (1.6)."""
    value = 0
    for count, byte in enumerate(data[at : at + 9]):
        if count == 8:  # noqa: PLR2004  # the ninth byte counts whole
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:  # noqa: PLR2004  # the last byte of a number
            return value, at + count + 1
    raise _CutError
