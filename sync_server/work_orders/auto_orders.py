"""Decides which alerts become work orders without a person (RULINGS R8)."""

from dataclasses import dataclass
from enum import StrEnum

from wire_contracts.kinds import FAMILY, Family, Kind
from wire_contracts.quantities import Medium


class AutoReason(StrEnum):
    """Why an alert becomes an order by itself, or does not."""

    GAS_EXCESS = "gas_excess"
    BURST = "burst"
    FEW_FALSE_ALARMS = "few_false_alarms"
    TOO_MANY_FALSE_ALARMS = "too_many_false_alarms"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoVerdict:
    """Whether to order at once, and why."""

    is_automatic: bool
    reason: AutoReason


def decide_automatic(
    kind: Kind,
    medium: Medium,
    *,
    false_alarms_per_1000_md: float | None,
    most_per_1000_md: float,
) -> AutoVerdict:
    """Return whether an alert becomes an order without a person.

    Args:
        kind: What is wrong.
        medium: Heat, gas or water.
        false_alarms_per_1000_md: Measured false alarms of this kind in the meter's class, per
            1000 meter-days; None when nobody has measured them: then a person decides.
        most_per_1000_md: The limit of the policy (0.3 by RULINGS R8).
    """
    if medium is Medium.GAS and FAMILY[kind] is Family.EXCESS:
        return AutoVerdict(is_automatic=True, reason=AutoReason.GAS_EXCESS)
    if kind is Kind.BURST:
        return AutoVerdict(is_automatic=True, reason=AutoReason.BURST)
    if false_alarms_per_1000_md is None:
        return AutoVerdict(is_automatic=False, reason=AutoReason.NOT_MEASURED)
    if false_alarms_per_1000_md <= most_per_1000_md:
        return AutoVerdict(is_automatic=True, reason=AutoReason.FEW_FALSE_ALARMS)
    return AutoVerdict(is_automatic=False, reason=AutoReason.TOO_MANY_FALSE_ALARMS)
