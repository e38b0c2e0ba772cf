"""The frame of CJ/T 188: how it is built, and when received bytes are one.

    FE ...  68  T  A0..A6  C  L  data (L bytes)  CS  16

T is the meter type, A0..A6 the address, lowest byte first, C the control code, CS the sum of all
bytes from 68 to the last of the data, modulo 256. Before it come FE bytes that wake the meter.

Sources: CJ/T 188-2004 as told by cnblogs.com/cj94/p/18534595 (2 to 4 FE, lengths, addresses,
checksum); types and order of the identifier in 2004 and 2018: ng-gateway.com/southward/cjt188.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from meter_telegrams.errors import TelegramError

WAKE_UP = 0xFE
START = 0x68
END = 0x16

ANY_TYPE = 0xAA
"""Meter type of a request that any meter may answer; cnblogs.com/cj94/p/18534598."""

ANY_ADDRESS = "AA" * 7
"""Every meter answers it, so only where one meter is on the line; the same source."""

WAKE_UP_COUNT = 4
"""FE bytes before a request: the most that the standard names, for meters that sleep."""

MOST_DATA = 0xFF
"""Bytes that the length byte can announce; the standard allows 64H in an answer, makers more."""

_HEADER = 11
_TRAILER = 2
_ADDRESS_DIGITS = 14
_BYTE_COUNT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Frame:
    """One frame, its checksum right.

    Attributes:
        meter_type: T, 10H to 49H, or AAH in a request to any meter.
        address: 14 hexadecimal digits as on the name plate: A6 first, A0 last; normally decimal.
        control: C; bit 7 marks an answer, bit 6 a refusal.
        data: Identifier, serial number and what follows; at most 255 bytes.
    """

    meter_type: int
    address: str
    control: int
    data: bytes


def checksum(part: bytes) -> int:
    """Return the sum of the bytes modulo 256."""
    return sum(part) % _BYTE_COUNT


def encode_frame(frame: Cjt188Frame, *, wake_up_count: int = WAKE_UP_COUNT) -> bytes:
    """Return the bytes of a frame behind `wake_up_count` FE bytes.

    Raises:
        ValueError: The address is not 14 hexadecimal digits, or the data are too long.
    """
    if len(frame.address) != _ADDRESS_DIGITS or len(frame.data) > MOST_DATA:
        message = f"address {frame.address!r} or {len(frame.data)} data bytes fit no frame"
        raise ValueError(message)
    address = bytes.fromhex(frame.address)[::-1]
    head = bytes([START, frame.meter_type, *address, frame.control, len(frame.data)])
    body = head + frame.data
    return bytes([WAKE_UP]) * wake_up_count + body + bytes([checksum(body), END])


def parse_frame(telegram: bytes) -> Cjt188Frame:
    """Return the one frame that these bytes are, FE bytes before it aside.

    Raises:
        TelegramError: They are cut, longer than one frame, or the checksum is wrong.
    """
    body = telegram.lstrip(bytes([WAKE_UP]))
    if body[:1] != bytes([START]):
        first = body[:1].hex().upper() or "nothing"
        raise TelegramError(f"start: is {first}, not 68")
    if len(body) < _HEADER + _TRAILER:
        raise TelegramError(f"length: {len(body)} bytes are fewer than the 13 of an empty frame")
    expected = _HEADER + body[_HEADER - 1] + _TRAILER
    if len(body) != expected:
        raise TelegramError(f"length: {len(body)} bytes, the frame says {expected}")
    total = checksum(body[:-_TRAILER])
    if body[-_TRAILER] != total:
        raise TelegramError(f"checksum: is {body[-2]:02X}, the bytes add up to {total:02X}")
    if body[-1] != END:
        raise TelegramError(f"end: is {body[-1]:02X}, not 16")
    return Cjt188Frame(
        meter_type=body[1],
        address=body[2:9][::-1].hex().upper(),
        control=body[9],
        data=body[_HEADER:-_TRAILER],
    )


def frames_in(received: bytes) -> Iterator[Cjt188Frame]:
    """Yield every whole frame in a stretch of line, whatever noise stands around it.

    A start byte that leads to no frame costs one byte: the search goes on behind it.
    """
    at = received.find(START)
    while at >= 0:
        candidate = candidate_at(received, at)
        try:
            yield parse_frame(candidate)
            at += len(candidate) - 1
        except TelegramError:
            pass
        at = received.find(START, at + 1)


def candidate_at(received: bytes, start: int) -> bytes:
    """Return the bytes that a frame beginning at `start` has, fewer when it is cut."""
    header = received[start : start + _HEADER]
    size = _HEADER + header[-1] + _TRAILER if len(header) == _HEADER else _HEADER
    return received[start : start + size]
