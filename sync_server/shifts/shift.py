"""The values of the shifts: an entry of the log, and a hand-over that somebody takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Desk(StrEnum):
    """Whose log it is (rule D-20: a desk that is manned around the clock hands over)."""

    CONTROL_ROOM = "control_room"
    SERVICE_DESK = "service_desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftEntry:
    """One line of the log."""

    entry_id: int
    desk: Desk
    actor: str
    at_utc: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMatter:
    """One open thing when a shift was handed over.

    Attributes:
        topic: What kind of thing, such as `safety_alert`.
        count: How many there were.
        names: The first of them, by number or meter, without a person.
    """

    topic: str
    count: int
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHandover:
    """What a shift wants to leave to the next."""

    desk: Desk
    note: str
    matters: Sequence[OpenMatter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What one shift left to the next.

    Attributes:
        matters: What was open when it was offered.
        to_actor: Who took it, None while nobody has.
    """

    handover_id: int
    desk: Desk
    from_actor: str
    offered_at_utc: datetime
    note: str
    matters: Sequence[OpenMatter]
    to_actor: str | None
    taken_at_utc: datetime | None
