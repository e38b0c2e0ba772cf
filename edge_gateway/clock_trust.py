"""Decides whether the gateway's clock may be believed, and what the time is when it may not.

Believed is a clock whose year is not before the build's, that a time server keeps, or that the
server's own clock confirms within 5 s; without either, three words of the server that agree tell
the time. A word may be late and is never early: the one that adds most to the uptime is right, and
one that is behind what is known changes nothing until no other has come for long. A word more than
a minute ahead contradicts: nothing is known until all have said the same for five minutes. What is
known is counted on with the machine's uptime, which nobody sets: a step of the clock changes
nothing.
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
"""A word that is further ahead of what is known contradicts it, and so does one that is further
from another while nothing is known. Further behind no line is for long (judgement: a connection
that says nothing for longer is given up)."""

WORDS_ENOUGH = 3
"""So many words of the server that agree tell the time, where nothing else does (judgement)."""

WORDS_APART_MS = 10_000
"""They come over at least so long: a burst of them is one word (judgement)."""

QUIET_MS = 300_000
"""After a contradiction they must all have agreed for so long, and a clock that a time server keeps
must have been kept for so long where it is behind what was stored (judgement: the time is asked for
thirty times meanwhile, so that two servers that answer in turn never agree by chance)."""

BEHIND_FOR_MS = 600_000
"""Words that agree, are further behind what is known than any line is slow, or say what the clock
says, contradict when none has said what is known for so long (judgement: an old word that some
queue has kept comes alone)."""

SLOW_FOR_MS = 6 * 3_600_000
"""Words that are behind by less are of a slow line, unless for so long none was less late: then the
uptime is fast (judgement: a crystal that is off by 100 ppm is 2 s off by then)."""


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
    known_ms = look.offset_ms if trust.offset_ms is None else trust.offset_ms
    is_contradicted = abs(look.offset_ms - known_ms) > DISPUTED_FROM_MS
    if is_contradicted and trust.is_kept:  # a time server says now that it was wrong
        return Trust(newest_ms=trust.newest_ms, is_disputed=True, kept_since_ms=look.uptime_ms)
    if trust.kept_since_ms is None:
        return replace(trust, kept_since_ms=look.uptime_ms)
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
    if known_ms is None:
        return _heard_first(trust, look, offset_ms)
    if abs(offset_ms - known_ms) > DISPUTED_FROM_MS and trust.is_kept:
        return trust
    return _heard_again(trust, look, offset_ms, known_ms)


def _heard_again(trust: Trust, look: Look, offset_ms: int, known_ms: int) -> Trust:
    """Return what is known after a word beside what was."""
    ahead_ms = offset_ms - known_ms
    if ahead_ms > DISPUTED_FROM_MS:
        return _disputed(trust, look, offset_ms)
    if _is_clock_confirmed(look, offset_ms, known_ms):
        return replace(trust, offset_ms=look.offset_ms, words=None)
    if abs(ahead_ms) <= SERVER_WITHIN_MS:
        return replace(trust, words=None)
    words = _counted(trust.words, look, offset_ms)
    after = replace(trust, words=words)
    if _span_ms(words) < _lasts_ms(words, look, known_ms):
        return after
    is_contradicted = known_ms - words.offset_ms > DISPUTED_FROM_MS
    return _disputed(trust, look, offset_ms) if is_contradicted else _settled(after, words, look)


def _heard_first(trust: Trust, look: Look, offset_ms: int) -> Trust:
    """Return what is known after a word while nothing was."""
    if not trust.is_disputed and _is_clock(look, offset_ms):
        return replace(trust, offset_ms=look.offset_ms, words=None)
    before = trust.words
    if before is not None and abs(offset_ms - before.offset_ms) > DISPUTED_FROM_MS:
        return _disputed(trust, look, offset_ms)
    words = _counted(before, look, offset_ms)
    after = replace(trust, words=words)
    for_ms = QUIET_MS if trust.is_disputed else WORDS_APART_MS
    return after if _span_ms(words) < for_ms else _settled(after, words, look)


def _is_clock(look: Look, offset_ms: int) -> bool:
    """Return whether the clock says what a word says."""
    return abs(look.offset_ms - offset_ms) <= SERVER_WITHIN_MS


def _is_clock_confirmed(look: Look, offset_ms: int, known_ms: int) -> bool:
    """Return whether a word makes the clock what is known: a late one moves nothing far back."""
    is_near = abs(look.offset_ms - known_ms) <= SERVER_WITHIN_MS
    return _is_clock(look, offset_ms) and (is_near or offset_ms > known_ms)


def _disputed(trust: Trust, look: Look, offset_ms: int) -> Trust:
    """Return that nothing is known any more but that the server's last word was this."""
    return replace(trust, offset_ms=None, is_disputed=True, words=_first_word(look, offset_ms))


def _first_word(look: Look, offset_ms: int) -> Words:
    at_ms = look.uptime_ms
    return Words(offset_ms=offset_ms, count=1, since_ms=at_ms, last_ms=at_ms)


def _counted(words: Words | None, look: Look, offset_ms: int) -> Words:
    """Return the words that agree with one more: they begin again with one that is less late."""
    if words is None or offset_ms > words.offset_ms + SERVER_WITHIN_MS:
        return _first_word(look, offset_ms)
    if offset_ms < words.offset_ms - SERVER_WITHIN_MS:
        return words  # late on its way
    return replace(
        words,
        offset_ms=max(offset_ms, words.offset_ms),
        count=words.count + 1,
        last_ms=look.uptime_ms,
    )


def _span_ms(words: Words) -> int:
    """Return for how long words have agreed; -1 while they are too few."""
    return words.last_ms - words.since_ms if words.count >= WORDS_ENOUGH else -1


def _lasts_ms(words: Words, look: Look, known_ms: int) -> int:
    """Return for how long words must have agreed against what is known."""
    behind_ms = known_ms - words.offset_ms
    if behind_ms < 0:
        return QUIET_MS
    is_line = behind_ms <= DISPUTED_FROM_MS and not _is_clock(look, words.offset_ms)
    return SLOW_FOR_MS if is_line else BEHIND_FOR_MS


def _settled(trust: Trust, words: Words, look: Look) -> Trust:
    """Return that the time is what enough words have said for long enough."""
    offset_ms = look.offset_ms if _is_clock(look, words.offset_ms) else words.offset_ms
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
