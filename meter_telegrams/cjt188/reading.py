"""What the meter data of a CJ/T 188 meter say: values, qualities, events, its clock.

A part that is filled (FF, EE), has a digit above 9 or a unit that cannot be its own has no value.
The layout is proved by the data themselves: where the other place of the unit explains at least
as many units, nothing is taken at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from meter_telegrams.cjt188.layout import (
    PLACES,
    PROFILES,
    Cjt188Kind,
    Cjt188Profile,
    Part,
    Place,
    UnitPlace,
    kind_of,
    wire_quantities,
)
from meter_telegrams.cjt188.units import UNITS, Cjt188Unit
from wire_contracts.quality import BAD_PROFILE, BAD_SENTINEL, SUSPECT_RANGE, QualityCode
from wire_contracts.quantities import PLAUSIBLE, Quantity, dimension_of, to_canonical
from wire_contracts.quantities import UNITS as WIRE_UNITS

CLOCK_BYTES = 7

_VALVE = 0x03
_BATTERY_LOW = 0x04
_VALVES: Mapping[int, str] = {0: "open", 1: "closed", 3: "fault"}
"""Bits 0 and 1 of the first status byte: 00 open, 01 closed, 11 fault; bit 2: battery low. As
ng-gateway.com's types have it (bit 0 closed, bit 1 not normal, bit 2 low). One reader in C takes
the bits from the other end (C0 valve, 20 battery); the rest of ST is the maker's own."""

