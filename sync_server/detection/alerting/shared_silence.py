"""Decides which silent meters one alert stands for: those of a gateway that is silent itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LEAST_SHARED = 3
SHARED_SHARE = 0.8
"""From three meters and four fifths of a gateway's meters on, silence has one cause: the gateway.
One alert shows it; the others are suppressed by design (ISA-18.2), not lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSilence:
    """Which meter's alert stands for which.

    Attributes:
        leader_of: Hidden meter to the meter whose alert stands for it.
        gateway_of: Leader to the gateway that is silent.
    """

    leader_of: Mapping[str, str] = field(default_factory=dict[str, str])
    gateway_of: Mapping[str, str] = field(default_factory=dict[str, str])

    def others(self, meter_id: str) -> int:
        """Return for how many other meters this one's alert stands."""
        return sum(leader == meter_id for leader in self.leader_of.values())


def shared_silence(
    silent: Sequence[str], gateway_of: Mapping[str, str], shown: frozenset[str]
) -> SharedSilence:
    """Return which silent meters are hidden because their gateway is the cause.

    Args:
        silent: Meters that are silent now.
        gateway_of: Every meter's gateway.
        shown: Meters with a shown alert already; one of them keeps standing for its gateway.
    """
    totals = Counter(gateway_of.values())
    by_gateway: dict[str, list[str]] = {}
    for meter_id in sorted(silent):
        if meter_id in gateway_of:
            by_gateway.setdefault(gateway_of[meter_id], []).append(meter_id)
    leader_of: dict[str, str] = {}
    leaders: dict[str, str] = {}
    for gateway_id, meters in by_gateway.items():
        if len(meters) < LEAST_SHARED or len(meters) < SHARED_SHARE * totals[gateway_id]:
            continue
        leader = min(meters, key=lambda meter_id: (meter_id not in shown, meter_id))
        leaders[leader] = gateway_id
        leader_of.update((meter_id, leader) for meter_id in meters if meter_id != leader)
    return SharedSilence(leader_of=leader_of, gateway_of=leaders)
