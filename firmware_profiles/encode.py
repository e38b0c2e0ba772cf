"""Readings become the words a meter would answer: simulated meters are served by it."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from firmware_profiles.codings import (
    FLOATS,
    HALVES,
    TEXTS,
    Raw,
    decode_words,
    encode_words,
)
from firmware_profiles.completeness import unit_problem
from firmware_profiles.errors import EncodeError
from firmware_profiles.probe import Expectation, MeantMeter, Probe, ProbeMethod, nameplate_of
from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.register import Register
from firmware_profiles.spans import group_spans
from firmware_profiles.status_rule import ANY_REGISTER, StatusRule
from firmware_profiles.words import HIGHEST_WORD, WordAddress
from wire_contracts.quantities import Quantity, from_canonical

_LOW_BYTE = 0x00FF
_HIGH_BYTE = 0xFF00

Words = dict[WordAddress, int]


def encode_values(
    profile: Profile,
    values: Mapping[Quantity, float],
    events: Iterable[str] = (),
    identity: MeantMeter | None = None,
) -> Words:
    """Return every word of the meter: presets, the values, the events; zero elsewhere.

    `decode_group` returns the values again within each register's resolution. A quantity that
    several registers hold (a float copy of a counter) is written to all that can hold it.

    Args:
        profile: The meter's profile.
        values: In canonical units; quantities the profile does not have are refused.
        events: Canonical events whose status bits are to be set.
        identity: Written into the guard's register and the identification, where the profile
            has them.

    Raises:
        EncodeError: A value does not fit, or quantity or event are not in the profile.
    """
    _check_known(profile, values)
    words = _blank(profile)
    for register in profile.registers.values():
        if register.preset is not None:
            _put(words, register, register.preset)
    for register, quantity in _holders(profile, values):
        printed = _printed(profile, register, quantity, Fraction(values[quantity]))
        for holder, raw in _parts(profile, register, printed):
            if register.wire is not None or _can_hold(holder, raw):
                _put(words, holder, raw)
    for event in events:
        _put_event(profile, words, event)
    _put_identity(profile, words, identity)
    for probe in profile.probes:
        _put_probe(words, probe, identity)
    return words


def _check_known(profile: Profile, values: Mapping[Quantity, float]) -> None:
    known = wire_registers(profile)
    for quantity in values:
        if quantity not in known:
            names = ", ".join(sorted(known))
            message = f"{profile.reference} does not measure {quantity}; it has {names}"
            raise EncodeError(message)


def _blank(profile: Profile) -> Words:
    spans = [item.span for item in profile.registers.values() if item.is_readable]
    spans.extend(span for group in profile.groups for span in group_spans(profile, group))
    return {at: 0 for span in spans for at in span.addresses()}


def _holders(
    profile: Profile, values: Mapping[Quantity, float]
) -> Sequence[tuple[Register, Quantity]]:
    """Return the registers to write: copies first, so that the sent one has the last word."""
    holders = [
        (register, register.natural)
        for register in profile.registers.values()
        if register.natural is not None
        and register.natural in values
        and register.is_readable
        and unit_problem(_preset_unit(profile, register), register.natural) is None
    ]
    return sorted(holders, key=lambda holder: holder[0].wire is not None)


def _printed(profile: Profile, register: Register, quantity: Quantity, value: Fraction) -> Fraction:
    """Return the value in the printed unit, before the factors of the meter's settings."""
    printed = from_canonical(value, _preset_unit(profile, register), quantity)
    signed = -printed if register.is_negated else printed
    return signed / _preset_factor(profile, register)


def _parts(profile: Profile, register: Register, total: Fraction) -> list[tuple[Register, Raw]]:
    """Return what each register of a composite holds, so that the parts add up to the total."""
    companions = register.companions
    parts: list[tuple[Register, Raw]] = []
    rest = total
    if companions.rollover_from is not None and register.rollover_span is not None:
        rounds = int(rest / register.rollover_span)
        parts.append((profile.registers[companions.rollover_from], rounds))
        rest -= rounds * register.rollover_span
    part_name = companions.decimal_part or companions.low_part
    if part_name is None:
        return [*parts, (register, rest / (register.scale or 1))]
    part = profile.registers[part_name]
    part_scale = part.scale or Fraction(1)
    if part.coding.kind not in FLOATS:
        rest = round(rest / part_scale) * part_scale
    leading = 0 if register.scale is None else int(rest / register.scale)
    rest -= leading * (register.scale or 0)
    return [*parts, (register, leading), (part, rest / part_scale)]


def _preset_raw(register: Register) -> Raw:
    return 0 if register.preset is None else register.preset


def _preset_unit(profile: Profile, register: Register) -> str:
    name = register.companions.unit_from
    if name is None:
        return register.unit
    source = profile.registers[name]
    return source.codes.get(str(_preset_raw(source)), "")


