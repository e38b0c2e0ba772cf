"""Decides who is asked when somebody cannot decide: the matrix of kind and severity (policy K19).

Rules C-07 and D-04: the supervisor; D-25: the leader in charge for a complaint about misconduct;
A-35 and D-22: the company's leaders for what is major.
"""

from dataclasses import dataclass
from datetime import datetime

from sync_server.access.roles import Role
from sync_server.service_desk.request import RequestKind, RequestRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One question above; the answer is empty until it was given."""

    escalation_id: int
    request_id: str
    to_role: Role
    question: str
    by_actor: str
    at_utc: datetime
    answer: str
    answered_by: str | None
    answered_at_utc: datetime | None


def addressee(record: RequestRecord) -> Role:
    """Return which role a matter of this kind and severity is put to."""
    if record.is_major or record.kind is RequestKind.WHISTLE_BLOW:
        return Role.DIRECTOR
    if record.is_safety:
        return Role.SAFETY_OFFICER
    return Role.QUALITY_OFFICER if record.kind is RequestKind.COMPLAINT else Role.TEAM_LEADER
