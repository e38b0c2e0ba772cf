"""How long a unit may take to answer: learnt from how long it took before."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

REMEMBERED = 64
"""Turnarounds that are remembered of each unit."""

ENOUGH = 8
"""Turnarounds after which a unit is held to its own habit."""

HABIT_FACTOR = 1.5
"""A unit gets its 99th percentile times this; gateway notes 5."""

SHORTEST_S = 0.1
"""Nobody is given up sooner: a meter that measures or writes its log pauses (judgement)."""

FIRST_SHARE = 0.5
"""Of the longest wait, for a unit that has never answered: whoever is slower answers the second
time, and each of five dead meters costs half as much in the first round (judgement)."""

MOVED = 2.0
"""Factor between a turnaround and the one that was planned with, beyond which a plan is made
afresh; gateway notes 5."""

STILL_S = 0.001
"""Turnarounds below this change no plan: a word on the slowest line takes longer."""


@dataclass(slots=True, kw_only=True)
class UnitPace:
    """The turnarounds of one unit; used by one thread.

    Attributes:
        turnarounds: Seconds beyond the wire time, oldest first.
        misses: Requests in a row that were not answered.
    """

    turnarounds: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    misses: int = 0
    _p99_s: float = 0.0
    _since_sorted: int = 0

    def answered(self, turnaround_s: float) -> None:
        """Take note of an answer."""
        self.misses = 0
        self.turnarounds.append(max(0.0, turnaround_s))
        self._since_sorted += 1
        if turnaround_s > self._p99_s or self._since_sorted >= ENOUGH:
            self._p99_s = quantile(sorted(self.turnarounds), 0.99)
            self._since_sorted = 0

    def missed(self) -> None:
        """Take note of a request without answer."""
        self.misses += 1

    def patience_s(self, longest_s: float) -> float:
        """Return the seconds to wait beyond the wire time, at most `longest_s`.

        The first request after an answer is held to the habit, its repetition to twice the
        habit; whoever has missed both gets the longest wait, so that a unit that has become
        slower is not lost.
        """
        if not self.turnarounds:
            return longest_s * (FIRST_SHARE if not self.misses else 1.0)
        if self.misses > 1 or len(self.turnarounds) < ENOUGH:
            return longest_s
        habit_s = max(SHORTEST_S, HABIT_FACTOR * self._p99_s)
        return min(longest_s, habit_s * (1 + self.misses))

    def median_s(self) -> float | None:
        """Return the usual turnaround; None before there are enough to call it usual."""
        if len(self.turnarounds) < ENOUGH:
            return None
        return quantile(sorted(self.turnarounds), 0.5)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the sorted numbers that `share` of them do not exceed."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def has_moved(planned_s: float, measured_s: float) -> bool:
    """Return whether a plan made for one turnaround is out of date for another."""
    before, after = max(planned_s, STILL_S), max(measured_s, STILL_S)
    return after > MOVED * before or before > MOVED * after
