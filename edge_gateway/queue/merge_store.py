"""Writes the rows of two files of one epoch into a third; what one number stands for counts once.

The first file is the one that was offered to the server: its rows and its gap records count. What
the second has beside them is added; a frame under a number that stands for another content there
needs a number of its own.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress

from edge_gateway.queue.remains_io import COLUMNS, Remains, Row, readable_rows
from edge_gateway.queue.seq_ranges import Ranges, covers, merged, subtract

_INSERT = f"INSERT INTO frame ({COLUMNS}) VALUES (?{', ?' * 8})"  # noqa: S608  # names of ours
_REFUSALS = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeEncodeError)


class Merge:
    """The new file, inside one transaction of the caller's.

    Attributes:
        count: Rows of the damaged file that are in the new one.
        refused: Rows that it does not take.
        top: The highest number of a row.
        newest_ms: The newest trusted time of a row, in ms since 1970.
        strays: Rows whose number stands for another content.
    """

    def __init__(self, target: sqlite3.Connection) -> None:
        """Take an open file without rows."""
        self.count = self.refused = self.top = self.newest_ms = 0
        self.strays: list[Row] = []
        self._target = target
        self._gaps: Ranges = ()
        self._acked: Ranges = ()

    def begin(self, before: Remains) -> None:
        """Take what the epoch's file holds already."""
        gaps = []
        for row in readable_rows(before):
            self._insert(row)
            if row.gap is not None:
                gaps.append(row.gap[:2])
        self._gaps = merged(gaps)
        self.newest_ms = max(self.newest_ms, before.memory.get("newest_ms", 0))
        self._mark(before)
        self._keep_aside(before)

    def add(self, remains: Remains) -> None:
        """Add what a damaged file has beside it."""
        self._mark(remains)
        for row in remains.rows():
            self.count += self._is_there(row)

    def _keep_aside(self, before: Remains) -> None:
        """Take what no server takes: it lies in the file alone."""
        with suppress(sqlite3.DatabaseError):
            rows = before.source.execute("SELECT seq, body, why FROM aside").fetchall()
            self._target.executemany("INSERT OR IGNORE INTO aside VALUES (?, ?, ?)", rows)

    def _is_there(self, row: Row) -> bool:
        """Return whether a row is in the new file now."""
        there = self._target.execute(
            "SELECT body, boot_id IS NOT NULL FROM frame WHERE seq = ?", (row.seq,)
        ).fetchone()
        if there is None and covers(self._gaps, row.seq) and not covers(self._acked, row.seq):
            self.strays.append(row)  # the server was told that it is missing
            return False
        if there is None:
            return self._insert(row)
        body, is_held = there
        if body == row.body or (row.uptime is not None and not is_held):
            return True
        if is_held and row.uptime is None:
            self._target.execute("DELETE FROM frame WHERE seq = ?", (row.seq,))
            return self._insert(row)  # the same frame, dated since
        self.strays.append(row)
        return False

    def _insert(self, row: Row) -> bool:
        """Write a row; return False when the file does not take this one, whatever else."""
        try:
            self._target.execute(_INSERT, row.columns())
        except _REFUSALS:
            self.refused += 1
            return False
        self.top = max(self.top, row.seq)
        if row.uptime is None:
            self.newest_ms = max(self.newest_ms, row.at_ms or 0)
        return True

    def _mark(self, remains: Remains) -> None:
        """Mark what either file knows to be acknowledged, each number once."""
        new: list[tuple[int, int, int]] = []
        for first, last, at_ms in remains.marks:
            fresh: Iterable[tuple[int, int]] = subtract(((first, last),), self._acked)
            new += [(low, high, at_ms) for low, high in fresh]
            self._acked = merged([*self._acked, (first, last)])
        self._target.executemany("INSERT OR REPLACE INTO acked VALUES (?, ?, ?)", new)
