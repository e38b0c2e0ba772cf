"""Decides what the crew sees of an order: the server's row with the own pending words on top."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from wire_contracts.fields import JsonValue
from wire_contracts.kinds import FindingResult
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import Operation, OperationKind
from wire_contracts.orders import ENTITY, WorkOrderDocument
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent


def overlaid(document: WorkOrderDocument, operations: Sequence[Operation]) -> WorkOrderDocument:
    """Return the order with the operations applied in order, as the server would.

    An operation whose effect the row shows already changes nothing; one that is not possible any
    more (the office cancelled meanwhile) changes nothing either: the server will say so.
    """
    for operation in operations:
        if operation.entity == ENTITY:
            document = _applied(document, operation)
    return document


def _applied(document: WorkOrderDocument, operation: Operation) -> WorkOrderDocument:
    if operation.kind is OperationKind.GO:
        return _gone(document, operation.field)
    setter = _SETTERS.get(operation.field)
    if operation.kind is OperationKind.SET and setter is not None:
        return setter(document, operation.new)
    return document


def _gone(document: WorkOrderDocument, event: str) -> WorkOrderDocument:
    if event not in set(WorkOrderEvent):
        return document
    try:
        state = WORK_ORDER.next_state(document.state, WorkOrderEvent(event))
    except RefusedTransition:
        return document
    return replace(document, state=state)


def _with_result(document: WorkOrderDocument, value: JsonValue) -> WorkOrderDocument:
    known = isinstance(value, str) and value in set(FindingResult)
    return replace(document, result=FindingResult(str(value)) if known else None)


def _with_cause(document: WorkOrderDocument, value: JsonValue) -> WorkOrderDocument:
    return replace(document, cause=str(value or ""))


def _with_diagnosis(document: WorkOrderDocument, value: JsonValue) -> WorkOrderDocument:
    return replace(document, diagnosis=str(value or ""))


def _with_note(document: WorkOrderDocument, value: JsonValue) -> WorkOrderDocument:
    added = str(value or "")
    if not added or added in document.note.split("\n"):
        return document
    return replace(document, note=f"{document.note}\n{added}" if document.note else added)


_SETTERS: Mapping[str, Callable[[WorkOrderDocument, JsonValue], WorkOrderDocument]] = {
    "result": _with_result,
    "cause": _with_cause,
    "diagnosis": _with_diagnosis,
    "note": _with_note,
}
"""The fields that a tablet sets; `note` appends (RULINGS R18)."""
