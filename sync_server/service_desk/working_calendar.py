"""Decides which days are worked, and when a number of working days is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

_SATURDAY = 5
_MOST_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCalendar:
    """The site's calendar.

    Attributes:
        zone: The site's zone; a day is a day there.
        exceptions: Day -> whether it is worked, for those that differ from their weekday: public
            holidays, and weekends worked instead of them.
    """

    zone: tzinfo
    exceptions: Mapping[date, bool]

    def is_working(self, day: date) -> bool:
        """Return whether a day is worked."""
        return self.exceptions.get(day, day.weekday() < _SATURDAY)

    def after_working_days(self, start: datetime, days: float) -> datetime:
        """Return the end of the last of so many working days that follow the day of `start`.

        One working day from Friday noon ends on Monday at 24:00. A calendar without a working
        day in 400 counts days as they are.
        """
        day = start.astimezone(self.zone).date()
        left = max(1, round(days))
        for _ in range(_MOST_DAYS):
            day += timedelta(days=1)
            left -= self.is_working(day)
            if left == 0:
                break
        return datetime.combine(day + timedelta(days=1), time(0), self.zone)
