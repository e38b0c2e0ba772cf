"""Decides what the demo's crew does next: by the book, the finding where there is no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wire_contracts.findings import Cause
from wire_contracts.kinds import FindingResult
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

BEFORE_THE_CELLAR: Mapping[WorkOrderState, WorkOrderEvent] = {
    WorkOrderState.RELEASED: WorkOrderEvent.ACCEPT,
    WorkOrderState.ACCEPTED: WorkOrderEvent.DEPART,
}
"""Steps on the street, with a network."""

IN_THE_CELLAR: Mapping[WorkOrderState, WorkOrderEvent] = {
    WorkOrderState.EN_ROUTE: WorkOrderEvent.ARRIVE,
    WorkOrderState.ON_SITE: WorkOrderEvent.BEGIN,
}
"""Steps that this crew takes only when the network is gone: the demo shows that nothing waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the crew finds, as a person would enter it."""

    result: FindingResult
    cause: Cause
    note: str
    measured: Mapping[Quantity, float] = field(default_factory=dict)


FINDINGS: Mapping[Medium, Finding] = {
    Medium.GAS: Finding(
        result=FindingResult.LEAK,
        cause=Cause.FLANGE_OR_VALVE,
        note="阀门法兰渗漏，更换垫片，复测合格。Flange gasket replaced, re-measured.",
        measured={Quantity.GAS_LEL_PCT: 4.0},
    ),
    Medium.WATER: Finding(
        result=FindingResult.LEAK,
        cause=Cause.RUNNING_FIXTURE,
        note="水箱常流，已更换浮球阀。Cistern valve replaced.",
        measured={Quantity.FLOW_M3H: 0.3},
    ),
    Medium.HEAT: Finding(
        result=FindingResult.INACCURATE,
        cause=Cause.COMMUNICATION,
        note="通讯线松动，已紧固。Cable tightened.",
        measured={Quantity.SUPPLY_TEMP_DEGC: 71.0},
    ),
}
"""The town's faults are leaks of gas and water and silent heat meters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next thing to do: an event of the life cycle, or the finding that finishes the order."""

    order_id: str
    event: WorkOrderEvent | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One open order as the crew sees it."""

    order_id: str
    state: WorkOrderState
    medium: Medium


def next_step(jobs: Sequence[Job], *, is_offline: bool) -> Step | None:
    """Return what to do with the most urgent order, or None when there is nothing to do now."""
    for job in jobs:
        if job.state is WorkOrderState.WORKING and is_offline:
            return Step(order_id=job.order_id, finding=FINDINGS[job.medium])
        event = BEFORE_THE_CELLAR.get(job.state)
        if event is None and is_offline:
            event = IN_THE_CELLAR.get(job.state)
        if event is not None:
            return Step(order_id=job.order_id, event=event)
    return None
