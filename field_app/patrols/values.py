"""Decides what a typed value of a checkpoint means and whether it lies inside its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from field_app.forms.numbers import parse_lel_pct, parse_number, worst_lel_pct
from wire_contracts.patrols import POSSIBLE, Measure, ValueLimit

EXPLOSIVE_LEL_PCT = 20.0
"""From 20 % LEL on people get out: where gas cabins of utility tunnels raise their alarm at the
latest (domain notes on standards, alarm levels)."""


class Verdict(StrEnum):
    """What is to be said about one typed value."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    IMPOSSIBLE = "impossible"
    OFF_SCALE = "off_scale"
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
    is_gas = limit.measure is Measure.GAS_LEL_PCT
    value = parse_lel_pct(text) if is_gas else parse_number(text)
    if value is None:
        is_off_scale = is_gas and is_explosive(worst_lel_pct(text))
        verdict = Verdict.OFF_SCALE if is_off_scale else Verdict.NOT_A_NUMBER
        return Judged(limit=limit, text=text, verdict=verdict)
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


def is_dangerous(judged: Sequence[Judged], forms_lel_pct: float | None = None) -> bool:
    """Return whether something says that people must get out.

    What a detector cannot show any more, and what is beyond anything possible, is danger as well:
    the range is judged after it. `forms_lel_pct` is the most that a form of the office tells of.
    """
    typed = (worst_lel_pct(each.text) for each in judged if _is_gas(each))
    return any(is_explosive(each) for each in (*typed, forms_lel_pct))


def is_gas_unread(judged: Sequence[Judged]) -> bool:
    """Return whether something stands for the gas that nobody can read: no place is left out so."""
    return any(_is_gas(each) and each.verdict in UNREAD for each in judged)


def unread_texts(judged: Sequence[Judged]) -> tuple[tuple[Measure, str], ...]:
    """Return what was typed and is no value: it is told as it stands, never as a number."""
    return tuple(
        (each.limit.measure, each.text.strip()) for each in judged if each.verdict in UNREAD
    )


UNREAD = frozenset({Verdict.NOT_A_NUMBER, Verdict.IMPOSSIBLE, Verdict.OFF_SCALE})
"""Something is typed that is no value."""


def _is_gas(judged: Judged) -> bool:
    return judged.limit.measure is Measure.GAS_LEL_PCT


def is_explosive(lel_pct: float | None) -> bool:
    """Return whether so much gas says that people must get out."""
    return lel_pct is not None and lel_pct >= EXPLOSIVE_LEL_PCT
