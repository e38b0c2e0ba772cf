"""Where each value stands in the meter data (901F) of CJ/T 188, and what the references mean.

Heat, 43 bytes: settled-day energy, energy, power, flow, volume (each 4 bytes BCD and a unit),
supply and return temperature (3 bytes, two decimals), working hours (3 bytes), clock (7), ST (2).
Water and gas, 19 bytes: volume, settled-day volume (4 bytes and a unit), clock (7), ST (2).
All numbers BCD, lowest byte first; some makers send the highest first (profiles with `_high`).

Sources: offsets and order: a reader for water, gas and heat meters (`cj188.h`: heat at 3, 8, 13,
18, 23, 28, 31, 34, 37, 44; water and gas at 3, 8, 13, 20) and the frame of maker JY with values
printed beside it (cnblogs.com/llguanli/p/8683992: unit before value, energy 0.02 MWh, volume
10.34 m3, temperatures 25.35 and 25.66); water: cnblogs.com/yangykaifa/p/7010777. Decimals: two for
energy, volume and temperature in those frames; four for a flow of four bytes, two for power:
ng-gateway.com's schemas. Power's two decimals in four bytes are from memory besides.
An answer of another length has a layout that no source shows, and gives no value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from meter_telegrams.cjt188.byte_order import OTHER_ORDER, ByteOrder
from wire_contracts.quantities import Quantity


class Cjt188Kind(StrEnum):
    """What the meter measures, as the first digit of its type says."""

    WATER = "water"
    HEAT = "heat"
    GAS = "gas"


class UnitPlace(StrEnum):
    """Where a value's unit byte stands."""

    AFTER = "after"
    BEFORE = "before"


class Part(StrEnum):
    """The parts of the meter data, by the name they have in the gateway."""

    SETTLED = "settled"
    CURRENT = "current"
    POWER = "power"
    FLOW = "flow"
    VOLUME = "volume"
    SUPPLY = "supply_temp"
    RETURN = "return_temp"
    HOURS = "working_hours"
    CLOCK = "clock"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One part: its bytes (the unit among them), its decimals, and its fixed unit if it has one."""

    part: Part
    size: int
    decimals: int = 0
    has_unit: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Profile:
    """What a reference in the settings stands for.

    Attributes:
        reference: Its name.
        kind: What the meter measures.
        unit_place: Where the unit stands.
        byte_order: Which byte of a number comes first.
        is_order_stated: Whether a person says so, who has looked at the display: a clock that tells
            nothing leaves no doubt then.
    """

    reference: str
    kind: Cjt188Kind
    unit_place: UnitPlace = UnitPlace.AFTER
    byte_order: ByteOrder = ByteOrder.LOW_FIRST
    is_order_stated: bool = False


def _united(part: Part, decimals: int = 2) -> Place:
    return Place(part=part, size=5, decimals=decimals, has_unit=True)


_TAIL = (Place(part=Part.CLOCK, size=7), Place(part=Part.STATUS, size=2))
_VOLUMES = (_united(Part.CURRENT), _united(Part.SETTLED), *_TAIL)

PLACES: Mapping[Cjt188Kind, Sequence[Place]] = {
    Cjt188Kind.HEAT: (
        _united(Part.SETTLED),
        _united(Part.CURRENT),
        _united(Part.POWER),
        _united(Part.FLOW, decimals=4),
        _united(Part.VOLUME),
        Place(part=Part.SUPPLY, size=3, decimals=2, unit="degC"),
        Place(part=Part.RETURN, size=3, decimals=2, unit="degC"),
        Place(part=Part.HOURS, size=3),
        *_TAIL,
    ),
    Cjt188Kind.WATER: _VOLUMES,
    Cjt188Kind.GAS: _VOLUMES,
}
"""The parts of the meter data in order."""

COOLING_TYPE = 0x21
"""A heat meter that counts cold; ng-gateway.com/southward/cjt188, types of 2004 and 2018."""

_KINDS: Mapping[int, Cjt188Kind] = {
    0x20: Cjt188Kind.HEAT,
    COOLING_TYPE: Cjt188Kind.HEAT,
    **dict.fromkeys(range(0x10, 0x1A), Cjt188Kind.WATER),
    **dict.fromkeys(range(0x30, 0x3A), Cjt188Kind.GAS),
}
"""Meter type to kind. 22H counts heat and cold (2018) and 40H is electricity or the maker's own:
no source shows their data, so they are not read."""

PROFILES: Mapping[str, Cjt188Profile] = {
    profile.reference: profile
    for kind in Cjt188Kind
    for profile in (
        Cjt188Profile(
            reference=f"cjt188_{kind}{first}{side}@1",
            kind=kind,
            unit_place=unit_place,
            byte_order=byte_order,
            is_order_stated=bool(first),
        )
        for first, byte_order in (
            ("", ByteOrder.LOW_FIRST),
            ("_high", ByteOrder.HIGH_FIRST),
            ("_low", ByteOrder.LOW_FIRST),
        )
        for side, unit_place in (("", UnitPlace.AFTER), ("_jy", UnitPlace.BEFORE))
    )
}
"""The references that settings may name; `_jy`: the unit stands before the value; `_high`: the
highest byte of every number comes first; `_low`: the lowest, as a person has seen."""


def kind_of(meter_type: int) -> Cjt188Kind | None:
    """Return what a meter of this type measures; None: its data are not known here."""
    return _KINDS.get(meter_type)


def with_other_order(profile: Cjt188Profile) -> Cjt188Profile:
    """Return the profile that differs in the byte order alone."""
    wanted = (profile.kind, profile.unit_place, OTHER_ORDER[profile.byte_order])
    return next(
        each
        for each in PROFILES.values()
        if (each.kind, each.unit_place, each.byte_order) == wanted
    )


def stated_orders(kind: Cjt188Kind, unit_place: UnitPlace) -> tuple[str, str]:
    """Return the references by which a person states the byte order: lowest, highest first."""
    found = {
        each.byte_order: each.reference
        for each in PROFILES.values()
        if each.is_order_stated and (each.kind, each.unit_place) == (kind, unit_place)
    }
    return found[ByteOrder.LOW_FIRST], found[ByteOrder.HIGH_FIRST]


def wire_quantities(kind: Cjt188Kind, meter_type: int) -> Mapping[Part, Quantity]:
    """Return what is sent: the part and its wire quantity.

    The volume of a gas meter is 工况, as measured: the data have no conditions to convert with.
    What the meter stored on its settlement day stays in the gateway.
    """
    if kind is Cjt188Kind.WATER:
        return {Part.CURRENT: Quantity.VOLUME_M3}
    if kind is Cjt188Kind.GAS:
        return {Part.CURRENT: Quantity.VOLUME_ACTUAL_M3}
    is_cold = meter_type == COOLING_TYPE
    return {
        Part.CURRENT: Quantity.ENERGY_COLD_KWH if is_cold else Quantity.ENERGY_KWH,
        Part.POWER: Quantity.POWER_KW,
        Part.FLOW: Quantity.FLOW_M3H,
        Part.VOLUME: Quantity.VOLUME_M3,
        Part.SUPPLY: Quantity.SUPPLY_TEMP_DEGC,
        Part.RETURN: Quantity.RETURN_TEMP_DEGC,
    }
