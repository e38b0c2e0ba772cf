"""Decides what an order still needs before it may be closed: steps, photo, signature, reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from field_app.forms.finding import (
    GAS_FREE_RESULTS,
    is_gas_present,
    is_required,
    offered_fields,
)
from field_app.orders.entry_gate import is_air_bad
from field_app.orders.order_entry import OrderEntry
from field_app.orders.safety_steps import steps_demanded, steps_offered
from field_app.orders.work_record import WorkRecord
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import OrderType, WorkOrderDocument
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import GasMeasurement, GasPurpose, SafetyStep


class Lack(StrEnum):
    """What is missing beside the finding itself."""

    STEP = "step"
    PHOTO = "photo"
    READING = "reading"
    VALVE_CLOSED = "valve_closed"
    CHECKLIST = "checklist"
    GAS_MEASURED = "gas_measured"
    GAS_NOT_FOR_THIS = "gas_not_for_this"
    GAS_NOTE = "gas_note"
    AIR_NOTE = "air_note"
    ENTRY = "entry"
    ENTRY_WHY = "entry_why"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """One thing that is missing, with the step, the valve, the checklist or what was measured."""

    lack: Lack
    step: SafetyStep | None = None
    valve_id: str = ""
    checklist: str = ""
    lel_pct: float = 0.0
    air: GasMeasurement | None = None


_NOT_ASKED: Final = OrderEntry()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What there is beside the record of the work.

    Attributes:
        photos: Photos of the order; a signature is none.
        has_gas: The finding tells of gas in the air.
        has_note: It says something in the note.
        keeps_photos: This tablet may keep any.
        open_checklists: Titles of the office's checklists for this order that nobody has finished.
        required_checklists: The same, of those that the office requires of every such order.
        forms_lel_pct: The most gas that checklists tell of, finished or not; None: of none.
        forms_oxygen_pct: Oxygen in one of them with which nobody may go in; None: in none.
        entry: What was answered about going into the well of the order.
        entry_words: The same for the office, where somebody went in without a good test.
    """

    photos: int = 0
    has_gas: bool = False
    has_note: bool = False
    keeps_photos: bool = False
    open_checklists: Sequence[str] = ()
    required_checklists: Sequence[str] = ()
    forms_lel_pct: float | None = None
    forms_oxygen_pct: float | None = None
    entry: OrderEntry = _NOT_ASKED
    entry_words: str = ""


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


def most_gas(record: WorkRecord, evidence: Evidence) -> float | None:
    """Return the most that was measured beside the form of the finding, % LEL; None: nothing."""
    found = (record.lel_pct, evidence.forms_lel_pct)
    return max((each for each in found if each is not None), default=None)


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
    Where gas was in the air of an order of gas every result needs the steps of a leak: whose gas it
    is, nobody can see; and what was measured on site says as much as the form. At work on water or
    heat the note says where it was; so it does of air that nobody may breathe, whatever the medium.
    """
    lacking = [
        *_lacking_gas(document, result, record, evidence),
        *_lacking_words_of_air(result, record, evidence),
        *_lacking_steps(document, result, record, evidence),
        *([] if result is None else _lacking_entry(evidence.entry)),
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


def _lacking_entry(entry: OrderEntry) -> list[Lacking]:
    """Return that nobody said whether anybody went into the well, or why without a good test."""
    if entry.is_asked and entry.answer is None:
        return [Lacking(lack=Lack.ENTRY)]
    return [Lacking(lack=Lack.ENTRY_WHY)] if entry.is_unproven and not entry.why else []


def _lacking_gas(
    document: WorkOrderDocument,
    result: FindingResult | None,
    record: WorkRecord,
    evidence: Evidence,
) -> list[Lacking]:
    """Return that gas was measured, where the result says that there is none."""
    lel_pct = most_gas(record, evidence)
    if lel_pct is None or not is_gas_present(lel_pct) or result is None:
        return []
    if document.medium is not Medium.GAS:
        is_told = evidence.has_note
        return [] if is_told else [Lacking(lack=Lack.GAS_NOTE, lel_pct=lel_pct)]
    if result not in GAS_FREE_RESULTS:
        return []
    return [Lacking(lack=Lack.GAS_MEASURED, lel_pct=lel_pct)]


def _lacking_words_of_air(
    result: FindingResult | None, record: WorkRecord, evidence: Evidence
) -> list[Lacking]:
    """Return the last air of the case that nobody may breathe, where the finding has no word."""
    bad = [gas for _at_ms, gas in record.gas if is_air_bad(gas)]
    if result is None or evidence.has_note:
        return []
    if not bad and evidence.forms_oxygen_pct is not None:
        return [Lacking(lack=Lack.AIR_NOTE, air=_air_of_form(evidence.forms_oxygen_pct))]
    return [Lacking(lack=Lack.AIR_NOTE, air=bad[-1])] if bad else []


def _air_of_form(oxygen_pct: float) -> GasMeasurement:
    return GasMeasurement(
        purpose=GasPurpose.ENTRY,
        place="",
        detector_id="",
        calibration_due_ms=None,
        oxygen_pct=oxygen_pct,
    )


def _lacking_steps(
    document: WorkOrderDocument,
    result: FindingResult | None,
    record: WorkRecord,
    evidence: Evidence,
) -> list[Lacking]:
    """Return the steps nobody took: all of them where gas was in the air or a pipe was opened.

    An order that has no steps is not the one over which a leak of gas is closed.
    """
    is_found = evidence.has_gas or is_gas_present(most_gas(record, evidence))
    is_gas = is_found and document.medium is Medium.GAS
    is_worst = result is not None and (is_gas or SafetyStep.REPAIR in record.done)
    worst = FindingResult.LEAK if is_worst else result
    is_gas_leak = document.medium is Medium.GAS and worst is FindingResult.LEAK
    if is_gas_leak and not steps_offered(document.order_type, document.medium):
        return [Lacking(lack=Lack.GAS_NOT_FOR_THIS)]
    return [
        Lacking(lack=Lack.STEP, step=plan.step)
        for plan in steps_demanded(document.order_type, document.medium, worst)
        if plan.step not in record.done and not _told_by_finding(document, plan.step, worst)
    ]


def _told_by_finding(
    document: WorkOrderDocument, step: SafetyStep, result: FindingResult | None
) -> bool:
    """Return whether the finding form asks the same: one gas test is enough when all is well."""
    if step is not SafetyStep.MEASURE or result is FindingResult.LEAK:
        return False
    fields = offered_fields(document.medium)
    return result is None or any(is_required(one, result, document.order_type) for one in fields)
