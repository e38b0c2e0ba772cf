"""Decides whether a caller said the registration, and which of two DTUs that did has the line.

A DTU whose radio failed dials again before its old connection is known to be dead; another DTU with
the same registration would take its line with every call. So whoever calls waits until the line
before it is dead, or was silent behind a request; at once it is let in where the meters behind the
other one were not those of the settings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

SETTLED_S = 0.5
"""Wall seconds without another byte behind a registration: a name that goes on comes in one breath.
Judgement."""

SILENT_S = 20.0
"""Wall seconds without a byte behind a request after which a DTU that one from elsewhere waits for
is given up. Judgement: longer than most time-outs, so that one dead meter costs no line."""

SILENT_SAME_S = 3.0
"""The same where the other one calls from the same address: it is likely the same DTU."""

CERTAIN_AFTER_S = 20.0
"""Wall seconds after which two connections with one registration are two DTUs: a dead one is known
by then (`DtuPort.look_closely`)."""

TOLD_AGAIN_S = 3600.0
"""Wall seconds between two events about it."""

CHANGES_ENOUGH = 3
CHANGES_WITHIN_S = 600.0
"""So many times in so many wall seconds two connections of one address take the line from each
other: then nobody's radio failed, and the one that has it may be silent as long as one that another
address waits for. Judgement: a radio that fails more often is worth a look."""

_JOINERS = frozenset(b"-_./:")
_LEFT_JOINERS = frozenset(b"-_.")
"""What belongs to a name in front of more of it: `SN:LAMP-1` says LAMP-1."""

_BLANKS = frozenset(b"\r\n\t \0")


class Said(StrEnum):
    """What a caller's first bytes are."""

    UNDECIDED = "not the whole registration yet"
    WANTED = "the registration"
    OTHER = "something else"


def judge_greeting(said: bytes, wanted: bytes, signs: Sequence[bytes], *, is_told: bool) -> Said:
    """Return whose first bytes these are, as far as one can tell.

    The registration may stand anywhere where it is a name of its own: at the beginning, behind a
    heartbeat that was told or what is of no name; behind it may come its repeat, such a heartbeat,
    or what is of no name. One that is no text stands among blanks and what was told alone.

    Args:
        said: What came.
        wanted: The registration, or what the DTU that is served said first.
        signs: What the DTU may say before and behind it.
        is_told: Whether `wanted` is of the settings, whole.
    """
    known = tuple(sign for sign in (*signs, wanted) if sign)
    starts = sorted({*_starts(said, wanted, known)})
    for at in starts:
        rest = said[at + len(wanted) :]
        if said.startswith(wanted, at) and _ends(rest, wanted, known, is_told=is_told):
            return Said.WANTED
    is_begun = any(each.startswith(said[at:]) for at in starts for each in known)
    return Said.UNDECIDED if is_begun else Said.OTHER


def _starts(said: bytes, wanted: bytes, known: Sequence[bytes]) -> Iterator[int]:
    """Yield where a registration may begin."""
    stops = _BLANKS if not _is_of_name(wanted[0]) else None
    reached = {0}
    for at in range(len(said) + 1):
        before = said[at - 1] if at else None
        is_behind = before is not None and (
            before in stops if stops is not None else not _is_of_name(before, _LEFT_JOINERS)
        )
        if at in reached or is_behind:
            yield at
            reached.update(at + len(each) for each in known if said.startswith(each, at))


def _ends(rest: bytes, wanted: bytes, known: Sequence[bytes], *, is_told: bool) -> bool:
    """Return whether a registration ends where `rest` begins."""
    while sign := next((each for each in known if rest.startswith(each)), b""):
        rest = rest[len(sign) :]
    if not rest:
        return True
    if _is_of_name(wanted[-1]):
        return not _is_of_name(rest[0])
    is_text = all(32 <= byte < 127 for byte in wanted)  # noqa: PLR2004  # printable ASCII
    return not (is_told and not is_text and rest.strip(bytes(_BLANKS)))


def _is_of_name(byte: int, joiners: frozenset[int] = _JOINERS) -> bool:
    return bytes([byte]).isalnum() or byte in joiners


@dataclass(slots=True)
class Rivals:
    """What is known of DTUs with one registration; used by one thread at a time.

    Attributes:
        doubts: Address to how often the meters behind it were others than those of the settings.
        told_s: When people were told last, None: never.
        changes: When one connection gave way to another because it was silent, the last few.
    """

    doubts: dict[str, int] = field(default_factory=dict)
    told_s: float | None = None
    changes: list[float] = field(default_factory=list)

    def doubt(self, host: str) -> None:
        """Take note that the meters behind an address are others."""
        self.doubts[host] = self.doubts.get(host, 0) + 1

    def is_before(self, host: str, served: str) -> bool:
        """Return whether the meters of a caller are less in doubt than those of the other."""
        return self.doubts.get(host, 0) < self.doubts.get(served, 0)

    def change(self, now_s: float) -> bool:
        """Take note that a connection gives way; return whether two take turns."""
        self.changes = [*self.changes, now_s][-CHANGES_ENOUGH:]
        return self.take_turns(now_s)

    def take_turns(self, now_s: float) -> bool:
        """Return whether two connections take the line from each other again and again."""
        recent = [each for each in self.changes if now_s - each < CHANGES_WITHIN_S]
        return len(recent) >= CHANGES_ENOUGH

    def longest_silence_s(self, host: str, served: str, now_s: float) -> float:
        """Return for how many wall seconds the one that is served may leave a request unanswered.

        Args:
            host: Who waits.
            served: Who is served.
            now_s: Monotonic wall seconds.
        """
        is_likely_same = host == served and not self.take_turns(now_s)
        return SILENT_SAME_S if is_likely_same else SILENT_S

    def may_tell(self, now_s: float) -> bool:
        """Return whether people are told now; they are then."""
        if self.told_s is not None and now_s - self.told_s < TOLD_AGAIN_S:
            return False
        self.told_s = now_s
        return True
