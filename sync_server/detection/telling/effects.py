"""Decides what an abnormality costs, per day and in all: volume or energy, and money."""

from collections.abc import Sequence
from dataclasses import dataclass

from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.telling.wording import PER_DAY, SINCE_START
from wire_contracts.evidence import EvidenceNumber

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a unit is worth; None: this unit has no price."""

    per_m3: float | None
    per_kwh: float | None
    currency: str


def effects_of(candidate: Candidate, price: Price | None) -> Sequence[EvidenceNumber]:
    """Return the effect per day and since the start, in units and, with a price, in money.

    Without a row in the price table the figure in money is left out (RULINGS R20).
    """
    if candidate.effect_per_day is None:
        return ()
    unit = candidate.effect_unit.partition("/")[0]
    days = max(candidate.at_s - candidate.start_s, 0) / _DAY_S
    per_day = candidate.effect_per_day
    numbers = [
        EvidenceNumber(name=PER_DAY, value=per_day, unit=unit),
        EvidenceNumber(name=SINCE_START, value=per_day * days, unit=unit),
    ]
    worth = None if price is None else price.per_kwh if unit == "kWh" else price.per_m3
    if price is not None and worth is not None:
        numbers += [
            EvidenceNumber(name=PER_DAY, value=per_day * worth, unit=price.currency),
            EvidenceNumber(name=SINCE_START, value=per_day * days * worth, unit=price.currency),
        ]
    return numbers
