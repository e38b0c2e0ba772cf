"""SecondTap: what is asked twice is done with the second tap, and a bounce is none."""

from datetime import datetime, timedelta
from typing import Final

from wire_contracts.clock import Clock

_NO_BOUNCE: Final = timedelta(seconds=0.5)
"""A second touch that comes sooner is the bounce of the first."""


class SecondTap:
    """Remembers what was asked last, and when."""

    def __init__(self, clock: Clock) -> None:
        """Ask by the time of `clock`."""
        self._clock = clock
        self._asked = ""
        self._since_utc: datetime | None = None

    def is_new(self, what: str) -> bool:
        """Return whether this is asked for the first time now."""
        return what != self._asked

    def is_meant(self, what: str) -> bool:
        """Return whether a tap is the second one for the same, and no bounce of the first."""
        now_utc = self._clock.now_utc()
        if self.is_new(what) or self._since_utc is None:
            self._asked, self._since_utc = what, now_utc
            return False
        return now_utc - self._since_utc >= _NO_BOUNCE

    def forget(self) -> None:
        """Ask anew the next time."""
        self._asked, self._since_utc = "", None
