"""Decides when a customer may be called, and how often (rule C-46, policy K7)."""

import re
from collections.abc import Sequence
from datetime import datetime, time, tzinfo

_WINDOW = re.compile(r"(\d{1,2})(?::(\d\d))?\s*[-–—~至到]\s*(\d{1,2})(?::(\d\d))?")
USUAL = (time(8, 30), time(20, 0))
"""Where a customer gave no window: judgement, nobody is called before or after."""

_LAST_HOUR = 23
_LAST_MINUTE = 59


def window_of(text: str) -> tuple[time, time]:
    """Return from when until when a customer may be called; the usual hours for what says none."""
    match = _WINDOW.search(text)
    if match is None:
        return USUAL
    from_h, from_min, to_h, to_min = (int(each or 0) for each in match.groups())
    is_clock = max(from_h, to_h) <= _LAST_HOUR and max(from_min, to_min) <= _LAST_MINUTE
    found = (time(from_h, from_min), time(to_h, to_min)) if is_clock else USUAL
    return found if found[0] < found[1] else USUAL


def may_call(
    window: str, attempts: Sequence[datetime], most: int, now_utc: datetime, zone: tzinfo
) -> bool:
    """Return whether a call now disturbs nobody: in the window, not twice a day, not too often."""
    here = now_utc.astimezone(zone)
    from_time, to_time = window_of(window)
    if not from_time <= here.time() < to_time or len(attempts) >= most:
        return False
    return all(each.astimezone(zone).date() != here.date() for each in attempts)
