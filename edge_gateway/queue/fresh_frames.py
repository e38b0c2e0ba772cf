"""Keeps the newest frames of a file in memory too: they are sent right after they were written.

It holds nothing that is not in the file as well, and whoever changes rows there clears it.
"""

from collections.abc import Sequence

from edge_gateway.queue.queued import StoredFrame

MOST_FRAMES = 400
MOST_BYTES = 256 * 1024
"""Several groups of a busy gateway; a slow uplink reads the file. Judgement."""


class FreshFrames:
    """Frames with neighbouring numbers, the newest of their file; used under its lock."""

    def __init__(self) -> None:
        """Begin with none."""
        self._frames: list[StoredFrame] = []
        self._size = 0

    def add(self, frames: Sequence[StoredFrame]) -> None:
        """Take frames with neighbouring numbers; they take the place of what is not before them."""
        if not frames or (self._frames and self._frames[-1].seq + 1 != frames[0].seq):
            self.clear()
        self._frames += frames
        self._size += sum(len(each.body) for each in frames)
        if len(self._frames) > MOST_FRAMES or self._size > MOST_BYTES:
            self._frames = self._frames[len(self._frames) // 2 :]
            self._size = sum(len(each.body) for each in self._frames)
            if self._size > MOST_BYTES:
                self.clear()

    def clear(self) -> None:
        """Forget all: what the file says is not what was written last."""
        self._frames = []
        self._size = 0

    def between(self, first: int, last: int, limit: int) -> Sequence[StoredFrame] | None:
        """Return the frames `first..last`, at most `limit`; None: not all of them are here."""
        if not self._frames or first < self._frames[0].seq or last > self._frames[-1].seq:
            return None
        at = first - self._frames[0].seq
        return self._frames[at : min(at + limit, last - self._frames[0].seq + 1)]
