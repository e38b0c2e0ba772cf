"""Turns a finding into operations: finished, ended over gas, an order for gas."""

from dataclasses import replace

from field_app.forms.finding import LONGEST_NOTE, seal
from field_app.orders.completion import Evidence, most_gas
from field_app.orders.finding_sheet import FindingSheet
from field_app.orders.gas_order import gas_found, gas_request
from field_app.orders.site_changes import ask_order, go, new_fact, new_id, operation_of
from field_app.store.outbox_store import NewOperation, TapStamp
from wire_contracts.fields import JsonValue
from wire_contracts.operations import OperationKind
from wire_contracts.orders import ENTITY, FactType
from wire_contracts.patrol_facts import WellEntry
from wire_contracts.site_facts import VisitEnd, VisitEndReason, visit_end_json
from wire_contracts.work_order_states import WorkOrderEvent


def gas_group(sheet: FindingSheet, stamp: TapStamp, outside: Evidence) -> list[NewOperation]:
    """Return the end of a visit over gas: the order for it, the answers as they stand, the step."""
    order_id, answers = sheet.order_id, sheet.answers
    asked = sheet.record.gas_order
    end = VisitEnd(reason=VisitEndReason.DANGEROUS, note=answers.note.strip()[:LONGEST_NOTE])
    told = {**seal(order_id, answers), "is_unfinished": True}
    found = new_fact(order_id, FactType.FORM_ANSWERSET, told)
    ended = new_fact(order_id, FactType.VISIT_END, visit_end_json(end))
    group = [
        operation_of(found, stamp),
        operation_of(ended, stamp),
        go(order_id, WorkOrderEvent.CANNOT_FINISH),
    ]
    if asked is not None and asked.is_asked:
        return group
    return [gas_asked(sheet, stamp, outside), *group]


def gas_asked(sheet: FindingSheet, stamp: TapStamp, outside: Evidence) -> NewOperation:
    """Return the order of class A for the gas that form and measurements tell of."""
    lel_pct = gas_found(sheet.answers, most_gas(sheet.record, outside))
    note = sheet.answers.note
    request = gas_request(new_id(stamp), sheet.order_id, sheet.document, lel_pct, note)
    return ask_order(sheet.order_id, request, stamp)


def with_entry(sheet: FindingSheet, outside: Evidence) -> FindingSheet:
    """Return the sheet with why somebody went in without a good gas test in front of the note."""
    note = sheet.answers.note.strip()
    if not outside.entry_words or outside.entry_words in note:
        return sheet
    said = "; ".join(part for part in (outside.entry_words, note) if part)[:LONGEST_NOTE]
    return replace(sheet, answers=replace(sheet.answers, note=said))


def finding_group(sheet: FindingSheet, fact_id: str, entry: WellEntry | None) -> list[NewOperation]:
    """Return a finished finding: the answers, the fields of the order that follow, the step."""
    document, answers, order_id = sheet.document, sheet.answers, sheet.order_id
    payload = seal(order_id, answers, sheet.gas_at_ms, entry)
    old_result = None if document.result is None else str(document.result)
    return [
        NewOperation(
            kind=OperationKind.FACT,
            entity=FactType.FORM_ANSWERSET,
            entity_id=fact_id,
            order_id=order_id,
            field=FactType.FORM_ANSWERSET,
            payload=payload,
        ),
        _set(order_id, "result", old_result, str(answers.result or "")),
        _set(order_id, "cause", document.cause, str(answers.cause or "")),
        _set(order_id, "diagnosis", document.diagnosis, answers.note.strip()),
        go(order_id, WorkOrderEvent.FINISH),
    ]


def _set(order_id: str, name: str, old: JsonValue, new: JsonValue) -> NewOperation:
    return NewOperation(
        kind=OperationKind.SET,
        entity=ENTITY,
        entity_id=order_id,
        order_id=order_id,
        field=name,
        old=old,
        new=new,
    )
