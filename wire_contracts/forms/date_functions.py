"""Dates of ODK: texts in ISO 8601, days since 1970 for arithmetic, and how they are written."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from wire_contracts.forms.values import NAN, Value, as_text, days_of

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # the clock on the wall, as ODK counts days
_MOST_DAYS: Final = 2_900_000
"""Day of the year 9910 since 1970: beyond, a date has no four digits of a year."""
_TIME: Final = re.compile(r"(?:.*T)?(\d\d):(\d\d)(?::(\d\d(?:[.]\d+)?))?.*")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun")
_MORE_MONTHS: Final = ("Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SECONDS: Final = 86_400


def moment_of(value: Value) -> datetime | None:
    """Return the wall-clock moment of a date, a date with time, or of days since 1970."""
    days = value if isinstance(value, float) else days_of(as_text(value))
    if days is None:
        text = as_text(value).strip()
        days = float(text) if re.fullmatch(r"-?\d+([.]\d+)?", text) else NAN
    if math.isnan(days) or abs(days) > _MOST_DAYS:
        return None
    return _EPOCH + timedelta(milliseconds=round(days * _SECONDS * 1000))


def date_text(value: Value) -> str:
    """Return the date as `2026-11-22`; empty when there is none."""
    moment = moment_of(value)
    return "" if moment is None else moment.date().isoformat()


def date_time_text(value: Value) -> str:
    """Return date and time as `2026-11-22T08:00:00.000`; empty when there is none."""
    moment = moment_of(value)
    return "" if moment is None else moment.isoformat(timespec="milliseconds")


def decimal_date_time(value: Value) -> float:
    """Return the days since 1970, with the time as a fraction; NaN when it is no date."""
    if isinstance(value, float):
        return value
    days = days_of(as_text(value))
    return NAN if days is None else days


def decimal_time(value: Value) -> float:
    """Return the share of the day that a time stands at, from 0 to 1; NaN when it is none."""
    found = _TIME.fullmatch(as_text(value).strip())
    if found is None:
        return NAN
    hour, minute, second = found.groups()
    return (int(hour) * 3600 + int(minute) * 60 + float(second or 0)) / _SECONDS


_PARTS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "Y": lambda moment: f"{moment.year:04d}",
    "y": lambda moment: f"{moment.year % 100:02d}",
    "m": lambda moment: f"{moment.month:02d}",
    "n": lambda moment: str(moment.month),
    "b": lambda moment: (_MONTHS + _MORE_MONTHS)[moment.month - 1],
    "d": lambda moment: f"{moment.day:02d}",
    "e": lambda moment: str(moment.day),
    "H": lambda moment: f"{moment.hour:02d}",
    "h": lambda moment: str(moment.hour),
    "M": lambda moment: f"{moment.minute:02d}",
    "S": lambda moment: f"{moment.second:02d}",
    "3": lambda moment: f"{moment.microsecond // 1000:03d}",
    "a": lambda moment: _DAYS[date.weekday(moment)],
    "%": lambda _moment: "%",
}


def format_date(value: Value, form: str) -> str:
    """Return the date written as `%Y-%m-%d` or another form says; empty when it is none."""
    moment = moment_of(value)
    if moment is None:
        return ""
    return re.sub(
        r"%(.)",
        lambda found: _PARTS[found[1]](moment) if found[1] in _PARTS else found[0],
        form,
    )
