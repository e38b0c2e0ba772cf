"""Decides whether a numbered answer is one frame, or the beginning of one that another completed.

Modbus TCP frames have no checksum. A serial server that loses the end of an answer and then sends
something else lets the length of the first reach into the second; what gives it away is a frame
that begins within the answer, or bytes behind it that begin none.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

from edge_gateway.links.mbap_frames import HEADER_BYTES
from edge_gateway.links.modbus_frames import BROKEN, HIGHEST_READ, LONGEST_PAYLOAD, Expected

_EXCEPTION_BYTES = 3
_HIGHEST_CODE = 11
"""Exceptions of the Modbus application protocol 1.1b3, section 7."""

_ZEROS_AT = 2
_INSIDE = re.compile(rb"\0\0\0(?=[\x03-\xfe].(?:[\x01-\x04].|[\x81-\x84][\x01-\x0b]))", re.DOTALL)
"""Protocol 0, a length, a unit, a function that reads with its byte count, or its refusal."""


class Behind(StrEnum):
    """What the bytes behind an answer say of it."""

    CLEAR = "nothing, or whole frames"
    OPEN = "a frame that has begun; what comes will tell"
    TORN = "the answer was completed by another frame"


def has_beginning(raw: bytes) -> bool:
    """Return whether something within an answer looks like the beginning of a frame."""
    return _INSIDE.search(raw, _ZEROS_AT + 1) is not None and any(_beginnings(raw))


def what_is_behind(raw: bytes, behind: bytes, expected: Expected) -> Behind:
    """Return what the frame of an answer, and what was heard behind it, show.

    Where nothing more comes, `OPEN` is torn if there is anything behind the answer, else clear.
    """
    are_whole = are_frames(behind)
    if are_whole is False or expected.is_torn(raw, behind):
        return Behind.TORN
    heard = raw + behind
    inside = [are_frames(heard[start:]) for start in _beginnings(raw)]
    if any(inside):
        return Behind.TORN
    return Behind.OPEN if are_whole is None or None in inside else Behind.CLEAR


def are_frames(data: bytes) -> bool | None:
    """Return whether bytes are whole frames, one behind the other; None: the last is not whole."""
    while data:
        head, payload = data[:HEADER_BYTES], data[HEADER_BYTES:]
        if head[2:4] != bytes(len(head[2:4])):
            return False
        if not payload:
            return None
        length = int.from_bytes(head[4:], "big")
        if not _is_possible(payload, length):
            return False
        if len(payload) < length:
            return None
        data = payload[length:]
    return True


def _beginnings(raw: bytes) -> Iterator[int]:
    """Yield where, behind its own beginning, a frame seems to begin in an answer."""
    for zeros in _INSIDE.finditer(raw, _ZEROS_AT + 1):
        start = zeros.start() - _ZEROS_AT
        payload = raw[start + HEADER_BYTES :]
        if _is_possible(payload, raw[start + HEADER_BYTES - 1]):
            yield start


def _is_possible(payload: bytes, length: int) -> bool:
    """Return whether what was heard of unit, function and data can be of so many bytes."""
    if not _EXCEPTION_BYTES <= length <= LONGEST_PAYLOAD:
        return False
    if len(payload) < _EXCEPTION_BYTES:
        return True
    if payload[1] & BROKEN:
        return length == _EXCEPTION_BYTES and 0 < payload[2] <= _HIGHEST_CODE
    return payload[1] > HIGHEST_READ or length == _EXCEPTION_BYTES + payload[2]
