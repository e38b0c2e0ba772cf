"""What gas and water customers draw, quarter by quarter, and what the gas is like in the pipe."""

from collections.abc import Sequence

import numpy as np

from demo.chance import FloatArray, IntArray, key_of, uniform
from demo.faults import Fault, with_faults
from demo.slot_rows import Rows
from demo.town_meters import Meter
from demo.town_time import SLOTS_PER_DAY, weekday_of
from demo.uses import SHAPES, Shape
from demo.weather import outdoor_temp_degc
from wire_contracts.quantities import Quantity

BASE_PRESSURE_BARA = 1.01325
BASE_TEMP_K = 293.15
"""Base conditions of gas in China: 20 degC and 101.325 kPa (GB/T 32201)."""

KELVIN = 273.15
_COLD_BELOW_DEGC = 15.0
_ALWAYS = 9
_SATURDAY = 5
_GROUND_DEGC = 11.0
_GROUND_SHARE = 0.45
"""Gas in a buried pipe keeps about half of the swing of the air (own figure)."""

_PRESSURE_SPREAD = 0.006
"""A regulator holds its outlet within a few per mille (own figure)."""


def _tenths(digits: str) -> FloatArray:
    return np.array([int(digit) / 9.0 for digit in digits], dtype=np.float64)


def _hourly(shape: Shape, slots: IntArray) -> FloatArray:
    hour = (slots % SLOTS_PER_DAY) // 4
    is_weekend = weekday_of(slots // SLOTS_PER_DAY) >= _SATURDAY
    return np.where(is_weekend, _tenths(shape.weekend)[hour], _tenths(shape.workday)[hour])


def _is_running(shape: Shape, slots: IntArray, key: int) -> FloatArray:
    duty = np.array([2.0 if d == str(_ALWAYS) else int(d) / 10.0 for d in shape.duty])
    hour = (slots % SLOTS_PER_DAY) // 4
    return np.asarray(uniform(key, slots) < duty[hour], dtype=np.float64)


def healthy_volume_m3(seed: int, meter: Meter, slots: IntArray) -> FloatArray:
    """Return what a gas or water customer draws in each slot, in m3, without any fault."""
    shape = SHAPES[meter.use]
    chance = uniform(key_of(seed, "spread", meter.meter_id), slots)
    cold_k = np.maximum(0.0, _COLD_BELOW_DEGC - outdoor_temp_degc(seed, slots))
    running = _is_running(shape, slots, key_of(seed, "duty", meter.meter_id))
    flow_m3h = (
        meter.nominal
        * _hourly(shape, slots)
        * running
        * (1.0 + shape.spread * (2.0 * chance - 1.0))
        * (1.0 + shape.cold_share_per_k * cold_k)
    )
    return np.asarray(flow_m3h / 4.0, dtype=np.float64)


def gas_rows(seed: int, meter: Meter, slots: IntArray, faults: Sequence[Fault]) -> Rows:
    """Return the days of a gas meter: actual volume, and base volume by pressure, temperature."""
    actual_m3 = with_faults(healthy_volume_m3(seed, meter, slots), slots, faults)
    chance = uniform(key_of(seed, "pressure", meter.meter_id), slots)
    pressure_bara = meter.pressure_bara * (1.0 + _PRESSURE_SPREAD * (chance - 0.5))
    temp_degc = _GROUND_DEGC + _GROUND_SHARE * (outdoor_temp_degc(seed, slots) - _GROUND_DEGC)
    factor = conversion_factor(pressure_bara, temp_degc)
    return Rows(
        counted={
            Quantity.VOLUME_ACTUAL_M3: actual_m3,
            Quantity.VOLUME_BASE_M3: actual_m3 * factor,
        },
        shown={
            Quantity.FLOW_ACTUAL_M3H: actual_m3 * 4.0,
            Quantity.FLOW_BASE_M3H: actual_m3 * factor * 4.0,
            Quantity.TEMPERATURE_DEGC: temp_degc,
            Quantity.PRESSURE_BARA: pressure_bara,
        },
    )


def conversion_factor(pressure_bara: FloatArray, temp_degc: FloatArray) -> FloatArray:
    """Return base volume per actual volume of an ideal gas."""
    ratio = pressure_bara / BASE_PRESSURE_BARA * BASE_TEMP_K / (temp_degc + KELVIN)
    return np.asarray(ratio, dtype=np.float64)


def water_rows(volume_m3: FloatArray) -> Rows:
    """Return the days of a water meter from what it counts in each slot."""
    return Rows(counted={Quantity.VOLUME_M3: volume_m3}, shown={Quantity.FLOW_M3H: volume_m3 * 4.0})


def background_m3(seed: int, meter: Meter, slots: IntArray) -> FloatArray:
    """Return what flows into a water district beside its meters: steady losses and free taps."""
    chance = uniform(key_of(seed, "background", meter.meter_id), slots)
    return np.asarray(meter.nominal / 4.0 * (0.97 + 0.06 * chance), dtype=np.float64)
