"""Counts the day of a tablet from its own facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from field_app.orders.own_facts import OwnFact
from wire_contracts.orders import FINDING_FORM, FactType


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftNumbers:
    """The day in numbers, from this tablet's own words.

    Attributes:
        finished: Orders finished.
        left: Visits that ended without a finding.
        steps: Safety steps taken.
        readings: Meter readings taken.
        photos: Photos and signatures taken.
    """

    finished: int = 0
    left: int = 0
    steps: int = 0
    readings: int = 0
    photos: int = 0


_NUMBER_OF: Final[Mapping[str, str]] = {
    FactType.FORM_ANSWERSET: "finished",
    FactType.VISIT_END: "left",
    FactType.SAFETY_STEP: "steps",
    FactType.METER_READING: "readings",
    FactType.PHOTO_REF: "photos",
    FactType.SIGNATURE: "photos",
}


def _worth(fact: OwnFact) -> int:
    """Return what a fact adds: a checklist finishes no order, a step taken back was not taken."""
    if fact.fact_type == FactType.FORM_ANSWERSET:
        is_finding = fact.payload.get("form") == FINDING_FORM
        return int(is_finding and fact.payload.get("is_unfinished") is not True)
    if fact.fact_type == FactType.SAFETY_STEP and fact.payload.get("is_undone") is True:
        return 0 if fact.payload.get("is_unsafe") is True else -1
    return 1


def count_shift(facts: Sequence[OwnFact]) -> ShiftNumbers:
    """Return the numbers of these facts."""
    counts = dict.fromkeys(_NUMBER_OF.values(), 0)
    for fact in facts:
        name = _NUMBER_OF.get(fact.fact_type)
        if name is not None:
            counts[name] += _worth(fact)
    return ShiftNumbers(**counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftNote:
    """A note to the next shift, by whom and when (the tablet's clock)."""

    text: str
    by: str
    at_ms: int


NOTES_KEPT_MS: Final = 7 * 86_400_000
"""A note older than that is for no shift any more (judgement)."""

_ONE_DAY_MS: Final = 86_400_000


def notes_left(facts: Sequence[OwnFact], now_ms: int) -> tuple[LeftNote, ...]:
    """Return the notes of the last 24 hours, the newest first; of older ones the newest alone.

    A shift may begin after midnight, and after a day off.
    """
    notes = [
        LeftNote(text=str(each.payload.get("text") or ""), by=each.actor, at_ms=each.at_ms)
        for each in reversed(facts)
        if each.fact_type == FactType.SHIFT_NOTE
    ]
    return tuple(
        each for n, each in enumerate(notes) if n == 0 or now_ms - each.at_ms < _ONE_DAY_MS
    )
