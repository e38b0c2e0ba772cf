"""What an exchange has to know of its line: framing, how long things take, peculiarities."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge_gateway.links.dtu_signs import DtuSigns
from edge_gateway.links.modbus_frames import Expected, Frame, FrameKind, Leftover

MOST_HEARD = 2048
"""Bytes kept of one exchange: several times the longest frame; a babbling line fills no memory."""


class Finder(Protocol):
    """Finds the first whole frame."""

    def __call__(self, data: bytes, expected: Expected | None, *, is_final: bool) -> Frame | None:
        """Return the first whole frame in what was heard."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one framing is told apart.

    Attributes:
        kind: Its name.
        find: Finds the first whole frame.
        is_damaged: Whether an answer has come that can no longer become right.
        explain: What bytes without a frame are.
    """

    kind: FrameKind
    find: Finder
    is_damaged: Callable[[bytes, Expected], bool]
    explain: Callable[[bytes, Expected], Leftover]

    @property
    def is_numbered(self) -> bool:
        """Return whether frames carry a transaction number."""
        return self.kind is FrameKind.TCP


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things take on a line.

    Attributes:
        timeout_s: Wall seconds to wait for an answer where the caller names no deadline.
        char_s: Seconds of one character on the wire, 0 where the wire is not ours.
        silence_s: Least silence before a request.
    """

    timeout_s: float
    char_s: float = 0.0
    silence_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What is peculiar to one line.

    Attributes:
        echo: The adapter repeats what we send.
        signs: What a DTU says on its own account; None: nobody does.
    """

    echo: bool = False
    signs: DtuSigns | None = None
