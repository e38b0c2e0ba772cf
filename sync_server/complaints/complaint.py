"""The values of a complaint's judgement, and the life cycle of its verdict (domain model 2.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sync_server.service_desk.request import RequestClass
from wire_contracts.life_cycle import LifeCycle


class ComplaintState(StrEnum):
    """Where a verdict stands."""

    VERIFYING = "verifying"
    RESPONSIBLE = "responsible"
    NOT_RESPONSIBLE = "not_responsible"
    APPEALED = "appealed"
    UPHELD = "upheld"
    CHANGED = "changed"


class ComplaintEvent(StrEnum):
    """What moves a verdict."""

    FIND_RESPONSIBLE = "find_responsible"
    FIND_NOT_RESPONSIBLE = "find_not_responsible"
    APPEAL = "appeal"
    UPHOLD = "uphold"
    CHANGE = "change"


_S = ComplaintState
_E = ComplaintEvent

VERDICT: LifeCycle[ComplaintState, ComplaintEvent] = LifeCycle(
    "a verdict",
    {
        (_S.VERIFYING, _E.FIND_RESPONSIBLE): _S.RESPONSIBLE,
        (_S.VERIFYING, _E.FIND_NOT_RESPONSIBLE): _S.NOT_RESPONSIBLE,
        (_S.RESPONSIBLE, _E.APPEAL): _S.APPEALED,
        (_S.APPEALED, _E.UPHOLD): _S.UPHELD,
        (_S.APPEALED, _E.CHANGE): _S.CHANGED,
    },
)


class Family(StrEnum):
    """Conduct is sanctioned, quality of operation goes to quality control (rule C-41)."""

    CONDUCT = "conduct"
    QUALITY = "quality"


class Violation(StrEnum):
    """What somebody did wrong (rule C-36)."""

    NO_COOPERATION = "no_cooperation"
    SHIRKING = "shirking"
    RUDE = "rude"
    REFUSING = "refusing"
    DELAYING = "delaying"
    DOING_NOTHING = "doing_nothing"
    NOT_ESCALATING = "not_escalating"
    FALSE_REPLY = "false_reply"
    BROKEN_PROMISE = "broken_promise"


class Cause(StrEnum):
    """Where a complaint came from, for the analysis (rules B-08, C-14)."""

    PEOPLE = "people"
    PROCEDURE = "procedure"
    EQUIPMENT = "equipment"
    NETWORK = "network"
    INFORMATION = "information"
    PRICE = "price"
    CUSTOMER = "customer"


CONDUCT_CLASSES = frozenset(
    {RequestClass.CONDUCT, RequestClass.NO_CALLBACK, RequestClass.MISCONDUCT_REPORT}
)
"""Classes whose complaints are about somebody's conduct."""


def family_of(request_class: RequestClass) -> Family:
    """Return which of the two ways a complaint goes."""
    return Family.CONDUCT if request_class in CONDUCT_CLASSES else Family.QUALITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict that somebody wants to give.

    Attributes:
        violation: Which conduct it was; None outside the conduct family.
        reason: On which evidence, through which channel it was verified.
    """

    is_responsible: bool
    reason: str
    judge: str
    violation: Violation | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A complaint as it stands.

    Attributes:
        facts: What was found out before the verdict.
        dispute: What departments disagree about; it never holds the request up.
        assigned_to: The account that the centre made responsible by force.
    """

    request_id: str
    state: ComplaintState
    family: Family
    facts: str
    opened_by: str
    opened_at_utc: datetime
    violation: Violation | None
    cause: Cause | None
    reason: str
    judged_by: str | None
    judged_at_utc: datetime | None
    dispute: str
    disputed_by: str | None
    assigned_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What was agreed to put right."""

    measure_id: int
    request_id: str
    text: str
    owner: str
    due_on: date
    done_by: str | None
    done_at_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """An appeal against a verdict; `decision` is None until somebody decided."""

    appeal_id: int
    statement: str
    by_actor: str
    at_utc: datetime
    decision: ComplaintEvent | None
    reason: str
    decided_by: str | None


OUTCOME: Mapping[ComplaintState, bool] = {
    _S.RESPONSIBLE: True,
    _S.APPEALED: True,
    _S.UPHELD: True,
    _S.NOT_RESPONSIBLE: False,
    _S.CHANGED: False,
}
"""State -> whether the company is responsible as it stands; none while it is verified."""

OPEN_STATES: Sequence[ComplaintState] = (_S.VERIFYING, _S.APPEALED)
"""States in which somebody still has to decide."""
