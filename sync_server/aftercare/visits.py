"""Decides which slots a visit can have, what is to be ready, and how it goes on (rule E-12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from wire_contracts.life_cycle import LifeCycle
from wire_contracts.texts import BilingualText

SLOTS: Sequence[str] = ("08:00-10:00", "10:00-12:00", "14:00-16:00", "16:00-18:00")
"""Two hours each; whoever waits at home knows which half of the morning."""


class VisitState(StrEnum):
    """Where a visit stands (domain model 2.6)."""

    BOOKED = "booked"
    CONFIRMED = "confirmed"
    DONE = "done"
    NO_ACCESS = "no_access"
    CANCELLED = "cancelled"


class VisitEvent(StrEnum):
    """What moves a visit."""

    CONFIRM = "confirm"
    DONE = "done"
    NO_ACCESS = "no_access"
    CANCEL = "cancel"


_S = VisitState
_E = VisitEvent
VISIT_CYCLE: LifeCycle[VisitState, VisitEvent] = LifeCycle(
    "a visit",
    {
        (_S.BOOKED, _E.CONFIRM): _S.CONFIRMED,
        (_S.BOOKED, _E.DONE): _S.DONE,
        (_S.BOOKED, _E.NO_ACCESS): _S.NO_ACCESS,
        (_S.BOOKED, _E.CANCEL): _S.CANCELLED,
        (_S.CONFIRMED, _E.DONE): _S.DONE,
        (_S.CONFIRMED, _E.NO_ACCESS): _S.NO_ACCESS,
        (_S.CONFIRMED, _E.CANCEL): _S.CANCELLED,
    },
)

PREPARATIONS: Mapping[str, BilingualText] = {
    "adult": BilingualText(
        en="An adult is at home, no elderly or minors alone",
        zh="家中有成年人，不要只留老人或未成年人",
    ),
    "cooker": BilingualText(en="Cooker and hose are there", zh="灶具、软管已备好"),
    "batteries": BilingualText(en="Batteries of the meter are there", zh="表用电池已备好"),
    "card": BilingualText(en="The card is at hand", zh="燃气卡在手边"),
}
"""What the customer is told to have ready; the adult is never left out."""

MUST = "adult"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """An agreed visit; `attempt` counts those of the request, the first is 1."""

    visit_id: int
    request_id: str
    day: date
    slot: str
    state: VisitState
    prepared: frozenset[str]
    attempt: int
    result: str
    made_by: str


def free_slots(taken: Mapping[str, int], most: int) -> list[str]:
    """Return the slots of a day that have room, the earliest first: visits are booked in order."""
    return [each for each in SLOTS if taken.get(each, 0) < most]


def is_over(slot: str, day: date, now: datetime) -> bool:
    """Return whether a slot has ended; `now` is in the zone of the town."""
    end = time.fromisoformat(slot.partition("-")[2])
    return datetime.combine(day, end, now.tzinfo) <= now


def leaves_letter(visit: Visit, most_attempts: int) -> bool:
    """Return whether a visit in vain was the last: then a letter is left instead of a new date."""
    return visit.state is VisitState.NO_ACCESS and visit.attempt >= most_attempts
