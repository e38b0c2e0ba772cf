"""Makes room in one queue file: old frames give way, and gap records name them."""

import sqlite3
from collections.abc import Callable
from itertools import takewhile

from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_file_io import is_full
from edge_gateway.queue.rows_store import FrameRows
from edge_gateway.queue.thinning import Thinned, oldest, repeated, thin

EVICT_SHARE = 0.05
"""Share of the bound that gives way at once, so that gap records stay few."""

MOST_AT_ONCE = 4 * 1024 * 1024
"""Bytes that give way in one transaction at most: a reader waits no longer than for that."""

LEAST_OPEN_BYTES = 1024 * 1024
"""What may wait however full the disk is: a queue without room would lose every outage."""

FULL_ENOUGH = 3
"""Commits refused in a row before something committed gives way to what is new."""

QUEUE_FULL = "queue full"
DISK_LOW = "disk nearly full"
TOO_OLD = "waited too long"

_ROOM_FOR_NEXT = 64 * 1024
_ROOM_AT_ONCE = 256 * 1024


class Room:
    """The bounds of one file; the caller holds the transaction."""

    def __init__(self, rows: FrameRows, config: QueueConfig, free_bytes: Callable[[], int]) -> None:
        """Take the rows, what they may come to, and what tells the free space on their disk."""
        self.config = config
        self._rows = rows
        self._free_bytes = free_bytes
        self._page_size = int(rows.connection.execute("PRAGMA page_size").fetchone()[0])
        self._thinned = Thinned()
        self._full_count = 0

    def keep_bound(self) -> None:
        """Let old frames give way when more wait than may."""
        excess = self._rows.sizes.open_bytes - self.config.max_open_bytes
        if excess > 0:
            share = int(self.config.max_open_bytes * EVICT_SHARE)
            self._give_way(excess, min(share, MOST_AT_ONCE), QUEUE_FULL)

    def drop_aged(self, oldest_ms: int) -> None:
        """Drop what was measured before and still waits; undated frames and gaps stay."""
        aged = list(takewhile(lambda each: each.at_ms < oldest_ms, self._rows.waiting(0)))
        dated = [each for each in aged if each.boot_id is None and each.gap is None]
        self._rows.drop(dated, TOO_OLD)

    def spare_disk(self) -> None:
        """Let something go inside the file when the disk has no room for it to grow."""
        is_low = self._free_bytes() < self.config.min_free_bytes
        if not is_low and self._full_count < FULL_ENOUGH:
            return
        connection = self._rows.connection
        free_pages = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
        if free_pages * self._page_size >= _ROOM_FOR_NEXT:
            return
        if self._rows.sizes.kept_count:
            self._rows.forget(self._rows.oldest_kept(_ROOM_AT_ONCE))
        elif self._rows.sizes.open_bytes > LEAST_OPEN_BYTES:
            self._give_way(_ROOM_AT_ONCE, 0, DISK_LOW)

    def begin_anew(self) -> None:
        """Forget what was thinned already: the rows are others, or are again."""
        self._thinned = Thinned()

    def refused(self, error: BaseException) -> None:
        """Note that a transaction was not taken."""
        self.begin_anew()
        if isinstance(error, sqlite3.DatabaseError):
            self._full_count += is_full(error)

    def taken(self) -> None:
        """Note that a transaction is on disk."""
        self._full_count = 0

    def _give_way(self, excess: int, spare: int, why: str) -> None:
        """Free `excess` bytes: thin what is old, and `spare` more; else let the oldest go."""
        limit = self._rows.sizes.open_bytes - excess
        newest_ms = self._rows.numbers.get("newest_ms")
        waiting = self._rows.waiting(self._thinned.upto)
        self._rows.drop(thin(waiting, self._thinned, excess + spare, newest_ms), why)
        for choose in (oldest, repeated):
            over = self._rows.sizes.open_bytes - limit
            if over > 0:
                self._rows.drop(choose(self._rows.waiting(0), over + spare), why)
