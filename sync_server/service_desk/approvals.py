"""Decides whose word a step of a request needs before it is taken (rule A-37).

The policies `approval.EVENT.KIND` say it: 0 nobody's, 1 a leader's, 2 quality's, 3 the director's.
"""

from collections.abc import Mapping

from sync_server.access.roles import Role
from sync_server.service_desk.clocks import Matter
from sync_server.service_desk.request import NoteKind
from sync_server.service_desk.request_guards import Attempt
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

APPROVERS: Mapping[int, frozenset[Role]] = {
    1: frozenset({Role.TEAM_LEADER, Role.QUALITY_OFFICER, Role.DIRECTOR}),
    2: frozenset({Role.QUALITY_OFFICER, Role.DIRECTOR}),
    3: frozenset({Role.DIRECTOR}),
}
"""Level of a policy -> who may say yes."""


def approval_policy(matter: Matter, attempt: Attempt) -> str:
    """Return the name of the policy that says whose word the step needs."""
    return f"approval.{attempt.event}.{matter.record.kind}"


def check_approval(matter: Matter, attempt: Attempt, level: int, roles: Mapping[str, Role]) -> None:
    """Raise ContractError unless somebody else of the level said yes since the last step.

    `roles`: account -> role of whoever wrote approvals. Whoever takes the step does not count.
    """
    approvers = APPROVERS.get(level)
    if approvers is None:
        return
    last = matter.steps[-1].recorded_at_utc if matter.steps else matter.record.recorded_at_utc
    for note in matter.notes:
        is_yes = note.kind is NoteKind.STEP_APPROVED and note.at_utc >= last
        if is_yes and note.actor != attempt.actor and roles.get(note.actor) in approvers:
            return
    raise ContractError(
        place=f"request {matter.record.number}",
        field="approval",
        problem=f"for {attempt.event} is missing",
        remedy=f"ask one of: {', '.join(sorted(approvers))}; they note it on this page",
        code=Code.STATE,
    )
