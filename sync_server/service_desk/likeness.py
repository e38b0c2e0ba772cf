"""Decides whether a caller's matter is known already: the same, a repeat, or one of a flood.

A repeat is the same premises and class within 30 days (domain model 2.3). A flood is several
calls of one class from one community within the hour. A gas leak is never grouped away: every
caller's own home is looked at, and the panel says only what else is known there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_server.service_desk.clocks import ENDED
from sync_server.service_desk.request import RequestClass, RequestRecord
from wire_contracts.orders import SafetyClass
from wire_contracts.request_states import RequestState


class Sameness(StrEnum):
    """How a known request relates to the caller's matter."""

    DUPLICATE = "duplicate"
    """Open, at the same premises, of the same class: the caller calls about it again."""
    REPEAT = "repeat"
    """Ended, at the same premises, of the same class, within the days of the policy."""
    FLOOD = "flood"
    """Open, in the same community, of the same class, within the minutes of the policy."""


_CREW_HAS_IT = frozenset(
    {
        RequestState.DISPATCHED,
        RequestState.ACCEPTED,
        RequestState.ASSIGNED,
        RequestState.IN_PROGRESS,
    }
)
_CREW_COMES = timedelta(hours=2)
"""A danger that is told of again later than that gets a crew of its own, whoever has the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What is known of the caller's matter while it is typed."""

    request_class: RequestClass
    safety_class: SafetyClass
    premises_id: str | None
    community_id: str | None
    at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LikenessTerms:
    """The policies: `desk.repeat.days`, `desk.flood.minutes`, `desk.flood.count`."""

    repeat: timedelta
    flood: timedelta
    flood_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What the panel shows.

    Attributes:
        same: The open request of these premises that the caller means, if any.
        repeat_of: The newest ended one of these premises, if any.
        flood: Open requests of the same class nearby, the oldest first.
        is_flood: Whether they and this caller are enough to be one matter.
    """

    same: RequestRecord | None
    repeat_of: RequestRecord | None
    flood: Sequence[RequestRecord]
    is_flood: bool

    @property
    def group_id(self) -> str | None:
        """Return the group that calls of this flood are in already."""
        return next((each.group_id for each in self.flood if each.group_id), None)


def is_crew_at_it(known: RequestRecord, at_utc: datetime) -> bool:
    """Return whether a crew that was sent lately still has a danger's order in hand."""
    return (
        known.order_id is not None
        and known.state in _CREW_HAS_IT
        and at_utc - known.received_at_utc <= _CREW_COMES
    )


def sameness(known: RequestRecord, intake: Intake, terms: LikenessTerms) -> Sameness | None:
    """Return how a known request relates to the caller's matter, None when it does not."""
    if known.request_class is not intake.request_class:
        return None
    is_open = known.state not in ENDED
    age = intake.at_utc - known.received_at_utc
    is_here = intake.premises_id is not None and known.premises_id == intake.premises_id
    if is_here and known.state is not RequestState.DUPLICATE:
        is_left = known.is_safety and not is_crew_at_it(known, intake.at_utc)
        if is_open and not is_left:
            return Sameness.DUPLICATE
        return Sameness.REPEAT if age <= terms.repeat else None
    is_near = intake.community_id is not None and known.community_id == intake.community_id
    if is_open and is_near and age <= terms.flood:
        return Sameness.FLOOD
    return None


def likeness(known: Sequence[RequestRecord], intake: Intake, terms: LikenessTerms) -> Likeness:
    """Return what the known requests say about the caller's matter."""
    judged = sorted(
        ((each, sameness(each, intake, terms)) for each in known),
        key=lambda pair: pair[0].received_at_utc,
    )
    here = [each for each, how in judged if how is Sameness.DUPLICATE]
    ended = [each for each, how in judged if how is Sameness.REPEAT]
    near = [each for each, how in judged if how is Sameness.FLOOD]
    is_safety = intake.safety_class is SafetyClass.A
    return Likeness(
        same=here[-1] if here else None,
        repeat_of=ended[-1] if ended else None,
        flood=near,
        is_flood=not is_safety and len(near) + 1 >= terms.flood_count,
    )
