"""How a page speaks to one person: language, site zone, numbers, times and ages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

THIN_SPACE = "\u2009"
MINUS = "\u2212"
_FOUR_DIGITS = 4
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86_400
_YEAR_IS_SAID_AFTER = timedelta(days=180)
"""From then on a month and a day could be taken for those of this year."""
_SHOW_SECONDS_BELOW_S = 600
_SHOW_MINUTES_BELOW_S = 7200
_SHOW_HOURS_BELOW_S = 2 * _DAY_S


def mark(message: str) -> str:
    """Return the message as it is; the extractor of the catalogue looks for this name."""
    return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What turns values into the words of one reader.

    Attributes:
        language: `en` or `zh`.
        zone: Zone of the site; every time is shown in it.
        gettext: Returns the reader's words for an English message.
        ngettext: The same for a count: singular, plural, count.
    """

    language: str
    zone: tzinfo
    gettext: Callable[[str], str]
    ngettext: Callable[[str, str, int], str]

    def date(self, moment: datetime) -> str:
        """Return the date as ISO 8601 in the site's zone."""
        return moment.astimezone(self.zone).strftime("%Y-%m-%d")

    def clock(self, moment: datetime) -> str:
        """Return hours and minutes in the site's zone."""
        return moment.astimezone(self.zone).strftime("%H:%M")

    def moment(self, moment: datetime) -> str:
        """Return date, hours and minutes in the site's zone."""
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def near(self, moment: datetime, now_utc: datetime) -> str:
        """Return only the clock for today, else month and day; with the year for another year."""
        then = moment.astimezone(self.zone)
        today = now_utc.astimezone(self.zone)
        if then.date() == today.date():
            return then.strftime("%H:%M")
        return then.strftime("%m-%d" if then.year == today.year else "%Y-%m-%d")

    def near_clock(self, moment: datetime, now_utc: datetime) -> str:
        """Return the clock for today, else month, day and clock; long ago with the year."""
        then = moment.astimezone(self.zone)
        if abs(now_utc - moment) > _YEAR_IS_SAID_AFTER:
            return then.strftime("%Y-%m-%d %H:%M")
        is_today = then.date() == now_utc.astimezone(self.zone).date()
        return then.strftime("%H:%M" if is_today else "%m-%d %H:%M")


def age(elapsed: timedelta) -> str:
    """Return how long ago in one short figure: `1:12` (minutes and seconds), `38 m`, `45 h`, `3 d`.

    A time in the future counts as just now.
    """
    seconds = max(0, int(elapsed.total_seconds()))
    if seconds < _SHOW_SECONDS_BELOW_S:
        return f"{seconds // _MINUTE_S}:{seconds % _MINUTE_S:02d}"
    if seconds < _SHOW_MINUTES_BELOW_S:
        return f"{seconds // _MINUTE_S} m"
    if seconds < _SHOW_HOURS_BELOW_S:
        return f"{seconds // _HOUR_S} h"
    return f"{seconds // _DAY_S} d"


def number(value: float) -> str:
    """Return at most three significant decimals, digits grouped by a thin space, a true minus."""
    magnitude = abs(value)
    decimals = 0 if magnitude >= 1000 else 1 if magnitude >= 100 else 2  # noqa: PLR2004  # digits
    if 0 < magnitude < 0.1:  # noqa: PLR2004  # small flows need a third digit
        decimals = 3
    return _shown(value, decimals)


_MOST_DECIMALS = 6


def numbers_apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers that are held against each other, so exactly that one sees which is more.

    What is not zero is not shown as zero, and what differs is not shown as the same.
    """
    shown = number(one), number(other)
    for decimals in range(1, _MOST_DECIMALS + 1):
        is_lost = any(
            text == "0" and value for text, value in zip(shown, (one, other), strict=True)
        )
        if not is_lost and (shown[0] != shown[1] or one == other):
            return shown
        shown = _shown(one, decimals), _shown(other, decimals)
    return shown


def _shown(value: float, decimals: int) -> str:
    text = f"{abs(value):.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    whole, _, rest = text.partition(".")
    if len(whole) > _FOUR_DIGITS:
        whole = f"{int(whole):,}".replace(",", THIN_SPACE)
    shown = f"{whole}.{rest}" if rest else whole
    return f"{MINUS}{shown}" if value < 0 and shown != "0" else shown


def quantity(value: float, unit: str) -> str:
    """Return number and unit, a space between, such as `0.42 m³/h`."""
    return f"{number(value)} {unit}" if unit else number(value)
