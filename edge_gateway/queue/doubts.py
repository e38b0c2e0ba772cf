"""Decides whether a queue file is the one that was left, before numbers are given in it again."""

from dataclasses import dataclass
from enum import StrEnum

ONE_TRANSACTION = 1
"""So many may be torn by a kill or a power cut; the one before it is on the disk by then."""


class Doubt(StrEnum):
    """What is wrong with a queue file, as it stands behind "the queue file"."""

    DAMAGED = "was damaged"
    CUT = "had a damaged write-ahead log"
    GONE = "was gone"
    SHORTER = "was shorter than it had been"
    OTHER = "was not the one in use before"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDisk:
    """What lies on the disk, as SQLite would read it.

    Attributes:
        is_there: Whether there is any table in the file.
        has_log: Whether its write-ahead log holds a page.
        ends_behind: Transactions that end behind the end of the log (`wal_pages.Log`).
        epoch: Its epoch; None: it does not tell.
        last: The last number given in it; None: it does not tell.
    """

    is_there: bool
    has_log: bool
    ends_behind: int
    epoch: int | None
    last: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is known of the file from outside.

    Attributes:
        epoch: Its epoch.
        last: The last number that was certainly given.
        is_exact: Whether no later number can have been given.
    """

    epoch: int
    last: int
    is_exact: bool


def doubt_of(found: OnDisk, known: Remembered | None) -> Doubt | None:
    """Return why a file must be set aside, None when it may be opened.

    One transaction behind the end of the log is torn if all that is known is in front of it.
    """
    if not found.is_there:
        return Doubt.GONE if found.has_log or known is not None else None
    is_whole = known is not None and known.is_exact and _has_all(found, known)
    if found.ends_behind > (ONE_TRANSACTION if is_whole else 0):
        return Doubt.CUT
    if known is None or found.epoch is None or found.last is None:
        return None
    if found.epoch != known.epoch:
        return Doubt.OTHER
    return Doubt.SHORTER if found.last < known.last else None


def _has_all(found: OnDisk, known: Remembered) -> bool:
    return found.epoch == known.epoch and found.last is not None and found.last >= known.last
