"""Decides what a typed value of a checkpoint means and whether it lies inside its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from field_app.forms.numbers import parse_number
from wire_contracts.patrols import POSSIBLE, Measure, ValueLimit

EXPLOSIVE_LEL_PCT = 20.0
"""From 20 % LEL on people get out: where gas cabins of utility tunnels raise their alarm at the
latest (domain notes on standards, alarm levels)."""


class Verdict(StrEnum):
    """What is to be said about one typed value."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    IMPOSSIBLE = "impossible"
    INSIDE = "inside"
    BEYOND = "beyond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One value as typed, and what it means; `value` is None unless it is possible."""

    limit: ValueLimit
    text: str
    verdict: Verdict
    value: float | None = None


def judge(limit: ValueLimit, text: str) -> Judged:
    """Return what a typed text means for one value of a checkpoint."""
    if not text.strip():
        return Judged(limit=limit, text=text, verdict=Verdict.EMPTY)
    value = parse_number(text)
    if value is None:
        return Judged(limit=limit, text=text, verdict=Verdict.NOT_A_NUMBER)
    low, high = POSSIBLE[limit.measure]
    if not low <= value <= high:
        return Judged(limit=limit, text=text, verdict=Verdict.IMPOSSIBLE)
    is_low = limit.low is not None and value < limit.low
    is_high = limit.high is not None and value > limit.high
    verdict = Verdict.BEYOND if is_low or is_high else Verdict.INSIDE
    return Judged(limit=limit, text=text, verdict=verdict, value=value)


def judge_all(limits: Sequence[ValueLimit], texts: Mapping[str, str]) -> tuple[Judged, ...]:
    """Return every value of a checkpoint in its order."""
    return tuple(judge(limit, texts.get(str(limit.measure), "")) for limit in limits)


def is_dangerous(judged: Sequence[Judged]) -> bool:
    """Return whether a value says that people must get out."""
    return any(
        each.limit.measure is Measure.GAS_LEL_PCT
        and each.value is not None
        and each.value >= EXPLOSIVE_LEL_PCT
        for each in judged
    )
