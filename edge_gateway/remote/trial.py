"""Decides when a revision on trial has shown that it works, and when its time is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from edge_gateway.figures import LinkFigures
from edge_gateway.polling.profiles_io import LinkSetup
from firmware_profiles.cadence import period_of

PERIODS = 3
"""Periods without any good frame after which a revision is rolled back; gateway notes 5."""

FAST = "fast"
"""The group whose interval counts; a meter without it counts with its shortest one."""


class Judgement(StrEnum):
    """What is to be done with the revision on trial."""

    WAIT = "wait"
    CONFIRM = "confirm"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLength:
    """How long a revision may go without a good frame.

    Attributes:
        period: The longest fast interval, in the gateway's clock.
        answer_s: Wall seconds that the slowest link waits for an answer, once for all periods.
    """

    period: timedelta
    answer_s: float


def trial_length(links: Sequence[LinkSetup]) -> TrialLength:
    """Return how long the links may go without a good frame."""
    intervals = (meter.intervals for link in links for meter in link.meters)
    fast = (
        period_of(each.get(FAST, min(each.values(), key=period_of))) for each in intervals if each
    )
    return TrialLength(
        period=max(fast, default=timedelta(0)),
        answer_s=max((link.timeout_s for link in links), default=0.0),
    )


def judge(
    links: Iterable[LinkFigures], *, passed_s: float, allowed_s: float, was_sound: bool
) -> Judgement:
    """Return what is to be done, given what the new links have brought since the swap.

    A wrong profile brings values, too, most of them strange. Where the settings before brought a
    frame of good values alone, these must as well; else a frame with any good value is enough,
    when the time is over.

    Args:
        links: Figures of the links of the revision alone.
        passed_s: Wall seconds since the swap.
        allowed_s: Wall seconds after which its time is over.
        was_sound: Whether the links before the swap had brought a frame of good values alone.
    """
    figures = tuple(links)
    if any(link.has_sound_frame for link in figures):
        return Judgement.CONFIRM
    if passed_s < allowed_s:
        return Judgement.WAIT
    is_as_before = not was_sound and any(link.last_good for link in figures)
    return Judgement.CONFIRM if is_as_before else Judgement.ROLL_BACK


def silent_links(links: Iterable[LinkFigures]) -> tuple[str, ...]:
    """Return the names of the links that have brought no good frame, sorted."""
    return tuple(sorted(link.name for link in links if not link.last_good))
