"""Watches what becomes of the gateway's clock: steps, trust, and frames that can be dated now."""

import time
from collections.abc import Callable
from datetime import datetime

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.clock_step import clock_step
from edge_gateway.moments import Moment
from edge_gateway.queue.queue_store import QueueStore
from edge_gateway.queue.timekeeper import Timekeeper
from wire_contracts.clock import Clock
from wire_contracts.frames import TimeQuality

ASK_TIME_EVERY_S = 5.0
"""Wall seconds between two questions for the time, while nobody here knows it."""

_LOG: FilteringBoundLogger = structlog.get_logger()


class ClockWatch:
    """What the uplink knows of the clock; everything but `time_utc` and `quality` in its thread."""

    def __init__(
        self, clock: Clock, keeper: Timekeeper | None, announce: Callable[[str, str], None]
    ) -> None:
        """Begin to watch.

        Args:
            clock: The gateway's clock.
            keeper: Knows how far it can be trusted; None: the clock is right.
            announce: Takes a kind and a text for the server.
        """
        self._clock = clock
        self._keeper = keeper
        self._announce = announce
        self._is_believed: bool | None = None
        self._next_ask_s = 0.0
        self._looked_at = self._now()

    def time_utc(self) -> datetime:
        """Return now as well as it is known; any thread may ask."""
        return self._clock.now_utc() if self._keeper is None else self._keeper.now_utc()

    def quality(self) -> TimeQuality:
        """Return how well now is known; any thread may ask."""
        return TimeQuality.SANE if self._keeper is None else self._keeper.quality()

    def is_time_known(self) -> bool:
        """Return whether now is known at all."""
        return self._keeper is None or self._keeper.is_time_known()

    def look_for_step(self) -> None:
        """Tell when somebody has set the clock since the last look."""
        before, now = self._looked_at, self._now()
        self._looked_at = now
        moved = clock_step(before, now, self._clock)
        if moved is None:
            return
        old_utc = now.utc - moved
        text = f"the clock was moved from {old_utc.isoformat()} to {now.utc.isoformat()}"
        _LOG.warning("clock.step", text=text)
        self._announce("clock_step", text)

    def date_frames(self, queue: QueueStore) -> bool:
        """Return whether frames that waited for the time were dated; tell what is believed."""
        if self._keeper is None:
            return False
        is_believed = self._keeper.is_clock_believed()
        if is_believed is not self._is_believed:
            self._tell_trust(is_believed=is_believed)
        dated = self._keeper.date_held(queue)
        if dated:
            _LOG.warning("frames.dated", count=dated)
        return bool(dated)

    def must_ask(self, now_s: float) -> bool:
        """Return whether the server is to be asked for the time now, in monotonic seconds."""
        if self.is_time_known() or now_s < self._next_ask_s:
            return False
        self._next_ask_s = now_s + ASK_TIME_EVERY_S
        return True

    def _now(self) -> Moment:
        return Moment(utc=self._clock.now_utc(), wall_s=time.monotonic())

    def _tell_trust(self, *, is_believed: bool) -> None:
        is_first = self._is_believed is None
        self._is_believed = is_believed
        clock_utc = self._clock.now_utc().isoformat()
        if not is_believed:
            text = f"the clock says {clock_utc}, which nothing confirms; frames wait or are counted"
            _LOG.warning("clock.doubted", text=text)
            self._announce("clock_doubted", text)
        elif not is_first:
            _LOG.info("clock.believed", clock=clock_utc)
            self._announce("clock_believed", f"the clock says {clock_utc} and is believed again")
