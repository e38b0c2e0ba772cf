"""The life cycle of what customers suggest or criticise (rules A-12, D-30)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire_contracts.life_cycle import LifeCycle


class OpinionState(StrEnum):
    """Where an opinion stands."""

    RECEIVED = "received"
    PASSED_ON = "passed_on"
    ESCALATED = "escalated"
    ADOPTED = "adopted"
    DECLINED = "declined"


class OpinionEvent(StrEnum):
    """What moves an opinion."""

    HAND_ON = "hand_on"
    ESCALATE = "escalate"
    ADOPT = "adopt"
    DECLINE = "decline"


class OpinionSource(StrEnum):
    """Where it came from."""

    SUGGESTION = "suggestion"
    CALLBACK = "callback"


_S = OpinionState
_E = OpinionEvent
OPINION_CYCLE: LifeCycle[OpinionState, OpinionEvent] = LifeCycle(
    "an opinion",
    {
        (_S.RECEIVED, _E.HAND_ON): _S.PASSED_ON,
        (_S.RECEIVED, _E.ESCALATE): _S.ESCALATED,
        (_S.RECEIVED, _E.DECLINE): _S.DECLINED,
        (_S.PASSED_ON, _E.ADOPT): _S.ADOPTED,
        (_S.PASSED_ON, _E.DECLINE): _S.DECLINED,
        (_S.PASSED_ON, _E.ESCALATE): _S.ESCALATED,
        (_S.ESCALATED, _E.ADOPT): _S.ADOPTED,
        (_S.ESCALATED, _E.DECLINE): _S.DECLINED,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One opinion with what became of it."""

    opinion_id: int
    request_id: str
    source: OpinionSource
    text: str
    state: OpinionState
    department: str
    response: str
    changed_by: str
    changed_at_utc: datetime
