"""Decides whether an M-Bus telegram is surely of now, or may be the repeat of an earlier one.

A meter repeats its last telegram when a request has the frame count bit of the one before;
SND_NKE makes it forget that bit. But a SND_NKE may be lost, or its acknowledge be the late one of
another request; some meters do not know it, and some keep one bit for all their addresses, which
no selection clears. Two things hold for all of them: a repeat is the very telegram that the meter
sent last, and a request whose bit differs from the one just answered is answered anew. The access
number proves nothing: with some meters it stands still.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LastHeard:
    """What a meter sent last, as far as it was heard.

    Attributes:
        said: CI field and data of its last whole frame; the control field may change in a repeat.
        bit: The frame count bit that asked for it.
        is_current: Whether it can have sent nothing since: every answer came, and was understood.
    """

    said: bytes
    bit: bool
    is_current: bool = True


def is_surely_new(said: bytes, last: LastHeard | None) -> bool:
    """Return whether the first frame of a readout cannot be a repeat.

    Args:
        said: CI field and data of the frame.
        last: What the meter sent last; None when nobody knows.
    """
    return last is not None and last.is_current and said != last.said
