"""When a job is due next: on a grid of its interval, or daily at a local time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from firmware_profiles.cadence import Cadence, DailyAt, period_of

DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The due instants of one job.

    Attributes:
        cadence: How often.
        phase: Offset from multiples of an interval since 1970; nothing for a time of day.
        zone: What a time of day is meant in.
        stretch: How many times as long as wished, while the link cannot do more.
    """

    cadence: Cadence
    phase: timedelta = timedelta()
    zone: tzinfo = UTC
    stretch: int = 1

    @property
    def period(self) -> timedelta:
        """Return the length from one instant to the next, a day for a time of day."""
        return period_of(self.cadence) * (1 if isinstance(self.cadence, DailyAt) else self.stretch)

    def after(self, moment: datetime) -> datetime:
        """Return the first due instant strictly after `moment`."""
        if isinstance(self.cadence, DailyAt):
            return _next_day_at(self.cadence, self.zone, moment)
        period = self.cadence * self.stretch
        count = (moment - _EPOCH - self.phase) // period + 1
        return _EPOCH + self.phase + count * period


def _next_day_at(cadence: DailyAt, zone: tzinfo, moment: datetime) -> datetime:
    """Return the next instant whose local time is that of the cadence.

    A time that a change to summer time leaves out is taken an hour later, one that comes twice
    is taken the first time.
    """
    day = moment.astimezone(zone).date() - DAY
    while True:
        instant = datetime.combine(day, cadence.at, zone).astimezone(UTC)
        if instant > moment:
            return instant
        day += DAY
