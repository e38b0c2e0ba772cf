"""Decides which pages of an SQLite write-ahead log are committed, and whether its end was cut off.

Source: https://www.sqlite.org/fileformat2.html, section 4. SQLite takes a wrong checksum for the
end of the log. A transaction that never ended looks so, and so does one changed bit; behind
the latter there are transactions that did end.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_MAGICS = {0x377F0682: "<", 0x377F0683: ">"}
"""First word of the log to the byte order of its checksums."""

_HEADER = 32
_FRAME_HEADER = 24
_PAGE_SIZES = (2048, 4096)
"""Of our files, and of those of version 1."""

Sums = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPage:
    """One page of a log.

    Attributes:
        number: Which page of the file it is.
        page: Its content.
        is_proven: Whether it has its checksum, counted on from the page before it.
    """

    number: int
    page: bytes
    is_proven: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What a log holds.

    Attributes:
        page_size: Bytes of each page.
        committed: The pages that SQLite takes for committed, oldest first.
        behind: What follows up to the last page that ends a transaction; empty in a sound log.
        ends_behind: How many transactions end there. More than one is damage: a transaction
            begins only after the one before it is on the disk.
    """

    page_size: int
    committed: Sequence[LoggedPage]
    behind: Sequence[LoggedPage] = ()
    ends_behind: int = 0

    @property
    def pages(self) -> Mapping[int, bytes]:
        """The newest committed page of each number."""
        return {each.number: each.page for each in self.committed}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    order: str
    page_size: int
    salts: Sums
    sums: Sums | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    number: int
    pages_after_commit: int
    salts: Sums
    sums: Sums
    head: bytes
    page: bytes

    def is_of(self, start: _Start) -> bool:
        """Return whether it was written since the log began anew; one salt may be damaged."""
        return self.salts[0] == start.salts[0] or self.salts[1] == start.salts[1]

    def has_sums_after(self, sums: Sums, start: _Start) -> bool:
        """Return whether its salts are right, and its checksum counted on from `sums`."""
        counted = _sums(self.page, _sums(self.head, sums, start.order), start.order)
        return self.salts == start.salts and counted == self.sums


def read_log(log: bytes) -> Log | None:
    """Return what a log holds; None when it is too short to hold anything."""
    start = _start(log) or _guessed_start(log)
    if start is None:
        return None
    frames = list(_frames(log, start.page_size))
    end = _committed_count(frames, start)
    ends = [
        at
        for at in range(end, len(frames))
        if frames[at].pages_after_commit and frames[at].is_of(start)
    ]
    behind = range(end, ends[-1] + 1 if ends else end)
    return Log(
        page_size=start.page_size,
        committed=[LoggedPage(number=each.number, page=each.page) for each in frames[:end]],
        behind=[_looked_at(frames, at, start) for at in behind if frames[at].is_of(start)],
        ends_behind=len(ends),
    )


def _start(log: bytes) -> _Start | None:
    """Return how the log begins, None when its head is damaged or missing."""
    if len(log) < _HEADER:
        return None
    magic, _, page_size, _, *salts, first, second = struct.unpack(">8I", log[:_HEADER])
    order = _MAGICS.get(magic)
    if order is None or page_size < 512 or _sums(log[:24], (0, 0), order) != (first, second):  # noqa: PLR2004  # 1.3.2
        return None
    return _Start(
        order=order, page_size=page_size, salts=(salts[0], salts[1]), sums=(first, second)
    )


def _guessed_start(log: bytes) -> _Start | None:
    """Return how a log with a damaged head began, by the salts that its pages share."""
    found = {size: Counter(each.salts for each in _frames(log, size)) for size in _PAGE_SIZES}
    size = max(_PAGE_SIZES, key=lambda each: max(found[each].values(), default=0))
    if not found[size]:
        return None
    # the first salt grows by one whenever the log begins anew
    several = [salts for salts, count in found[size].items() if count > 1]
    salts = max(several) if several else next(iter(found[size]))
    return _Start(order="<", page_size=size, salts=salts, sums=None)


def _frames(log: bytes, page_size: int) -> Iterator[_Frame]:
    for at in range(_HEADER, len(log) - page_size - _FRAME_HEADER + 1, page_size + _FRAME_HEADER):
        number, after, *rest = struct.unpack(">6I", log[at : at + _FRAME_HEADER])
        yield _Frame(
            number=number,
            pages_after_commit=after,
            salts=(rest[0], rest[1]),
            sums=(rest[2], rest[3]),
            head=log[at : at + 8],
            page=log[at + _FRAME_HEADER : at + _FRAME_HEADER + page_size],
        )


def _committed_count(frames: Sequence[_Frame], start: _Start) -> int:
    """Return how many of the pages SQLite takes for committed."""
    count = 0
    sums = start.sums
    for at, frame in enumerate(frames, 1):
        if sums is None or not frame.has_sums_after(sums, start):
            break
        sums = frame.sums
        if frame.pages_after_commit:
            count = at
    return count


def _looked_at(frames: Sequence[_Frame], at: int, start: _Start) -> LoggedPage:
    before = frames[at - 1].sums if at else start.sums
    is_proven = before is not None and frames[at].has_sums_after(before, start)
    return LoggedPage(number=frames[at].number, page=frames[at].page, is_proven=is_proven)


def _sums(data: bytes, sums: Sums, order: str) -> Sums:
    """Return the checksum of the log over some more bytes (4.2)."""
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
