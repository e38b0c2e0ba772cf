"""The town's calendar: local days and quarters of an hour as whole numbers."""

from datetime import UTC, datetime, timedelta

import numpy as np

from demo.chance import FloatArray, IntArray

ZONE_NAME = "Asia/Shanghai"
ZONE_OFFSET_S = 8 * 3600
"""China has kept UTC+8 without summer time since 1991 (tz database)."""

DAY_S = 86_400
SLOT_S = 900
SLOTS_PER_DAY = DAY_S // SLOT_S
"""Flow is constant within a slot of 15 minutes: the reading interval of the meters."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_day(moment: datetime) -> int:
    """Return the local day of an aware moment, as days since 1970-01-01 in the town."""
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return (seconds + ZONE_OFFSET_S) // DAY_S


def day_start_utc(day: int) -> datetime:
    """Return the UTC moment at which a local day begins."""
    return _EPOCH + timedelta(seconds=day * DAY_S - ZONE_OFFSET_S)


def slot_grid(first_day: int, day_count: int) -> IntArray:
    """Return the running numbers of the slots of some days, shape (days, 96)."""
    first = first_day * SLOTS_PER_DAY
    flat = np.arange(first, first + day_count * SLOTS_PER_DAY, dtype=np.int64)
    return flat.reshape(day_count, SLOTS_PER_DAY)


def weekday_of(days: IntArray) -> IntArray:
    """Return the weekday of local days, Monday 0 (1970-01-01 was a Thursday)."""
    return (days + 3) % 7


def year_fraction(days: IntArray) -> FloatArray:
    """Return the place of local days in the year, 0 at about 1 January, below 1."""
    return np.mod(days / 365.2425, 1.0)


def slot_after(moment: datetime) -> int:
    """Return the first slot that begins at or after the moment."""
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1) + ZONE_OFFSET_S * 1000
    return -(-milliseconds // (SLOT_S * 1000))


def slot_start_utc(slot: int) -> datetime:
    """Return the UTC moment at which a slot begins."""
    return _EPOCH + timedelta(seconds=slot * SLOT_S - ZONE_OFFSET_S)
