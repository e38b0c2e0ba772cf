"""Decides how much the policies propose; a person approves or waives it (policy K8).

Amounts: rules C-38 (100 yuan a slip, growing), C-39 (twice when it is the second complaint),
C-49 (20, 50, 100 yuan for calls that were missed and not called back).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Concern(StrEnum):
    """What a penalty is proposed for."""

    COMPLAINT = "complaint"
    LATE_SLIP = "late_slip"
    MISSED_CALL = "missed_call"


class PenaltyState(StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """One proposal; `nth` counts this person's of the month, the first is 1."""

    penalty_id: int
    concern: Concern
    subject: str
    account_id: str
    yuan: int
    nth: int
    is_doubled: bool
    state: PenaltyState
    proposed_at_utc: datetime
    decided_by: str | None
    reason: str


def yuan_growing(base_yuan: float, nth: int, *, is_repeat: bool) -> int:
    """Return the amount of the nth slip of a month: it grows by the base, a repeat doubles it."""
    return round(base_yuan) * nth * (2 if is_repeat else 1)


def yuan_on_ladder(ladder_yuan: Sequence[float], nth: int) -> int:
    """Return the amount of the nth missed call of a month; the last step holds for all later."""
    return round(ladder_yuan[min(nth, len(ladder_yuan)) - 1])
