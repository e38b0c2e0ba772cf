"""One vocabulary of measured quantities: wire names, canonical units, conversion (RULINGS R9)."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Quantity(StrEnum):
    """A measurable quantity; the suffix of its name is its canonical unit."""

    VOLUME_M3 = "volume_m3"
    VOLUME_REVERSE_M3 = "volume_reverse_m3"
    VOLUME_ACTUAL_M3 = "volume_actual_m3"
    VOLUME_BASE_M3 = "volume_base_m3"
    FLOW_M3H = "flow_m3h"
    FLOW_ACTUAL_M3H = "flow_actual_m3h"
    FLOW_BASE_M3H = "flow_base_m3h"
    ENERGY_KWH = "energy_kwh"
    ENERGY_COLD_KWH = "energy_cold_kwh"
    POWER_KW = "power_kw"
    SUPPLY_TEMP_DEGC = "supply_temp_degc"
    RETURN_TEMP_DEGC = "return_temp_degc"
    TEMP_DIFF_K = "temp_diff_k"
    TEMPERATURE_DEGC = "temperature_degc"
    PRESSURE_BARA = "pressure_bara"
    PRESSURE_BARG = "pressure_barg"
    MASS_KG = "mass_kg"
    MASS_FLOW_KGH = "mass_flow_kgh"
    GAS_LEL_PCT = "gas_lel_pct"
    SIGNAL_QUALITY_PCT = "signal_quality_pct"


TOTALISERS = frozenset(
    {
        Quantity.VOLUME_M3,
        Quantity.VOLUME_REVERSE_M3,
        Quantity.VOLUME_ACTUAL_M3,
        Quantity.VOLUME_BASE_M3,
        Quantity.ENERGY_KWH,
        Quantity.ENERGY_COLD_KWH,
        Quantity.MASS_KG,
    }
)
"""Quantities that only count up."""


class Medium(StrEnum):
    """What the meter measures."""

    HEAT = "heat"
    GAS = "gas"
    WATER = "water"


PLAUSIBLE: dict[Quantity, tuple[float, float]] = {
    Quantity.VOLUME_M3: (-1e9, 1e10),
    Quantity.VOLUME_REVERSE_M3: (-1e9, 1e10),
    Quantity.VOLUME_ACTUAL_M3: (-1e9, 1e10),
    Quantity.VOLUME_BASE_M3: (-1e9, 1e11),
    Quantity.FLOW_M3H: (-1e6, 1e6),
    Quantity.FLOW_ACTUAL_M3H: (-1e6, 1e6),
    Quantity.FLOW_BASE_M3H: (-1e8, 1e8),
    Quantity.ENERGY_KWH: (-1e11, 1e12),
    Quantity.ENERGY_COLD_KWH: (-1e11, 1e12),
    Quantity.POWER_KW: (-1e7, 1e7),
    Quantity.SUPPLY_TEMP_DEGC: (-100.0, 600.0),
    Quantity.RETURN_TEMP_DEGC: (-100.0, 600.0),
    Quantity.TEMP_DIFF_K: (-600.0, 600.0),
    Quantity.TEMPERATURE_DEGC: (-100.0, 600.0),
    Quantity.PRESSURE_BARA: (-1.0, 1000.0),
    Quantity.PRESSURE_BARG: (-2.0, 1000.0),
    Quantity.MASS_KG: (-1e12, 1e14),
    Quantity.MASS_FLOW_KGH: (-1e9, 1e9),
    Quantity.GAS_LEL_PCT: (-10.0, 1000.0),
    Quantity.SIGNAL_QUALITY_PCT: (-10.0, 1000.0),
}
"""What no meter of a utility can mean, by a wide margin: outside, words were torn or swapped, and
the value is `suspect_range` whatever its profile says. Judgement, with the standards' largest for
scale: water meters end at Q3 = 6300 m3/h (OIML R 49-1), heat meters at 200 degC
(EN 1434-1), superheated steam at 600 degC; a profile's own `min` and `max` are narrower."""


FINEST = 1e-6
"""Nearer to zero, and not zero, is no reading of a float register, in the canonical unit of any
quantity: a millilitre (per hour), a milliwatt, 0.1 Pa, a microkelvin. The finest steps that the
makers of the shipped maps print are 0.001 L, 0.1 W and 0.001 K. It is what a float looks like with
its words in the wrong order: 20.5 degC reads 2.4e-41."""

_FINEST_BELOW = 1e-3
"""A total counts up: nearer below zero than this, a litre or a watt-hour, a float total is no
backflow but a float with its bytes in the wrong order. 12345.7 m3 reads -2.7e-5 (judgement)."""


