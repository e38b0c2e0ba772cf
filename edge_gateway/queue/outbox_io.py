"""Group commit: takes frames from the links and puts them into the queue, soon and together."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_store import QueueStore
from wire_contracts.frames import Frame

BETWEEN_COMMITS = "gateway.between_commits"
"""Named point: one group of frames is on disk, the next is not."""

MAX_WAITING = 10_000
"""Frames held in memory while the disk refuses; beyond it new ones are dropped and logged."""

_RETRY_S = 1.0
_LOG: FilteringBoundLogger = structlog.get_logger()


class Outbox:
    """Frames between the read and the commit; at most `commit_s` or `commit_frames` of them."""

    def __init__(
        self,
        queue: QueueStore,
        config: QueueConfig,
        *,
        on_commit: Callable[[], None],
        reached: Callable[[str], None],
    ) -> None:
        """Take the queue, and whom to tell after each commit."""
        self._queue = queue
        self._config = config
        self._on_commit = on_commit
        self._reached = reached
        self._waiting: list[Frame] = []
        self._changed = threading.Condition()
        self._is_closing = False

    def add(self, frame: Frame) -> None:
        """Take a frame; it will be committed within `commit_s` wall seconds. Never blocks long."""
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                _LOG.error("outbox.dropped", device=frame.device, group=frame.group)
                return
            self._waiting.append(frame)
            self._changed.notify()

    def adopt(self, config: QueueConfig) -> None:
        """Commit by other settings from the next group on; any thread may."""
        with self._changed:
            self._config = config
            self._changed.notify()

    def close(self) -> None:
        """Ask `run` to commit what is waiting and return."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()

    def run(self) -> None:
        """Commit until closed, then commit the rest."""
        while True:
            frames = self._next_group()
            if not frames:
                return
            self._commit(frames)

    def _next_group(self) -> Sequence[Frame]:
        """Wait for the next group; an empty one says that the outbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            self._changed.wait_for(self._is_group_complete, timeout=self._config.commit_s)
            frames = self._waiting
            self._waiting = []
        return frames

    def _is_group_complete(self) -> bool:
        return self._is_closing or len(self._waiting) >= self._config.commit_frames

    def _commit(self, frames: Sequence[Frame]) -> None:
        """Commit a group; a disk that refuses for a while is asked again, nothing is skipped."""
        while True:
            try:
                seqs = self._queue.put(frames)
            except sqlite3.OperationalError as error:
                _LOG.exception("outbox.commit_failed", frames=len(frames), error=str(error))
                if self._is_closing:
                    return
                time.sleep(_RETRY_S)
                continue
            _LOG.debug("outbox.committed", frames=len(frames), last=seqs[-1])
            self._on_commit()
            self._reached(BETWEEN_COMMITS)
            return
