"""Decides which words a written value is, and whether it may be written at all."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import FLOATS, WireType, decode_words, encode_words
from firmware_profiles.errors import EncodeError
from firmware_profiles.profile import Profile, WriteRule
from firmware_profiles.register import Register

READ_COILS, READ_HOLDING = 1, 3
WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS = 5, 6, 16
"""Function codes; Modbus application protocol 1.1b3, sections 6.1, 6.3, 6.5, 6.6 and 6.12."""

_MOST_DECIMALS = 20
"""More have only floats, whose digits `repr` finds."""

_NO_NUMBERS = frozenset({WireType.STRING, WireType.STRING_LE, WireType.TIME6})
_SINGLE = frozenset({WireType.BIT, WireType.U16, WireType.I16, WireType.BITFIELD16})
"""Types of one word or bit: with more it is a list of them."""

_WHOLE_WORDS = frozenset({ByteOrder.ABCD, ByteOrder.CDAB})
"""Orders in which one word alone reads the same."""

_HALVES = frozenset({WireType.U8, WireType.I8})


class NotWritableError(ValueError):
    """A register that cannot be written, or a value that it must not be given; for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WritableRegister:
    """A register that the profile and the site allow to be written.

    Attributes:
        register: Where it is and how it is coded.
        rule: The printed values it may be given.
        function: With which function it is written.
    """

    register: Register
    rule: WriteRule
    function: int


def writable_register(profile: Profile, name: str) -> WritableRegister:
    """Return a register of the profile's `[write]` list.

    Raises:
        NotWritableError: It is not listed, cannot be read back, or is more than its own words.
    """
    rule, register = profile.writes.get(name), profile.registers.get(name)
    if rule is None or register is None:
        known = ", ".join(sorted(profile.writes)) or "none"
        message = f"{name!r} is not under [write] of {profile.reference}; that lists {known}"
        raise NotWritableError(message)
    problem = _problem(register) or _doubt(profile, register)
    if problem is not None:
        message = f"{name!r} of {profile.reference} {problem}; leave it out"
        raise NotWritableError(message)
    return WritableRegister(register=register, rule=rule, function=_function(profile, register))


def _problem(register: Register) -> str | None:
    if not register.is_readable:
        return "cannot be read back"
    if register.span.function_code not in (READ_COILS, READ_HOLDING):
        return "is an input, which nobody can write"
    if register.companions.all() or register.split or register.scale is None:
        return "is only a part of a value"
    if register.coding.kind in _HALVES:
        return "shares its word with another register"
    is_list = register.coding.kind in _SINGLE and register.span.word_count > 1
    return "is not one number" if is_list or register.coding.kind in _NO_NUMBERS else None


def _doubt(profile: Profile, register: Register) -> str | None:
    """Return why nobody knows which words a value of this register is.

    A wrong order would go unseen: what is read back in the same order looks right.
    """
    is_bytes = not _WHOLE_WORDS.issuperset(profile.order_candidates)
    is_one = register.span.word_count == 1
    if register.coding.kind is WireType.BIT or not profile.order_candidates:
        return None
    if is_one and not is_bytes:
        return None
    return "has an order of words or bytes that each meter is asked for; name it in a profile"


def _function(profile: Profile, register: Register) -> int:
    if register.span.function_code == READ_COILS:
        return WRITE_COIL
    understood = profile.link.function_codes
    is_one = register.span.word_count == 1 and (not understood or WRITE_REGISTER in understood)
    return WRITE_REGISTER if is_one else WRITE_REGISTERS


def words_of(target: WritableRegister, value: Decimal) -> tuple[int, ...]:
    """Return the words (a bit for a coil) that mean the value.

    Raises:
        NotWritableError: It is outside the range, between two values that the register can
            hold, or has more digits than a float keeps.
    """
    register, rule = target.register, target.rule
    wanted = Fraction(value)
    if not rule.minimum <= wanted <= rule.maximum:
        low, high = _shown(rule.minimum), _shown(rule.maximum)
        message = f"{register.name}: {value} is outside {low}..{high}"
        raise NotWritableError(message)
    if target.function == WRITE_COIL:
        if wanted not in (0, 1):
            message = f"{register.name}: {value} is no state of a coil; give 0 or 1"
            raise NotWritableError(message)
        return (int(wanted),)
    raw = (-wanted if register.is_negated else wanted) / (register.scale or 1)
    if register.coding.kind not in FLOATS and raw.denominator != 1:
        step = _shown(abs(register.scale or Fraction(1)))
        message = f"{register.name}: {value} is no multiple of {step}, which it counts in"
        raise NotWritableError(message)
    try:
        words = encode_words(register.coding, raw)
    except EncodeError as error:
        message = f"{register.name}: {error}"
        raise NotWritableError(message) from error
    _refuse_rounding(target, value, words)
    return words


def _refuse_rounding(target: WritableRegister, value: Decimal, words: tuple[int, ...]) -> None:
    """Raise NotWritableError where a float would not keep every digit that was given."""
    if target.register.coding.kind not in FLOATS:
        return
    raw = decode_words(target.register.coding, words)
    exponent = value.as_tuple().exponent
    last_digit = Fraction(10) ** min(0, exponent if isinstance(exponent, int) else 0)
    held = None if not isinstance(raw, int | Fraction) else _printed(target.register, raw)
    if held is None or abs(held - Fraction(value)) >= last_digit / 2:
        message = (
            f"{target.register.name}: {value} has more digits than the register keeps: it would "
            f"hold {value_in(target, words)}; give fewer"
        )
        raise NotWritableError(message)


def _printed(register: Register, raw: int | Fraction) -> Fraction:
    scaled = Fraction(raw) * (register.scale or 1)
    return -scaled if register.is_negated else scaled


def value_in(target: WritableRegister, words: tuple[int, ...]) -> str:
    """Return what the words mean, for people: every digit; nine of a float32, which has no more."""
    register = target.register
    if target.function == WRITE_COIL:
        return str(words[0])
    raw = decode_words(register.coding, words)
    if not isinstance(raw, int | Fraction):
        return " ".join(f"{word:04X}" for word in words)
    value = _printed(register, raw)
    return f"{float(value):.9g}" if register.coding.kind is WireType.F32 else _shown(value)


def _shown(value: Fraction) -> str:
    """Return every digit of a decimal; of anything else as many as a float has."""
    scale = Fraction(1)
    for _ in range(_MOST_DECIMALS):
        if (value * scale).denominator == 1:
            break
        scale *= 10
    else:
        return repr(float(value))
    number = Decimal(int(value * scale)) / Decimal(int(scale))
    return f"{number:f}"
