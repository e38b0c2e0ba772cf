"""Owns which numbers are acknowledged: few ranges beside the frames, so that no frame is rewritten.

Marking a frame in its own row would write each page of the file twice (gateway notes, 4.7). Marks
reach the file with the next change of it, not each by itself: one that a power cut takes back
only means that a frame goes to the server once more.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from edge_gateway.queue.queue_file_io import GONE_MS
from edge_gateway.queue.seq_ranges import Ranges, merged

_BUCKET_MS = 3_600_000
"""Acknowledgements of one hour share a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Numbers acknowledged in the hour that ends at `at_ms`; GONE_MS: no longer kept."""

    first: int
    last: int
    at_ms: int


class Marks:
    """The acknowledged numbers of one file, in memory and, a little later, on disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read them from the file."""
        rows = connection.execute("SELECT first, last, at_ms FROM acked ORDER BY first")
        self.all: Sequence[Mark] = ()
        self.acked: Ranges = ()
        self._on_disk: frozenset[Mark] = frozenset()
        self.restore([Mark(first=first, last=last, at_ms=at_ms) for first, last, at_ms in rows])
        self.written()

    def restore(self, marks: Sequence[Mark]) -> None:
        """Return to what `all` was before a transaction that was rolled back."""
        self.all = tuple(sorted(marks, key=lambda mark: mark.first))
        self.acked = merged((mark.first, mark.last) for mark in self.all)

    def is_written(self) -> bool:
        """Return whether the file says the same."""
        return self._on_disk == frozenset(self.all)

    def write(self, connection: sqlite3.Connection) -> None:
        """Bring the file up to date; the caller commits and then calls `written`."""
        wanted = frozenset(self.all)
        new = [(mark.first, mark.last, mark.at_ms) for mark in wanted - self._on_disk]
        firsts = {first for first, _, _ in new}
        gone = [(old.first,) for old in self._on_disk - wanted if old.first not in firsts]
        if gone:
            connection.executemany("DELETE FROM acked WHERE first = ?", gone)
        if new:
            connection.executemany("INSERT OR REPLACE INTO acked VALUES (?, ?, ?)", new)

    def written(self) -> None:
        """Remember that what was written is committed."""
        self._on_disk = frozenset(self.all)

    def add(self, ranges: Ranges, now_ms: int) -> None:
        """Mark numbers, none of which is marked already."""
        at_ms = (now_ms // _BUCKET_MS + 1) * _BUCKET_MS
        of_hour = [(mark.first, mark.last) for mark in self.all if mark.at_ms == at_ms]
        others = [mark for mark in self.all if mark.at_ms != at_ms]
        self.restore([*others, *_marks([*of_hour, *ranges], at_ms)])

    def kept(self) -> Sequence[Mark]:
        """Return the marks of frames that are still kept, ascending."""
        return [mark for mark in self.all if mark.at_ms != GONE_MS]

    def gone(self) -> Ranges:
        """Return the numbers that were acknowledged and are not kept any more."""
        return merged((mark.first, mark.last) for mark in self.all if mark.at_ms == GONE_MS)

    def forget(self, ranges: Ranges) -> None:
        """Remember that the frames of these marked numbers are not kept any more."""
        cut = [piece for mark in self.kept() for piece in _without(mark, ranges)]
        self.restore([*cut, *_marks([*self.gone(), *ranges], GONE_MS)])

    def reopen(self) -> None:
        """Take back every mark of a frame that is still kept."""
        self.restore([mark for mark in self.all if mark.at_ms == GONE_MS])


def _marks(ranges: Sequence[tuple[int, int]], at_ms: int) -> Sequence[Mark]:
    return [Mark(first=first, last=last, at_ms=at_ms) for first, last in merged(ranges)]


def _without(mark: Mark, ranges: Ranges) -> Sequence[Mark]:
    pieces = [(mark.first, mark.last)]
    for low, high in ranges:
        pieces = [
            piece
            for first, last in pieces
            for piece in ((first, min(last, low - 1)), (max(first, high + 1), last))
            if piece[0] <= piece[1]
        ]
    return [Mark(first=first, last=last, at_ms=mark.at_ms) for first, last in pieces]
