"""The wired link layer: which bytes are a frame, and how a request is built.

EN 13757-2:2018 section 5 (frame formats FT1.2 of IEC 60870-5-1), addresses section 5.7.5:

    E5                                 acknowledge
    10 C A CS 16                       short
    68 L L 68 C A CI data CS 16        long; without data (L = 3) a control frame

CS is the sum of C, A, CI and data modulo 256, L counts the same bytes.
"""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.records.telegram import MeterAddress

ACKNOWLEDGE = 0xE5
SHORT_START = 0x10
LONG_START = 0x68
END = 0x16

SHORT_SIZE = 5
LONG_OVERHEAD = 6
"""Bytes of a long frame that its length does not count."""

LONGEST_FRAME = LONG_OVERHEAD + 255

HIGHEST_ADDRESS = 250
"""Primary addresses of meters are 0..250, 0 for one that has none yet."""

SELECTED_ADDRESS = 0xFD
"""The meter that a secondary address has selected."""

EVERY_ADDRESS = 0xFE
"""Every meter answers; only where one is on the line."""

_SECONDARY = re.compile(r"([0-9F]{8})(?:\.([A-Z]{3})\.([0-9A-F]{2})\.([0-9A-F]{2}))?")
_LEAST_LENGTH = 3
_BYTE_COUNT = 256
_FCB = 0x20
_REMEDY = "read the meter again"


class Control(IntEnum):
    """C field of a request, without the frame count bit; EN 13757-2:2018 table 1."""

    SND_NKE = 0x40
    SND_UD = 0x53
    REQ_UD1 = 0x5A
    REQ_UD2 = 0x5B


class FrameKind(StrEnum):
    """Which of the formats a frame has."""

    ACKNOWLEDGE = "acknowledge"
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True, slots=True, kw_only=True)
class MbusFrame:
    """One frame, its checksum right.

    Attributes:
        kind: Its format.
        control: C field, 0 for an acknowledge.
        address: A field, 0 for an acknowledge.
        ci: CI field, None without user data.
        data: What follows CI.
    """

    kind: FrameKind
    control: int = 0
    address: int = 0
    ci: int | None = None
    data: bytes = b""


def checksum(part: bytes) -> int:
    """Return the sum of the bytes modulo 256."""
    return sum(part) % _BYTE_COUNT


def short_frame(control: int, address: int) -> bytes:
    """Return the bytes of a short frame."""
    body = bytes([control, address])
    return bytes([SHORT_START, *body, checksum(body), END])


def long_frame(control: int, address: int, ci: int, data: bytes = b"") -> bytes:
    """Return the bytes of a long or control frame; raise ValueError beyond 252 data bytes."""
    body = bytes([control, address, ci]) + data
    if len(body) > LONGEST_FRAME - LONG_OVERHEAD:
        message = f"{len(data)} data bytes fit no frame"
        raise ValueError(message)
    head = bytes([LONG_START, len(body), len(body), LONG_START])
    return head + body + bytes([checksum(body), END])


def request_data(address: int, *, frame_count_bit: bool) -> bytes:
    """Return REQ_UD2, which asks for user data of class 2; the bit asks for the next telegram."""
    return short_frame(Control.REQ_UD2 | (_FCB if frame_count_bit else 0), address)


def initialise(address: int) -> bytes:
    """Return SND_NKE: forget the frame count bit, and for FD the selection."""
    return short_frame(Control.SND_NKE, address)


def application_reset(address: int) -> bytes:
    """Return SND_UD with CI 50: begin again with the first telegram."""
    return long_frame(Control.SND_UD, address, 0x50)


def select_secondary(pattern: str, manufacturer: int, version: int, device_type: int) -> bytes:
    """Return the selection by secondary address (CI 52); EN 13757-7:2018 section 8.4.

    Args:
        pattern: Eight digits of the identification; `F` is any digit.
        manufacturer: Its 16-bit code; FFFF any.
        version: FF any.
        device_type: FF any.
    """
    data = bytes.fromhex(pattern)[::-1] + manufacturer.to_bytes(2, "little")
    data += bytes([version, device_type])
    return long_frame(Control.SND_UD, SELECTED_ADDRESS, 0x52, data)


