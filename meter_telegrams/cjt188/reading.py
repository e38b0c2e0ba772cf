"""What the meter data of a CJ/T 188 meter say: values, qualities, events, its clock.

A part that is filled (FF, EE), has a digit above 9 or a unit that cannot be its own has no value.
The layout is proved by the data themselves: where the other place of the unit explains at least
as many units, or the clock is right in the other byte order alone, nothing is taken at all. Where
neither clock nor settled total tells the byte order and both explain all, no value is good; nor
where a value is impossible, and the clock does not tell or the other order explains everything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from meter_telegrams.cjt188.byte_order import (
    OrderProof,
    parse_bcd,
    parse_clock,
    prove_order,
)
from meter_telegrams.cjt188.layout import (
    PLACES,
    PROFILES,
    Cjt188Kind,
    Cjt188Profile,
    Part,
    Place,
    UnitPlace,
    kind_of,
    stated_orders,
    wire_quantities,
    with_other_order,
)
from meter_telegrams.cjt188.units import UNITS, Cjt188Unit
from wire_contracts.quality import BAD_PROFILE, BAD_SENTINEL, SUSPECT_RANGE, QualityCode
from wire_contracts.quantities import UNITS as WIRE_UNITS
from wire_contracts.quantities import Quantity, dimension_of, is_plausible, to_canonical

_VALVE = 0x03
_BATTERY_LOW = 0x04
_VALVES: Mapping[int, str] = {0: "open", 1: "closed", 3: "fault"}
"""Bits 0 and 1 of the first status byte: 00 open, 01 closed, 11 fault; bit 2: battery low. As
ng-gateway.com's types have it (bit 0 closed, bit 1 not normal, bit 2 low). One reader in C takes
the bits from the other end (C0 valve, 20 battery); the rest of ST is the maker's own."""