def unreadable(quantity: Quantity) -> tuple[float, float]:
    """Return the open stretch about zero in which no float register's reading is, but zero."""
    return (-_FINEST_BELOW if quantity in TOTALISERS else -FINEST), FINEST


def is_plausible(quantity: Quantity, value: float, *, is_float: bool) -> bool:
    """Return whether a meter can mean a value; one rule for registers and for telegrams.

    Args:
        quantity: What it measures.
        value: In the canonical unit.
        is_float: Whether it came as a binary float, whose bytes can be in the wrong order.
    """
    low, high = PLAUSIBLE[quantity]
    below, above = unreadable(quantity)
    is_lost = is_float and value != 0 and below < value < above
    return low <= value <= high and not is_lost


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRule:
    """How a printed unit becomes a canonical one: `canonical = value * factor + offset`."""

    canonical: str
    factor: Fraction
    offset: Fraction = Fraction(0)


def _scaled(canonical: str, factors: dict[str, Fraction | int]) -> dict[str, UnitRule]:
    return {
        unit: UnitRule(canonical=canonical, factor=Fraction(factor))
        for unit, factor in factors.items()
    }


_CALORIE_J = Fraction("4.1868")
"""International table calorie; ISO 80000-5 table A."""

_BTU_J = Fraction("1055.05585262")
"""International table British thermal unit; ISO 80000-5 table A."""

_KWH_J = Fraction(3_600_000)
_BAR_PA = Fraction(100_000)
_PSI_PA = Fraction("0.45359237") * Fraction("9.80665") / (Fraction("0.0254") ** 2)
"""Pound-force per square inch from the exact pound, standard gravity and inch."""

UNITS: dict[str, UnitRule] = {
    **_scaled(
        "m3",
        {
            "m3": 1,
            "m³": 1,
            "Nm3": 1,
            "Sm3": 1,
            "L": Fraction(1, 1000),
            "l": Fraction(1, 1000),
            "mL": Fraction(1, 1_000_000),
            "dm3": Fraction(1, 1000),
            "ft3": Fraction("0.3048") ** 3,
            "gal": Fraction("0.003785411784"),
            "10m3": 10,
            "100m3": 100,
        },
    ),
    **_scaled(
        "m3h",
        {
            "m3/h": 1,
            "Nm3/h": 1,
            "Sm3/h": 1,
            "m3/min": 60,
            "m3/s": 3600,
            "L/h": Fraction(1, 1000),
            "l/h": Fraction(1, 1000),
            "L/min": Fraction(60, 1000),
            "L/s": Fraction(3600, 1000),
        },
    ),
    **_scaled(
        "kwh",
        {
            "kWh": 1,
            "Wh": Fraction(1, 1000),
            "MWh": 1000,
            "GWh": 1_000_000,
            "J": 1 / _KWH_J,
            "kJ": 1000 / _KWH_J,
            "MJ": 10**6 / _KWH_J,
            "GJ": 10**9 / _KWH_J,
            "cal": _CALORIE_J / _KWH_J,
            "kcal": 1000 * _CALORIE_J / _KWH_J,
            "Mcal": 10**6 * _CALORIE_J / _KWH_J,
            "Gcal": 10**9 * _CALORIE_J / _KWH_J,
            "BTU": _BTU_J / _KWH_J,
            "MBTU": 10**6 * _BTU_J / _KWH_J,
        },
    ),
    **_scaled(
        "kw",
        {
            "kW": 1,
            "W": Fraction(1, 1000),
            "MW": 1000,
            "kJ/h": Fraction(1, 3600),
            "MJ/h": Fraction(1000, 3600),
            "GJ/h": Fraction(10**6, 3600),
            "cal/h": _CALORIE_J / _KWH_J,
            "kcal/h": 1000 * _CALORIE_J / _KWH_J,
            "Mcal/h": 10**6 * _CALORIE_J / _KWH_J,
        },
    ),
    **_scaled(
        "bar",
        {
            "bar": 1,
            "mbar": Fraction(1, 1000),
            "Pa": 1 / _BAR_PA,
            "hPa": 100 / _BAR_PA,
            "kPa": 1000 / _BAR_PA,
            "MPa": 10**6 / _BAR_PA,
            "psi": _PSI_PA / _BAR_PA,
        },
    ),
    **_scaled("k", {"K": 1}),
    **_scaled("kg", {"kg": 1, "t": 1000, "g": Fraction(1, 1000)}),
    **_scaled("kgh", {"kg/h": 1, "t/h": 1000, "kg/s": 3600, "kg/min": 60}),
    **_scaled("pct", {"%": 1, "%LEL": 1, "% LEL": 1}),
    "degC": UnitRule(canonical="degc", factor=Fraction(1)),
    "°C": UnitRule(canonical="degc", factor=Fraction(1)),
    "degF": UnitRule(canonical="degc", factor=Fraction(5, 9), offset=Fraction(-160, 9)),
}
"""Printed unit -> canonical unit with an exact factor. Dimension is the canonical name."""


