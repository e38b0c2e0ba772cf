"""Decides which configuration revision is in force: on trial, then confirmed or rolled back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

OWN_FILE = 0
"""The number that stands for the gateway's own settings file."""

MAX_CONFIRMED = 5
"""Confirmed revisions kept, so that `rollback-config` finds the way back (judgement)."""

MAX_STARTS = 2
"""Starts of the gateway with a revision on trial; one that dies oftener is rolled back: the
first start is the swap itself, the second allows for a power cut (judgement)."""

LONGEST_WHY = 1900
"""Characters kept of why a trial ended; names of many silent links would be more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A revision that has not shown yet that it works.

    Attributes:
        number: The revision.
        command_id: The command that brought it.
        starts: How often the gateway began to work with it.
    """

    number: int
    command_id: str
    starts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the last trial ended, and why, for people; `command_id` brought the revision."""

    number: int
    command_id: str
    is_confirmed: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the revisions of a gateway stand.

    Attributes:
        highest: The highest number ever taken; what is not higher is refused.
        confirmed: Confirmed revisions, oldest first.
        trial: What is on trial.
        ended: How the last trial ended.
    """

    highest: int = 0
    confirmed: Sequence[int] = ()
    trial: Trial | None = None
    ended: Ended | None = None

    @property
    def settled(self) -> int:
        """The newest confirmed revision, OWN_FILE when there is none."""
        return self.confirmed[-1] if self.confirmed else OWN_FILE

    @property
    def in_force(self) -> int:
        """The revision whose settings are used now."""
        return self.settled if self.trial is None else self.trial.number

    def kept(self) -> frozenset[int]:
        """Return the revisions that must stay on disk."""
        return frozenset(self.confirmed) | ({self.trial.number} if self.trial else set())


def begin_trial(standing: Standing, number: int, command_id: str) -> Standing:
    """Return the standing with a revision on trial; `number` is above every earlier one."""
    return replace(standing, highest=number, trial=Trial(number=number, command_id=command_id))


def start_again(standing: Standing) -> Standing:
    """Return the standing when the gateway starts: a trial that keeps killing it is over."""
    if standing.trial is None:
        return standing
    if standing.trial.starts >= MAX_STARTS:
        return roll_back(standing, f"the gateway ended {MAX_STARTS} times while it was on trial")
    return replace(standing, trial=replace(standing.trial, starts=standing.trial.starts + 1))


def confirm(standing: Standing, why: str) -> Standing:
    """Return the standing after a good trial."""
    if standing.trial is None:
        return standing
    confirmed = (*standing.confirmed, standing.trial.number)[-MAX_CONFIRMED:]
    ended = _ended(standing.trial, why, is_confirmed=True)
    return replace(standing, confirmed=confirmed, trial=None, ended=ended)


def roll_back(standing: Standing, why: str) -> Standing:
    """Return the standing after a trial that failed."""
    if standing.trial is None:
        return standing
    ended = _ended(standing.trial, why, is_confirmed=False)
    return replace(standing, trial=None, ended=ended)


def leave(standing: Standing, number: int, why: str) -> Standing | None:
    """Return the standing without the revision in force; None when `number` is not that one."""
    if number == OWN_FILE or number != standing.in_force:
        return None
    if standing.trial is not None:
        return roll_back(standing, why)
    return replace(standing, confirmed=tuple(standing.confirmed[:-1]))


def _ended(trial: Trial, why: str, *, is_confirmed: bool) -> Ended:
    return Ended(
        number=trial.number,
        command_id=trial.command_id,
        is_confirmed=is_confirmed,
        why=why[:LONGEST_WHY],
    )
