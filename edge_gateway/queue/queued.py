"""What the queue holds and what an acknowledgement did to it, as values."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFrame:
    """One open frame: its number and its body, canonical JSON."""

    seq: int
    body: bytes


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
    """

    epoch: int
    last_seq: int
    open_count: int
    open_bytes: int
    kept_count: int
    kept_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AckEffect:
    """What an acknowledgement changed.

    Attributes:
        seqs: Frames that are no longer open.
        refused: Those of them that the server holds in quarantine, with its code.
        is_new_server: Whether everything kept was opened again for a restored server.
    """

    seqs: Sequence[int] = ()
    refused: Sequence[tuple[int, str]] = ()
    is_new_server: bool = False