_EVENTS: Mapping[str, str] = {"closed": "valve_closed", "fault": "valve_fault"}
_OTHER_PLACE = {UnitPlace.AFTER: UnitPlace.BEFORE, UnitPlace.BEFORE: UnitPlace.AFTER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Reading:
    """What one answer says.

    Attributes:
        values: Wire quantity to its value in the canonical unit.
        quality: Wire quantity to its code where not good; a bad one has no value.
        events: Canonical events: `valve_closed`, `valve_fault`, `battery_low`.
        local: What stays in the gateway, by name: settled-day value, hours, valve, status.
        clock: What the meter's clock shows, naive, in the meter's local time; None: impossible.
        refusal: Why the whole answer gives no value; empty when it does.
    """

    values: Mapping[Quantity, float] = field(default_factory=dict)
    quality: Mapping[Quantity, QualityCode] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    local: Mapping[str, float | int | str] = field(default_factory=dict)
    clock: datetime | None = None
    refusal: str = ""


def decode_meter_data(data: bytes, meter_type: int, profile: Cjt188Profile) -> Cjt188Reading:
    """Return what the bytes behind the serial number say.

    Every wire quantity of the kind appears: with a value, or with a bad quality.

    Args:
        data: The bytes between serial number and checksum.
        meter_type: The type in the answer's frame.
        profile: What the settings say of the meter.
    """
    wanted = wire_quantities(profile.kind, meter_type)
    refusal = _refusal(data, meter_type, profile)
    if refusal:
        quality = dict.fromkeys(wanted.values(), BAD_PROFILE)
        return Cjt188Reading(quality=quality, refusal=refusal)
    parts = dict(_parts(data, profile.kind))
    values: dict[Quantity, float] = {}
    codes: dict[Quantity, QualityCode] = {}
    for part, quantity in wanted.items():
        value, code = _measured(*parts[part], quantity, profile.unit_place)
        if code is not None:
            codes[quantity] = code
        if value is not None:
            values[quantity] = value
    status = parts[Part.STATUS][1]
    return Cjt188Reading(
        values=values,
        quality=codes,
        events=_events(status[0]),
        local=_local(parts, wanted[Part.CURRENT], profile.unit_place),
        clock=parse_clock(parts[Part.CLOCK][1]),
    )


def fitting_profiles(data: bytes, meter_type: int) -> tuple[str, ...]:
    """Return the references under which every unit of the data is right, at most one.

    None fits an unknown type, another length, or data that both sides of the unit explain.
    """
    return tuple(
        profile.reference
        for profile in PROFILES.values()
        if not _refusal(data, meter_type, profile)
        and _fitting(data, profile.kind, profile.unit_place)
        == sum(place.has_unit for place in PLACES[profile.kind])
    )


def missing(kind: Cjt188Kind, meter_type: int, code: QualityCode) -> Mapping[Quantity, QualityCode]:
    """Return the qualities of a read that brought nothing."""
    return dict.fromkeys(wire_quantities(kind, meter_type).values(), code)


def parse_bcd(digits: bytes) -> int | None:
    """Return the number of BCD bytes, lowest byte first; None when a digit is above 9."""
    text = digits[::-1].hex()
    return int(text) if text.isdecimal() else None


def parse_clock(digits: bytes) -> datetime | None:
    """Return the naive time of seven BCD bytes (second first, century last), None if impossible."""
    text = digits[::-1].hex()
    if len(digits) != CLOCK_BYTES or not text.isdecimal():
        return None
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    try:
        # the meter's local time has no zone
        return datetime(int(text[:4]), month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def _refusal(data: bytes, meter_type: int, profile: Cjt188Profile) -> str:
    kind = kind_of(meter_type)
    if kind is not profile.kind:
        return f"type: {meter_type:02X} is not read as {profile.kind} by {profile.reference}"
    size = sum(place.size for place in PLACES[profile.kind])
    if len(data) != size:
        return f"data: {len(data)} bytes, {profile.reference} knows only {size}"
    own = _fitting(data, profile.kind, profile.unit_place)
    other = _fitting(data, profile.kind, _OTHER_PLACE[profile.unit_place], is_number_needed=True)
    if other >= own:
        return (
            f"units: {own} fit {profile.reference}, {other} fit with the unit on the other side;"
            " look at the meter's document and choose the profile with or without _jy"
        )
    return ""


def _parts(data: bytes, kind: Cjt188Kind) -> Iterator[tuple[Part, tuple[Place, bytes]]]:
    at = 0
    for place in PLACES[kind]:
        yield place.part, (place, data[at : at + place.size])
        at += place.size


def _fitting(
    data: bytes, kind: Cjt188Kind, unit_place: UnitPlace, *, is_number_needed: bool = False
) -> int:
    """Return how many units are right for their part when they stand on this side.

    With `is_number_needed` only those count that stand beside a number.
    """
    dimensions = {
        Part.POWER: "kw",
        Part.FLOW: "m3h",
        Part.VOLUME: "m3",
        Part.SETTLED: "kwh" if kind is Cjt188Kind.HEAT else "m3",
        Part.CURRENT: "kwh" if kind is Cjt188Kind.HEAT else "m3",
    }
    found = 0
    for part, (place, span) in _parts(data, kind):
        if place.has_unit:
            unit, digits = _split(place, span, unit_place)
            is_right = unit is not None and WIRE_UNITS[unit.name].canonical == dimensions[part]
            found += is_right and not (is_number_needed and parse_bcd(digits) is None)
    return found


def _split(place: Place, span: bytes, unit_place: UnitPlace) -> tuple[Cjt188Unit | None, bytes]:
    if not place.has_unit:
        return Cjt188Unit(name=place.unit), span
    if unit_place is UnitPlace.AFTER:
        return UNITS.get(span[-1]), span[:-1]
    return UNITS.get(span[0]), span[1:]


def _measured(
    place: Place, span: bytes, quantity: Quantity, unit_place: UnitPlace
) -> tuple[float | None, QualityCode | None]:
    unit, digits = _split(place, span, unit_place)
    number = parse_bcd(digits)
    if number is None:
        return None, BAD_SENTINEL
    if unit is None or WIRE_UNITS[unit.name].canonical != dimension_of(quantity):
        return None, BAD_PROFILE
    scaled = Fraction(number * unit.times, 10**place.decimals)
    value = float(to_canonical(scaled, unit.name, quantity))
    low, high = PLAUSIBLE[quantity]
    return value, None if low <= value <= high else SUSPECT_RANGE


def _events(status: int) -> tuple[str, ...]:
    valve = _EVENTS.get(_VALVES.get(status & _VALVE, ""))
    battery = "battery_low" if status & _BATTERY_LOW else None
    return tuple(event for event in (valve, battery) if event is not None)


def _local(
    parts: Mapping[Part, tuple[Place, bytes]], quantity: Quantity, unit_place: UnitPlace
) -> dict[str, float | int | str]:
    status = parts[Part.STATUS][1]
    found: dict[str, float | int | str] = {
        "valve": _VALVES.get(status[0] & _VALVE, "unknown"),
        Part.STATUS.value: status.hex().upper(),
    }
    settled, _ = _measured(*parts[Part.SETTLED], quantity, unit_place)
    if settled is not None:
        found[f"settled_{quantity}"] = settled
    if Part.HOURS in parts:
        hours = parse_bcd(parts[Part.HOURS][1])
        if hours is not None:
            found[Part.HOURS.value] = hours
    return found
