"""The values and the life cycle of a planned interruption."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import LifeCycle
from wire_contracts.quantities import Medium


class OutageState(StrEnum):
    """Where an interruption stands."""

    PLANNED = "planned"
    ANNOUNCED = "announced"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"


class OutageEvent(StrEnum):
    """What moves an interruption."""

    ANNOUNCE = "announce"
    BEGIN = "begin"
    END = "end"
    CANCEL = "cancel"


_S = OutageState
_E = OutageEvent
OUTAGE: LifeCycle[OutageState, OutageEvent] = LifeCycle(
    "an interruption",
    {
        (_S.PLANNED, _E.ANNOUNCE): _S.ANNOUNCED,
        (_S.PLANNED, _E.CANCEL): _S.CANCELLED,
        (_S.ANNOUNCED, _E.BEGIN): _S.RUNNING,
        (_S.ANNOUNCED, _E.CANCEL): _S.CANCELLED,
        (_S.RUNNING, _E.END): _S.ENDED,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInterruption:
    """An interruption as somebody plans it; an urgent one needs no notice."""

    medium: Medium
    reason: str
    valves: Sequence[str]
    from_utc: datetime
    to_utc: datetime
    is_urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """An interruption as it stands."""

    interruption_id: int
    medium: Medium
    reason: str
    valves: Sequence[str]
    from_utc: datetime
    to_utc: datetime
    state: OutageState
    is_urgent: bool
    announced_at_utc: datetime | None


def check_new(new: NewInterruption, now_utc: datetime) -> None:
    """Raise ContractError when the plan cannot be right."""
    if not new.reason.strip():
        raise _refused("reason", "is empty", "write what is done, customers read it")
    if new.to_utc <= new.from_utc:
        raise _refused("to", "is not behind its beginning", "correct one of the two")
    if new.to_utc <= now_utc:
        raise _refused("to", "is over", "plan what is to come")


def check_notice(found: Interruption, notice: timedelta, now_utc: datetime) -> None:
    """Raise ContractError when customers would hear of it too late (clock CL17)."""
    if not found.is_urgent and found.from_utc - now_utc < notice:
        hours = notice.total_seconds() / 3600
        raise _refused(
            "from",
            f"is less than {hours:g} h ahead",
            "begin later, or plan it as urgent with its reason",
        )


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="interruption", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )
