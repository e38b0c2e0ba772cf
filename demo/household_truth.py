"""The truth about the homes' gas meters: which leak, miscount, were exchanged or are empty."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from demo.chance import key_of
from demo.town import Household
from demo.town_meters import MeterId


class HomeFaultKind(StrEnum):
    """What is unusual about a home's meter."""

    LEAKING = "leaking"
    SLOW = "slow"
    STOPPED = "stopped"
    REVERSED = "reversed"
    EXCHANGED = "exchanged"
    VACANT = "vacant"
    GAPS = "gaps"


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFault:
    """One unusual home from a local day on.

    Attributes:
        meter_id: The home's meter.
        kind: What is unusual. A reversed meter counts down; an exchanged one goes on from zero
            under the old number, because nobody recorded the exchange.
        first_day: Local day (days since 1970) from which on.
        flow_m3h: Of a leaking home: constant extra flow.
        share: Of a slow meter: what it still counts.
    """

    meter_id: MeterId
    kind: HomeFaultKind
    first_day: int
    flow_m3h: float = 0.0
    share: float = 1.0


HOME_FAULT_COUNTS = {
    HomeFaultKind.LEAKING: 52,
    HomeFaultKind.SLOW: 31,
    HomeFaultKind.STOPPED: 21,
    HomeFaultKind.REVERSED: 5,
    HomeFaultKind.EXCHANGED: 10,
    HomeFaultKind.VACANT: 40,
    HomeFaultKind.GAPS: 12,
}
"""Domain model section 7, injected truth."""

_LEAK_M3H = (0.02, 0.2)
_SLOW_SHARE = (0.75, 0.92)
"""Domain model section 7: night base flow 0.02 to 0.2 m3/h; slow by 8 to 25 %."""


FAULT_DAYS = (20_423, 20_787)
"""2025-12-01 to 2026-11-30 in the town: the year before its usual start."""


def plan_home_faults(seed: int, homes: Sequence[Household]) -> list[HomeFault]:
    """Return the unusual homes, each beginning on some day of `FAULT_DAYS`."""
    draw = Random(key_of(seed, "home faults"))
    chosen = iter(draw.sample(homes, sum(HOME_FAULT_COUNTS.values())))
    return [
        HomeFault(
            meter_id=next(chosen).meter_id,
            kind=kind,
            first_day=draw.randint(*FAULT_DAYS),
            flow_m3h=round(draw.uniform(*_LEAK_M3H), 3),
            share=round(draw.uniform(*_SLOW_SHARE), 3),
        )
        for kind, count in HOME_FAULT_COUNTS.items()
        for _ in range(count)
    ]
