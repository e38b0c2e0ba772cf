"""Decides what the crew sees of an order: the server's row with the own pending words on top."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from wire_contracts.fields import JsonValue
from wire_contracts.kinds import FindingResult
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import Operation, OperationKind
from wire_contracts.orders import APPENDED, ENTITY, WorkOrderDocument
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
    if operation.kind is OperationKind.SET and operation.field in APPENDED:
        return _with_note(document, operation)
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


def _with_note(document: WorkOrderDocument, operation: Operation) -> WorkOrderDocument:
    addition = note_addition(operation)
    if not addition or f"\n{addition}\n" in f"\n{document.note}\n":
        return document
    return replace(document, note=joined_note(document.note, addition))


def note_addition(operation: Operation) -> str:
    """Return what a note operation adds to what its writer saw."""
    seen, wanted = str(operation.old or ""), str(operation.new or "")
    return wanted.removeprefix(seen).strip("\n")


def joined_note(seen: str, addition: str) -> str:
    """Return a note with one remark more at its end."""
    return f"{seen}\n{addition}" if seen else addition


_SETTERS: Mapping[str, Callable[[WorkOrderDocument, JsonValue], WorkOrderDocument]] = {
    "result": _with_result,
    "cause": _with_cause,
    "diagnosis": _with_diagnosis,
}
"""The fields that a tablet sets outright; `note` appends (RULINGS R18)."""
