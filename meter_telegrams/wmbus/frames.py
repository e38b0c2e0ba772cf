"""The wireless link layer: length, sender and, where the receiver left them in, the CRCs.

EN 13757-4:2019 section 12. Format A has a CRC behind the first 10 bytes and behind every further
16; format B behind at most 126 bytes and at the end, and counts them in L. Receivers mostly take
the CRCs out; then L counts what is left. Some append bytes of their own (signal strength): they are
left out where the CRCs in front of them prove what the telegram is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from meter_telegrams.crc_en13757 import crc_en13757, one_bit_errors
from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.header import address_of
from meter_telegrams.records.telegram import MeterAddress

FROM_METER = frozenset({0x44, 0x46, 0x08, 0x18, 0x28, 0x38})
"""C field of telegrams with data: SND-NR, SND-IR, RSP-UD; EN 13757-4:2019 table 24."""

_HEAD = 10
_BLOCK = 16
_CRC = 2
_FIRST_B = 126
_LEAST = 11
_REMEDY = "receive the telegram again"


class AirFormat(StrEnum):
    """Whether and where the CRCs of the link layer are in the bytes."""

    PLAIN = "plain"
    A = "a"
    B = "b"


@dataclass(frozen=True, slots=True, kw_only=True)
class WmbusFrame:
    """One wireless telegram without its CRCs.

    Attributes:
        air_format: Which CRCs were in it and right; PLAIN when there were none to check.
        control: C field.
        address: The sender.
        address_bytes: The sender as the ciphers take it.
        data: CI and what follows.
    """

    air_format: AirFormat
    control: int
    address: MeterAddress
    address_bytes: bytes
    data: bytes


def parse_wmbus_frame(received: bytes) -> WmbusFrame:
    """Return the telegram that these bytes are, whichever format they have.

    Raises:
        RefusedTelegramError: Length or CRC are wrong, or it is not from a meter.
    """
    air_format, body = _without_crcs(received)
    control = body[1]
    if control not in FROM_METER:
        problem = f"{control:02X} brings no data of a meter (44, 46, 08)"
        raise _refused(TelegramCode.UNSUPPORTED, "C", problem)
    parts = body[4:8] + body[2:4] + body[8:10]
    return WmbusFrame(
        air_format=air_format,
        control=control,
        address=address_of(parts),
        address_bytes=body[2:10],
        data=body[_HEAD:],
    )


def _without_crcs(received: bytes) -> tuple[AirFormat, bytes]:
    """Return format and the bytes from L to the last of the data."""
    if len(received) < _LEAST:
        problem = f"{len(received)} bytes are fewer than link layer and CI need"
        raise _refused(TelegramCode.CUT, "length", problem)
    length = received[0]
    if length + 1 < _LEAST:
        raise _refused(TelegramCode.LENGTH, "L", f"is {length}, less than link layer and CI need")
    if len(received) == size_of_format_a(length):
        return AirFormat.A, _strip_a(received, length)
    if len(received) == length + 1:
        stripped = _strip_b(received)
        return (AirFormat.PLAIN, received) if stripped is None else (AirFormat.B, stripped)
    proven = _proven(received, length)
    if proven is None:
        problem = f"is {length}, but {len(received) - 1} bytes follow"
        raise _refused(TelegramCode.LENGTH, "L", problem)
    return proven


def _proven(received: bytes, length: int) -> tuple[AirFormat, bytes] | None:
    """Return what the CRCs prove in front of bytes that a receiver appended; None: nothing."""
    if len(received) > size_of_format_a(length):
        try:
            return AirFormat.A, _strip_a(received, length)
        except RefusedTelegramError:
            pass
    stripped = _strip_b(received[: length + 1]) if len(received) > length + 1 else None
    return None if stripped is None else (AirFormat.B, stripped)


def size_of_format_a(length: int) -> int:
    """Return the bytes of a format A telegram whose L is `length`, CRCs included."""
    blocks = -(-(length + 1 - _HEAD) // _BLOCK)
    return length + 1 + _CRC * (1 + blocks)


def _strip_a(received: bytes, length: int) -> bytes:
    parts: list[bytes] = []
    at, left = 0, length + 1
    size = _HEAD
    while left:
        size = min(size, left)
        part = received[at : at + size]
        _check(part, received[at + size : at + size + _CRC], len(parts) + 1)
        parts.append(part)
        at, left, size = at + size + _CRC, left - size, _BLOCK
    return b"".join(parts)


def _check(part: bytes, crc: bytes, number: int) -> None:
    own = crc_en13757(part)
    if own != int.from_bytes(crc, "big"):
        problem = f"is {crc.hex().upper()}, the bytes give {own:04X}"
        raise _refused(TelegramCode.CHECKSUM, f"CRC of block {number}", problem)


def _strip_b(received: bytes) -> bytes | None:
    """Return the bytes without CRCs, None when they are not those of format B."""
    cut = _FIRST_B + _CRC
    blocks = [received[:cut], received[cut:]] if len(received) > cut else [received]
    for block in blocks:
        if not _is_right(block):
            return None
    body = b"".join(block[:-_CRC] for block in blocks)
    return body if len(body) >= _LEAST else None


def mended_b(received: bytes) -> Iterator[bytes]:
    """Yield the telegrams of format B that differ from these bytes, of no format, in one bit.

    Format B counts its CRCs in L: a damaged telegram has the length of one without CRCs.
    """
    cut = _FIRST_B + _CRC
    blocks = [received[:cut], received[cut:]] if len(received) > cut else [received]
    wrong = [at for at, block in enumerate(blocks) if not _is_right(block)]
    if len(wrong) != 1:
        return
    block = blocks[wrong[0]]
    difference = crc_en13757(block[:-_CRC]) ^ int.from_bytes(block[-_CRC:], "big")
    for at, bit in one_bit_errors(len(block) - _CRC, difference):
        place = wrong[0] * cut + at
        yield received[:place] + bytes([received[place] ^ bit]) + received[place + 1 :]


def _is_right(block: bytes) -> bool:
    return crc_en13757(block[:-_CRC]) == int.from_bytes(block[-_CRC:], "big")


def _refused(code: TelegramCode, field: str, problem: str) -> RefusedTelegramError:
    return RefusedTelegramError(code, "wireless link layer", field, problem, _REMEDY)
