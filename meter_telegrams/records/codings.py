"""Numbers and texts in the data of a record: integers, BCD, floats, variable length.

Data types A, B, C, D and H of EN 13757-3:2018 annex A, LVAR of its table 5. Every number is
exact: a binary float becomes the decimal fraction that it is.
"""

import math
import struct
from dataclasses import dataclass
from decimal import Decimal

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.records.telegram import RecordError

INTEGER_BYTES = {0x1: 1, 0x2: 2, 0x3: 3, 0x4: 4, 0x6: 6, 0x7: 8}
"""Data field to bytes of a binary integer; EN 13757-3:2018 table 4."""

BCD_BYTES = {0x9: 1, 0xA: 2, 0xB: 3, 0xC: 4, 0xE: 6}
"""Data field to bytes of a BCD number."""

NO_DATA, REAL, SELECTION, VARIABLE, SPECIAL = 0x0, 0x5, 0x8, 0xD, 0xF
_REAL_BYTES = 4
_MINUS = 0xF


_LVAR_RANGES = (
    (0x00, 0xBF, "text"),
    (0xC0, 0xCF, "bcd"),
    (0xD0, 0xDF, "negative_bcd"),
    (0xE0, 0xEF, "binary"),
)
_LONG_BINARY = {0xF0: 16, 0xF1: 20, 0xF2: 24, 0xF3: 28, 0xF4: 32, 0xF5: 48, 0xF6: 64}


class CodingError(ValueError):
    """Data that hold no value of their kind; `error` says which record error it is."""

    def __init__(self, error: RecordError) -> None:
        """Keep the error."""
        super().__init__(str(error))
        self.error = error


def fixed_size(field: int) -> int:
    """Return the bytes of data that a data field other than LVAR and special announces."""
    if field == REAL:
        return _REAL_BYTES
    return INTEGER_BYTES.get(field) or BCD_BYTES.get(field) or 0


def decode_signed(data: bytes) -> Decimal:
    """Return type B; raise CodingError for 80..00, which marks an invalid value."""
    number = int.from_bytes(data, "little", signed=True)
    if number == -(1 << 8 * len(data) - 1):
        raise CodingError(RecordError.INVALID)
    return Decimal(number)


def decode_unsigned(data: bytes) -> Decimal:
    """Return type C; raise CodingError for FF..FF, which marks an invalid value."""
    if data and set(data) == {0xFF}:
        raise CodingError(RecordError.INVALID)
    return Decimal(int.from_bytes(data, "little"))


def decode_bits(data: bytes) -> Decimal:
    """Return type D, the bits as one unsigned number."""
    return Decimal(int.from_bytes(data, "little"))


def bcd_digits(data: bytes) -> str:
    """Return type A as text, highest digit first, `-` in front of a negative one.

    Raises:
        CodingError: A digit is A to E, or F elsewhere than in the highest place.
    """
    digits = data[::-1].hex()
    sign = ""
    if int(digits[0], 16) == _MINUS:
        sign, digits = "-", digits[1:]
    if not digits.isdecimal():
        raise CodingError(RecordError.INVALID)
    return sign + digits


def decode_bcd(data: bytes) -> Decimal:
    """Return the number of type A; raise CodingError like `bcd_digits`."""
    return Decimal(bcd_digits(data))


def decode_real(data: bytes) -> Decimal:
    """Return type H, IEEE 754 single precision, exactly; NaN and infinity raise CodingError."""
    (number,) = struct.unpack("<f", data)
    if not math.isfinite(number):
        raise CodingError(RecordError.NOT_A_NUMBER)
    return Decimal(number)


def shifted(number: Decimal, exponent: int) -> Decimal:
    """Return the number times a power of ten, without rounding."""
    sign, digits, own = number.as_tuple()
    assert isinstance(own, int)  # noqa: S101  # only NaN and infinity have letters here
    return Decimal((sign, digits, own + exponent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What the length byte of variable data announces.

    Attributes:
        kind: `text`, `bcd`, `negative_bcd` or `binary`.
        size: Bytes that follow the length byte.
    """

    kind: str
    size: int


def parse_lvar(lvar: int, place: str) -> Variable:
    """Return what LVAR announces; raise RefusedTelegramError for a reserved one.

    00..BF text, C0..C9 and D0..D9 BCD, E0..EF and F0..F6 binary; EN 13757-3:2018 table 5. Older
    meters go on to CF and DF: M-Bus documentation 4.8, section 8.4.1.
    """
    for first, last, kind in _LVAR_RANGES:
        if first <= lvar <= last:
            return Variable(kind=kind, size=lvar - first)
    if lvar in _LONG_BINARY:
        return Variable(kind="binary", size=_LONG_BINARY[lvar])
    raise RefusedTelegramError(
        TelegramCode.RESERVED,
        place,
        "LVAR",
        f"{lvar:02X} is reserved, so that nobody knows how many bytes follow",
        "ask the maker what the meter sends",
    )


def decode_text(data: bytes) -> str:
    """Return the text of variable data: ISO 8859-1, last character first."""
    return data[::-1].decode("latin-1")
