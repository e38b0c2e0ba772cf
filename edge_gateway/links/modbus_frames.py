"""What a request expects back, and one frame that passed its checks, whatever the framing."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

BROKEN = 0x80
"""Set in the function code of an exception answer; Modbus application protocol 1.1b3, 4.1."""

HIGHEST_READ = 4
"""Functions 1 to 4 read; the answers to 5, 6, 15 and 16 repeat their requests, section 6."""

LONGEST_PAYLOAD = 254
"""Unit, function and data of one frame; Modbus application protocol 1.1b3, section 4.1."""


class FrameKind(StrEnum):
    """How frames are put on the line."""

    RTU = "rtu"
    ASCII = "ascii"
    TCP = "tcp"


class Shape(NamedTuple):
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


class Expected(NamedTuple):
    """The one request that is outstanding; a tuple is made in a third of the time.

    Attributes:
        shape: What its answer looks like.
        request: The request as it was sent, framing and all.
        transaction: Its number, 0 where the framing has none.
    """

    shape: Shape
    request: bytes
    transaction: int = 0

    @property
    def is_echoed(self) -> bool:
        """Whether the right answer repeats the request, as that of a write does."""
        return self.shape.function > HIGHEST_READ

    def is_echo(self, raw: bytes) -> bool:
        """Return whether bytes are the request come back; of 17 to 24 bits it looks an answer."""
        return raw == self.request and not self.is_echoed

    def is_torn(self, raw: bytes, behind: bytes) -> bool:
        """Return whether a numbered answer begins a second time within itself.

        A server that sends half an answer and then a whole one lets the length of the first reach
        into the second; nothing else tells, for these frames have no checksum.
        """
        head = self.request[:4] + self.shape.length.to_bytes(2, "big") + self.shape.head
        again = (raw + behind[: len(head)]).find(head, 1)
        return 0 < again < len(raw)

    def is_begun(self, before: bytes, raw: bytes) -> bool:
        """Return whether an answer without a number was cut short by the one behind it."""
        if not before:
            return False
        begun = (before + raw[: len(self.shape.head) - 1]).find(self.shape.head)
        return 0 <= begun < len(before) and len(before) - begun < self.shape.length


class Frame(NamedTuple):
    """A frame whose checksum or length is right; a tuple is made in a third of the time.

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
