"""Decides to which window somebody is guided, who is next, and how long people waited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wire_contracts.life_cycle import LifeCycle


class Need(StrEnum):
    """What somebody comes for (rules B-01, B-07)."""

    PAY = "pay"
    APPLY = "apply"
    REPAIR = "repair"
    ASK = "ask"
    COMPLAIN = "complain"


COUNTERS: Mapping[Need, int] = {
    Need.PAY: 1,
    Need.APPLY: 2,
    Need.REPAIR: 3,
    Need.ASK: 3,
    Need.COMPLAIN: 4,
}
"""The window that a need is guided to; any other one may call the number as well."""

LAST_COUNTER = 20


class HallState(StrEnum):
    """Where a visit stands: waiting, called, served, left."""

    WAITING = "waiting"
    CALLED = "called"
    SERVED = "served"
    LEFT = "left"


class HallEvent(StrEnum):
    """What moves a visit."""

    CALL = "call"
    SERVE = "serve"
    LEAVE = "leave"


_S, _E = HallState, HallEvent
HALL: LifeCycle[HallState, HallEvent] = LifeCycle(
    "a number",
    {
        (_S.WAITING, _E.CALL): _S.CALLED,
        (_S.WAITING, _E.LEAVE): _S.LEFT,
        (_S.CALLED, _E.CALL): _S.CALLED,
        (_S.CALLED, _E.SERVE): _S.SERVED,
        (_S.CALLED, _E.LEAVE): _S.LEFT,
    },
)
"""Whoever does not come when called is called again, or has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HallVisit:
    """One number of one day; `is_first`: those waiting were asked and let this one pass."""

    hall_visit_id: int
    day: str
    number: int
    need: Need
    is_first: bool
    counter: int | None
    state: HallState
    came_at_utc: datetime
    called_at_utc: datetime | None
    called_by: str | None
    ended_at_utc: datetime | None

    @property
    def waited(self) -> timedelta | None:
        """Return how long it waited until it was called; None when it was not called."""
        return None if self.called_at_utc is None else self.called_at_utc - self.came_at_utc


def in_order(waiting: Sequence[HallVisit]) -> list[HallVisit]:
    """Return who is next: whom the others let pass (rule E-19), then by number."""
    return sorted(waiting, key=lambda each: (not each.is_first, each.number))


def next_for(waiting: Sequence[HallVisit], counter: int) -> HallVisit | None:
    """Return whom a window calls: somebody guided to it, else whoever is next; None: nobody."""
    ordered = in_order(waiting)
    guided = (each for each in ordered if COUNTERS[each.need] == counter)
    return next(guided, ordered[0] if ordered else None)
