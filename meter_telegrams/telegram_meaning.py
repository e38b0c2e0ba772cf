"""Which records of a telegram are the readings that leave the gateway, and how far they are good.

A reading is the instantaneous value of storage 0, tariff 0, subunit 0, by the device type of the
meter (RULINGS R9): volumes and flows of gas have a name only with their conditions, pressure says
no reference in M-Bus and therefore never leaves. A record with an error is no value. Where two
records claim one name and do not agree, none is taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from meter_telegrams.makers_status import makers_status
from meter_telegrams.records.measures import Measure
from meter_telegrams.records.telegram import (
    Function,
    Modifier,
    ModifierKind,
    Record,
    Telegram,
)
from wire_contracts.quality import (
    BAD_PROFILE,
    BAD_SENTINEL,
    SUSPECT_RANGE,
    SUSPECT_STATUS,
    QualityCode,
)
from wire_contracts.quantities import Medium, Quantity, is_plausible, to_canonical

PROFILE = "mbus@1"
"""What frames name as their profile: these rules, and their revision (RULINGS R17)."""

_COOLING = frozenset({0x0A, 0x0B})
_CONVERTER = 0x13
MEDIA: Mapping[int, Medium] = {
    **dict.fromkeys((0x04, 0x05, 0x0A, 0x0B, 0x0C, 0x0D), Medium.HEAT),
    **dict.fromkeys((0x03, 0x12, 0x13), Medium.GAS),
    **dict.fromkeys((0x06, 0x07, 0x10, 0x11, 0x15, 0x16, 0x17, 0x28), Medium.WATER),
}
"""Device type to the medium whose names its records get; others have no wire names."""

_BUSY, _APPLICATION_ERROR, _ALARM = 1, 2, 3
_POWER_LOW, _PERMANENT, _TEMPORARY = 0x04, 0x08, 0x10
_FIXED_CI = frozenset({0x73, 0x77})

_FORWARD = frozenset({ModifierKind.FORWARD})
_BACKWARD = frozenset({ModifierKind.BACKWARD})
_BASE = frozenset({ModifierKind.BASE_CONDITIONS})
_UNCORRECTED = frozenset({ModifierKind.UNCORRECTED})
_PLAIN: frozenset[ModifierKind] = frozenset()

_APPLIED = frozenset({ModifierKind.FACTOR, ModifierKind.TYPE_C})
"""Modifiers that the value already contains."""

Rule = tuple[Measure, frozenset[ModifierKind], Quantity]

_HEAT_RULES: Sequence[Rule] = (
    (Measure.ENERGY, _PLAIN, Quantity.ENERGY_KWH),
    (Measure.ENERGY, _FORWARD, Quantity.ENERGY_KWH),
    (Measure.ENERGY, _BACKWARD, Quantity.ENERGY_COLD_KWH),
    (Measure.VOLUME, _PLAIN, Quantity.VOLUME_M3),
    (Measure.VOLUME, _FORWARD, Quantity.VOLUME_M3),
    (Measure.VOLUME, _BACKWARD, Quantity.VOLUME_REVERSE_M3),
    (Measure.VOLUME_FLOW, _PLAIN, Quantity.FLOW_M3H),
    (Measure.POWER, _PLAIN, Quantity.POWER_KW),
    (Measure.FLOW_TEMPERATURE, _PLAIN, Quantity.SUPPLY_TEMP_DEGC),
    (Measure.RETURN_TEMPERATURE, _PLAIN, Quantity.RETURN_TEMP_DEGC),
    (Measure.TEMPERATURE_DIFFERENCE, _PLAIN, Quantity.TEMP_DIFF_K),
    (Measure.MASS, _PLAIN, Quantity.MASS_KG),
    (Measure.MASS_FLOW, _PLAIN, Quantity.MASS_FLOW_KGH),
)
_COOLING_RULES: Sequence[Rule] = (
    (Measure.ENERGY, _PLAIN, Quantity.ENERGY_COLD_KWH),
    (Measure.ENERGY, _FORWARD, Quantity.ENERGY_COLD_KWH),
    *(rule for rule in _HEAT_RULES if rule[0] is not Measure.ENERGY),
)
_WATER_RULES: Sequence[Rule] = (
    (Measure.VOLUME, _PLAIN, Quantity.VOLUME_M3),
    (Measure.VOLUME, _FORWARD, Quantity.VOLUME_M3),
    (Measure.VOLUME, _BACKWARD, Quantity.VOLUME_REVERSE_M3),
    (Measure.VOLUME_FLOW, _PLAIN, Quantity.FLOW_M3H),
    (Measure.FLOW_TEMPERATURE, _PLAIN, Quantity.TEMPERATURE_DEGC),
    (Measure.MASS, _PLAIN, Quantity.MASS_KG),
    (Measure.MASS_FLOW, _PLAIN, Quantity.MASS_FLOW_KGH),
)
_GAS_RULES: Sequence[Rule] = (
    (Measure.VOLUME, _PLAIN, Quantity.VOLUME_ACTUAL_M3),
    (Measure.VOLUME, _UNCORRECTED, Quantity.VOLUME_ACTUAL_M3),
    (Measure.VOLUME, _FORWARD, Quantity.VOLUME_ACTUAL_M3),
    (Measure.VOLUME, _BASE, Quantity.VOLUME_BASE_M3),
    (Measure.VOLUME, _BASE | _FORWARD, Quantity.VOLUME_BASE_M3),
    (Measure.VOLUME_FLOW, _PLAIN, Quantity.FLOW_ACTUAL_M3H),
    (Measure.VOLUME_FLOW, _UNCORRECTED, Quantity.FLOW_ACTUAL_M3H),
    (Measure.VOLUME_FLOW, _BASE, Quantity.FLOW_BASE_M3H),
    (Measure.FLOW_TEMPERATURE, _PLAIN, Quantity.TEMPERATURE_DEGC),
)
_CONVERTER_RULES: Sequence[Rule] = tuple(
    rule
    for rule in _GAS_RULES
    if rule[1] & (_UNCORRECTED | _BASE) or rule[0] is Measure.FLOW_TEMPERATURE
)
"""A converter has both volumes: one without a word about its conditions may be either."""

_NAMELESS_RULES: Sequence[Rule] = (
    (Measure.ENERGY, _PLAIN, Quantity.ENERGY_KWH),
    (Measure.VOLUME, _PLAIN, Quantity.VOLUME_M3),
)
"""What a device of another kind is told to have without a usable name: quality `bad_profile`."""

_UNITS: Mapping[str, tuple[str, Fraction]] = {
    "degC": ("degC", Fraction(1)),
    "J/h": ("kJ/h", Fraction(1, 1000)),
    "gal/min": ("m3/min", Fraction("0.003785411784")),
    "gal/h": ("m3/h", Fraction("0.003785411784")),
}
"""Units of records that `wire_contracts.quantities` does not know, and what they are there."""

_FAHRENHEIT_STEP = Fraction(5, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What leaves the gateway, and what stays.

    Attributes:
        values: Wire quantity to its value in the canonical unit; never one with a bad code.
        quality: Wire quantity to its code where it is not good.
        events: Canonical events of the meter's status, each once.
        meter_clock: What the meter's clock shows, in its local time; None when it did not say.
        local: What stays in the gateway: who the meter is, and its other present values.
    """

    values: Mapping[Quantity, float] = field(default_factory=dict)
    quality: Mapping[Quantity, QualityCode] = field(default_factory=dict)
    events: Sequence[str] = ()
    meter_clock: datetime | None = None
    local: Mapping[str, object] = field(default_factory=dict)


