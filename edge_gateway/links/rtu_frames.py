"""Finds Modbus RTU frames in a stream of bytes: by checksum, at any place, amid noise.

Modbus over serial line 1.02, sections 2.5.1 and 6.2.2.
"""

from collections.abc import Sequence

from edge_gateway.links.modbus_frames import BROKEN, Expected, Frame, Leftover

_CRC_BYTES = 2
_SHORTEST = 4
_READS = frozenset({1, 2, 3, 4})
_ECHOING = frozenset({5, 6, 8, 15, 16})
_REQUEST_BYTES = 8
_EXCEPTION_BYTES = 5


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return value


_TABLE = tuple(_crc_of_byte(value) for value in range(256))


def crc16(data: bytes) -> int:
    """Return the Modbus checksum; 0 for a frame that ends with its own right checksum."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def rtu_frame(payload: bytes) -> bytes:
    """Return unit, function and data with their checksum."""
    return payload + crc16(payload).to_bytes(_CRC_BYTES, "little")


def find_rtu(data: bytes, expected: Expected | None, *, is_final: bool) -> Frame | None:
    """Return the first whole frame, of whichever unit.

    An answer that has begun is waited for: what looks like a frame inside it is part of it.

    Args:
        data: What was heard.
        expected: The outstanding request, if there is one.
        is_final: Nothing more will come: what has begun and is not whole never will be.
    """
    for start in range(len(data) - _SHORTEST + 1):
        if expected is not None:
            if data.startswith(expected.request, start):
                return _frame(data, start, len(expected.request))
            if not is_final and _has_begun(data, start, expected):
                return None
        for size in _sizes(data, start):
            if start + size <= len(data) and not crc16(data[start : start + size]):
                return _frame(data, start, size)
    return None


def is_damaged_rtu(data: bytes, expected: Expected) -> bool:
    """Return whether the answer has come whole in length, and wrong in its checksum."""
    start = data.find(expected.shape.head)
    return start >= 0 and len(data) - start >= expected.shape.length + _CRC_BYTES


def explain_rtu(data: bytes, expected: Expected) -> Leftover:
    """Return what bytes are that hold no whole frame."""
    if len(data) >= _SHORTEST and not crc16(data):
        return Leftover(is_checksum=False, text="a frame whose byte count is not its length")
    head = expected.shape.head
    due = expected.shape.length + _CRC_BYTES
    start = data.find(head)
    if start >= 0 and len(data) - start < due:
        text = f"an answer cut after {len(data) - start} of {due} bytes"
        return Leftover(is_checksum=False, text=text)
    if head.startswith(data):
        return Leftover(is_checksum=False, text=f"an answer cut after {len(data)} of {due} bytes")
    return Leftover(is_checksum=True, text=f"{len(data)} bytes without a right checksum")


def _has_begun(data: bytes, start: int, expected: Expected) -> bool:
    due = expected.shape.length + _CRC_BYTES
    return len(data) - start < due and data.startswith(expected.shape.head, start)


def _sizes(data: bytes, start: int) -> Sequence[int]:
    """Return how long a frame that begins here may be: an answer, or a request of a master."""
    function = data[start + 1]
    if function in _READS:
        return (3 + data[start + 2] + _CRC_BYTES, _REQUEST_BYTES)
    if function in _ECHOING:
        return (_REQUEST_BYTES,)
    if function & BROKEN and function & ~BROKEN in _READS | _ECHOING:
        return (_EXCEPTION_BYTES,)
    return ()


def _frame(data: bytes, start: int, size: int) -> Frame:
    raw = data[start : start + size]
    return Frame(payload=raw[:-_CRC_BYTES], raw=raw, end=start + size)
