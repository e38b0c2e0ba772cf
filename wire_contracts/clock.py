"""The clock that every part is given, so that a town can run faster than the wall (R25)."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What a part may ask about time."""

    def now_utc(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...

    def wall_seconds(self, seconds: float) -> float:
        """Return how many seconds of the wall's clock `seconds` of this clock take."""
        ...