def meaning_of(telegram: Telegram) -> Meaning:
    """Return the readings of a telegram; `joined` makes one of those of a longer answer."""
    device_type = 0x0F if telegram.address is None else telegram.address.device_type
    medium = MEDIA.get(device_type)
    rules = _rules(medium, device_type)
    found = _claims(telegram.records, rules)
    values: dict[Quantity, float] = {}
    quality: dict[Quantity, QualityCode] = {}
    makers = makers_status(telegram)
    events, is_suspect = _state(telegram, has_makers_error=makers.has_error)
    for quantity, claims in found.items():
        outcome = BAD_PROFILE if medium is None else _settled(quantity, claims)
        if claims[0].measure in makers.broken:
            outcome = BAD_SENTINEL
        if isinstance(outcome, str):
            quality[quantity] = outcome
            continue
        values[quantity] = float(outcome)
        if not is_plausible(quantity, values[quantity], is_float=_has_float(claims)):
            quality[quantity] = SUSPECT_RANGE
        elif is_suspect:
            quality[quantity] = SUSPECT_STATUS
    return Meaning(
        values=values,
        quality=quality,
        events=events,
        meter_clock=_clock(telegram.records),
        local=_local(telegram),
    )


def _rules(medium: Medium | None, device_type: int) -> Sequence[Rule]:
    if medium is Medium.HEAT:
        return _COOLING_RULES if device_type in _COOLING else _HEAT_RULES
    if medium is Medium.GAS:
        return _CONVERTER_RULES if device_type == _CONVERTER else _GAS_RULES
    return _WATER_RULES if medium is Medium.WATER else _NAMELESS_RULES


def _claims(records: Sequence[Record], rules: Sequence[Rule]) -> dict[Quantity, list[Record]]:
    """Return the records that claim each quantity, by the first rule that any of them fits."""
    found: dict[Quantity, list[Record]] = {}
    present = [each for each in records if _is_main(each)]
    for measure, modifiers, quantity in rules:
        claims = [
            record
            for record in present
            if record.measure is measure and _kinds(record.modifiers) == modifiers
        ]
        good = [each for each in claims if each.function is Function.INSTANTANEOUS]
        if claims and quantity not in found:
            found[quantity] = good or claims
    return found


