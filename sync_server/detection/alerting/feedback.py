"""Decides how crews' findings move a meter's threshold, inside bounds (RULINGS R6)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from wire_contracts.kinds import Family, Label
from wire_contracts.quantities import Medium

REMEMBERED = timedelta(days=60)
FALSE_FACTOR = 1.25
CONFIRMED_FACTOR = 0.9
LEAST, MOST = 0.7, 3.0
"""METHODS 6.7: false x 1.25 for 60 days, confirmed x 0.9, bounds 0.7 to 3."""


def threshold_multiplier(
    labels: Iterable[tuple[Label, datetime]],
    *,
    medium: Medium,
    family: Family,
    now_utc: datetime,
) -> float:
    """Return the factor on the threshold of one meter and family.

    Excess of gas is never judged less strictly than its class: feedback may only lower that
    threshold (RULINGS R6).
    """
    factor = 1.0
    for label, found_at_utc in labels:
        if now_utc - found_at_utc > REMEMBERED:
            continue
        if label is Label.FALSE:
            factor *= FALSE_FACTOR
        elif label is Label.CONFIRMED:
            factor *= CONFIRMED_FACTOR
    is_gas_safety = medium is Medium.GAS and family is Family.EXCESS
    return min(max(factor, LEAST), 1.0 if is_gas_safety else MOST)
