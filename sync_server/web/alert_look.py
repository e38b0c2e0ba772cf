"""What one row of the list shows of an alert's evidence: the course's shape, value and limit.

A desk shows a hundred rows. Reading each one's evidence whole takes milliseconds apiece, so
a row reads the three columns and the numbers alone, straight from the text that is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict

import orjson

from sync_server.web.sparkline import Columns, Sparkline, draw, draw_columns
from sync_server.web.words import number, quantity
from wire_contracts.evidence import Evidence

_KEPT_LOOKS = 512
"""Looks in memory: the list is shown at every change, and the evidence of a row hardly changes."""


class _KeptNumber(TypedDict):
    value: float
    unit: str
    limit: float | None
    trigger: bool


class _KeptPoints(TypedDict):
    t: Sequence[int]
    y: Sequence[float | None]
    low: Sequence[float | None]
    high: Sequence[float | None]


class _KeptEvidence(TypedDict):
    """The part of `wire_contracts.evidence.evidence_json` that a row needs."""

    rule: Sequence[int]
    points: _KeptPoints
    numbers: Sequence[_KeptNumber]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLook:
    """The look of an alert: `why` is value and limit, such as `0.42 > 0.15 m³/h`."""

    spark: Sparkline
    why: str


def look_of(evidence: Evidence) -> AlertLook:
    """Return the look of evidence that was read whole."""
    why = _why((each.value, each.limit, each.unit, each.is_trigger) for each in evidence.numbers)
    return AlertLook(spark=draw(evidence.points, evidence.rule_from_utc), why=why)


@lru_cache(maxsize=_KEPT_LOOKS)
def look_in(text: str) -> AlertLook:
    """Return the look of evidence as the database keeps it: this product's own JSON."""
    kept: _KeptEvidence = orjson.loads(text)
    points = kept["points"]
    columns = Columns(
        times_ms=points["t"], observed=points["y"], low=points["low"], high=points["high"]
    )
    why = _why(
        (each["value"], each["limit"], each["unit"], each["trigger"]) for each in kept["numbers"]
    )
    return AlertLook(spark=draw_columns(columns, kept["rule"][0]), why=why)


def _why(numbers: Iterable[tuple[float, float | None, str, bool]]) -> str:
    for value, limit, unit, is_trigger in numbers:
        if is_trigger and limit is not None:
            sign = ">" if value > limit else "<" if value < limit else "="
            return f"{number(value)} {sign} {quantity(limit, unit)}"
    return ""
