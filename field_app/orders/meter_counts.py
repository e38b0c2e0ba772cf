"""What the dial showed at an order: its readings, and which of them corrects another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from field_app.orders.own_facts import ARRIVED, OwnFact
from wire_contracts.orders import FactType

NEW_REGISTER: Final = frozenset({"meter_exchanged", "rolled_over"})
"""Reasons with which a dial shows less and both readings are right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCount:
    """A reading of the dial, as the crew took it; `is_doubted`: it was asked about then."""

    value: float
    at_ms: int
    fact_id: str
    is_doubted: bool = False


def may_correct(last: MeterCount | None, value: float, reason: str) -> bool:
    """Return whether a reading may take the place of the last one of this visit: somebody must say.

    It may where that one was doubted, or shows more than the dial does now. Any other stands beside
    it, and so does the first one of a dial that began anew.
    """
    if last is None or reason in NEW_REGISTER:
        return False
    return last.is_doubted or last.value > value


def last_read_here(facts: Sequence[OwnFact]) -> MeterCount | None:
    """Return the last reading of this visit, None without one."""
    begins = max((n for n, each in enumerate(facts) if each.fact_type == ARRIVED), default=0)
    return next(reversed(counts_of(facts[begins:])), None)


def counts_of(facts: Sequence[OwnFact]) -> tuple[MeterCount, ...]:
    """Return every reading that no later one corrected, in the order of the facts."""
    found: list[MeterCount] = []
    corrected = {str(each.payload.get("supersedes")) for each in facts}
    for fact in facts:
        is_reading = fact.fact_type == FactType.METER_READING and fact.fact_id not in corrected
        value = fact.payload.get("value") if is_reading else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append(
                MeterCount(
                    value=float(value),
                    at_ms=fact.at_ms,
                    fact_id=fact.fact_id,
                    is_doubted=bool(fact.payload.get("doubt")),
                )
            )
    return tuple(found)
