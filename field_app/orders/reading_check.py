"""Decides whether a meter reading can be: compared at once with what the meter said before."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from field_app.forms.numbers import parse_number
from wire_contracts.order_site import Count

DAY_MS: Final = 86_400_000

MUCH_MORE: Final = 3.0
"""Times the highest daily use of the last weeks; more is asked about (own figure: a family that
doubles its use is seen every winter, one that trebles it has a leak or a wrong digit)."""

MUCH_LESS: Final = 0.1
"""Share of the mean daily use; less is asked about: a stuck register, or nobody at home."""

SLACK: Final = 1.0
"""Units of the dial that never raise a question: a reading is cut to whole units."""

MUCH_PER_DAY: Final = 10.0
"""Units of the dial that a home hardly uses in a day; asked about where one reading is all that is
known (judgement: 10 m³ of gas heat a home in winter)."""

_FEWEST = 2


MOST: Final = 1e9
"""No register of a meter has more than nine digits before the point (judgement)."""


class Doubt(StrEnum):
    """What is strange about a reading."""

    NOT_A_NUMBER = "not_a_number"
    TOO_LONG = "too_long"
    BACKWARDS = "backwards"
    MUCH_MORE = "much_more"
    MUCH_LESS = "much_less"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the dial should show now: between `low` and `high`; `last` is the newest count."""

    last: Count
    low: float
    high: float
    per_day: float


def expected_now(counts: Sequence[Count], now_ms: int) -> Expected | None:
    """Return what the dial should show, None when too little is known of the meter."""
    if len(counts) < _FEWEST:
        return None
    first, last = counts[0], counts[-1]
    days = (last.at_ms - first.at_ms) / DAY_MS
    if days <= 0:
        return None
    mean = max((last.value - first.value) / days, 0.0)
    rates = [
        (after.value - before.value) * DAY_MS / (after.at_ms - before.at_ms)
        for before, after in pairwise(counts)
        if after.at_ms > before.at_ms
    ]
    highest = max((*rates, mean))
    days_since = max((now_ms - last.at_ms) / DAY_MS, 0.0)
    return Expected(
        last=last,
        low=last.value + MUCH_LESS * mean * days_since - SLACK,
        high=last.value + MUCH_MORE * highest * days_since + SLACK,
        per_day=mean,
    )


def doubt_of(
    text: str, counts: Sequence[Count], now_ms: int, much_per_day: float = MUCH_PER_DAY
) -> Doubt | None:
    """Return what is strange about a reading as typed; None when it fits, or nothing is known.

    `much_per_day` is asked about where one former reading is all that is known, in units of the
    dial.
    """
    value = parse_number(text)
    if value is None or value < 0:
        return Doubt.NOT_A_NUMBER if text.strip() else None
    if value >= MOST:
        return Doubt.TOO_LONG
    if counts and value < counts[-1].value - SLACK:
        return Doubt.BACKWARDS
    expected = expected_now(counts, now_ms)
    if expected is None:
        most = _most_after(counts[-1], now_ms, much_per_day) if counts else value
        return Doubt.MUCH_MORE if value > most else None
    if value > expected.high:
        return Doubt.MUCH_MORE
    is_low = value < expected.low and now_ms - expected.last.at_ms >= DAY_MS
    return Doubt.MUCH_LESS if is_low else None


def _most_after(last: Count, now_ms: int, much_per_day: float) -> float:
    days = max((now_ms - last.at_ms) / DAY_MS, 1.0)
    return last.value + much_per_day * days + SLACK
