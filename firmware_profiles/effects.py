"""What a fault event does to the values beside it: no value, or a doubtful one."""

from collections.abc import Mapping
from dataclasses import dataclass

from firmware_profiles.status_rule import StatusRule
from wire_contracts.quantities import TOTALISERS, Quantity

_Q = Quantity

_FLOWS = frozenset({_Q.FLOW_M3H, _Q.FLOW_ACTUAL_M3H, _Q.FLOW_BASE_M3H, _Q.MASS_FLOW_KGH})
_RATES = _FLOWS | {_Q.POWER_KW}
_TEMPERATURES = frozenset(
    {_Q.SUPPLY_TEMP_DEGC, _Q.RETURN_TEMP_DEGC, _Q.TEMP_DIFF_K, _Q.TEMPERATURE_DEGC}
)
_PRESSURES = frozenset({_Q.PRESSURE_BARA, _Q.PRESSURE_BARG})
_CONVERTED = frozenset({_Q.VOLUME_BASE_M3, _Q.FLOW_BASE_M3H})
_ENERGIES = frozenset({_Q.ENERGY_KWH, _Q.ENERGY_COLD_KWH})
_EVERYTHING = frozenset(Quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Quantities that have no value, and quantities to doubt, while an event holds."""

    bad: frozenset[Quantity] = frozenset()
    suspect: frozenset[Quantity] = frozenset()


EFFECTS: Mapping[str, Effect] = {
    "flow_sensor_no_signal": Effect(bad=_RATES, suspect=TOTALISERS),
    "empty_pipe": Effect(bad=_RATES, suspect=TOTALISERS),
    "flow_sensor_weak": Effect(suspect=_RATES | TOTALISERS),
    "temp_sensor_fault": Effect(bad=_TEMPERATURES | {_Q.POWER_KW}, suspect=_ENERGIES | _CONVERTED),
    "pressure_sensor_fault": Effect(bad=_PRESSURES, suspect=_CONVERTED),
    "conversion_fault": Effect(suspect=_CONVERTED),
    "counter_fault": Effect(suspect=TOTALISERS),
    "pulse_mismatch": Effect(suspect=TOTALISERS | _FLOWS),
    "installation_error": Effect(suspect=_ENERGIES | {_Q.POWER_KW}),
    "sensor_fault": Effect(suspect=_EVERYTHING),
    "electronics_fault": Effect(suspect=_EVERYTHING),
    "comm_internal_fault": Effect(suspect=_EVERYTHING),
    "meter_error": Effect(suspect=_EVERYTHING),
    "meter_alarm": Effect(suspect=_EVERYTHING),
}
"""Canonical event -> effect. Events that are no fault of the meter (a leak, a closed valve, a
limit) leave the values alone: they are what the values are there to show."""

_NO_EFFECT = Effect()


def effect_of(rule: StatusRule) -> Effect:
    """Return what a status rule does: its own lists where the file has them, else the table."""
    usual = EFFECTS.get(rule.event, _NO_EFFECT)
    return Effect(
        bad=usual.bad if rule.bad is None else rule.bad,
        suspect=usual.suspect if rule.suspect is None else rule.suspect,
    )