def expected_size(received: bytes) -> int | None:
    """Return how many bytes the frame has that begins here; None when too few have come.

    Raises:
        RefusedTelegramError: No frame begins with these bytes.
    """
    if not received:
        return None
    start = received[0]
    if start == ACKNOWLEDGE:
        return 1
    if start == SHORT_START:
        return SHORT_SIZE
    if start != LONG_START:
        raise _refused(TelegramCode.FRAME, "start", f"is {start:02X}, not 68, 10 or E5")
    if len(received) < len(("start", "L", "L", "start")):
        return None
    length = received[1]
    if received[2] != length or received[3] != LONG_START:
        raise _refused(TelegramCode.FRAME, "start", f"is {received[:4].hex(' ').upper()}")
    if length < _LEAST_LENGTH:
        raise _refused(TelegramCode.LENGTH, "L", f"is {length}, less than C, A and CI need")
    return length + LONG_OVERHEAD


def parse_frame(received: bytes) -> MbusFrame:
    """Return the one frame that these bytes are.

    Raises:
        RefusedTelegramError: They are cut, more than one frame, or the checksum is wrong.
    """
    size = expected_size(received)
    if size is None or len(received) < size:
        wanted = "a frame" if size is None else f"the {size} of this frame"
        problem = f"{len(received)} bytes are fewer than {wanted}"
        raise _refused(TelegramCode.CUT, "length", problem)
    if len(received) > size:
        problem = f"{len(received)} bytes, the frame ends after {size}"
        raise _refused(TelegramCode.LENGTH, "length", problem)
    if size == 1:
        return MbusFrame(kind=FrameKind.ACKNOWLEDGE)
    head = 1 if received[0] == SHORT_START else 4
    body = received[head:-2]
    if received[-2] != checksum(body):
        problem = f"is {received[-2]:02X}, the bytes add up to {checksum(body):02X}"
        raise _refused(TelegramCode.CHECKSUM, "checksum", problem)
    if received[-1] != END:
        raise _refused(TelegramCode.FRAME, "end", f"is {received[-1]:02X}, not 16")
    if received[0] == SHORT_START:
        return MbusFrame(kind=FrameKind.SHORT, control=body[0], address=body[1])
    return MbusFrame(
        kind=FrameKind.LONG, control=body[0], address=body[1], ci=body[2], data=body[3:]
    )


def split_frames(received: bytes) -> tuple[bytes, ...]:
    """Return the frames that stand one behind the other; what is left of a cut one is the last.

    Raises:
        RefusedTelegramError: What follows a frame is not the beginning of another.
    """
    frames: list[bytes] = []
    at = 0
    while at < len(received):
        size = expected_size(received[at:]) or len(received) - at
        frames.append(received[at : at + size])
        at += size
    return tuple(frames)


def parse_secondary(text: str) -> MeterAddress:
    """Return a secondary address as people write it: `24083345` or `24083345.EFE.00.0C`.

    Left-out parts are wildcards: no letters, version FF, device type FF. `F` among the digits
    of the identification is one too.

    Raises:
        ValueError: It is neither; the text says what to write.
    """
    found = _SECONDARY.fullmatch(text.upper())
    if found is None:
        message = f"{text!r} is no secondary address; write 24083345 or 24083345.EFE.00.0C"
        raise ValueError(message)
    identification, maker, version, device_type = found.groups(default="")
    return MeterAddress(
        identification=identification,
        manufacturer=maker,
        version=int(version or "FF", 16),
        device_type=int(device_type or "FF", 16),
    )


def _refused(code: TelegramCode, field: str, problem: str) -> RefusedTelegramError:
    return RefusedTelegramError(code, "link layer", field, problem, _REMEDY)
