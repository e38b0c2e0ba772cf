"""Decides which one step an order waits for, and which side steps are open."""

from collections.abc import Mapping

from wire_contracts.work_order_states import (
    CREW_EVENTS,
    ENDED,
    WORK_ORDER,
    WorkOrderEvent,
    WorkOrderState,
)

_NEXT: Mapping[WorkOrderState, WorkOrderEvent] = {
    WorkOrderState.RELEASED: WorkOrderEvent.ACCEPT,
    WorkOrderState.ACCEPTED: WorkOrderEvent.DEPART,
    WorkOrderState.EN_ROUTE: WorkOrderEvent.ARRIVE,
    WorkOrderState.ON_SITE: WorkOrderEvent.BEGIN,
    WorkOrderState.WORKING: WorkOrderEvent.FINISH,
}
"""The straight way through an order."""

CREW_DONE = ENDED | {
    WorkOrderState.FINISHED,
    WorkOrderState.CANNOT_FINISH,
    WorkOrderState.NO_ACCESS,
}
"""States in which the crew has nothing left to do: the office is next."""


def next_event(state: WorkOrderState) -> WorkOrderEvent | None:
    """Return the next step of the straight way, or None when the crew has nothing to do."""
    return _NEXT.get(state)


def side_events(state: WorkOrderState) -> tuple[WorkOrderEvent, ...]:
    """Return the other steps that a crew may take now: no access, cannot finish."""
    straight = next_event(state)
    return tuple(
        event
        for event in WORK_ORDER.possible_events(state)
        if event in CREW_EVENTS and event is not straight
    )


def is_open(state: WorkOrderState) -> bool:
    """Return whether the crew still has something to do."""
    return state not in CREW_DONE
