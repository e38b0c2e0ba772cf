"""The types of SCHEMA (docs/profiles.md): what a register's bytes mean, and back."""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from firmware_profiles.byte_order import ByteOrder, arrange
from firmware_profiles.errors import EncodeError


class WireType(StrEnum):
    """A type of SCHEMA; `BIT` is a coil or a discrete input."""

    BIT = "bit"
    U8 = "u8"
    I8 = "i8"
    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U48 = "u48"
    U64 = "u64"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    BITFIELD16 = "bitfield16"
    BITFIELD32 = "bitfield32"
    BCD16 = "bcd16"
    BCD32 = "bcd32"
    BCD48 = "bcd48"
    BCD64 = "bcd64"
    STRING = "string"
    STRING_LE = "string_le"
    TIME6 = "time6"
    INTREAL = "intreal"


Raw = int | Fraction | str | tuple[int, ...]
"""One register before its scale. Floats are exact fractions; NaN and infinity are no value."""

WORD_COUNTS: Mapping[WireType, int | None] = {
    WireType.BIT: 1,
    WireType.U8: 1,
    WireType.I8: 1,
    WireType.U16: None,
    WireType.I16: 1,
    WireType.U32: 2,
    WireType.I32: 2,
    WireType.U48: 3,
    WireType.U64: 4,
    WireType.I64: 4,
    WireType.F32: 2,
    WireType.F64: 4,
    WireType.BITFIELD16: 1,
    WireType.BITFIELD32: 2,
    WireType.BCD16: 1,
    WireType.BCD32: 2,
    WireType.BCD48: 3,
    WireType.BCD64: 4,
    WireType.STRING: None,
    WireType.STRING_LE: None,
    WireType.TIME6: 3,
    WireType.INTREAL: 4,
}
"""Words per type; None: as many as the profile says (an array of u16, characters)."""

TEXTS = frozenset({WireType.STRING, WireType.STRING_LE})
"""Characters, two per word: the first in the high byte, or (`_LE`) in the low one."""

NUMERIC = frozenset(WireType) - TEXTS - {WireType.TIME6}
FLOATS = frozenset({WireType.F32, WireType.F64})

