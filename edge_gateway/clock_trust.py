"""Decides whether the gateway's clock may be believed, and what the time is when it may not.

Believed is a clock whose year is not before the build's, that a time server keeps, or that the
server's own clock confirms within 5 s; without either, three words of the server that agree tell
the time. Where they contradict what is known, or one another, by more than a minute, nothing is
known until all have said the same for five minutes. What is known is counted on with the machine's
uptime, which nobody sets: a step of the clock changes nothing.
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

DISPUTED_FROM_MS = 60_000
"""A word that is further from another, or from what is known, contradicts it; one that is behind by
less may have been on its way for so long (judgement: a connection that says nothing for longer is
given up)."""

WORDS_ENOUGH = 3
"""So many words of the server that agree tell the time, where nothing else does (judgement)."""

WORDS_APART_MS = 10_000
"""They come over at least so long: a burst of them is one word (judgement)."""

QUIET_MS = 300_000
"""After a contradiction they must all have agreed for so long, and a clock that a time server keeps
must have been kept for so long where it is behind what was stored (judgement: the time is asked for
thirty times meanwhile, so that two servers that answer in turn never agree by chance)."""


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
class Words:
    """What the server said lately that is not what is known.

    Attributes:
        offset_ms: What its words add to the uptime: the least late of those that agree.
        count: How many in a row have agreed within 5 s.
        since_ms: The uptime at the first of these.
        last_ms: The uptime at the last of these.
    """

    offset_ms: int
    count: int
    since_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is known of the time.

    Attributes:
        offset_ms: What must be added to the uptime for milliseconds since 1970; None: unknown.
        newest_ms: The newest trusted time that was ever stored.
        is_kept: Whether a time server has kept the clock it was learnt from.
        is_disputed: Whether sources have contradicted one another since something was known.
        words: What the server said beside it; None: nothing else.
        kept_since_ms: The uptime since when a time server keeps a clock that is behind what was
            stored; None: none does.
    """

    offset_ms: int | None = None
    newest_ms: int = 0
    is_kept: bool = False
    is_disputed: bool = False
    words: Words | None = None
    kept_since_ms: int | None = None


def look_again(trust: Trust, look: Look, earliest_utc: datetime) -> Trust:
    """Return what is known after a look at the clocks.

    Args:
        trust: What was known.
        look: The look.
        earliest_utc: Start of the year of the build.
    """
    if not look.is_synchronised or look.utc_ms < ms_from_utc(earliest_utc):
        return trust if trust.kept_since_ms is None else replace(trust, kept_since_ms=None)
    if look.utc_ms >= trust.newest_ms - BEHIND_MS:
        return Trust(offset_ms=look.offset_ms, newest_ms=trust.newest_ms, is_kept=True)
    if trust.kept_since_ms is None:
        return replace(trust, kept_since_ms=look.uptime_ms)
    known_ms = look.offset_ms if trust.offset_ms is None else trust.offset_ms
    is_contradicted = abs(look.offset_ms - known_ms) > DISPUTED_FROM_MS
    if is_contradicted or look.uptime_ms - trust.kept_since_ms < QUIET_MS:
        return trust
    return Trust(offset_ms=look.offset_ms, newest_ms=look.utc_ms, is_kept=True)


def hear_server(trust: Trust, look: Look, server_ms: int) -> Trust:
    """Return what is known after the server said what time it is.

    A clock that a time server keeps, or what was counted on from one, is not corrected by it.
    """
    offset_ms, known_ms = server_ms - look.uptime_ms, trust.offset_ms
    if look.is_synchronised and is_believed(trust, look):
        return trust
    apart_ms = 0 if known_ms is None else abs(offset_ms - known_ms)
    if apart_ms > DISPUTED_FROM_MS:
        return trust if trust.is_kept else _disputed(trust, look, offset_ms)
    if not trust.is_disputed and abs(look.offset_ms - offset_ms) <= SERVER_WITHIN_MS:
        return replace(trust, offset_ms=look.offset_ms, words=None)
    if known_ms is not None and apart_ms <= SERVER_WITHIN_MS:
        return replace(trust, words=None)
    return _settled(_heard(trust, look, offset_ms), look)


def _disputed(trust: Trust, look: Look, offset_ms: int) -> Trust:
    """Return that nothing is known any more but that the server's last word was this."""
    return replace(trust, offset_ms=None, is_disputed=True, words=_first_word(look, offset_ms))


def _first_word(look: Look, offset_ms: int) -> Words:
    at_ms = look.uptime_ms
    return Words(offset_ms=offset_ms, count=1, since_ms=at_ms, last_ms=at_ms)


def _heard(trust: Trust, look: Look, offset_ms: int) -> Trust:
    """Return what is known with one more word counted among those that agree, or against them."""
    words = trust.words
    if words is None:
        return replace(trust, words=_first_word(look, offset_ms))
    ahead_ms = offset_ms - words.offset_ms
    if abs(ahead_ms) > DISPUTED_FROM_MS:
        return _disputed(trust, look, offset_ms)
    if ahead_ms < -SERVER_WITHIN_MS:
        return trust  # late on its way
    if ahead_ms > SERVER_WITHIN_MS:
        return replace(trust, words=_first_word(look, offset_ms))
    again = replace(
        words,
        offset_ms=max(offset_ms, words.offset_ms),
        count=words.count + 1,
        last_ms=look.uptime_ms,
    )
    return replace(trust, words=again)


def _settled(trust: Trust, look: Look) -> Trust:
    """Return what is known once enough words have agreed for long enough."""
    words = trust.words
    is_nothing_else = trust.offset_ms is None and not trust.is_disputed
    for_ms = WORDS_APART_MS if is_nothing_else else QUIET_MS
    if words is None or words.count < WORDS_ENOUGH or words.last_ms - words.since_ms < for_ms:
        return trust
    is_clock = abs(look.offset_ms - words.offset_ms) <= SERVER_WITHIN_MS
    offset_ms = look.offset_ms if is_clock else words.offset_ms
    return Trust(offset_ms=offset_ms, newest_ms=trust.newest_ms, is_kept=trust.is_kept)


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
