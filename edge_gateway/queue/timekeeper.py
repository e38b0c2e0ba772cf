"""Decides for each frame whether it is dated by the clock, by the uptime, or not yet at all."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from edge_gateway.clock_trust import (
    BEHIND_FOR_MS,
    BUILD_YEAR,
    TOLERATED_MS,
    Look,
    TimeSource,
    Trust,
    guess_offsets,
    hear_server,
    is_believed,
    look_again,
)
from edge_gateway.queue.epoch_store import EpochStore
from edge_gateway.queue.queue_store import QueueStore
from edge_gateway.queue.queued import HeldFrame, Uptime
from wire_contracts.clock import Clock
from wire_contracts.frames import Frame, TimeQuality, ms_from_utc, utc_from_ms

DISAGREES_S = 60.0
"""Wall seconds between a kept clock and the server's; more is told to people."""

_EARLIEST_UTC = datetime(BUILD_YEAR, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Timekeeper:
    """What the gateway knows of time; safe to use from several threads."""

    def __init__(
        self, clock: Clock, source: TimeSource | None, hold_max: timedelta, newest_ms: int = 0
    ) -> None:
        """Take the clocks.

        Args:
            clock: The gateway's clock.
            source: What the machine knows beside it; None: the clock is right by definition.
            hold_max: How long frames wait for the time to be known.
            newest_ms: The newest trusted time in the queue, ms since 1970.
        """
        self._clock = clock
        self._source = source
        self._hold_max_ms = hold_max // _MILLISECOND
        self._lock = threading.Lock()
        self._trust = Trust(newest_ms=newest_ms)
        self._behind_since_ms: int | None = None

    def is_time_known(self) -> bool:
        """Return whether now is known, from the clock or by counting on."""
        return self._source is None or self._look()[1].offset_ms is not None

    def is_time_possible(self) -> bool:
        """Return whether now is known, or could at least be what the clock says."""
        return self.is_time_known() or self._clock.now_utc() >= _EARLIEST_UTC

    def is_clock_believed(self) -> bool:
        """Return whether the clock itself says what is known to be the time."""
        if self._source is None:
            return True
        look, trust = self._look()
        return is_believed(trust, look)

    def quality(self) -> TimeQuality:
        """Return how well now is known."""
        if self.is_clock_believed():
            return TimeQuality.SANE
        return TimeQuality.REPAIRED if self.is_time_known() else TimeQuality.BOOT_RELATIVE

    def wall_seconds(self, seconds: float) -> float:
        """Return how many seconds of the wall's clock `seconds` of the gateway's clock take."""
        return self._clock.wall_seconds(seconds)

    def now_utc(self) -> datetime:
        """Return now as well as it is known."""
        if self._source is None:
            return self._clock.now_utc()
        look, trust = self._look()
        if trust.offset_ms is None:
            return self._clock.now_utc()
        return utc_from_ms(look.uptime_ms + trust.offset_ms)

    def date(self, frame: Frame, age_s: float = 0.0) -> Frame | HeldFrame:
        """Return the frame as it goes into the queue: as it is, repaired, or held.

        Args:
            frame: Stamped by the clock when its meter was asked.
            age_s: Wall seconds since then, by a count that nobody sets: the clock may have been
                set while the meter answered.
        """
        if self._source is None:
            return frame
        look, trust = self._look()
        age_ms = max(0, round(age_s * 1000))
        uptime_ms = max(0, look.uptime_ms - age_ms)
        if is_believed(trust, look):
            asked_at_ms = look.utc_ms - age_ms
            was_set = abs(ms_from_utc(frame.measured_at_utc) - asked_at_ms) > TOLERATED_MS
            return _repaired(frame, asked_at_ms) if was_set else frame
        if trust.offset_ms is not None:
            return _repaired(frame, uptime_ms + trust.offset_ms)
        guess_ms = max(ms_from_utc(frame.measured_at_utc), trust.newest_ms)
        return HeldFrame(
            frame=replace(
                frame,
                measured_at_utc=max(utc_from_ms(guess_ms), _EARLIEST_UTC),
                time_quality=TimeQuality.BOOT_RELATIVE,
            ),
            uptime=Uptime(boot_id=self._source.boot_id, ms=uptime_ms),
        )

    def hear(self, server_ms: int) -> str | None:
        """Take the server's time; return what people should know when it contradicts ours."""
        if self._source is None:
            return None
        look, _ = self._look()
        with self._lock:
            before = self._trust
            self._trust = after = hear_server(before, look, server_ms)
        if before.offset_ms is None:
            return None
        apart_ms = abs(look.uptime_ms + before.offset_ms - server_ms)
        apart_s = self._clock.wall_seconds(apart_ms / 1000)
        if after.is_disputed:
            return f"the server's time is {apart_s:.0f} s from what was known; frames wait"
        is_apart = before.is_kept and apart_s > DISAGREES_S
        is_late = server_ms < look.uptime_ms + before.offset_ms
        if self._lasts(look, is_behind=is_apart and is_late) or (is_apart and not is_late):
            return f"the clock is kept by a time server and {apart_s:.0f} s from the server's"
        return None

    def _lasts(self, look: Look, *, is_behind: bool) -> bool:
        """Return whether the server has been behind for longer than one old word explains."""
        with self._lock:
            if not is_behind:
                self._behind_since_ms = None
                return False
            if self._behind_since_ms is None:
                self._behind_since_ms = look.uptime_ms
            return look.uptime_ms - self._behind_since_ms >= BEHIND_FOR_MS

    def date_held(self, queue: QueueStore) -> int:
        """Return how many held frames were dated, because the time is known now or never."""
        if self._source is None or not queue.figures().held_count:
            return 0
        return sum(self._date_held(self._source.boot_id, store) for store in queue.stores())

    def _date_held(self, boot_id: str, store: EpochStore) -> int:
        """Date what one file holds: exactly for this start, by a guess for earlier ones."""
        boots = store.held_boots()
        look, trust = self._look()
        offset_ms, quality = trust.offset_ms, TimeQuality.REPAIRED
        if offset_ms is None:
            first_ms = boots.get(boot_id, (look.uptime_ms, 0))[0]
            if look.uptime_ms - first_ms < self._hold_max_ms:
                return 0
            earliest_ms = max(trust.newest_ms, ms_from_utc(_EARLIEST_UTC))
            offset_ms = max(look.utc_ms, earliest_ms) - look.uptime_ms
            quality = TimeQuality.BOOT_RELATIVE
        earlier = {name: span for name, span in boots.items() if name != boot_id}
        guesses = guess_offsets(earlier, offset_ms, store.newest_ms())
        done = store.repair(boot_id, offset_ms, quality) if boot_id in boots else 0
        return done + sum(
            store.repair(name, guess, TimeQuality.BOOT_RELATIVE) for name, guess in guesses.items()
        )

    def _look(self) -> tuple[Look, Trust]:
        """Look at all clocks and learn from it what can be learned."""
        utc_ms = ms_from_utc(self._clock.now_utc())
        if self._source is None:
            return Look(utc_ms=utc_ms, uptime_ms=0, is_synchronised=True), self._trust
        look = Look(
            utc_ms=utc_ms,
            uptime_ms=self._source.uptime_ms(),
            is_synchronised=self._source.is_synchronised(),
        )
        with self._lock:
            self._trust = look_again(self._trust, look, _EARLIEST_UTC)
            return look, self._trust


def _repaired(frame: Frame, at_ms: int) -> Frame:
    return replace(frame, measured_at_utc=utc_from_ms(at_ms), time_quality=TimeQuality.REPAIRED)
