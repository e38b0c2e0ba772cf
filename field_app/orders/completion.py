"""Decides what an order still needs before it may be closed: steps, photo, signature, reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from field_app.orders.safety_steps import steps_demanded
from field_app.orders.work_record import WorkRecord
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import OrderType, WorkOrderDocument
from wire_contracts.site_facts import SafetyStep


class Lack(StrEnum):
    """What is missing beside the finding itself."""

    STEP = "step"
    PHOTO = "photo"
    READING = "reading"
    VALVE_CLOSED = "valve_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """One thing that is missing; `step` names the step, `valve_id` the valve."""

    lack: Lack
    step: SafetyStep | None = None
    valve_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What there is beside the record of the work; `keeps_photos`: this tablet may keep any."""

    photos: int = 0
    keeps_photos: bool = False


def what_is_lacking(
    document: WorkOrderDocument,
    result: FindingResult | None,
    record: WorkRecord,
    evidence: Evidence,
) -> Sequence[Lacking]:
    """Return what the type of the order and the result demand and nobody has given yet.

    A leak needs its steps and a photo (where the tablet keeps photos), a meter that is wrong its
    reading, and no order is closed over a valve that nobody has opened again, unless the last step
    says that it stays closed.
    """
    demanded = steps_demanded(document.order_type, document.medium, result)
    lacking = [
        Lacking(lack=Lack.STEP, step=plan.step)
        for plan in demanded
        if plan.step not in record.done and not _told_by_finding(plan.step, result)
    ]
    if result is FindingResult.LEAK and evidence.keeps_photos and not evidence.photos:
        lacking.append(Lacking(lack=Lack.PHOTO))
    is_meter = result is FindingResult.INACCURATE and document.site is not None
    if is_meter and document.order_type is OrderType.METER_CHECK and not record.counts:
        lacking.append(Lacking(lack=Lack.READING))
    lacking += [
        Lacking(lack=Lack.VALVE_CLOSED, valve_id=valve.valve_id)
        for valve in record.valves
        if result is not None and not valve.may_reopen
    ]
    return lacking


def _told_by_finding(step: SafetyStep, result: FindingResult | None) -> bool:
    """Return whether the finding form asks the same: one gas test is enough when all is well."""
    return step is SafetyStep.MEASURE and result is not FindingResult.LEAK
