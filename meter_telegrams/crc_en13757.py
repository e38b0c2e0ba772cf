"""The CRC of EN 13757-4:2019 annex: polynomial 3D65, initial value 0, complemented."""

_POLYNOMIAL = 0x3D65
_TOP = 0x8000
_MASK = 0xFFFF


def _row(byte: int) -> int:
    value = byte << 8
    for _ in range(8):
        value = (value << 1) ^ _POLYNOMIAL if value & _TOP else value << 1
    return value & _MASK


_TABLE = tuple(_row(byte) for byte in range(256))


def crc_en13757(data: bytes) -> int:
    """Return the 16-bit CRC of the bytes."""
    value = 0
    for byte in data:
        value = (value << 8 & _MASK) ^ _TABLE[value >> 8 ^ byte]
    return value ^ _MASK
