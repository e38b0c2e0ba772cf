"""Decides in which unit a pressure is typed, and what a typed one means in the unit of the wire.

Gas is typed in kPa, as on the rounds; water and heat in MPa, as their gauges show it. A draft keeps
the text with its unit; one without (of an app before, or sealed) is bar, the unit of the wire.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from field_app.forms.numbers import parse_number, shown_number
from wire_contracts.quantities import Medium

TYPED_UNIT: Final[Mapping[Medium, str]] = {
    Medium.GAS: "kPa",
    Medium.WATER: "MPa",
    Medium.HEAT: "MPa",
}

_WIRE: Final = "bar"
_BAR_IN: Final[Mapping[str, Fraction]] = {
    "mbar": Fraction(1, 1000),
    "bar": Fraction(1),
    "kpa": Fraction(1, 100),
    "mpa": Fraction(10),
    "pa": Fraction(1, 100_000),
}
"""How many bar one of a unit is (BIPM, SI brochure, table 8: 1 bar = 0.1 MPa = 100 kPa)."""

_LONGEST_FIRST: Final = sorted(_BAR_IN, key=len, reverse=True)


def _split(text: str) -> tuple[str, str]:
    """Return number and unit as typed; the unit is empty where none stands there."""
    plain = text.strip()
    for unit in _LONGEST_FIRST:
        if plain.casefold().endswith(unit):
            return plain[: -len(unit)].strip(), unit
    return plain, ""


def kept_pressure(typed: str, unit: str) -> str:
    """Return a typed pressure as a draft keeps it: with its unit, the field's where none stands."""
    if not typed.strip() or _split(typed)[1]:
        return typed
    return f"{typed} {unit}"


def shown_pressure(kept: str, unit: str) -> str:
    """Return a kept pressure as the field shows it; one in another unit keeps its own beside it.

    One without a unit is bar, and is turned into the field's.
    """
    number, own = _split(kept)
    if own == unit.casefold():
        return kept.strip()[: -len(unit)].rstrip()
    barg = None if own else parse_number(number)
    if barg is None:
        return kept
    return in_unit(barg, unit)


def pressure_barg(kept: str) -> float | None:
    """Return a kept pressure in bar over the air's, None when it is none."""
    number, own = _split(kept)
    value = parse_number(number)
    if value is None:
        return None
    return round(float(Fraction(value) * _BAR_IN[own or _WIRE]), 9)


def in_unit(barg: float, unit: str) -> str:
    """Return so many bar as a number of another unit."""
    return shown_number(round(float(Fraction(barg) / _BAR_IN[unit.casefold()]), 6))
