"""Decides how a day and a moment read in the reader's language."""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import Final

from field_app.presenters.ports import Words
from wire_contracts.frames import utc_from_ms


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


_MONTHS: Final[Sequence[str]] = (
    _("Jan"),
    _("Feb"),
    _("Mar"),
    _("Apr"),
    _("May"),
    _("Jun"),
    _("Jul"),
    _("Aug"),
    _("Sep"),
    _("Oct"),
    _("Nov"),
    _("Dec"),
)


_WEEKDAYS: Final[Sequence[str]] = (
    _("Mon"),
    _("Tue"),
    _("Wed"),
    _("Thu"),
    _("Fri"),
    _("Sat"),
    _("Sun"),
)


def weekday_text(t: Words, day: date) -> str:
    """Return a day with its weekday, such as `Mon 23 Nov`: what is agreed at a door."""
    weekday = t(_WEEKDAYS[day.weekday()])
    return t("{weekday} {day}").format(weekday=weekday, day=short_day_text(t, day))


def short_day_text(t: Words, day: date) -> str:
    """Return a day without its year, such as `21 Nov`."""
    return t("{day} {month}").format(day=day.day, month=t(_MONTHS[day.month - 1]))


def day_text(t: Words, day: date) -> str:
    """Return a day with its year, such as `21 Nov 2026`."""
    month = t(_MONTHS[day.month - 1])
    return t("{day} {month} {year}").format(day=day.day, month=month, year=day.year)


def date_text(t: Words, moment_utc: datetime, zone: tzinfo) -> str:
    """Return the day of a moment in the site's zone."""
    return day_text(t, moment_utc.astimezone(zone).date())


def time_text(t: Words, moment_ms: int, now_utc: datetime, zone: tzinfo) -> str:
    """Return `08:41` for today in the site's zone, with its day for another one."""
    moment = utc_from_ms(moment_ms).astimezone(zone)
    time = moment.strftime("%H:%M")
    is_today = moment.date() == now_utc.astimezone(zone).date()
    return time if is_today else f"{short_day_text(t, moment.date())} {time}"
