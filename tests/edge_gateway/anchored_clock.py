"""A clock that several processes share: an anchor on the machine's monotonic clock, and a rate."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START_UTC = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class AnchoredClock:
    """Simulated time that has passed since the anchor, `rate` times as fast as the wall's."""

    anchor_s: float
    rate: float

    def now_utc(self) -> datetime:
        passed_s = (time.monotonic() - self.anchor_s) * self.rate
        return START_UTC + timedelta(seconds=passed_s)

    def wall_seconds(self, seconds: float) -> float:
        return seconds / self.rate
