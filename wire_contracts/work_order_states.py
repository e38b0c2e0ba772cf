"""The life cycle of a work order as a table (RULINGS R14)."""

from enum import StrEnum

from wire_contracts.life_cycle import LifeCycle


class WorkOrderState(StrEnum):
    """Where the work stands. Downloaded and synced are delivery facts, not states."""

    PLANNED = "planned"
    RELEASED = "released"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    WORKING = "working"
    FINISHED = "finished"
    CANNOT_FINISH = "cannot_finish"
    NO_ACCESS = "no_access"
    VERIFIED = "verified"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class WorkOrderEvent(StrEnum):
    """What moves a work order."""

    RELEASE = "release"
    REASSIGN = "reassign"
    ACCEPT = "accept"
    DEPART = "depart"
    ARRIVE = "arrive"
    BEGIN = "begin"
    FINISH = "finish"
    CANNOT_FINISH = "cannot_finish"
    NO_ACCESS = "no_access"
    VERIFY = "verify"
    CLOSE = "close"
    CANCEL = "cancel"
    REOPEN = "reopen"


_S = WorkOrderState
_E = WorkOrderEvent

_OPEN = (
    _S.PLANNED,
    _S.RELEASED,
    _S.ACCEPTED,
    _S.EN_ROUTE,
    _S.ON_SITE,
    _S.WORKING,
    _S.CANNOT_FINISH,
    _S.NO_ACCESS,
)

_WITH_CREW = (_S.RELEASED, _S.ACCEPTED, _S.EN_ROUTE, _S.ON_SITE, _S.WORKING)

WORK_ORDER: LifeCycle[WorkOrderState, WorkOrderEvent] = LifeCycle(
    "a work order",
    {
        (_S.PLANNED, _E.RELEASE): _S.RELEASED,
        (_S.RELEASED, _E.ACCEPT): _S.ACCEPTED,
        (_S.ACCEPTED, _E.DEPART): _S.EN_ROUTE,
        (_S.EN_ROUTE, _E.ARRIVE): _S.ON_SITE,
        (_S.ON_SITE, _E.BEGIN): _S.WORKING,
        (_S.ON_SITE, _E.NO_ACCESS): _S.NO_ACCESS,
        (_S.WORKING, _E.FINISH): _S.FINISHED,
        (_S.WORKING, _E.CANNOT_FINISH): _S.CANNOT_FINISH,
        (_S.WORKING, _E.NO_ACCESS): _S.NO_ACCESS,
        (_S.FINISHED, _E.VERIFY): _S.VERIFIED,
        (_S.VERIFIED, _E.CLOSE): _S.CLOSED,
        (_S.CANNOT_FINISH, _E.RELEASE): _S.RELEASED,
        (_S.NO_ACCESS, _E.RELEASE): _S.RELEASED,
        (_S.CLOSED, _E.REOPEN): _S.RELEASED,
        **{(state, _E.REASSIGN): _S.RELEASED for state in _WITH_CREW},
        **{(state, _E.CANCEL): _S.CANCELLED for state in _OPEN},
    },
)
"""Accepted work goes forward one step at a time; an unfinished visit is released again, and so is
work that the office gives to another crew."""

CREW_EVENTS = frozenset(
    {
        _E.ACCEPT,
        _E.DEPART,
        _E.ARRIVE,
        _E.BEGIN,
        _E.FINISH,
        _E.CANNOT_FINISH,
        _E.NO_ACCESS,
    }
)
"""Events a tablet may push; the others belong to the office."""

OFFICE_EVENTS = frozenset(_E) - CREW_EVENTS

ENDED = frozenset({_S.VERIFIED, _S.CLOSED, _S.CANCELLED})
"""States in which nothing is expected of the crew any more."""
