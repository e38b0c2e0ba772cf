"""The town's clock: a fixed anchor and a rate turn the machine's time into the town's (R25)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DEFAULT_START_UTC = datetime(2026, 12, 14, 12, 0, tzinfo=UTC)
"""Monday, 20:00 in the town, in the heating season: the first night lies ahead."""

DEFAULT_RATE = 900.0
"""One second of the wall is 15 minutes of the town (R25)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The instant at which town and machine were tied together.

    Attributes:
        start_utc: The town's time at the anchor.
        wall_start_s: The machine's time at the anchor, in seconds of the clock that all the
            processes share (see `town_clock_io`).
        rate: Town seconds per machine second.
    """

    start_utc: datetime
    wall_start_s: float
    rate: float


LOOK_AGAIN_EVERY_S = 0.05
"""Machine seconds between two looks of a held clock whether it has been let go."""


class TownClock:
    """A `wire_contracts.clock.Clock` that runs `rate` times as fast as the machine.

    Every process that is given the same anchor and the same machine clock agrees on the time.
    An anchor that lies ahead holds the town at its start: nothing grows old while the processes
    come up.
    """

    def __init__(
        self,
        anchor: Anchor,
        wall_now_s: Callable[[], float],
        look_again: Callable[[], Anchor] | None = None,
    ) -> None:
        """Keep the anchor and the machine's clock.

        Args:
            anchor: What ties town and machine together.
            wall_now_s: The machine's clock.
            look_again: Asked for the anchor anew while the town is held.
        """
        self.anchor = anchor
        self._wall_now_s = wall_now_s
        self._look_again = look_again
        self._looked_at_s = wall_now_s()

    def now_utc(self) -> datetime:
        """Return the town's present moment, in UTC, never before the anchor's start."""
        wall_now_s = self._wall_now_s()
        is_held = wall_now_s < self.anchor.wall_start_s
        if is_held and wall_now_s >= self._looked_at_s + LOOK_AGAIN_EVERY_S:
            self._looked_at_s = wall_now_s
            self.anchor = self._look_again() if self._look_again else self.anchor
        elapsed_s = max(0.0, wall_now_s - self.anchor.wall_start_s)
        return self.anchor.start_utc + timedelta(seconds=elapsed_s * self.anchor.rate)

    def wall_seconds(self, seconds: float) -> float:
        """Return how many seconds of the machine `seconds` of the town take."""
        return seconds / self.anchor.rate


def resumed(latest_utc: datetime, anchor: Anchor, saved_every_s: float) -> datetime:
    """Return where a restarted town goes on so that its time never jumps back.

    The town may have been killed just before the next save: it goes on one save later, so that
    nothing that was stamped before the kill lies in the future.
    """
    return latest_utc + timedelta(seconds=saved_every_s * anchor.rate)
