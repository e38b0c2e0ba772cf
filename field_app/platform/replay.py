"""A position that is replayed from a track: how routes are tried on a desk."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from field_app.platform.ports import Availability, Fix
from wire_contracts.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedStep:
    """From so many seconds after the start on the tablet is here."""

    after_s: float
    fix: Fix


class ReplayLocator:
    """Walks a track by the clock; every fix says that it is made up."""

    def __init__(self, track: Sequence[ReplayedStep], clock: Clock) -> None:
        """Walk `track`, its steps in the order of their times, from the first `start` on."""
        self._track = tuple(sorted(track, key=lambda step: step.after_s))
        self._clock = clock
        self._began_s: float | None = None

    def availability(self) -> Availability:
        """Return that there is a position."""
        return Availability(is_available=True)

    def start(self) -> None:
        """Begin to walk; once more does nothing."""
        if self._began_s is None:
            self._began_s = self._now_s()

    def stop(self) -> None:
        """Go on walking: a track does not wait."""

    def fix(self) -> Fix | None:
        """Return where the track is now, None before its first step."""
        if self._began_s is None:
            return None
        elapsed_s = self._now_s() - self._began_s
        here = [step for step in self._track if step.after_s <= elapsed_s]
        return replace(here[-1].fix, is_mock=True) if here else None

    def _now_s(self) -> float:
        return self._clock.now_utc().timestamp()
