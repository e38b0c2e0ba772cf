"""Decides which pages of an SQLite write-ahead log are committed, as SQLite does when it opens one.

Source: https://www.sqlite.org/fileformat2.html, section 4. What follows a wrong checksum counts
for nothing: it may be of a transaction that never ended, whose numbers were given again.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

_MAGICS = {0x377F0682: "<", 0x377F0683: ">"}
"""First word of the log to the byte order of its checksums."""

_HEADER = 32
_FRAME_HEADER = 24
Sums = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What a log holds for certain: pages by number, all of one size."""

    page_size: int
    pages: Mapping[int, bytes]


def committed_pages(log: bytes) -> Logged | None:
    """Return the newest committed page of each number; None when it is no log."""
    if len(log) < _HEADER:
        return None
    magic, _, page_size, _, *salts, first, second = struct.unpack(">8I", log[:_HEADER])
    order = _MAGICS.get(magic)
    if order is None or page_size < 512 or _sums(log[:24], (0, 0), order) != (first, second):  # noqa: PLR2004  # 1.3.2
        return None
    pages: dict[int, bytes] = {}
    uncommitted: dict[int, bytes] = {}
    sums = first, second
    for at in range(_HEADER, len(log) - page_size - _FRAME_HEADER + 1, page_size + _FRAME_HEADER):
        number, pages_after_commit, *of_frame = struct.unpack(">6I", log[at : at + _FRAME_HEADER])
        page = log[at + _FRAME_HEADER : at + _FRAME_HEADER + page_size]
        sums = _sums(page, _sums(log[at : at + 8], sums, order), order)
        if of_frame != [*salts, *sums]:
            break
        uncommitted[number] = page
        if pages_after_commit:
            pages |= uncommitted
            uncommitted = {}
    return Logged(page_size=page_size, pages=pages)


def _sums(data: bytes, sums: Sums, order: str) -> Sums:
    """Return the checksum of the log over some more bytes (4.2)."""
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
