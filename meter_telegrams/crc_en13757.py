"""The CRC of EN 13757-4:2019 annex: polynomial 3D65, initial value 0, complemented."""

from collections.abc import Iterator

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


def one_bit_errors(size: int, difference: int) -> Iterator[tuple[int, int]]:
    """Yield the single errors that explain why a CRC differs from that of its bytes.

    Args:
        size: Bytes in front of the CRC.
        difference: The CRC received, exclusive-or the CRC of the bytes received.

    Yields:
        The place of the byte, those of the CRC follow the others, and the bit in it.
    """
    if difference.bit_count() == 1:
        yield size + (difference < 1 << 8), (difference >> 8) or difference
    trace = _POLYNOMIAL
    for at in range(size - 1, -1, -1):
        for bit in range(8):
            if trace == difference:
                yield at, 1 << bit
            trace = (trace << 1 & _MASK) ^ (_POLYNOMIAL if trace & _TOP else 0)
