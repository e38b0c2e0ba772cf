"""The questions for the next appointment: four moments, or any hour of the next two weeks."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

from field_app.presenters.dates import weekday_text
from field_app.presenters.ports import Words
from field_app.presenters.sheet import Answers
from field_app.presenters.sheet_views import ChoiceBlock, ChoiceLine
from wire_contracts.frames import ms_from_utc, utc_from_ms

_SOON: Final = ((1, 9), (1, 14), (2, 9), (7, 9))
"""Days from now and hour of the appointments that one tap offers."""

_OTHER: Final = "other"
_DAYS: Final = 14
"""Days that are offered for another time, from today on."""

_HOURS: Final = range(7, 21)
"""Full hours that are offered: when a customer is at home and a crew may ring."""

_MOMENT, _DAY, _HOUR = "appointment", "appointment_day", "appointment_hour"


def appointment_blocks(
    t: Words, answers: Answers, now_ms: int, zone: tzinfo
) -> tuple[ChoiceBlock, ...]:
    """Return the question, with day and hour where another time is wanted."""
    now = utc_from_ms(now_ms).astimezone(zone)
    lines = [
        _line(answers, _MOMENT, str(ms_from_utc(at)), _moment_text(t, days, at))
        for days, at in _soon(now)
    ]
    lines.append(_line(answers, _MOMENT, _OTHER, t("Another time")))
    first = ChoiceBlock(key=_MOMENT, title=t("Next appointment"), lines=tuple(lines))
    if answers.get(_MOMENT) != _OTHER:
        return (first,)
    days = [now.date() + timedelta(days=each) for each in range(_DAYS)]
    hours = [f"{each:02}:00" for each in _HOURS]
    return (
        first,
        ChoiceBlock(
            key=_DAY,
            title=t("On which day?"),
            lines=tuple(
                _line(answers, _DAY, each.isoformat(), weekday_text(t, each)) for each in days
            ),
            columns=3,
        ),
        ChoiceBlock(
            key=_HOUR,
            title=t("At what time?"),
            lines=tuple(_line(answers, _HOUR, each, each, icon="clock-outline") for each in hours),
            columns=4,
        ),
    )


def appointment_refusal(t: Words, answers: Answers, now_ms: int, zone: tzinfo) -> str:
    """Return what another time lacks, empty where it is whole or none is wanted."""
    if answers.get(_MOMENT) != _OTHER:
        return ""
    at_ms = appointment_ms(answers, now_ms, zone)
    if at_ms is None:
        return t("Choose the day and the time of the appointment.")
    return t("This time of the appointment is over.") if at_ms <= now_ms else ""


def appointment_ms(answers: Answers, now_ms: int, zone: tzinfo) -> int | None:
    """Return when the next visit is, None without one: only what is offered and chosen."""
    now = utc_from_ms(now_ms).astimezone(zone)
    chosen = answers.get(_MOMENT)
    if chosen != _OTHER:
        return next((ms for _, at in _soon(now) if chosen == str(ms := ms_from_utc(at))), None)
    for days in range(_DAYS):
        for hour in _HOURS:
            at = _at(now, days, hour)
            is_day = answers.get(_DAY) == at.date().isoformat()
            if is_day and answers.get(_HOUR) == at.strftime("%H:%M"):
                return ms_from_utc(at)
    return None


def _soon(now: datetime) -> list[tuple[int, datetime]]:
    return [(days, _at(now, days, hour)) for days, hour in _SOON]


def _at(now: datetime, days: int, hour: int) -> datetime:
    """Return a full hour by the site's clock, whatever daylight saving does in between."""
    return (now + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)


def _moment_text(t: Words, days: int, at: datetime) -> str:
    time = at.strftime("%H:%M")
    if days == 1:
        return t("Tomorrow {time}").format(time=time)
    return f"{weekday_text(t, at.date())} {time}"


def _line(
    answers: Answers, key: str, value: str, text: str, icon: str = "calendar-clock"
) -> ChoiceLine:
    return ChoiceLine(value=value, text=text, icon=icon, is_selected=answers.get(key) == value)
