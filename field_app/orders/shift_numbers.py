"""Counts the day of a tablet from its own facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from field_app.orders.work_record import OwnFact
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
        notes: The notes of this shift, newest last.
    """

    finished: int = 0
    left: int = 0
    steps: int = 0
    readings: int = 0
    photos: int = 0
    notes: Sequence[str] = ()


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
    notes: list[str] = []
    for fact in facts:
        name = _NUMBER_OF.get(fact.fact_type)
        if name is not None:
            counts[name] += _worth(fact)
        if fact.fact_type == FactType.SHIFT_NOTE:
            notes.append(str(fact.payload.get("text") or ""))
    return ShiftNumbers(**counts, notes=tuple(notes))
