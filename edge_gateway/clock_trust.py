"""Decides whether the gateway's clock may be believed, and what the time is when it may not.

Believed is a clock whose year is not before the build's, that a time server keeps (then it must
not be behind what was stored already) or that the server's own clock confirms within 5 s. What is
known once is counted on with the machine's uptime, which nobody sets: a step changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from wire_contracts.frames import ms_from_utc

BUILD_YEAR = 2026
"""A clock before this year has not been set since it lost its battery."""

SERVER_WITHIN_MS = 5000
"""How far from the server's clock a clock may be and count as confirmed; gateway notes 5."""

TOLERATED_MS = 2000
"""A larger difference from what was confirmed is a step, not drift; gateway notes 5."""

BEHIND_MS = 2000
"""How far behind the newest stored frame a clock may be that only a time server keeps."""


LATE_WORDS_FOR_MS = 900_000
"""A word of the server may be late on its way, never early: one that is behind what is known
counts when all that came in 15 minutes are (judgement; a line that keeps words for longer is no
line)."""

AHEAD_WORDS_FOR_MS = 60_000
"""Once two words have agreed, one that is ahead is no late word put right but a wrong clock, until
all that came in a minute say the same (judgement: a server may be asked four times meanwhile)."""


class TimeSource(Protocol):
    """What the machine knows of time beside its clock."""

    @property
    def boot_id(self) -> str:
        """Which start of the machine this is."""
        ...

    def uptime_ms(self) -> int:
        """Return the milliseconds since that start, sleep included."""
        ...

    def is_synchronised(self) -> bool:
        """Return whether a time server keeps the clock."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at all clocks of the machine.

    Attributes:
        utc_ms: What the clock says.
        uptime_ms: Milliseconds since the machine started.
        is_synchronised: Whether a time server keeps the clock.
    """

    utc_ms: int
    uptime_ms: int
    is_synchronised: bool

    @property
    def offset_ms(self) -> int:
        """What the clock believes has to be added to the uptime."""
        return self.utc_ms - self.uptime_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is known of the time.

    Attributes:
        offset_ms: What must be added to the uptime for milliseconds since 1970; None: unknown.
        newest_ms: The newest trusted time that was ever stored.
        late_ms: What the server's last words say instead, each behind what is known: the least
            late of them; None: the last word was not behind.
        late_since_ms: The uptime at the first of these.
        is_agreed: Whether two have said so: the server twice, or it and a clock, or a time server.
        ahead_ms: What its last words say instead, each ahead of what is known, all the same;
            None: the last word was not ahead.
        ahead_since_ms: The uptime at the first of these.
    """

    offset_ms: int | None = None
    newest_ms: int = 0
    late_ms: int | None = None
    late_since_ms: int = 0
    is_agreed: bool = False
    ahead_ms: int | None = None
    ahead_since_ms: int = 0


def look_again(trust: Trust, look: Look, earliest_utc: datetime) -> Trust:
    """Return what is known after a look at the clocks.

    Args:
        trust: What was known.
        look: The look.
        earliest_utc: Start of the year of the build.
    """
    is_possible = look.utc_ms >= ms_from_utc(earliest_utc)
    is_ahead = look.utc_ms >= trust.newest_ms - BEHIND_MS
    if look.is_synchronised and is_possible and is_ahead:
        return Trust(offset_ms=look.offset_ms, newest_ms=trust.newest_ms, is_agreed=True)
    return trust


def hear_server(trust: Trust, look: Look, server_ms: int) -> Trust:
    """Return what is known after the server said what time it is.

    A clock that a time server keeps, and that was believed, is not corrected by it.
    """
    offset_ms = server_ms - look.uptime_ms
    if look.is_synchronised and is_believed(trust, look):
        return trust
    known_ms = trust.offset_ms
    if abs(look.offset_ms - offset_ms) <= SERVER_WITHIN_MS:
        return Trust(offset_ms=look.offset_ms, newest_ms=trust.newest_ms, is_agreed=True)
    if known_ms is None or (offset_ms > known_ms + SERVER_WITHIN_MS and not trust.is_agreed):
        return Trust(offset_ms=offset_ms, newest_ms=trust.newest_ms)
    if abs(offset_ms - known_ms) <= SERVER_WITHIN_MS:
        return Trust(offset_ms=known_ms, newest_ms=trust.newest_ms, is_agreed=True)
    if offset_ms > known_ms:
        return _note_ahead(trust, look, offset_ms)
    return _note_late(trust, look, offset_ms)


def _note_ahead(trust: Trust, look: Look, offset_ms: int) -> Trust:
    """Return what is known after a word that is ahead of what others said."""
    before_ms = trust.ahead_ms
    if before_ms is None or abs(before_ms - offset_ms) > SERVER_WITHIN_MS:
        return replace(trust, ahead_ms=offset_ms, ahead_since_ms=look.uptime_ms, late_ms=None)
    if look.uptime_ms - trust.ahead_since_ms < AHEAD_WORDS_FOR_MS:
        return trust
    return Trust(offset_ms=offset_ms, newest_ms=trust.newest_ms)


def _note_late(trust: Trust, look: Look, offset_ms: int) -> Trust:
    """Return what is known after a word that is behind: it was late, or all before were wrong."""
    if trust.late_ms is None:
        return replace(trust, late_ms=offset_ms, late_since_ms=look.uptime_ms, ahead_ms=None)
    least_late_ms = max(trust.late_ms, offset_ms)
    if look.uptime_ms - trust.late_since_ms < LATE_WORDS_FOR_MS:
        return replace(trust, late_ms=least_late_ms, ahead_ms=None)
    return Trust(offset_ms=least_late_ms, newest_ms=trust.newest_ms)


def is_believed(trust: Trust, look: Look) -> bool:
    """Return whether the clock says what is known to be the time."""
    return trust.offset_ms is not None and (abs(look.offset_ms - trust.offset_ms) <= TOLERATED_MS)


def guess_offsets(
    boots: Mapping[str, tuple[int, int]], started_at_ms: int, newest_ms: int
) -> Mapping[str, int]:
    """Return for earlier starts of the machine what must roughly be added to their uptime.

    The latest that is possible is taken: each ran until the next one began. Never earlier than
    what was stored before, never exact.

    Args:
        boots: Start to its first and last uptime in ms, the newest start first.
        started_at_ms: When the present start was, ms since 1970.
        newest_ms: The newest trusted time that was ever stored.
    """
    offsets: dict[str, int] = {}
    ends_at_ms = started_at_ms
    for boot_id, (_first_ms, last_ms) in boots.items():
        offsets[boot_id] = max(ends_at_ms, newest_ms) - last_ms
        ends_at_ms = offsets[boot_id]
    return offsets
