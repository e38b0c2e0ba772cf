"""Decides what a verdict, an appeal and its decision lack.

I8: a verdict needs evidence (rule C-33). Whoever handled the matter does not judge it, whoever
judged it does not decide the appeal.
"""

from datetime import datetime, timedelta

from sync_server.complaints.complaint import Complaint, Family, Judgement, Violation
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

WITHOUT_APPEAL = frozenset({Violation.NO_COOPERATION})
"""Rule C-35: who was away and registered no substitute did not cooperate, and cannot appeal."""


def check_judgement(complaint: Complaint, judgement: Judgement, handlers: frozenset[str]) -> None:
    """Raise ContractError when the verdict lacks something; `handlers` handled the matter."""
    if not judgement.reason.strip():
        raise _refused("reason", "is empty", "write what proves it and how it was verified")
    if judgement.judge in handlers:
        raise _refused("judge", "handled the matter", "let somebody else judge it")
    is_conduct = complaint.family is Family.CONDUCT
    if judgement.is_responsible and is_conduct and judgement.violation is None:
        raise _refused("violation", "is not said", "choose which of the nine it was")
    if judgement.is_responsible and not is_conduct and judgement.cause is None:
        raise _refused("cause", "is not said", "choose what it came from")


def check_appeal(complaint: Complaint, statement: str, days: float, now_utc: datetime) -> None:
    """Raise ContractError when the verdict cannot be appealed: too late, or never (rule C-42)."""
    if not statement.strip():
        raise _refused("statement", "is empty", "write what is wrong with the verdict")
    if complaint.violation in WITHOUT_APPEAL:
        raise _refused("violation", f"is {complaint.violation}", "it allows no appeal")
    judged_utc = complaint.judged_at_utc
    if judged_utc is not None and now_utc > judged_utc + timedelta(days=days):
        raise _refused("statement", f"comes more than {days:g} days after the verdict", "it stands")


def check_decision(complaint: Complaint, decider: str, reason: str) -> None:
    """Raise ContractError when an appeal cannot be decided so."""
    if not reason.strip():
        raise _refused("reason", "is empty", "write why the verdict stands or changes")
    if decider == complaint.judged_by:
        raise _refused("decider", "gave the verdict", "let somebody else decide the appeal")


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="complaint", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )
