"""Decides whether gas was told of elsewhere since the air that a step stands on was measured."""

from typing import Final, NamedTuple

from field_app.orders.safety_steps import LEL_SAFE_PCT, LEL_STOP_PCT, is_gas_beyond
from field_app.orders.site_sheet import GasTold, SiteSheet
from wire_contracts.site_facts import SafetyStep


class StandsOn(NamedTuple):
    """On which measurement a step stands, how much gas was too much for it, and what falls then."""

    measuring: SafetyStep
    limit_pct: float
    falls: SafetyStep


STANDS_ON: Final = {
    SafetyStep.REPAIR: StandsOn(SafetyStep.MEASURE, LEL_STOP_PCT, SafetyStep.VENTILATE),
    SafetyStep.RELIGHT: StandsOn(SafetyStep.REMEASURE, LEL_SAFE_PCT, SafetyStep.REMEASURE),
}


def gas_since_air(data: SiteSheet, step: SafetyStep) -> GasTold | None:
    """Return the most gas told elsewhere since the air that a step stands on.

    It may be what was found at first, written down later: a person says which, nobody else can.
    So it takes no step back by itself, as gas at the gate does (ADR 0034).
    """
    stands_on = STANDS_ON.get(step)
    if stands_on is None or stands_on.measuring not in data.record.done:
        return None
    measured = data.record.step_places.get(stands_on.measuring, (0, 0))
    newer = (
        each
        for each in data.gas_elsewhere
        if is_gas_beyond(each.lel_pct, stands_on.limit_pct) and each.place > measured
    )
    return max(newer, key=lambda each: each.lel_pct, default=None)