_STRUCTS: Mapping[WireType, struct.Struct] = {
    WireType.BIT: struct.Struct(">H"),
    WireType.U16: struct.Struct(">H"),
    WireType.I16: struct.Struct(">h"),
    WireType.U32: struct.Struct(">I"),
    WireType.I32: struct.Struct(">i"),
    WireType.U64: struct.Struct(">Q"),
    WireType.I64: struct.Struct(">q"),
    WireType.F32: struct.Struct(">f"),
    WireType.F64: struct.Struct(">d"),
    WireType.BITFIELD16: struct.Struct(">H"),
    WireType.BITFIELD32: struct.Struct(">I"),
}
_BCD_DIGITS: Mapping[WireType, int] = {
    WireType.BCD16: 4,
    WireType.BCD32: 8,
    WireType.BCD48: 12,
    WireType.BCD64: 16,
}
HALVES = frozenset({WireType.U8, WireType.I8})
"""Types that take one byte of a word."""
_REAL = struct.Struct(">f")
_COUNT = struct.Struct(">I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """Type, length and byte order of one register.

    Attributes:
        kind: The type.
        word_count: Words it takes.
        order: Byte order of numbers; characters and clock bytes are never reordered.
        is_high_byte: For u8 and i8, whether it is the upper half of its word.
    """

    kind: WireType
    word_count: int
    order: ByteOrder
    is_high_byte: bool = False


def decode_words(coding: Coding, words: Sequence[int]) -> Raw | None:
    """Return what the words hold, or None when they hold no number or text at all.

    None: NaN or infinity in a float, a BCD digit above 9, characters that are not ASCII.
    `words` has exactly `coding.word_count` items.
    """
    data = b"".join(word.to_bytes(2, "big") for word in words)
    special = _SPECIAL.get(coding.kind)
    if special is not None:
        return special(coding, data)
    if coding.word_count > 1 and coding.kind is WireType.U16:
        return tuple(int.from_bytes(arrange(pair, coding.order)) for pair in _pairs(data))
    return _exact(_STRUCTS[coding.kind].unpack(arrange(data, coding.order))[0])


def decode_float(coding: Coding, words: Sequence[int]) -> float:
    """Return what the words of an f32 or f64 hold, NaN and infinity as they are."""
    data = struct.pack(f">{len(words)}H", *words)
    number: float = _STRUCTS[coding.kind].unpack(arrange(data, coding.order))[0]
    return number


def encode_words(coding: Coding, raw: Raw) -> tuple[int, ...]:
    """Return the words that decode to `raw`, rounded to the nearest that the type can hold.

    For u8 and i8 the other half of the word is zero: the caller merges it.

    Raises:
        EncodeError: The value does not fit the type.
    """
    try:
        data = _encode_bytes(coding, raw)
    except (struct.error, OverflowError, UnicodeEncodeError, ValueError) as error:
        shown = _shown(raw)
        message = f"{shown} does not fit {coding.kind} in {coding.word_count} words"
        raise EncodeError(message) from error
    return tuple(int.from_bytes(pair) for pair in _pairs(data))


def _shown(raw: Raw) -> str:
    if not isinstance(raw, Fraction):
        return repr(raw)
    return f"{(Decimal(raw.numerator) / raw.denominator).normalize():.9g}"


def _pairs(data: bytes) -> list[bytes]:
    return [data[start : start + 2] for start in range(0, len(data), 2)]


def _exact(number: float) -> int | Fraction | None:
    if isinstance(number, int):
        return number
    return Fraction(number) if math.isfinite(number) else None


def _decode_half(coding: Coding, data: bytes) -> int:
    byte = data[:1] if coding.is_high_byte else data[1:]
    return int.from_bytes(byte, signed=coding.kind is WireType.I8)


def _decode_u48(coding: Coding, data: bytes) -> int:
    return int.from_bytes(arrange(data, coding.order))


def _decode_text(coding: Coding, data: bytes) -> str | None:
    if coding.kind is WireType.STRING_LE:
        data = arrange(data, ByteOrder.BADC)
    return data.rstrip(b"\0 ").decode("ascii") if data.isascii() else None


def _decode_clock(_coding: Coding, data: bytes) -> tuple[int, ...]:
    return tuple(data)


def _decode_bcd(coding: Coding, data: bytes) -> int | None:
    digits = arrange(data, coding.order).hex()
    return int(digits) if digits.isdecimal() else None


def _decode_intreal(coding: Coding, data: bytes) -> Fraction | None:
    whole: int = _COUNT.unpack(arrange(data[:4], coding.order))[0]
    part: float = _REAL.unpack(arrange(data[4:], coding.order))[0]
    return whole + Fraction(part) if math.isfinite(part) else None


_SPECIAL: Mapping[WireType, Callable[[Coding, bytes], Raw | None]] = {
    WireType.U8: _decode_half,
    WireType.I8: _decode_half,
    WireType.U48: _decode_u48,
    WireType.STRING: _decode_text,
    WireType.STRING_LE: _decode_text,
    WireType.TIME6: _decode_clock,
    WireType.BCD16: _decode_bcd,
    WireType.BCD32: _decode_bcd,
    WireType.BCD48: _decode_bcd,
    WireType.BCD64: _decode_bcd,
    WireType.INTREAL: _decode_intreal,
}


def _encode_bytes(coding: Coding, raw: Raw) -> bytes:
    if isinstance(raw, str):
        return _encode_text(coding, raw)
    if isinstance(raw, tuple):
        return _encode_tuple(coding, raw)
    if coding.kind in FLOATS:
        return arrange(_STRUCTS[coding.kind].pack(float(raw)), coding.order)
    if coding.kind is WireType.INTREAL:
        return _encode_intreal(Fraction(raw), coding.order)
    return _encode_integer(coding, round(raw))


def _encode_integer(coding: Coding, number: int) -> bytes:
    if coding.kind is WireType.U48:
        return arrange(number.to_bytes(6), coding.order)
    if coding.kind in HALVES:
        single = number.to_bytes(1, signed=coding.kind is WireType.I8)
        return single + b"\0" if coding.is_high_byte else b"\0" + single
    if coding.kind in _BCD_DIGITS:
        digits = _BCD_DIGITS[coding.kind]
        if not 0 <= number < 10**digits:
            raise ValueError(number)
        return arrange(bytes.fromhex(f"{number:0{digits}d}"), coding.order)
    return arrange(_STRUCTS[coding.kind].pack(number), coding.order)


def _encode_intreal(number: Fraction, order: ByteOrder) -> bytes:
    whole = math.floor(number)
    part: float = _REAL.unpack(_REAL.pack(float(number - whole)))[0]
    if part == 1.0:  # the fraction rounded up to the next whole
        whole, part = whole + 1, 0.0
    return arrange(_COUNT.pack(whole), order) + arrange(_REAL.pack(part), order)


def _encode_text(coding: Coding, text: str) -> bytes:
    data = text.encode("ascii")
    if coding.kind not in TEXTS or len(data) > 2 * coding.word_count:
        raise ValueError(text)
    padded = data.ljust(2 * coding.word_count, b"\0")
    return arrange(padded, ByteOrder.BADC) if coding.kind is WireType.STRING_LE else padded


def _encode_tuple(coding: Coding, items: tuple[int, ...]) -> bytes:
    if coding.kind is WireType.TIME6 and len(items) == 2 * coding.word_count:
        return bytes(items)
    if coding.kind is not WireType.U16 or len(items) != coding.word_count:
        raise ValueError(items)
    return b"".join(arrange(item.to_bytes(2), coding.order) for item in items)
