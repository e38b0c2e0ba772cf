"""Keeps pages as they went over the wire: what five tablets of a crew ask for is written once."""

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from sync_server.sync.page_bytes import WrittenPage

MOST_BYTES: Final = 32 * 1024 * 1024
"""What the shelf may hold: the morning of 300 crews with 100 kB each. Older pages go first."""

_ROOM_OF_KEY: Final = 1024


class PageKey(NamedTuple):
    """What the content of a page depends on.

    Attributes:
        server_epoch: Under which epoch the sequences were counted.
        horizon: Up to which sequence tombstones were purged.
        bucket: Whose page it is.
        first_seq: The first entry that the tablet lacks, wherever between two it stands.
        last_seq: The bucket's last entry: as long as it is the last, nothing in it changed.
        is_reset: The tablet starts anew.
        is_first_pass: It is told how many rows there are in all.
        row_limit: Rows that fit.
        byte_limit: Bytes that fit.
        protocol: Version that the page is written in.
    """

    server_epoch: int
    horizon: int
    bucket: str
    first_seq: int
    last_seq: int
    is_reset: bool
    is_first_pass: bool
    row_limit: int
    byte_limit: int
    protocol: int


class KeptPage(NamedTuple):
    """A page (None: nothing to tell), how far it reaches and what of the limits it takes.

    `end_pos` None: up to the head, which moves on with every change elsewhere.
    """

    page: WrittenPage | None
    end_pos: int | None
    rows: int
    byte_count: int


class PageShelf:
    """One per process; any thread may ask."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Hold at most so many bytes."""
        self._most_bytes = most_bytes
        self._pages: OrderedDict[PageKey, KeptPage] = OrderedDict()
        self._byte_count = 0
        self._guard = threading.Lock()

    def find(self, key: PageKey) -> KeptPage | None:
        """Return the page, None when it is not here."""
        with self._guard:
            kept = self._pages.get(key)
            if kept is not None:
                self._pages.move_to_end(key)
            return kept

    def keep(self, key: PageKey, page: KeptPage) -> None:
        """Keep a page; those asked for longest ago make room."""
        with self._guard:
            if key not in self._pages:
                self._pages[key] = page
                self._byte_count += _room_of(page)
            while self._byte_count > self._most_bytes:
                _, oldest = self._pages.popitem(last=False)
                self._byte_count -= _room_of(oldest)


def _room_of(kept: KeptPage) -> int:
    page = kept.page
    return _ROOM_OF_KEY + (0 if page is None else len(page.plain) + len(page.deflated))
