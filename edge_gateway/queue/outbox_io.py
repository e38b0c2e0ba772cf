"""Group commit: takes frames from the links and puts them into the queue, soon and together."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_file_io import QueueError, is_damage
from edge_gateway.queue.queue_store import QueueStore
from edge_gateway.queue.queued import HeldFrame
from edge_gateway.queue.timekeeper import Timekeeper
from wire_contracts.frames import Frame

BETWEEN_COMMITS = "gateway.between_commits"
"""Named point: one group of frames is on disk, the next is not."""

MAX_WAITING = 10_000
"""Frames held in memory while the disk refuses; beyond it the oldest without events are lost,
which a gap record tells the server as soon as the disk takes something again."""

HELD_BACK_FROM = 200
HELD_BACK_S = 0.005
"""From so many waiting frames on a link pauses with each, while a commit is under way: a link
that reads faster than a busy disk writes fills no memory. No site comes near it; judgement."""

REFUSED_FOR_S = 30.0
"""Wall seconds without a commit after which it is asked whether the disk is gone for good: a card
that is only slow, and a backup that holds the file, are over by then. Judgement."""

_RETRY_S = 1.0
_LONGEST_WAIT_S = 1.0
_LOG: FilteringBoundLogger = structlog.get_logger()


def _tell_nobody(_kind: str, _text: str) -> None:
    """Nobody is there to tell; it stands in the log."""


def _no_heart() -> None:
    """Nobody watches this thread."""


def _is_never_gone() -> bool:
    """There is no other place to work in."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOver:
    """What an outbox that ended could not bring into the file.

    Attributes:
        frames: In the order they were read.
        lost: How many were lost before them, which no gap record says yet.
    """

    frames: Sequence[Frame | HeldFrame] = ()
    lost: int = 0


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
        self._waiting: list[Frame | HeldFrame] = []
        self._lost = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._is_closing = False
        self._is_urgent = False
        self._is_refused = False
        self._refused_since_s = 0.0
        self._is_committing = False
        self.timekeeper: Timekeeper | None = None
        self.announce: Callable[[str, str], None] = _tell_nobody
        self.beat: Callable[[], None] = _no_heart
        self.is_disk_gone: Callable[[], bool] = _is_never_gone

    def add(self, frame: Frame, age_s: float = 0.0) -> None:
        """Take a frame; it will be committed within `commit_s` wall seconds. Never blocks long.

        A frame with events is committed at once.

        Args:
            frame: What was read.
            age_s: Wall seconds since its meter was asked, by a count that nobody sets.
        """
        dated = frame if self.timekeeper is None else self.timekeeper.date(frame, age_s)
        with self._lock:  # that of the condition, without its Python calls
            self._waiting.append(dated)
            self._is_urgent = self._is_urgent or bool(frame.events)
            if len(self._waiting) > MAX_WAITING:
                self._lose_one()
            if len(self._waiting) == 1 or self._is_group_complete():
                self._changed.notify()
            is_ahead = self._is_committing and len(self._waiting) > HELD_BACK_FROM
        if is_ahead and not self._is_refused:
            time.sleep(HELD_BACK_S)

    def adopt(self, config: QueueConfig) -> None:
        """Commit by other settings from the next group on; any thread may."""
        with self._changed:
            self._config = config
            self._changed.notify()

    def take_over(self, left: LeftOver) -> None:
        """Go on with what another outbox could not commit; before anything is added."""
        with self._changed:
            self._waiting = [*left.frames]
            self._lost = left.lost
            self._changed.notify()

    def refused_count(self) -> int:
        """Return how many frames wait in memory because the disk refuses; any thread may ask."""
        return len(self._waiting) + self._lost if self._is_refused else 0

    def left(self) -> LeftOver:
        """Return what could not be committed, once `run` has returned."""
        with self._changed:
            return LeftOver(frames=tuple(self._waiting), lost=self._lost)

    def close(self) -> None:
        """Ask `run` to commit what is waiting and return."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()

    def run(self) -> None:
        """Commit until closed, then commit the rest; end, too, when the disk is gone."""
        while True:
            self.beat()
            frames = self._next_group()
            self._is_committing = bool(frames)
            if frames and not self._commit_whole(frames):
                self._put_back(frames)
                if self._pause() or self._must_leave():
                    return
            elif self._is_done():
                return

    def _is_done(self) -> bool:
        with self._changed:
            return self._is_closing and not self._waiting

    def _must_leave(self) -> bool:
        refused_s = time.monotonic() - self._refused_since_s
        return self._is_refused and refused_s > REFUSED_FOR_S and self.is_disk_gone()

    def _pause(self) -> bool:
        """Wait before the disk is asked again; return whether we are to end instead."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_closing, timeout=_RETRY_S)

    def _next_group(self) -> Sequence[Frame | HeldFrame]:
        """Wait for the next group; an empty one says that there was none for a while."""
        with self._changed:
            if not self._changed.wait_for(self._has_work, timeout=_LONGEST_WAIT_S):
                return ()
            self._changed.wait_for(self._is_group_complete, timeout=self._config.commit_s)
            frames = self._waiting
            self._waiting = []
            self._is_urgent = False
        return frames

    def _has_work(self) -> bool:
        return bool(self._waiting) or self._is_closing

    def _is_group_complete(self) -> bool:
        is_full = len(self._waiting) >= self._config.commit_frames
        return self._is_closing or self._is_urgent or is_full

    def _commit_whole(self, frames: Sequence[Frame | HeldFrame]) -> bool:
        """Commit a group; what ends this thread ends no frame, and one frame ends no other.

        A frame that nobody can write is lost alone, which a gap record says.
        """
        try:
            return self._commit(frames)
        except (sqlite3.DatabaseError, QueueError, OSError):
            self._put_back(frames)
            raise
        except Exception:  # noqa: BLE001  # whatever one frame breaks, it is that one's alone
            self._commit_singly(frames)
            return True

    def _commit_singly(self, frames: Sequence[Frame | HeldFrame]) -> None:
        for at, frame in enumerate(frames):
            try:
                is_done = self._commit([frame])
            except (sqlite3.DatabaseError, QueueError, OSError):
                self._put_back(frames[at:])
                raise
            except Exception:  # noqa: BLE001  # as said above
                _LOG.exception("outbox.frame_unwritable", frame=repr(frame))
                self._lost += 1
                continue
            if not is_done:
                self._put_back(frames[at:])
                return

    def _commit(self, frames: Sequence[Frame | HeldFrame]) -> bool:
        """Commit a group; a disk that refuses for a while is asked again, nothing is skipped."""
        lost = self._lost
        try:
            seqs = self._queue.put(frames, never_written=lost)
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise
            self._refused(error, len(frames))
            return False
        self._lost -= lost
        self._accepted(lost)
        _LOG.debug("outbox.committed", frames=len(frames), last=seqs[-1])
        self._on_commit()
        self._reached(BETWEEN_COMMITS)
        return True

    def _refused(self, error: sqlite3.DatabaseError, waiting: int) -> None:
        if not self._is_refused:
            _LOG.error("outbox.commit_failed", frames=waiting, error=str(error))
            text = f"the queue file cannot be written ({error}); frames wait in memory"
            self.announce("disk_refuses", text)
            self._refused_since_s = time.monotonic()
        self._is_refused = True

    def _accepted(self, lost: int) -> None:
        if self._is_refused:
            text = f"the queue file can be written again; {lost} frames were lost meanwhile"
            _LOG.warning("outbox.commits_again", lost=lost)
            self.announce("disk_accepts", text)
        self._is_refused = False

    def _put_back(self, frames: Sequence[Frame | HeldFrame]) -> None:
        with self._changed:
            self._waiting = [*frames, *self._waiting]
            while len(self._waiting) > MAX_WAITING:
                self._lose_one()

    def _lose_one(self) -> None:
        """Lose the oldest frame without events; when all have some, the oldest."""
        quiet = (at for at, each in enumerate(self._waiting) if not _has_events(each))
        self._waiting.pop(next(quiet, 0))
        self._lost += 1


def _has_events(frame: Frame | HeldFrame) -> bool:
    return bool(frame.frame.events if isinstance(frame, HeldFrame) else frame.events)
