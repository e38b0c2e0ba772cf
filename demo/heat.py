"""What a heat substation draws: load from the weather, temperatures from the heating curve."""

import numpy as np

from demo.chance import FloatArray, IntArray, key_of, uniform
from demo.slot_rows import Rows
from demo.town_meters import Meter
from demo.town_time import SLOTS_PER_DAY
from demo.uses import SUBSTATION_SHAPE
from demo.weather import outdoor_temp_degc
from wire_contracts.quantities import Quantity

HEAT_CAPACITY_KJ_KGK = 4.187
"""Specific heat of water at 50 degC, 1 to 16 bar, within 0.2 % from 20 to 90 degC (IAPWS-IF97)."""

_INDOOR_DEGC = 18.0
_SEASON_FIRST = 1115
_SEASON_LAST = 315
"""Central heating runs from 15 November to 15 March on the North China plain."""

_HOT_WATER_SHARE = 2.2
_LEAST_LOAD_KW = 4.0


def density_kg_m3(temp_degc: FloatArray) -> FloatArray:
    """Return the density of water at 1 atm (McCutcheon, Martin, Barnwell 1993)."""
    shift = temp_degc - 3.9863
    share = (temp_degc + 288.9414) / (508_929.2 * (temp_degc + 68.12963)) * shift**2
    return np.asarray(1000.0 * (1.0 - share), dtype=np.float64)


def is_heating_season(slots: IntArray) -> FloatArray:
    """Return 1.0 for slots within the heating season, else 0.0."""
    days = (slots // SLOTS_PER_DAY).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    date = month * 100 + day
    return np.asarray((date >= _SEASON_FIRST) | (date <= _SEASON_LAST), dtype=np.float64)


def heat_rows(seed: int, meter: Meter, slots: IntArray) -> Rows:
    """Return the days of a substation; energy = density x heat capacity x volume x difference.

    The flow sensor sits in the return, so the density is that of the return temperature.
    """
    outdoor = outdoor_temp_degc(seed, slots)
    cold_k = np.maximum(0.0, _INDOOR_DEGC - outdoor)
    chance = uniform(key_of(seed, "heat", meter.meter_id), slots)
    season = is_heating_season(slots)
    hour = (slots % SLOTS_PER_DAY) // 4
    shape = np.array([int(digit) for digit in SUBSTATION_SHAPE.workday], dtype=np.float64)
    hot_water_kw = meter.nominal * _HOT_WATER_SHARE * shape[hour] / 9.0 * (0.6 + 0.8 * chance)
    power_kw = _LEAST_LOAD_KW + hot_water_kw + season * meter.nominal * cold_k
    supply_degc = np.clip(58.0 + 1.25 * season * cold_k, 55.0, 95.0)
    return_degc = np.clip(34.0 + 0.55 * season * cold_k + 2.0 * (chance - 0.5), 28.0, 60.0)
    difference_k = supply_degc - return_degc
    kwh_per_m3 = density_kg_m3(return_degc) * HEAT_CAPACITY_KJ_KGK * difference_k / 3600.0
    flow_m3h = power_kw / kwh_per_m3
    return Rows(
        counted={Quantity.VOLUME_M3: flow_m3h / 4.0, Quantity.ENERGY_KWH: power_kw / 4.0},
        shown={
            Quantity.FLOW_M3H: flow_m3h,
            Quantity.POWER_KW: power_kw,
            Quantity.SUPPLY_TEMP_DEGC: supply_degc,
            Quantity.RETURN_TEMP_DEGC: return_degc,
            Quantity.TEMP_DIFF_K: difference_k,
        },
    )
