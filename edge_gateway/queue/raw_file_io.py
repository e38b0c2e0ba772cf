"""Reads a damaged queue file page by page, with what its write-ahead log holds for certain."""

import mmap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_gateway.queue.sqlite_pages import (
    INDEX_LEAF,
    TABLE_LEAF,
    PageRow,
    index_rows,
    page_size_of,
    table_rows,
)
from edge_gateway.queue.wal_pages import LoggedPage, read_log

PAGE_SIZES = (2048, 4096)
"""Of our files, and of those of version 1."""

_LOOKED_AT = 400
"""Pages by which the page size is found out when the header does not tell it."""


class RawFile:
    """The pages of a file and of its log; the log's are newer.

    Attributes:
        ends_behind: How many transactions end behind what SQLite takes for the end of the log.
        has_log: Whether there is a log with pages.
    """

    def __init__(self, path: Path) -> None:
        """Open it to read; missing files have no pages."""
        log = path.with_name(f"{path.name}-wal")
        self._data: mmap.mmap | bytes = b""
        if path.exists() and path.stat().st_size:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        logged = read_log(log.read_bytes()) if log.exists() else None
        self.ends_behind = 0 if logged is None else logged.ends_behind
        self.has_log = logged is not None and bool(logged.committed or logged.behind)
        self._pages: Sequence[LoggedPage] = ()
        self._doubtful: Sequence[bytes] = ()
        self._logged: Mapping[int, bytes] = {}
        if logged is not None and self.has_log:
            self._logged = logged.pages
        if logged is not None and logged.ends_behind:
            self._pages = [each for each in (*logged.committed, *logged.behind) if each.is_proven]
            self._doubtful = [each.page for each in logged.behind if not each.is_proven]
            self._logged = {each.number: each.page for each in self._pages}
        is_sized = logged is not None and self.has_log
        self._page_size = logged.page_size if logged and is_sized else self._find_page_size()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if isinstance(self._data, mmap.mmap):
            self._data.close()

    def rows(self, is_wanted: Callable[[int], bool]) -> Iterator[PageRow]:
        """Yield the rows of all tables with row numbers, page by page: stale ones too.

        Of a log that was cut every state of each page counts, the newest first.
        """
        for each in reversed(self._pages):
            yield from table_rows(each.page, self._page, is_wanted)
        for page in self._pages_of(TABLE_LEAF):
            yield from table_rows(page, self._page, is_wanted)

    def doubtful_rows(self, is_wanted: Callable[[int], bool]) -> Iterator[PageRow]:
        """Yield the rows of those pages of a cut log that do not have their checksum."""
        for page in reversed(self._doubtful):
            yield from table_rows(page, self._page, is_wanted)

    def memory(self) -> Mapping[str, int]:
        """Return the numbers that the file remembers, by name, as far as their page is there."""
        found: dict[str, int] = {}
        for page in self._pages_of(INDEX_LEAF):
            for row in index_rows(page, self._page):
                name, value = [*row.columns, None][:2]
                if isinstance(name, bytes) and isinstance(value, int):
                    found[name.decode(errors="replace")] = value
        return found

    def _pages_of(self, kind: int) -> Iterator[bytes]:
        """Yield the pages of one kind; what is in the log counts, not what is under it."""
        size = self._page_size
        for number in range(2, len(self._data) // size + 1):
            if number not in self._logged and self._data[(number - 1) * size] == kind:
                yield self._data[(number - 1) * size : number * size]
        yield from (page for number, page in self._logged.items() if number > 1)

    def _page(self, number: int) -> bytes | None:
        if number in self._logged:
            return self._logged[number]
        end = number * self._page_size
        return None if end > len(self._data) else self._data[end - self._page_size : end]

    def _find_page_size(self) -> int:
        """Return the size by which most pages look like pages; a header may be damaged."""
        told = page_size_of(self._data[:100])
        sizes = PAGE_SIZES if told is None else (told, *PAGE_SIZES)
        return max(sizes, key=self._count_rows)

    def _count_rows(self, size: int) -> int:
        """Return how many rows the first pages have if they are of this size."""
        last = min(len(self._data) // size, _LOOKED_AT)
        pages = (self._data[number * size : (number + 1) * size] for number in range(1, last))
        return sum(1 for page in pages for _ in table_rows(page, _no_page, _is_any))


def _no_page(_number: int) -> None:
    """Nothing is followed while the size is not known."""


def _is_any(_rowid: int) -> bool:
    return True
