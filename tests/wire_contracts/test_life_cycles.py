"""The life cycles: tables that a person can check, refusals that help."""

from collections.abc import Sequence
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.alert_states import (
    CONDITION,
    DISPOSITION,
    VISIBILITY,
    Condition,
    ConditionEvent,
    Disposition,
    Visibility,
)
from wire_contracts.kinds import FAMILY, Family, FindingResult, Kind, Label, label_for
from wire_contracts.life_cycle import LifeCycle, RefusedTransition
from wire_contracts.request_states import REQUEST, RequestState
from wire_contracts.work_order_states import (
    CREW_EVENTS,
    ENDED,
    OFFICE_EVENTS,
    WORK_ORDER,
    WorkOrderEvent,
    WorkOrderState,
)


def reachable(cycle: LifeCycle[StrEnum, StrEnum], start: StrEnum) -> set[StrEnum]:
    found = {start}
    grown = True
    while grown:
        following = {target for (source, _), target in cycle.table.items() if source in found}
        grown = not following <= found
        found |= following
    return found


@pytest.mark.parametrize(
    ("cycle", "start", "states"),
    [
        (CONDITION, Condition.NORMAL, Condition),
        (VISIBILITY, Visibility.SHOWN, Visibility),
        (DISPOSITION, Disposition.NONE, Disposition),
        (WORK_ORDER, WorkOrderState.PLANNED, WorkOrderState),
        (REQUEST, RequestState.RECORDED, RequestState),
    ],
)
def test_every_state_can_be_reached(
    cycle: LifeCycle[StrEnum, StrEnum], start: StrEnum, states: Sequence[StrEnum]
) -> None:
    assert reachable(cycle, start) == set(states)


def test_a_returned_alert_must_still_be_acknowledged() -> None:
    returned = CONDITION.next_state(Condition.UNACKNOWLEDGED, ConditionEvent.RETURN)

    assert returned is Condition.RETURNED_UNACKNOWLEDGED
    assert CONDITION.next_state(returned, ConditionEvent.ACKNOWLEDGE) is Condition.NORMAL


def test_a_refusal_lists_what_is_possible() -> None:
    with pytest.raises(
        RefusedTransition,
        match="cannot finish a work order that is released; possible now: accept, reassign, cancel",
    ):
        WORK_ORDER.next_state(WorkOrderState.RELEASED, WorkOrderEvent.FINISH)


def test_a_cancelled_order_offers_nothing() -> None:
    with pytest.raises(RefusedTransition, match="possible now: nothing"):
        WORK_ORDER.next_state(WorkOrderState.CANCELLED, WorkOrderEvent.RELEASE)


@given(st.lists(st.sampled_from(WorkOrderEvent), max_size=40))
def test_any_stream_of_events_stays_on_the_table(events: list[WorkOrderEvent]) -> None:
    state = WorkOrderState.PLANNED
    for event in events:
        try:
            following = WORK_ORDER.next_state(state, event)
        except RefusedTransition:
            assert event not in WORK_ORDER.possible_events(state)
        else:
            assert WORK_ORDER.table[(state, event)] is following
            state = following


def test_every_event_belongs_to_the_crew_or_to_the_office() -> None:
    assert set(WorkOrderEvent) == CREW_EVENTS | OFFICE_EVENTS
    assert not CREW_EVENTS & OFFICE_EVENTS


def test_nothing_is_asked_of_the_crew_after_the_end() -> None:
    assert not any(
        event in CREW_EVENTS for state in ENDED for event in WORK_ORDER.possible_events(state)
    )


def test_every_kind_has_a_family() -> None:
    assert set(FAMILY) == set(Kind)
    assert set(FAMILY.values()) == set(Family)


@pytest.mark.parametrize(
    ("result", "family", "has_evidence", "label"),
    [
        (FindingResult.LEAK, Family.EXCESS, True, Label.CONFIRMED),
        (FindingResult.LEAK, Family.COMM, True, Label.NONE),
        (FindingResult.INACCURATE, Family.DROP, False, Label.CONFIRMED),
        (FindingResult.NORMAL, Family.EXCESS, True, Label.FALSE),
        (FindingResult.NORMAL, Family.EXCESS, False, Label.NONE),
        (FindingResult.OTHER, Family.EXCESS, True, Label.NONE),
    ],
)
def test_a_finding_labels_the_alert(
    result: FindingResult, family: Family, *, has_evidence: bool, label: Label
) -> None:
    assert label_for(result, family, has_evidence=has_evidence) is label