_EVENTS: Mapping[str, str] = {"closed": "valve_closed", "fault": "valve_fault"}
_STANDARD_ORDER = tuple(profile for profile in PROFILES.values() if not profile.is_order_stated)
_ENOUGH_AGAINST = 2
"""Of three: a value is impossible, the other byte order explains all, the order is not known."""

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
        is_order_shown: Whether its clock is right in this byte order alone, or no other makes the
            total as much as the settled one.
        order_doubt: How the two byte orders read it, where its clock is not set and nothing else
            tells them apart, and what a person can do; else empty.
    """

    values: Mapping[Quantity, float] = field(default_factory=dict)
    quality: Mapping[Quantity, QualityCode] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    local: Mapping[str, float | int | str] = field(default_factory=dict)
    clock: datetime | None = None
    refusal: str = ""
    is_order_shown: bool = False
    order_doubt: str = ""


def decode_meter_data(
    data: bytes, meter_type: int, profile: Cjt188Profile, *, is_order_known: bool = False
) -> Cjt188Reading:
    """Return what the bytes behind the serial number say.

    Every wire quantity of the kind appears: with a value, or with a bad quality.

    Args:
        data: The bytes between serial number and checksum.
        meter_type: The type in the answer's frame.
        profile: What the settings say of the meter.
        is_order_known: Whether an earlier answer of the meter has shown this byte order.
    """
    wanted = wire_quantities(profile.kind, meter_type)
    refusal = _refusal(data, meter_type, profile)
    if refusal:
        quality = dict.fromkeys(wanted.values(), BAD_PROFILE)
        return Cjt188Reading(quality=quality, refusal=refusal)
    parts = dict(_parts(data, profile.kind))
    values, codes = _values(parts, wanted, profile)
    proof = prove_order(parts[Part.CLOCK][1], profile.byte_order)
    is_stated = profile.is_order_stated and proof is OrderProof.UNTOLD
    is_known = is_order_known or is_stated or proof is OrderProof.HOLDS
    is_other_fit = _explains_other(parts, wanted, profile)
    against = [SUSPECT_RANGE in codes.values(), is_other_fit, not is_known]
    is_settling = not codes and _is_settling(parts, wanted, profile)
    is_doubted = is_other_fit and not is_known and proof is OrderProof.UNTOLD
    if sum(against) >= _ENOUGH_AGAINST:
        codes |= dict.fromkeys(values, SUSPECT_RANGE)
    status = parts[Part.STATUS][1]
    return Cjt188Reading(
        values=values,
        quality=codes,
        events=_events(status[0]),
        local=_local(parts, wanted[Part.CURRENT], profile),
        clock=None
        if proof is OrderProof.UNTOLD
        else parse_clock(parts[Part.CLOCK][1], profile.byte_order),
        is_order_shown=proof is OrderProof.HOLDS or is_settling,
        order_doubt=_order_doubt(parts, wanted, profile) if is_doubted else "",
    )


def fitting_profiles(data: bytes, meter_type: int) -> tuple[str, ...]:
    """Return the references under which every unit of the data is right, at most one.

    None fits an unknown type, another length, or data that both sides of the unit explain. A
    byte order other than the standard's is never found: a person says so, who has seen the display.
    """
    return tuple(
        profile.reference
        for profile in _STANDARD_ORDER
        if not _refusal(data, meter_type, profile) and _has_all_units(data, profile)
    )


def unfit_reason(data: bytes, meter_type: int) -> str:
    """Return why no profile fits data whose units are right: the clock; else that none does."""
    refusals = (
        _refusal(data, meter_type, profile)
        for profile in _STANDARD_ORDER
        if kind_of(meter_type) is profile.kind
        and len(data) == _size(profile.kind)
        and _has_all_units(data, profile)
    )
    unknown = f"data: {len(data)} bytes of a meter of type {meter_type:02X} prove no profile"
    return next((each for each in refusals if each.startswith("clock")), unknown)


def missing(kind: Cjt188Kind, meter_type: int, code: QualityCode) -> Mapping[Quantity, QualityCode]:
    """Return the qualities of a read that brought nothing."""
    return dict.fromkeys(wire_quantities(kind, meter_type).values(), code)


def _refusal(data: bytes, meter_type: int, profile: Cjt188Profile) -> str:
    kind = kind_of(meter_type)
    if kind is not profile.kind:
        return f"type: {meter_type:02X} is not read as {profile.kind} by {profile.reference}"
    size = _size(profile.kind)
    if len(data) != size:
        return f"data: {len(data)} bytes, {profile.reference} knows only {size}"
    own = _fitting(data, profile.kind, profile.unit_place)
    other = _fitting(data, profile.kind, _OTHER_PLACE[profile.unit_place], is_number_needed=True)
    if other >= own:
        return (
            f"units: {own} fit {profile.reference}, {other} fit with the unit on the other side;"
            " look at the meter's document and choose the profile with or without _jy"
        )
    return _objection_of_clock(data, profile)


def _objection_of_clock(data: bytes, profile: Cjt188Profile) -> str:
    clock = dict(_parts(data, profile.kind))[Part.CLOCK][1]
    if prove_order(clock, profile.byte_order) is not OrderProof.REFUTED:
        return ""
    return (
        f"clock: {clock.hex().upper()} is impossible in the byte order of {profile.reference} and"
        " right in the other, so the numbers may be turned too; look at the display, and if they"
        f" are, name the profile {with_other_order(profile).reference}"
    )


def _size(kind: Cjt188Kind) -> int:
    return sum(place.size for place in PLACES[kind])


def _has_all_units(data: bytes, profile: Cjt188Profile) -> bool:
    count = sum(place.has_unit for place in PLACES[profile.kind])
    return _fitting(data, profile.kind, profile.unit_place) == count


def _explains_other(
    parts: Mapping[Part, tuple[Place, bytes]],
    wanted: Mapping[Part, Quantity],
    profile: Cjt188Profile,
) -> bool:
    """Return whether the other byte order, with other values, explains them and the settled one."""
    other = with_other_order(profile)
    values, codes = _values(parts, wanted, other)
    current = values.get(wanted[Part.CURRENT])
    settled, _ = _measured(*parts[Part.SETTLED], wanted[Part.CURRENT], other)
    is_total = current is None or settled is None or settled <= current
    is_same = values == _values(parts, wanted, profile)[0]
    is_explained = is_total or not _has_settled(profile)
    return is_explained and not is_same and SUSPECT_RANGE not in codes.values()


def _is_settling(
    parts: Mapping[Part, tuple[Place, bytes]],
    wanted: Mapping[Part, Quantity],
    profile: Cjt188Profile,
) -> bool:
    """Return whether the total is as much as the settled one in this byte order alone."""
    if not _has_settled(profile):
        return False
    grown = []
    for each in (profile, with_other_order(profile)):
        current, _ = _measured(*parts[Part.CURRENT], wanted[Part.CURRENT], each)
        settled, _ = _measured(*parts[Part.SETTLED], wanted[Part.CURRENT], each)
        if current is None or settled is None:
            return False
        grown.append(settled <= current)
    return grown == [True, False]


def _has_settled(profile: Cjt188Profile) -> bool:
    """Return whether the settled value is one of the total; of heat meters many show cold there."""
    return profile.kind is not Cjt188Kind.HEAT


def _order_doubt(
    parts: Mapping[Part, tuple[Place, bytes]],
    wanted: Mapping[Part, Quantity],
    profile: Cjt188Profile,
) -> str:
    quantity = wanted[Part.CURRENT]
    low, high = stated_orders(profile.kind, profile.unit_place)
    shown = []
    for reference in (low, high):
        value, _ = _measured(*parts[Part.CURRENT], quantity, PROFILES[reference])
        shown.append(f"{'none' if value is None else f'{value:.12g}'} by {reference}")
    return (
        f"byte order: the meter's clock is not set, and nothing else shows it: {quantity} is"
        f" {' or '.join(shown)}; look at the display, and name the profile that reads the same"
    )


def _values(
    parts: Mapping[Part, tuple[Place, bytes]],
    wanted: Mapping[Part, Quantity],
    profile: Cjt188Profile,
) -> tuple[dict[Quantity, float], dict[Quantity, QualityCode]]:
    values: dict[Quantity, float] = {}
    codes: dict[Quantity, QualityCode] = {}
    for part, quantity in wanted.items():
        value, code = _measured(*parts[part], quantity, profile)
        if code is not None:
            codes[quantity] = code
        if value is not None:
            values[quantity] = value
    return values, codes


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
    place: Place, span: bytes, quantity: Quantity, profile: Cjt188Profile
) -> tuple[float | None, QualityCode | None]:
    unit, digits = _split(place, span, profile.unit_place)
    number = parse_bcd(digits, profile.byte_order)
    if number is None:
        return None, BAD_SENTINEL
    if unit is None or WIRE_UNITS[unit.name].canonical != dimension_of(quantity):
        return None, BAD_PROFILE
    scaled = Fraction(number * unit.times, 10**place.decimals)
    value = float(to_canonical(scaled, unit.name, quantity))
    return value, None if is_plausible(quantity, value, is_float=False) else SUSPECT_RANGE


def _events(status: int) -> tuple[str, ...]:
    valve = _EVENTS.get(_VALVES.get(status & _VALVE, ""))
    battery = "battery_low" if status & _BATTERY_LOW else None
    return tuple(event for event in (valve, battery) if event is not None)


def _local(
    parts: Mapping[Part, tuple[Place, bytes]], quantity: Quantity, profile: Cjt188Profile
) -> dict[str, float | int | str]:
    status = parts[Part.STATUS][1]
    found: dict[str, float | int | str] = {
        "valve": _VALVES.get(status[0] & _VALVE, "unknown"),
        Part.STATUS.value: status.hex().upper(),
    }
    settled, _ = _measured(*parts[Part.SETTLED], quantity, profile)
    if settled is not None:
        found[f"settled_{quantity}"] = settled
    if Part.HOURS in parts:
        hours = parse_bcd(parts[Part.HOURS][1], profile.byte_order)
        if hours is not None:
            found[Part.HOURS.value] = hours
    return found
