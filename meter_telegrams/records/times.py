"""Dates and times of M-Bus: types F, G, I and J of EN 13757-3:2018 annex A.

All are in the meter's local time, without a zone. A part may mean `every`; such a value, and one
that is on no calendar, is kept as the text of its parts.
"""

from datetime import date, datetime, time

from meter_telegrams.records.telegram import PartialTime

LATEST_YEAR_OF_2000 = 80
"""Two-digit years up to this one are 20xx, later ones 19xx; EN 13757-3:2018 types F and G."""

_EVERY_YEAR = 127
_ALL_ONES = 0xFF

TimeValue = datetime | date | time | PartialTime | None


def decode_date(data: bytes) -> TimeValue:
    """Return the date of type G (2 bytes); None when it is marked invalid (FF FF)."""
    if set(data) == {_ALL_ONES}:
        return None
    low, high = data
    year = _year((low >> 5) | (high >> 4) << 3)
    return _date(year, high & 0x0F, low & 0x1F)


def decode_date_time(data: bytes) -> TimeValue:
    """Return the moment of type F (4 bytes); None when its invalid bit is set."""
    minute, hour, low, high = data
    if minute & 0x80 or set(data) == {_ALL_ONES}:
        return None
    century = hour >> 5 & 3
    number = (low >> 5) | (high >> 4) << 3
    year = 1900 + 100 * century + number if century and number != _EVERY_YEAR else _year(number)
    day = _date(year, high & 0x0F, low & 0x1F)
    return _moment(day, hour & 0x1F, minute & 0x3F, None)


def decode_date_time_second(data: bytes) -> TimeValue:
    """Return the moment of type I (6 bytes); None when its invalid bit is set."""
    second, minute, hour, low, high, _week = data
    if minute & 0x80 or set(data) == {_ALL_ONES}:
        return None
    number = (low >> 5) | (high >> 4) << 3
    year = number if number == _EVERY_YEAR else 2000 + number
    return _moment(_date(year, high & 0x0F, low & 0x1F), hour & 0x1F, minute & 0x3F, second & 0x3F)


def decode_time(data: bytes) -> TimeValue:
    """Return the time of day of type J (3 bytes); None when it is all ones."""
    if set(data) == {_ALL_ONES}:
        return None
    second, minute, hour = data[0] & 0x3F, data[1] & 0x3F, data[2] & 0x1F
    try:
        return time(hour, minute, second)
    except ValueError:
        return PartialTime(text=f"{hour:02}:{minute:02}:{second:02}")


def _year(number: int) -> int:
    if number == _EVERY_YEAR:
        return number
    return number + (2000 if number <= LATEST_YEAR_OF_2000 else 1900)


def _date(year: int, month: int, day: int) -> date | PartialTime:
    try:
        if year != _EVERY_YEAR:
            return date(year, month, day)
    except ValueError:
        pass
    text = "****" if year == _EVERY_YEAR else f"{year:04}"
    return PartialTime(text=f"{text}-{month:02}-{day:02}")


def _moment(day: date | PartialTime, hour: int, minute: int, second: int | None) -> TimeValue:
    try:
        clock = time(hour, minute, second or 0)
    except ValueError:
        clock = None
    if clock is not None and isinstance(day, date):
        return datetime.combine(day, clock)
    days = day.text if isinstance(day, PartialTime) else day.isoformat()
    seconds = "" if second is None else f":{second:02}"
    return PartialTime(text=f"{days}T{hour:02}:{minute:02}{seconds}")
