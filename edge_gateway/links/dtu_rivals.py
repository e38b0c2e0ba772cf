"""Decides whether a caller said the registration, and which of two DTUs that did has the line.

A DTU whose radio failed dials again before its old connection is known to be dead; another DTU with
the same registration would take its line with every call. So whoever calls waits until the line
before it is dead, or was silent behind a request; at once it is let in where the meters behind the
other one were not those of the settings.
"""

from collections.abc import Sequence
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

_JOINERS = frozenset(b"-_./:")


class Said(StrEnum):
    """What a caller's first bytes are."""

    UNDECIDED = "not the whole registration yet"
    WANTED = "the registration"
    OTHER = "something else"


def judge_greeting(said: bytes, wanted: bytes, signs: Sequence[bytes], *, is_told: bool) -> Said:
    """Return whose first bytes these are, as far as one can tell.

    Behind the registration may come its repeat, a heartbeat that was told, or the end of a line:
    what goes on like a name, or behind one that is no text anything else, is another registration.

    Args:
        said: What came.
        wanted: The registration, or what the DTU that is served said first.
        signs: What the DTU may say behind it.
        is_told: Whether `wanted` is of the settings, whole.
    """
    if not said.startswith(wanted):
        return Said.UNDECIDED if wanted.startswith(said) else Said.OTHER
    rest = said[len(wanted) :]
    known = tuple(sign for sign in (*signs, wanted) if sign)
    while sign := next((each for each in known if rest.startswith(each)), b""):
        rest = rest[len(sign) :]
    if not rest or any(each.startswith(rest) for each in known):
        return Said.WANTED
    if _is_of_name(wanted[-1]):
        return Said.OTHER if _is_of_name(rest[0]) else Said.WANTED
    is_text = all(32 <= byte < 127 for byte in wanted)  # noqa: PLR2004  # printable ASCII
    return Said.OTHER if is_told and not is_text and rest.strip(b"\r\n\0") else Said.WANTED


def _is_of_name(byte: int) -> bool:
    return bytes([byte]).isalnum() or byte in _JOINERS


def longest_silence_s(host: str, served: str) -> float:
    """Return for how many wall seconds the DTU that is served may leave a request unanswered."""
    return SILENT_SAME_S if host == served else SILENT_S


@dataclass(slots=True)
class Rivals:
    """What is known of DTUs with one registration; used by one thread at a time.

    Attributes:
        doubts: Address to how often the meters behind it were others than those of the settings.
        told_s: When people were told last, None: never.
    """

    doubts: dict[str, int] = field(default_factory=dict)
    told_s: float | None = None

    def doubt(self, host: str) -> None:
        """Take note that the meters behind an address are others."""
        self.doubts[host] = self.doubts.get(host, 0) + 1

    def is_before(self, host: str, served: str) -> bool:
        """Return whether the meters of a caller are less in doubt than those of the other."""
        return self.doubts.get(host, 0) < self.doubts.get(served, 0)

    def may_tell(self, now_s: float) -> bool:
        """Return whether people are told now; they are then."""
        if self.told_s is not None and now_s - self.told_s < TOLD_AGAIN_S:
            return False
        self.told_s = now_s
        return True
