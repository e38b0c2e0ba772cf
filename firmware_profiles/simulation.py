"""What a simulated meter measures at a moment: what it was told, and totals that run with time."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.register import Register
from wire_contracts.quantities import Quantity

_Q = Quantity
_HOUR = timedelta(hours=1)

USUAL: Mapping[Quantity, float] = {
    _Q.VOLUME_M3: 1234.5,
    _Q.VOLUME_REVERSE_M3: 1.5,
    _Q.VOLUME_ACTUAL_M3: 1234.5,
    _Q.VOLUME_BASE_M3: 2345.5,
    _Q.FLOW_M3H: 1.5,
    _Q.FLOW_ACTUAL_M3H: 12.5,
    _Q.FLOW_BASE_M3H: 24.5,
    _Q.ENERGY_KWH: 56789.0,
    _Q.ENERGY_COLD_KWH: 12.0,
    _Q.POWER_KW: 35.0,
    _Q.SUPPLY_TEMP_DEGC: 80.0,
    _Q.RETURN_TEMP_DEGC: 50.0,
    _Q.TEMP_DIFF_K: 30.0,
    _Q.TEMPERATURE_DEGC: 20.0,
    _Q.PRESSURE_BARA: 2.0,
    _Q.PRESSURE_BARG: 1.0,
    _Q.MASS_KG: 1000.0,
    _Q.MASS_FLOW_KGH: 100.0,
    _Q.GAS_LEL_PCT: 0.5,
    _Q.SIGNAL_QUALITY_PCT: 90.0,
}
"""A healthy small meter; an invention, except that the values agree with each other."""

RATES: Mapping[Quantity, Quantity] = {
    _Q.VOLUME_M3: _Q.FLOW_M3H,
    _Q.VOLUME_ACTUAL_M3: _Q.FLOW_ACTUAL_M3H,
    _Q.VOLUME_BASE_M3: _Q.FLOW_BASE_M3H,
    _Q.ENERGY_KWH: _Q.POWER_KW,
    _Q.MASS_KG: _Q.MASS_FLOW_KGH,
}
"""Total -> what it grows by in an hour."""


class SimulatedFault(StrEnum):
    """What a simulated meter does wrong."""

    BUSY = "busy"
    SILENT = "silent"
    ILLEGAL = "illegal"
    INTERMITTENT = "intermittent"
    FROZEN = "frozen"


def simulated_values(
    profile: Profile, told: Mapping[Quantity, float], elapsed: timedelta
) -> dict[Quantity, float]:
    """Return every wire quantity of the profile after some time, in canonical units.

    Args:
        profile: The meter's profile.
        told: What a person wants; the rest is usual, within the profile's `min` and `max`.
        elapsed: How long the totals have been running.
    """
    start = {
        quantity: told.get(quantity, _within(register, USUAL[quantity]))
        for quantity, register in wire_registers(profile).items()
    }
    hours = elapsed / _HOUR
    return {
        quantity: value + hours * _rate(start, told, quantity) for quantity, value in start.items()
    }


def _rate(
    start: Mapping[Quantity, float], told: Mapping[Quantity, float], total: Quantity
) -> float:
    rate = RATES.get(total)
    if rate is None:
        return 0.0
    return start.get(rate, told.get(rate, USUAL[rate]))


def _within(register: Register, value: float) -> float:
    low, high = register.limits.minimum, register.limits.maximum
    if low is not None and value < low:
        return float(low)
    return float(high) if high is not None and value > high else value