def _preset_factor(profile: Profile, register: Register) -> Fraction:
    companions = register.companions
    factor = Fraction(1)
    if companions.exponent_from is not None:
        factor *= _preset_power(profile.registers[companions.exponent_from], 1)
    if companions.decimals_from is not None:
        factor *= _preset_power(profile.registers[companions.decimals_from], -1)
    for name in (companions.multiplier_from, companions.resolution_from):
        if name is not None:
            factor *= _preset_multiplier(profile.registers[name])
    return factor


def _preset_multiplier(source: Register) -> Fraction:
    if source.exponent_offset is not None:
        return _preset_power(source, 1)
    raw = _preset_raw(source)
    factor = Fraction(raw) * (source.scale or 1) if isinstance(raw, int | Fraction) else 0
    if factor == 0:
        message = f"register {source.name}: a factor of zero; give it a preset in the profile"
        raise EncodeError(message)
    return Fraction(factor)


def _preset_power(source: Register, sign: int) -> Fraction:
    raw = _preset_raw(source)
    exponent = int(raw) if isinstance(raw, int | Fraction) else 0
    return Fraction(10) ** (sign * (exponent + (source.exponent_offset or 0)))


def _put(words: Words, register: Register, raw: Raw) -> None:
    try:
        coded = encode_words(register.coding, raw)
    except EncodeError as error:
        message = f"register {register.name}: {error}; lower the value or choose another profile"
        raise EncodeError(message) from error
    for at, word in zip(register.span.addresses(), coded, strict=True):
        words[at] = _merged_byte(register, words.get(at, 0), word)


def _can_hold(register: Register, raw: Raw) -> bool:
    try:
        encode_words(register.coding, raw)
    except EncodeError:
        return False
    return True


def _merged_byte(register: Register, before: int, word: int) -> int:
    if register.coding.kind not in HALVES:
        return word
    mine = _HIGH_BYTE if register.coding.is_high_byte else _LOW_BYTE
    return (before & ~mine & HIGHEST_WORD) | (word & mine)


def _put_event(profile: Profile, words: Words, event: str) -> None:
    rules = [item for item in profile.status if item.event == event]
    registers = profile.registers
    for rule in sorted(rules, key=lambda rule: rule.is_counter):
        if rule.register in registers:
            _put_rule(words, registers[rule.register], rule)
            return
    for rule in rules:
        if rule.register == ANY_REGISTER and rule.value is not None:
            for register in wire_registers(profile).values():
                _put(words, register, rule.value)
            return
    known = ", ".join(dict.fromkeys(rule.event for rule in profile.status)) or "none"
    message = f"{profile.reference} cannot report {event}; it can report {known}"
    raise EncodeError(message)


def _put_rule(words: Words, register: Register, rule: StatusRule) -> None:
    if rule.is_counter:
        _put(words, register, _current_bits(words, register) + 1)
        return
    if rule.mask is None:
        _put(words, register, 0 if rule.value is None else rule.value)
        return
    now = _current_bits(words, register)
    wanted = rule.mask if rule.value is None else int(rule.value)
    _put(words, register, (now & ~rule.mask) | wanted)


def _current_bits(words: Words, register: Register) -> int:
    raw = decode_words(register.coding, [words.get(at, 0) for at in register.span.addresses()])
    return raw if isinstance(raw, int) else 0


def _put_identity(profile: Profile, words: Words, identity: MeantMeter | None) -> None:
    guard = profile.guard
    if guard is None:
        return
    own = (
        {}
        if identity is None
        else {
            "serial": nameplate_of(identity.serial),
            "device_address": str(identity.device_address),
        }
    )
    register = profile.registers[guard.register]
    text = own.get(guard.equals, guard.equals)
    if register.coding.kind in TEXTS:
        _put(words, register, text)
    elif text.lstrip("-").isdecimal():
        _put(words, register, int(text))


def _put_probe(words: Words, probe: Probe, identity: MeantMeter | None) -> None:
    """Hold what the meter is recognised by; what it measures, and what fits, is left alone."""
    if probe.span is None or probe.coding is None:
        return
    at = list(probe.span.addresses())
    is_measured = probe.method is not ProbeMethod.REGISTERS and any(each in words for each in at)
    held = decode_words(probe.coding, [words.setdefault(each, 0) for each in at])
    is_fine = held is not None and probe.condition.holds(held) and probe.expectation is None
    raw = None if is_fine or is_measured else _probe_raw(probe, identity)
    if raw is None or probe.coding.kind in HALVES:
        return
    with contextlib.suppress(EncodeError):
        words.update(zip(at, encode_words(probe.coding, raw), strict=True))


def _probe_raw(probe: Probe, identity: MeantMeter | None) -> Raw | None:
    """Return what the identification wants to read; None when it does not say."""
    condition = probe.condition
    if probe.expectation is None:
        wanted = [*condition.one_of, condition.starts, condition.contains]
        limits = [condition.minimum, condition.maximum]
        return next((each for each in [*wanted, *limits] if each is not None), None)
    if identity is None:
        return None
    is_unit = probe.expectation is Expectation.UNIT_ID
    text = str(identity.device_address) if is_unit else nameplate_of(identity.serial)
    is_text = probe.coding is not None and probe.coding.kind in TEXTS
    return int(text) if text.isdecimal() and not is_text else text
