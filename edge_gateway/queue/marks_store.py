"""Owns which numbers are acknowledged: few ranges beside the frames, so that no frame is rewritten.

Marking a frame in its own row would write each page of the file twice (gateway notes, 4.7).
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
    """The acknowledged numbers of one file, in memory and on disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read them from the file."""
        self._marks: list[Mark] = []
        self.acked: Ranges = ()
        self.reload(connection)

    def reload(self, connection: sqlite3.Connection) -> None:
        """Read them again, after a transaction was rolled back."""
        rows = connection.execute("SELECT first, last, at_ms FROM acked ORDER BY first")
        self._set([Mark(first=first, last=last, at_ms=at_ms) for first, last, at_ms in rows])

    def add(self, connection: sqlite3.Connection, ranges: Ranges, now_ms: int) -> None:
        """Mark numbers, none of which is marked already."""
        at_ms = (now_ms // _BUCKET_MS + 1) * _BUCKET_MS
        for first, last in ranges:
            self._add_one(connection, Mark(first=first, last=last, at_ms=at_ms))
        self._set(self._marks)

    def _add_one(self, connection: sqlite3.Connection, mark: Mark) -> None:
        low, high = mark.first, mark.last
        for each in [each for each in self._marks if each.at_ms == mark.at_ms]:
            if each.last == low - 1:
                low = each.first
            elif each.first == high + 1:
                high = each.last
            else:
                continue
            self._marks.remove(each)
            connection.execute("DELETE FROM acked WHERE first = ?", (each.first,))
        connection.execute("INSERT INTO acked VALUES (?, ?, ?)", (low, high, mark.at_ms))
        self._marks.append(Mark(first=low, last=high, at_ms=mark.at_ms))

    def kept(self) -> Sequence[Mark]:
        """Return the marks of frames that are still kept, ascending."""
        return [mark for mark in self._marks if mark.at_ms != GONE_MS]

    def gone(self) -> Ranges:
        """Return the numbers that were acknowledged and are not kept any more."""
        return merged((mark.first, mark.last) for mark in self._marks if mark.at_ms == GONE_MS)

    def forget(self, connection: sqlite3.Connection, ranges: Ranges) -> None:
        """Remember that the frames of these marked numbers are not kept any more."""
        cut = [piece for mark in self._marks for piece in _without(mark, ranges)]
        islands = merged([*self.gone(), *ranges])
        cut = [mark for mark in cut if mark.at_ms != GONE_MS]
        cut += [Mark(first=first, last=last, at_ms=GONE_MS) for first, last in islands]
        self._replace(connection, cut)

    def reopen(self, connection: sqlite3.Connection) -> None:
        """Take back every mark of a frame that is still kept."""
        self._replace(connection, [mark for mark in self._marks if mark.at_ms == GONE_MS])

    def _replace(self, connection: sqlite3.Connection, marks: Sequence[Mark]) -> None:
        connection.execute("DELETE FROM acked")
        connection.executemany(
            "INSERT INTO acked VALUES (?, ?, ?)",
            [(mark.first, mark.last, mark.at_ms) for mark in marks],
        )
        self._set(marks)

    def _set(self, marks: Sequence[Mark]) -> None:
        self._marks = sorted(marks, key=lambda mark: mark.first)
        self.acked = merged((mark.first, mark.last) for mark in self._marks)


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
