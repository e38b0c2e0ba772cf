"""What a request expects back, and one frame that passed its checks, whatever the framing."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

BROKEN = 0x80
"""Set in the function code of an exception answer; Modbus application protocol 1.1b3, 4.1."""

LONGEST_PAYLOAD = 254
"""Unit, function and data of one frame; Modbus application protocol 1.1b3, section 4.1."""


class FrameKind(StrEnum):
    """How frames are put on the line."""

    RTU = "rtu"
    ASCII = "ascii"
    TCP = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What tells answers apart where frames carry no number: their beginning and their length.

    Attributes:
        head: Unit, function and what must follow; for reads the byte count.
        length: Bytes of unit, function and data together.
    """

    head: bytes
    length: int

    @property
    def unit(self) -> int:
        """Return the unit that is to answer."""
        return self.head[0]

    @property
    def function(self) -> int:
        """Return the function that was asked."""
        return self.head[1]

    def fits(self, payload: bytes) -> bool:
        """Return whether a payload is an answer of this shape."""
        return len(payload) == self.length and payload.startswith(self.head)

    def is_refusal(self, payload: bytes) -> bool:
        """Return whether a payload is an exception answer to this function of this unit."""
        return is_exception(payload) and payload[:2] == bytes((self.unit, self.function | BROKEN))


@lru_cache(maxsize=4096)
def read_shape(unit: int, function: int, byte_count: int) -> Shape:
    """Return the shape of the answer to a read: unit, function, byte count, so many bytes."""
    return Shape(head=bytes((unit, function, byte_count)), length=3 + byte_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The one request that is outstanding.

    Attributes:
        shape: What its answer looks like.
        request: The request as it was sent, framing and all.
        transaction: Its number, 0 where the framing has none.
    """

    shape: Shape
    request: bytes
    transaction: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame whose checksum or length is right.

    Attributes:
        payload: Unit, function and data.
        raw: The whole frame as it was heard.
        end: Where it ends in the bytes that were searched.
        transaction: Its number, 0 where the framing has none.
    """

    payload: bytes
    raw: bytes
    end: int
    transaction: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What bytes are that hold no answer.

    Attributes:
        is_checksum: Whether no checksum fits; else whole or cut frames that are not the answer.
        text: What they look like, for people.
    """

    is_checksum: bool
    text: str


def is_exception(payload: bytes) -> bool:
    """Return whether a payload has the form of an exception answer."""
    return len(payload) == 3 and payload[1] & BROKEN != 0  # noqa: PLR2004  # unit, function, code
