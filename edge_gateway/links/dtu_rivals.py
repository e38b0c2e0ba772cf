"""Decides whether a caller said the registration, and which of two DTUs that did has the line.

A DTU whose radio failed dials again before its old connection is known to be dead; another DTU with
the same registration would take its line with every call. From the same address the newer
connection counts. From another one it waits until the line before it is dead, or was silent for
long; at once it is let in where the meters behind the other one were not those of the settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

SETTLED_S = 0.5
"""Wall seconds without another byte behind a registration: a name that goes on comes in one breath.
Judgement."""

SILENT_S = 20.0
"""Wall seconds without a byte behind a request after which a DTU that another one waits for is
given up. Judgement: longer than any time-out, so that one dead meter does not cost the line."""

CERTAIN_AFTER_S = 20.0
"""Wall seconds after which two connections with one registration are two DTUs: a dead one is known
by then (`DtuPort.look_closely`)."""

TOLD_AGAIN_S = 3600.0
"""Wall seconds between two events about it."""

CALLS = 5
WITHIN_S = 600.0
"""So many calls from one address within so many wall seconds, each while the line before was held
for alive, are told too: two DTUs behind one address, or a radio that fails. Judgement."""

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


@dataclass(slots=True)
class Rivals:
    """What is known of DTUs with one registration; used by one thread at a time.

    Attributes:
        doubts: Address to how often the meters behind it were others than those of the settings.
        calls_s: When calls from the served address came while its line was held for alive.
        told_s: When people were told last, None: never.
    """

    doubts: dict[str, int] = field(default_factory=dict)
    calls_s: list[float] = field(default_factory=list)
    told_s: float | None = None

    def doubt(self, host: str) -> None:
        """Take note that the meters behind an address are others."""
        self.doubts[host] = self.doubts.get(host, 0) + 1

    def is_before(self, host: str, served: str) -> bool:
        """Return whether a caller is let in although the line of another one is alive."""
        return host == served or self.doubts.get(host, 0) < self.doubts.get(served, 0)

    def note_call(self, now_s: float) -> bool:
        """Take note of a call from the address that is served; return whether to tell of it."""
        self.calls_s = [*(at_s for at_s in self.calls_s if now_s - at_s < WITHIN_S), now_s][-CALLS:]
        return len(self.calls_s) == CALLS and self.may_tell(now_s)

    def may_tell(self, now_s: float) -> bool:
        """Return whether people are told now; they are then."""
        if self.told_s is not None and now_s - self.told_s < TOLD_AGAIN_S:
            return False
        self.told_s = now_s
        return True
