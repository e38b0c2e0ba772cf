"""Decides how the watch over a person who works alone stands: calm, to be answered, overdue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from wire_contracts.site_facts import LoneWorkerEvent, WatchEvent

INTERVALS_MIN: Final = (15, 30, 60)
"""What a person may choose: half an hour is usual for work in wells."""

WARN_BEFORE: Final = timedelta(minutes=2)
"""The tablet asks this long before the time is over."""

ESCALATE_AFTER: Final = timedelta(minutes=3)
"""After so long without an answer the control room is told that nobody answers."""


class WatchState(StrEnum):
    """How the watch stands."""

    OFF = "off"
    CALM = "calm"
    ASKING = "asking"
    OVERDUE = "overdue"
    ESCALATED = "escalated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The watch as its facts tell it.

    Attributes:
        due_ms: When the person must answer, None when the watch is off.
        interval_ms: How long an answer is good for.
        must_report: The event that must be kept now because time has passed, None when nothing.
    """

    state: WatchState
    due_ms: int | None = None
    interval_ms: int = 0
    place: str = ""
    must_report: WatchEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchMoment:
    """One event of the watch and when it was kept, by the tablet's wall clock."""

    at_ms: int
    event: LoneWorkerEvent


def watch_at(moments: Sequence[WatchMoment], now_ms: int) -> Watch:
    """Return how the watch stands now, from its events in the order they were kept."""
    if not moments or moments[-1].event.event is WatchEvent.ENDED:
        return Watch(state=WatchState.OFF)
    answered = [each for each in moments if each.event.event in _ANSWERS]
    if not answered:
        return Watch(state=WatchState.OFF)
    last = answered[-1]
    due_ms = last.event.due_ms if last.event.due_ms is not None else last.at_ms
    told = {each.event.event for each in moments[moments.index(last) :]}
    state, wanted = _state(due_ms, now_ms)
    return Watch(
        state=state,
        due_ms=due_ms,
        interval_ms=max(due_ms - last.at_ms, 0),
        place=last.event.place,
        must_report=wanted if wanted is not None and wanted not in told else None,
    )


_ANSWERS = frozenset({WatchEvent.STARTED, WatchEvent.CONFIRMED})


def _state(due_ms: int, now_ms: int) -> tuple[WatchState, WatchEvent | None]:
    if now_ms >= due_ms + ESCALATE_AFTER // timedelta(milliseconds=1):
        return WatchState.ESCALATED, WatchEvent.ESCALATED
    if now_ms >= due_ms:
        return WatchState.OVERDUE, WatchEvent.OVERDUE
    if now_ms >= due_ms - WARN_BEFORE // timedelta(milliseconds=1):
        return WatchState.ASKING, None
    return WatchState.CALM, None
