"""Decides which thread hangs: it has given no sign of life for far longer than its longest step."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wire_contracts.clock import Clock

LINK_STEP_S = 100.0
"""A job on a slow bus, with every repetition and a block asked again piece by piece."""

OUTBOX_STEP_S = 40.0
"""One commit on a card that is busy with itself."""

UPLINK_STEP_S = 40.0
"""One round of the uplink, the end of an old connection included."""

PATIENCE = 3.0
"""So many times its longest step may a thread be silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """A thread that gives no sign of life.

    Attributes:
        name: Its name.
        silent_s: Wall seconds since its last sign.
    """

    name: str
    silent_s: float


class Watchdog:
    """Hears the threads of the gateway; safe to use from all of them."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Take a clock of monotonic wall seconds."""
        self._now_s = now_s
        self._heard: dict[str, tuple[float, float]] = {}

    def beat(self, name: str, longest_step_s: float) -> None:
        """Hear that a thread lives, and how long its next step may take in wall seconds.

        It is one store in a dictionary, which needs no lock, for every frame.
        """
        self._heard[name] = (self._now_s(), longest_step_s)

    def rest(self, name: str) -> None:
        """Hear that a thread ends; it is not missed."""
        self._heard.pop(name, None)

    def hanging(self) -> Sequence[Hanging]:
        """Return the threads that should have been heard long ago, by name."""
        now_s = self._now_s()
        return [
            Hanging(name=name, silent_s=now_s - at_s)
            for name, (at_s, step_s) in sorted(self._heard.copy().items())
            if now_s - at_s > PATIENCE * step_s
        ]


class HeardClock:
    """A clock that is a sign of life of the thread that looks at it, and of no other."""

    def __init__(self, clock: Clock, thread: str, beat: Callable[[str], None]) -> None:
        """Take the clock itself, the name of the thread, and who is told."""
        self._clock = clock
        self._thread = thread
        self._beat = beat
        self._ident = 0

    def now_utc(self) -> datetime:
        """Return the present moment in UTC."""
        if threading.get_ident() == self._ident or self._is_the_thread():
            self._beat(self._thread)
        return self._clock.now_utc()

    def _is_the_thread(self) -> bool:
        """Return whether the thread has the name, and know it by its number from then on."""
        is_it = threading.current_thread().name == self._thread
        if is_it:
            self._ident = threading.get_ident()
        return is_it

    def wall_seconds(self, seconds: float) -> float:
        """Return how many seconds of the wall's clock `seconds` of this clock take."""
        return self._clock.wall_seconds(seconds)
