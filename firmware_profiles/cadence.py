"""How often a register group is read: every so long, or daily at a time of the site's clock."""

import re
from dataclasses import dataclass
from datetime import time, timedelta

_LENGTH = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DAILY = re.compile(r"daily ([01][0-9]|2[0-3]):([0-5][0-9])")

CADENCE_HINT = 'write it like "60s", "15m", "1h", "1d" or "daily 00:05"'
"""The remedy of every refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyAt:
    """Once a day at a time of the site's own clock, which its settings name."""

    at: time

    def __str__(self) -> str:  # type: ignore[explicit-override]  # needs Python 3.12
        """Return it as it is written: `daily 00:05`."""
        return f"daily {self.at:%H:%M}"


Cadence = timedelta | DailyAt
"""From one reading to the next, or the time of day of the one reading."""


def period_of(cadence: Cadence) -> timedelta:
    """Return the length from one reading to the next; a day for a time of day."""
    return timedelta(days=1) if isinstance(cadence, DailyAt) else cadence


def parse_cadence(text: str) -> Cadence:
    """Return the cadence; raise ValueError when the text is none."""
    daily = _DAILY.fullmatch(text)
    if daily is not None:
        return DailyAt(at=time(int(daily[1]), int(daily[2])))
    found = _LENGTH.fullmatch(text)
    if found is None:
        message = f"{text!r} is no interval"
        raise ValueError(message)
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
