"""The life cycle of a service request as a table (domain model 2.2, RULINGS R14)."""

from enum import StrEnum

from wire_contracts.life_cycle import LifeCycle


class RequestState(StrEnum):
    """Where a caller's request stands."""

    RECORDED = "recorded"
    CLASSIFIED = "classified"
    SOLVED_AT_FIRST_CONTACT = "solved_at_first_contact"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    FOLLOW_UP = "follow_up"
    PENDING_ANSWER = "pending_answer"
    WAITING_CUSTOMER = "waiting_customer"
    SUSPENDED = "suspended"
    DONE = "done"
    REPLIED = "replied"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    ARCHIVED = "archived"
    DECLINED = "declined"
    DUPLICATE = "duplicate"
    SUSPECTED_MALICIOUS = "suspected_malicious"


class RequestEvent(StrEnum):
    """What moves a service request."""

    CLASSIFY = "classify"
    SOLVE = "solve"
    DISPATCH = "dispatch"
    BOUNCE = "bounce"
    ACCEPT = "accept"
    ASSIGN = "assign"
    START = "start"
    SUBMIT_UNFINISHED = "submit_unfinished"
    FINISH = "finish"
    REPLY = "reply"
    CONFIRM = "confirm"
    CLOSE = "close"
    ARCHIVE = "archive"
    REOPEN = "reopen"
    AWAIT_ANSWER = "await_answer"
    AWAIT_CUSTOMER = "await_customer"
    SUSPEND = "suspend"
    RESUME = "resume"
    DECLINE = "decline"
    MARK_DUPLICATE = "mark_duplicate"
    SUSPECT_MALICIOUS = "suspect_malicious"
    CLEAR_SUSPICION = "clear_suspicion"


_S = RequestState
_E = RequestEvent

REQUEST: LifeCycle[RequestState, RequestEvent] = LifeCycle(
    "a service request",
    {
        (_S.RECORDED, _E.CLASSIFY): _S.CLASSIFIED,
        (_S.RECORDED, _E.MARK_DUPLICATE): _S.DUPLICATE,
        (_S.RECORDED, _E.SUSPECT_MALICIOUS): _S.SUSPECTED_MALICIOUS,
        (_S.SUSPECTED_MALICIOUS, _E.CLEAR_SUSPICION): _S.RECORDED,
        (_S.SUSPECTED_MALICIOUS, _E.DECLINE): _S.DECLINED,
        (_S.CLASSIFIED, _E.SOLVE): _S.SOLVED_AT_FIRST_CONTACT,
        (_S.CLASSIFIED, _E.DISPATCH): _S.DISPATCHED,
        (_S.CLASSIFIED, _E.DECLINE): _S.DECLINED,
        (_S.CLASSIFIED, _E.MARK_DUPLICATE): _S.DUPLICATE,
        (_S.CLASSIFIED, _E.AWAIT_ANSWER): _S.PENDING_ANSWER,
        (_S.PENDING_ANSWER, _E.RESUME): _S.CLASSIFIED,
        (_S.SOLVED_AT_FIRST_CONTACT, _E.CLOSE): _S.CLOSED,
        (_S.DISPATCHED, _E.ACCEPT): _S.ACCEPTED,
        (_S.DISPATCHED, _E.BOUNCE): _S.CLASSIFIED,
        (_S.ACCEPTED, _E.ASSIGN): _S.ASSIGNED,
        (_S.ACCEPTED, _E.START): _S.IN_PROGRESS,
        (_S.ASSIGNED, _E.START): _S.IN_PROGRESS,
        (_S.IN_PROGRESS, _E.FINISH): _S.DONE,
        (_S.IN_PROGRESS, _E.SUBMIT_UNFINISHED): _S.FOLLOW_UP,
        (_S.IN_PROGRESS, _E.AWAIT_CUSTOMER): _S.WAITING_CUSTOMER,
        (_S.IN_PROGRESS, _E.SUSPEND): _S.SUSPENDED,
        (_S.WAITING_CUSTOMER, _E.RESUME): _S.IN_PROGRESS,
        (_S.SUSPENDED, _E.RESUME): _S.IN_PROGRESS,
        (_S.FOLLOW_UP, _E.START): _S.IN_PROGRESS,
        (_S.FOLLOW_UP, _E.SUBMIT_UNFINISHED): _S.FOLLOW_UP,
        (_S.FOLLOW_UP, _E.FINISH): _S.DONE,
        (_S.FOLLOW_UP, _E.DECLINE): _S.DECLINED,
        (_S.DONE, _E.REPLY): _S.REPLIED,
        (_S.REPLIED, _E.CONFIRM): _S.CONFIRMED,
        (_S.REPLIED, _E.REOPEN): _S.ASSIGNED,
        (_S.CONFIRMED, _E.CLOSE): _S.CLOSED,
        (_S.CLOSED, _E.REOPEN): _S.ASSIGNED,
        (_S.CLOSED, _E.ARCHIVE): _S.ARCHIVED,
    },
)
"""Guards that need facts (result present, other person called back) live with the server."""
