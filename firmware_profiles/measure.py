"""One register with its companions becomes one exact value, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from firmware_profiles.codings import FLOATS, Coding, Raw, decode_words
from firmware_profiles.profile import Profile
from firmware_profiles.register import Register
from firmware_profiles.words import Span, WordAddress, WordImage
from wire_contracts.quality import (
    BAD_MISMATCH,
    BAD_PROFILE,
    BAD_SENTINEL,
    SUSPECT_RANGE,
    QualityCode,
)
from wire_contracts.quantities import Quantity, is_plausible, to_canonical

MAX_EXPONENT = 30
"""Powers of ten beyond this are no meter: the exponent register itself is broken."""

Faults = Mapping[WordAddress, QualityCode]


class Reader(NamedTuple):
    """The words of one poll, and why others are missing; one is made for each frame."""

    profile: Profile
    image: WordImage
    faults: Faults

    def raw(self, register: Register) -> Raw | None:
        """Return the raw value; None when its words hold none or are not all there."""
        return self.raw_of(register.coding, register.span)

    def raw_of(self, coding: Coding, span: Span) -> Raw | None:
        """Return the raw value of words that need not be a register of the profile."""
        words = [self.image.get(at) for at in span.addresses()]
        known = [word for word in words if word is not None]
        return decode_words(coding, known) if len(known) == len(words) else None

    def gap(self, register: Register) -> QualityCode | None:
        """Return why words of the register are missing; None when all are there.

        A word that is neither there nor explained was never answered as asked.
        """
        for at in register.span.addresses():
            if at not in self.image:
                return self.faults.get(at, BAD_MISMATCH)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A value in the canonical unit of its quantity, a quality, or both; never neither."""

    value: float | None = None
    code: QualityCode | None = None


class NoValueError(Exception):
    """There is no value, and `code` says why; it never leaves this module."""

    def __init__(self, code: QualityCode) -> None:
        """Keep the reason."""
        super().__init__(code)
        self.code = code


def measure(reader: Reader, register: Register, quantity: Quantity) -> Measured:
    """Return what a register says about a quantity, exact up to one rounding to float64."""
    try:
        value_printed = _printed_value(reader, register)
        unit = _unit(reader, register)
        signed = -value_printed if register.is_negated else value_printed
        exact = to_canonical(signed, unit, quantity)
        value = float(exact)
    except NoValueError as reason:
        return Measured(code=reason.code)
    except (ValueError, OverflowError):
        return Measured(code=BAD_PROFILE)
    limits = register.limits
    is_float = register.coding.kind in FLOATS and not limits.is_standstill(exact)
    is_meant = is_plausible(quantity, value, is_float=is_float) and limits.holds(exact)
    return Measured(value=value, code=None if is_meant else SUSPECT_RANGE)


def linear_rule(
    reader: Reader, register: Register, quantity: Quantity
) -> tuple[tuple[Fraction, ...], Fraction] | None:
    """Return the exact factor of each term and the offset that make the canonical value.

    The terms are the register, its `decimal_part`, `low_part` and `rollover_from`, those it has.
    None: a setting has no value now, or the unit is not known; `measure` says which.
    """
    companions = register.companions
    try:
        factor, unit = _factor(reader, register), _unit(reader, register)
        offset = to_canonical(Fraction(0), unit, quantity)
        slope = to_canonical(Fraction(1), unit, quantity) - offset
    except (NoValueError, ValueError):
        return None
    signed = -slope * factor if register.is_negated else slope * factor
    names = (companions.decimal_part, companions.low_part)
    parts = [reader.profile.registers[name] for name in names if name is not None]
    scales = [register.scale or Fraction(0), *(part.scale or Fraction(1) for part in parts)]
    if companions.rollover_from is not None:
        scales.append(register.rollover_span or Fraction(0))
    return tuple(scale * signed for scale in scales), offset


def printed(reader: Reader, register: Register) -> Fraction | None:
    """Return a register with its companions in its printed unit; None when there is no value."""
    try:
        return _printed_value(reader, register)
    except NoValueError:
        return None


def scaled(reader: Reader, register: Register) -> Fraction | None:
    """Return raw times scale of one numeric register alone, or None when there is no number."""
    try:
        return _number(reader, register) * (register.scale or 1)
    except NoValueError:
        return None


def _number(reader: Reader, register: Register) -> Fraction:
    gap = reader.gap(register)
    if gap is not None:
        raise NoValueError(gap)
    raw = reader.raw(register)
    if not isinstance(raw, int | Fraction):
        raise NoValueError(BAD_SENTINEL)
    number = Fraction(raw)
    if any(sentinel.matches(number) for sentinel in register.sentinels):
        raise NoValueError(BAD_SENTINEL)
    return number


def _printed_value(reader: Reader, register: Register) -> Fraction:
    companions = register.companions
    value = _leading_part(reader, register)
    for name in (companions.decimal_part, companions.low_part):
        if name is not None:
            part = reader.profile.registers[name]
            value += _number(reader, part) * (part.scale or 1)
    if companions.rollover_from is not None:
        value += _rounds(reader, register, companions.rollover_from)
    return value * _factor(reader, register)


def _leading_part(reader: Reader, register: Register) -> Fraction:
    number = _number(reader, register)
    if register.scale is not None:
        return number * register.scale
    if number != 0:
        raise NoValueError(BAD_PROFILE)
    return number


def _rounds(reader: Reader, register: Register, name: str) -> Fraction:
    rounds = _number(reader, reader.profile.registers[name])
    if register.rollover_span is not None:
        return rounds * register.rollover_span
    if rounds != 0:
        raise NoValueError(BAD_PROFILE)
    return rounds


def _factor(reader: Reader, register: Register) -> Fraction:
    companions = register.companions
    factor = Fraction(1)
    if companions.exponent_from is not None:
        factor *= _power(reader, companions.exponent_from, 1)
    if companions.decimals_from is not None:
        factor *= _power(reader, companions.decimals_from, -1)
    for name in (companions.multiplier_from, companions.resolution_from):
        if name is not None:
            factor *= _multiplier(reader, name)
    return factor


def _setting(reader: Reader, source: Register) -> Fraction:
    """Return a setting of the meter; outside its own `min` and `max` it is none."""
    number = _number(reader, source)
    if source.wire is None and not source.limits.holds(number):
        raise NoValueError(BAD_SENTINEL)
    return number


def _multiplier(reader: Reader, name: str) -> Fraction:
    source = reader.profile.registers[name]
    if source.exponent_offset is not None:
        return _power(reader, name, 1)
    factor = _setting(reader, source) * (source.scale or 1)
    if factor == 0:
        raise NoValueError(BAD_SENTINEL)
    return factor


def _power(reader: Reader, name: str, sign: int) -> Fraction:
    source = reader.profile.registers[name]
    exponent = _setting(reader, source) + (source.exponent_offset or 0)
    if exponent.denominator != 1 or abs(exponent) > MAX_EXPONENT:
        raise NoValueError(BAD_SENTINEL)
    return Fraction(10) ** (sign * int(exponent))


def _unit(reader: Reader, register: Register) -> str:
    name = register.companions.unit_from
    if name is None:
        return register.unit
    source = reader.profile.registers[name]
    gap = reader.gap(source)
    if gap is not None:
        raise NoValueError(gap)
    code = str(reader.raw(source))
    unit = source.codes.get(code)
    if unit is None:
        raise NoValueError(BAD_PROFILE)
    return unit