def _is_main(record: Record) -> bool:
    is_present = record.function in {Function.INSTANTANEOUS, Function.ERROR_STATE}
    return is_present and record.storage == record.tariff == record.subunit == 0


def _kinds(modifiers: Sequence[Modifier]) -> frozenset[ModifierKind]:
    """Return what still has to be judged: applied modifiers and the meter's errors aside."""
    ignored = _APPLIED | {ModifierKind.ERROR}
    return frozenset(each.kind for each in modifiers) - ignored


def _settled(quantity: Quantity, claims: Sequence[Record]) -> Fraction | QualityCode:
    """Return the value that all claims agree on, to the step of the coarser, or why there is none.

    Of several that agree the finest is taken.
    """
    usable = [each for each in claims if isinstance(each.value, Decimal)]
    if any(each.function is Function.ERROR_STATE for each in claims):
        return BAD_SENTINEL
    if not usable:
        is_broken = any(each.error is not None for each in claims)
        return BAD_SENTINEL if is_broken else BAD_PROFILE
    measured = sorted((_step(each, quantity), _canonical(each, quantity)) for each in usable)
    _, best = measured[0]
    if any(abs(value - best) > max(step, measured[0][0]) for step, value in measured):
        return BAD_PROFILE
    return best


def _has_float(claims: Sequence[Record]) -> bool:
    """Return whether a claim is a binary float; then it is the finest, and was taken."""
    return any(isinstance(each.value, Decimal) and each.resolution is None for each in claims)


def _canonical(record: Record, quantity: Quantity) -> Fraction:
    assert isinstance(record.value, Decimal)  # noqa: S101  # the caller has looked
    return _converted(Fraction(record.value), record.unit, quantity)


def _converted(number: Fraction, unit: str, quantity: Quantity) -> Fraction:
    if quantity is Quantity.TEMP_DIFF_K and unit == "degF":
        return number * _FAHRENHEIT_STEP
    printed, factor = _UNITS.get(unit, (unit, Fraction(1)))
    return to_canonical(number * factor, printed, quantity)


def _step(record: Record, quantity: Quantity) -> Fraction:
    """Return the step of the last digit in the canonical unit; 0 for a float."""
    if record.resolution is None:
        return Fraction(0)
    zero = _converted(Fraction(0), record.unit, quantity)
    return abs(_converted(Fraction(record.resolution), record.unit, quantity) - zero)


def _state(telegram: Telegram, *, has_makers_error: bool) -> tuple[tuple[str, ...], bool]:
    """Return the events of status byte and error flags, and whether the values are doubtful."""
    events: list[str] = []
    status = telegram.status or 0
    application = 0 if telegram.ci in _FIXED_CI else status & 3
    if status & _POWER_LOW:
        events.append("battery_low")
    if status & _PERMANENT or has_makers_error or _has_error_flags(telegram.records):
        events.append("meter_error")
    if status & _TEMPORARY or application == _ALARM:
        events.append("meter_alarm")
    is_doubtful = bool(status & (_PERMANENT | _TEMPORARY)) or "meter_error" in events
    return tuple(events), is_doubtful or application in {_BUSY, _APPLICATION_ERROR}


def _has_error_flags(records: Sequence[Record]) -> bool:
    return any(
        record.measure is Measure.ERROR_FLAGS and _is_main(record) and record.value not in {0, None}
        for record in records
    )


def _clock(records: Sequence[Record]) -> datetime | None:
    for record in records:
        is_clock = record.measure is Measure.DATE_TIME and not record.modifiers
        is_now = _is_main(record) and record.function is Function.INSTANTANEOUS
        if is_clock and is_now and isinstance(record.value, datetime):
            return record.value
    return None


def _local(telegram: Telegram) -> dict[str, object]:
    local: dict[str, object] = {"medium": telegram.medium}
    if telegram.address is not None:
        local["identification"] = telegram.address.identification
        local["manufacturer"] = telegram.address.manufacturer
        local["version"] = telegram.address.version
    if telegram.access_no is not None:
        local["access_no"] = telegram.access_no
    if telegram.status is not None:
        local["status"] = telegram.status
    for name, value in _present(telegram.records):
        local.setdefault(name, value)
    return local


def _present(records: Sequence[Record]) -> Iterator[tuple[str, object]]:
    for record in records:
        if not _is_main(record) or record.modifiers or record.value is None:
            continue
        unit = f"_{record.unit}" if record.unit else ""
        name = (record.name or record.measure) + unit
        value = record.value
        yield name, float(value) if isinstance(value, Decimal) else _text(value)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return getattr(value, "text", None) or str(value)
