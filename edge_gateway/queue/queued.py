"""What the queue holds and what an acknowledgement did to it, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wire_contracts.frames import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """A moment counted from the machine's start, for as long as nobody knows the time.

    Attributes:
        boot_id: Which start of the machine; drawn by its kernel.
        ms: Milliseconds since then, sleep included.
    """

    boot_id: str
    ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFrame:
    """A frame read while the clock was not to be trusted: kept, not sent before it is dated."""

    frame: Frame
    uptime: Uptime


class StoredFrame(NamedTuple):
    """One frame of the queue: its number, its body as canonical JSON, whose numbers these are."""

    seq: int
    body: bytes
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """How much the queue holds.

    Attributes:
        epoch: The epoch of this file.
        last_seq: The highest number given so far, 0 when none.
        open_count: Frames not acknowledged.
        open_bytes: Their bodies' bytes.
        kept_count: Acknowledged frames still kept.
        kept_bytes: Their bodies' bytes.
        held_count: Of the open frames, those that wait for the time to be known.
        aside_count: Frames that no server took; kept in the file, never offered again.
    """

    epoch: int
    last_seq: int
    open_count: int
    open_bytes: int
    kept_count: int
    kept_bytes: int
    held_count: int = 0
    aside_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AckEffect:
    """What an acknowledgement changed.

    Attributes:
        seqs: Frames that are no longer open.
        refused: Those of them that the server holds in quarantine, with its code.
        is_new_server: Whether everything kept was opened again for a restored server.
        is_disputed: Whether it turned out that several servers acknowledge in turn.
    """

    seqs: Sequence[int] = ()
    refused: Sequence[tuple[int, str]] = ()
    is_new_server: bool = False
    is_disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a second reader of the queue has come.

    Attributes:
        name: The reader's own name.
        seq: It has read everything up to here.
        missed_count: Frames that were gone before it came to them.
    """

    name: str
    seq: int
    missed_count: int
