"""Decides what a PIN must be, how long a wrong one waits, and when its key is wiped."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from wire_contracts.operations import DeviceTime

SHORTEST_PIN: Final = 6
"""NIST SP 800-63B-4, 3.2.10: an activation secret that is checked locally has at least six."""

LONGEST_PIN: Final = 12

MOST_WRONG: Final = 10
"""NIST SP 800-63B-4, 3.2.10 wants a limit of at most ten before the device is made unusable."""

_WAIT_AFTER_MS: Final[Mapping[int, int]] = {
    5: 30_000,
    6: 60_000,
    7: 5 * 60_000,
    8: 15 * 60_000,
    9: 60 * 60_000,
}
"""By wrong tries in a row. Judgement, in the shape of Android's lock screen: a glove may slip four
times without a wait, and all ten take an hour and twenty minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The wrong tries in a row of one person, and when the last of them was."""

    wrong: int = 0
    last_mono_ms: int = 0
    last_boot_id: str = ""


NO_ATTEMPTS: Final = Attempts()


def is_good_pin(pin: str) -> bool:
    """Return whether a PIN may be set: 6 to 12 digits, not all the same, not counted up or down."""
    if not (SHORTEST_PIN <= len(pin) <= LONGEST_PIN and pin.isascii() and pin.isdecimal()):
        return False
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return steps not in ({0}, {1}, {9})


def note_attempt(attempts: Attempts, at: DeviceTime) -> Attempts:
    """Return the attempts with one more that counts as wrong until it was right."""
    return Attempts(wrong=attempts.wrong + 1, last_mono_ms=at.mono_ms, last_boot_id=at.boot_id)


def wait_ms(attempts: Attempts, now: DeviceTime) -> int:
    """Return how long until the next try is looked at, 0 when it may be made now.

    Only the monotonic clock counts: setting the wall clock shortens nothing, and after a restart
    the wait begins anew.
    """
    wait = _WAIT_AFTER_MS.get(min(attempts.wrong, max(_WAIT_AFTER_MS)), 0)
    is_same_boot = now.boot_id == attempts.last_boot_id and now.mono_ms >= attempts.last_mono_ms
    waited = now.mono_ms - attempts.last_mono_ms if is_same_boot else now.mono_ms
    return max(wait - waited, 0)


def is_used_up(attempts: Attempts) -> bool:
    """Return whether the wrapped key must go."""
    return attempts.wrong >= MOST_WRONG
