"""What one row of the list shows of an alert's evidence: the course's shape, value and limit.

A desk shows a hundred rows. Reading each one's evidence whole takes milliseconds apiece, so
a row reads the three columns and the numbers alone, straight from the text that is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict

import orjson

from sync_server.web.sparkline import Columns, Sparkline, draw, draw_columns
from sync_server.web.words import numbers_apart
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
    """The look of an alert: `why` is value and limit, such as `0.42 > 0.15`, in `unit`."""

    spark: Sparkline
    why: str
    unit: str


def look_of(evidence: Evidence) -> AlertLook:
    """Return the look of evidence that was read whole."""
    why, unit = _why(
        [(each.value, each.limit, each.unit, each.is_trigger) for each in evidence.numbers]
    )
    return AlertLook(spark=draw(evidence.points, evidence.rule_from_utc), why=why, unit=unit)


@lru_cache(maxsize=_KEPT_LOOKS)
def look_in(text: str) -> AlertLook:
    """Return the look of evidence as the database keeps it: this product's own JSON."""
    kept: _KeptEvidence = orjson.loads(text)
    points = kept["points"]
    columns = Columns(
        times_ms=points["t"], observed=points["y"], low=points["low"], high=points["high"]
    )
    why, unit = _why(
        [(each["value"], each["limit"], each["unit"], each["trigger"]) for each in kept["numbers"]]
    )
    return AlertLook(spark=draw_columns(columns, kept["rule"][0]), why=why, unit=unit)


def _why(numbers: Sequence[tuple[float, float | None, str, bool]]) -> tuple[str, str]:
    """Return what triggered against its limit, or against what was expected; and the unit.

    A detector holds its statistic against the limit: then the number behind what was seen is what
    it expected, in the same unit.
    """
    for place, (value, limit, unit, is_trigger) in enumerate(numbers):
        if not is_trigger:
            continue
        behind = numbers[place + 1] if place + 1 < len(numbers) else None
        held = limit
        if held is None and behind is not None and behind[2] == unit and not behind[3]:
            held = behind[0]
        if held is not None:
            sign = ">" if value > held else "<" if value < held else "="
            seen, limited = numbers_apart(value, held)
            return f"{seen} {sign} {limited}", unit
    return "", ""
