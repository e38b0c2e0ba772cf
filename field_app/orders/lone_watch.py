"""Decides how the watch over a person who works alone stands: calm, to be answered, overdue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from field_app.orders.moments import passed_ms
from wire_contracts.operations import DeviceTime
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


class HelpCalled(StrEnum):
    """How far a call for help has come."""

    NO = "no"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    TOLD = "told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The watch as its facts tell it.

    Attributes:
        due_ms: When the person must answer, by the wall clock as it stands now; None when the
            watch is off.
        interval_ms: How long an answer is good for.
        person: Who is watched over, whoever holds the tablet.
        must_report: The event that must be kept now because time has passed, None when nothing.
        is_told: The control room has what was reported last.
        is_refused: The server did not take the last answer, or what was reported since.
    """

    state: WatchState
    due_ms: int | None = None
    interval_ms: int = 0
    place: str = ""
    person: str = ""
    must_report: WatchEvent | None = None
    is_told: bool = False
    is_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchMoment:
    """One event of the watch, when it was kept, and whether the server has it or refused it."""

    at: DeviceTime
    event: LoneWorkerEvent
    is_told: bool = False
    is_refused: bool = False


def watch_at(moments: Sequence[WatchMoment], now: DeviceTime) -> Watch:
    """Return how the watch stands now, from its events in the order they were kept."""
    if not moments or moments[-1].event.event is WatchEvent.ENDED:
        return Watch(state=WatchState.OFF)
    answered = [each for each in moments if each.event.event in _ANSWERS]
    if not answered:
        return Watch(state=WatchState.OFF)
    last = answered[-1]
    interval_ms = max((last.event.due_ms or 0) - last.at.wall_ms, 0)
    left_ms = max(interval_ms - passed_ms(last.at, now), -_LONGEST_WAIT_MS)
    since = {each.event.event: each for each in moments[moments.index(last) :]}
    state, wanted = _state(left_ms)
    reported = since.get(wanted) if wanted is not None else None
    return Watch(
        state=state,
        due_ms=now.wall_ms + left_ms,
        interval_ms=interval_ms,
        place=last.event.place,
        person=last.event.person,
        must_report=wanted if reported is None else None,
        is_told=reported is not None and reported.is_told,
        is_refused=any(each.is_refused for each in since.values()),
    )


_ANSWERS = frozenset({WatchEvent.STARTED, WatchEvent.CONFIRMED})


_LONGEST_WAIT_MS: Final = timedelta(days=1) // timedelta(milliseconds=1)


def _state(left_ms: int) -> tuple[WatchState, WatchEvent | None]:
    left = timedelta(milliseconds=left_ms)
    if left <= -ESCALATE_AFTER:
        return WatchState.ESCALATED, WatchEvent.ESCALATED
    if left <= timedelta(0):
        return WatchState.OVERDUE, WatchEvent.OVERDUE
    if left <= WARN_BEFORE:
        return WatchState.ASKING, None
    return WatchState.CALM, None
