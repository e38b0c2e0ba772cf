"""Decides which time a ledger is of: a day, an ISO week, a month or a year of the site."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

_DAY = re.compile(r"(20\d\d)-(\d\d)-(\d\d)")
_WEEK = re.compile(r"(20\d\d)-W(\d\d)")
_MONTH = re.compile(r"(20\d\d)-(\d\d)")
_YEAR = re.compile(r"20\d\d")
_DECEMBER = 12


class Span(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period; `to_utc` is the first moment that is not in it any more."""

    text: str
    span: Span
    first_day: date
    end_day: date
    from_utc: datetime
    to_utc: datetime


def parse_period(text: str, zone: tzinfo) -> Period:
    """Return the period that `2026-11-02`, `2026-W45`, `2026-11` or `2026` names.

    Raises:
        ContractError: It is none of the four, or there is no such day, week or month.
    """
    try:
        return _parsed(text.strip(), zone)
    except ValueError as error:
        raise ContractError(
            place="report",
            field="period",
            problem=f"{text!r} is no period",
            remedy="write a day 2026-11-02, a week 2026-W45, a month 2026-11 or a year 2026",
            code=Code.FIELD_RANGE,
        ) from error


def _parsed(text: str, zone: tzinfo) -> Period:
    if _DAY.fullmatch(text):
        first = date.fromisoformat(text)
        return _period(Span.DAY, first, first + timedelta(days=1), zone)
    week = _WEEK.fullmatch(text)
    if week is not None:
        first = date.fromisocalendar(int(week[1]), int(week[2]), 1)
        return _period(Span.WEEK, first, first + timedelta(days=7), zone)
    month = _MONTH.fullmatch(text)
    if month is not None:
        first = date(int(month[1]), int(month[2]), 1)
        return _period(Span.MONTH, first, _next_month(first), zone)
    if _YEAR.fullmatch(text):
        first = date(int(text), 1, 1)
        return _period(Span.YEAR, first, date(first.year + 1, 1, 1), zone)
    raise ValueError(text)


def _period(span: Span, first: date, end: date, zone: tzinfo) -> Period:
    return Period(
        text=_text_of(span, first),
        span=span,
        first_day=first,
        end_day=end,
        from_utc=datetime.combine(first, time(0), zone).astimezone(UTC),
        to_utc=datetime.combine(end, time(0), zone).astimezone(UTC),
    )


def _text_of(span: Span, first: date) -> str:
    if span is Span.WEEK:
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02d}"
    return first.isoformat()[: {Span.DAY: 10, Span.MONTH: 7}.get(span, 4)]


def _next_month(first: date) -> date:
    if first.month == _DECEMBER:
        return date(first.year + 1, 1, 1)
    return date(first.year, first.month + 1, 1)


def period_of(span: Span, day: date, zone: tzinfo) -> Period:
    """Return the period of a length that a day lies in."""
    if span is Span.WEEK:
        day -= timedelta(days=day.weekday())
    return _parsed(_text_of(span, day), zone)


def neighbours(period: Period, zone: tzinfo) -> tuple[Period, Period]:
    """Return the period before and the one behind, of the same length."""
    before = period_of(period.span, period.first_day - timedelta(days=1), zone)
    return before, period_of(period.span, period.end_day, zone)


def days_of(period: Period) -> list[date]:
    """Return the days of a period in their order."""
    count = (period.end_day - period.first_day).days
    return [period.first_day + timedelta(days=each) for each in range(count)]