_WATER_NAMES: dict[str, Quantity] = {
    "volume": Quantity.VOLUME_M3,
    "volume_forward": Quantity.VOLUME_M3,
    "volume_reverse": Quantity.VOLUME_REVERSE_M3,
    "flow": Quantity.FLOW_M3H,
}
_GAS_NAMES: dict[str, Quantity] = {
    "volume_actual": Quantity.VOLUME_ACTUAL_M3,
    "volume_measured": Quantity.VOLUME_ACTUAL_M3,
    "volume_base": Quantity.VOLUME_BASE_M3,
    "volume_converted": Quantity.VOLUME_BASE_M3,
    "flow_actual": Quantity.FLOW_ACTUAL_M3H,
    "flow_measured": Quantity.FLOW_ACTUAL_M3H,
    "flow_base": Quantity.FLOW_BASE_M3H,
    "flow_converted": Quantity.FLOW_BASE_M3H,
}
_SHARED_NAMES: dict[str, Quantity] = {
    "energy_heat": Quantity.ENERGY_KWH,
    "energy_cold": Quantity.ENERGY_COLD_KWH,
    "power": Quantity.POWER_KW,
    "temp_supply": Quantity.SUPPLY_TEMP_DEGC,
    "temp_return": Quantity.RETURN_TEMP_DEGC,
    "delta_t": Quantity.TEMP_DIFF_K,
    "temperature": Quantity.TEMPERATURE_DEGC,
    "mass": Quantity.MASS_KG,
    "mass_flow": Quantity.MASS_FLOW_KGH,
    "gas_lel": Quantity.GAS_LEL_PCT,
}


class Reference(StrEnum):
    """What a pressure is measured against."""

    ABSOLUTE = "absolute"
    GAUGE = "gauge"


def wire_quantity(
    schema_quantity: str, medium: Medium, reference: Reference | None = None
) -> Quantity | None:
    """Return the wire name of a profile's quantity, or None when it stays in the gateway.

    Gas volumes and flows have a name only with their conditions (actual or base): a plain
    `volume` of a gas meter, and a pressure without a reference, have none. `volume_corrected`
    of gas (index error corrected, still at measuring conditions) has none either, because two
    registers of one meter must never claim one name.
    """
    if schema_quantity == "pressure":
        if reference is None:
            return None
        is_absolute = reference is Reference.ABSOLUTE
        return Quantity.PRESSURE_BARA if is_absolute else Quantity.PRESSURE_BARG
    by_medium = _GAS_NAMES if medium is Medium.GAS else _WATER_NAMES
    return by_medium.get(schema_quantity) or _SHARED_NAMES.get(schema_quantity)


_DIMENSION = {"m3h": "m3h", "bara": "bar", "barg": "bar"}


def dimension_of(quantity: Quantity) -> str:
    """Return the canonical unit that `UNITS` must lead to for this quantity, such as `kwh`."""
    suffix = quantity.rsplit("_", 1)[1]
    return _DIMENSION.get(suffix, suffix)


def to_canonical(value: Fraction, unit: str, quantity: Quantity) -> Fraction:
    """Return `value` in the canonical unit of `quantity`, exactly.

    Raises:
        ValueError: The unit is unknown, or of another dimension than the quantity.
    """
    rule = UNITS.get(unit)
    if rule is None:
        message = f"unit {unit!r} is not in the table of units; add it to wire_contracts.quantities"
        raise ValueError(message)
    if rule.canonical != dimension_of(quantity):
        message = f"unit {unit!r} cannot be {quantity}: it measures {rule.canonical}"
        raise ValueError(message)
    return value * rule.factor + rule.offset


def from_canonical(value: Fraction, unit: str, quantity: Quantity) -> Fraction:
    """Return a canonical value in a printed unit, exactly; the inverse of `to_canonical`."""
    to_canonical(Fraction(0), unit, quantity)
    rule = UNITS[unit]
    return (value - rule.offset) / rule.factor
