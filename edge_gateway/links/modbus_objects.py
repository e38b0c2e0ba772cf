"""Read Device Identification (function 2B, 0E): the request, and the objects of an answer.

Modbus application protocol 1.1b3, section 6.21.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edge_gateway.links.rtu_frames import crc16

FUNCTION = 0x2B
_KIND = 0x0E
_REGULAR = 0x02
"""Basic and regular objects as a stream; a device that has only basic ones answers with those."""

_MORE_FOLLOWS = 0xFF
_HEAD = 8
_CRC_BYTES = 2

OBJECT_NAMES: Mapping[int, str] = {
    0: "vendor",
    1: "product_code",
    2: "revision",
    3: "vendor_url",
    4: "product",
    5: "model",
    6: "application",
}
"""Standard objects, section 6.21 table 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """What one answer holds.

    Attributes:
        texts: Object number to text.
        next_object: The first object of the next answer; None: this was the last.
    """

    texts: Mapping[int, str]
    next_object: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectsRead:
    """What a unit says of itself.

    Attributes:
        texts: Object number to text; None: it did not answer.
        is_denied: Whether it answered that it knows no such function.
    """

    texts: Mapping[int, str] | None = None
    is_denied: bool = False


def objects_request(unit: int, first: int = 0) -> bytes:
    """Return unit, function and data of the request for the objects from `first` on."""
    return bytes((unit, FUNCTION, _KIND, _REGULAR, first))


def parse_objects(payload: bytes) -> Objects | None:
    """Return the objects of an answer's unit, function and data; None: it is no such answer."""
    if len(payload) < _HEAD or payload[1:3] != bytes((FUNCTION, _KIND)):
        return None
    texts: dict[int, str] = {}
    at = _HEAD
    for _ in range(payload[7]):
        if at + 2 > len(payload) or at + 2 + payload[at + 1] > len(payload):
            return None
        text = payload[at + 2 : at + 2 + payload[at + 1]]
        texts[payload[at]] = text.decode("utf-8", "replace").strip("\0 ")
        at += 2 + len(text)
    is_more = payload[5] == _MORE_FOLLOWS and payload[6] not in texts
    return Objects(texts=texts, next_object=payload[6] if is_more else None)


def find_objects_rtu(heard: bytes, unit: int) -> bytes | None:
    """Return unit, function and data of the RTU answer, or of its exception; None: not there."""
    for start in range(len(heard)):
        for size in _sizes(heard, start, unit):
            frame = heard[start : start + size]
            if len(frame) == size and not crc16(frame):
                return frame[:-_CRC_BYTES]
    return None


def _sizes(heard: bytes, start: int, unit: int) -> tuple[int, ...]:
    """Return how long a frame that begins here is: an exception, or its objects added up."""
    if heard[start : start + 2] == bytes((unit, FUNCTION | 0x80)):
        return (3 + _CRC_BYTES,)
    if heard[start : start + 3] != bytes((unit, FUNCTION, _KIND)) or len(heard) < start + _HEAD:
        return ()
    at = start + _HEAD
    for _ in range(heard[start + 7]):
        if at + 2 > len(heard):
            return ()
        at += 2 + heard[at + 1]
    return (at - start + _CRC_BYTES,)
