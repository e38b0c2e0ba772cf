"""Decides what an order still needs before it may be closed: steps, photo, signature, reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

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
    CHECKLIST = "checklist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """One thing that is missing; named are the step, the valve, or the checklist's title."""

    lack: Lack
    step: SafetyStep | None = None
    valve_id: str = ""
    checklist: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What there is beside the record of the work.

    Attributes:
        photos: Photos and signatures of the order.
        keeps_photos: This tablet may keep any.
        open_checklists: Titles of the office's checklists for this order that nobody has finished.
        required_checklists: The same, of those that the office requires of every such order.
    """

    photos: int = 0
    keeps_photos: bool = False
    open_checklists: Sequence[str] = ()
    required_checklists: Sequence[str] = ()


ALONG_A_CHECKLIST: Final = frozenset(
    {
        OrderType.NO_SUPPLY,
        OrderType.COLD_ROOM,
        OrderType.METER_EXCHANGE,
        OrderType.CONNECTION,
        OrderType.AREA_CHECK,
        OrderType.STOP_HEATING,
    }
)
"""Orders whose evidence is the office's checklist, where the office has published one.

Of any other order a checklist is demanded where the office says that it is required."""


def what_is_lacking(
    document: WorkOrderDocument,
    result: FindingResult | None,
    record: WorkRecord,
    evidence: Evidence,
) -> Sequence[Lacking]:
    """Return what the type of the order and the result demand and nobody has given yet.

    A leak needs its steps and a photo (where the tablet keeps photos), a meter that is wrong its
    reading, and no order is closed over a valve that nobody has opened again, unless the last step
    says that it stays closed. A checklist that is demanded is finished whatever came of it.
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
    if result is not None:
        is_along = document.order_type in ALONG_A_CHECKLIST
        open_ones = (*evidence.required_checklists, *(evidence.open_checklists if is_along else ()))
        lacking += [Lacking(lack=Lack.CHECKLIST, checklist=title) for title in open_ones]
    return lacking


def _told_by_finding(step: SafetyStep, result: FindingResult | None) -> bool:
    """Return whether the finding form asks the same: one gas test is enough when all is well."""
    return step is SafetyStep.MEASURE and result is not FindingResult.LEAK
