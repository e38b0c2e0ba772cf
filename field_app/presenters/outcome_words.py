"""What the crew sent, why the server refused or merged it, and what to do now, in words."""

from collections.abc import Mapping

from field_app.presenters.ports import Words
from field_app.presenters.wording import event_text, result_text
from field_app.store.outbox_store import OutboxEntry
from field_app.store.record_states import OpStatus
from wire_contracts.codes import Code
from wire_contracts.fields import JsonObject
from wire_contracts.kinds import FindingResult
from wire_contracts.operations import Operation, OperationKind, Outcome
from wire_contracts.orders import FactType
from wire_contracts.review_outcomes import COUNTS_NOW, Choice, ReviewOutcome
from wire_contracts.site_facts import ValveAction
from wire_contracts.work_order_states import WorkOrderEvent

_OF_NO_ORDER = frozenset(
    {FactType.SHIFT_NOTE, FactType.HELP_CALL, FactType.LONE_WORKER, FactType.ORDER_REQUEST}
)
"""What is told of people and shifts, and new orders: no order of it could be gone."""


def operation_text(t: Words, operation: Operation) -> str:
    """Return what one operation does, in the words of the page that made it."""
    if operation.kind is OperationKind.GO:
        known = operation.field in set(WorkOrderEvent)
        return event_text(t, WorkOrderEvent(operation.field)) if known else operation.field
    if operation.kind is OperationKind.ATTACH:
        return t("Photo")
    if operation.field in set(FactType):
        return _fact_text(t, operation)
    texts = {
        "result": t("Result of the finding"),
        "cause": t("Cause of the finding"),
        "diagnosis": t("Words of the finding"),
        "note": t("Note"),
    }
    return texts.get(operation.field, operation.field)


def _fact_text(t: Words, operation: Operation) -> str:
    if operation.field == FactType.FORM_ANSWERSET:
        is_checklist = operation.payload is not None and "form_sha256" in operation.payload
        return t("Checklist") if is_checklist else t("Finding")
    if operation.field == FactType.ISOLATION and operation.payload is not None:
        return _valve_text(t, operation.payload)
    texts: Mapping[str, str] = {
        FactType.PATROL_RUN: t("Route begun or ended"),
        FactType.PATROL_POINT: t("Stop of a route"),
        FactType.CHECK_IN: t("Check-in at a stop"),
        FactType.METER_READING: t("Meter reading"),
        FactType.TIME_ENTRY: t("Working time"),
        FactType.PART_USED: t("Part used"),
        FactType.PHOTO_REF: t("Photo"),
        FactType.SIGNATURE: t("Signature"),
        FactType.COMMENT: t("Note"),
        FactType.GAS_MEASUREMENT: t("Gas test"),
        FactType.SAFETY_STEP: t("Safety step"),
        FactType.ISOLATION: t("Valve closed or opened"),
        FactType.LONE_WORKER: t("Watch over who works alone"),
        FactType.HELP_CALL: t("Call for help"),
        FactType.VISIT_END: t("End of the visit"),
        FactType.HANDOVER: t("Hand over"),
        FactType.SHIFT_NOTE: t("Note to the next shift"),
        FactType.SAFETY_CHECK: t("Home check"),
        FactType.ORDER_REQUEST: t("New order for a danger"),
    }
    return texts[operation.field]


def _valve_text(t: Words, told: JsonObject) -> str:
    """Return which valve it was, and what was done to it."""
    is_opened = told.get("action") == ValveAction.REOPENED
    text = t("Valve opened: {valve}") if is_opened else t("Valve closed: {valve}")
    return text.format(valve=told.get("valve_id"))


def outcome_text(t: Words, entry: OutboxEntry) -> str:
    """Return why the server refused, merged or could not read something."""
    if entry.status is OpStatus.HELD:
        return t("The server could not read it. It is kept here.")
    if entry.decision is not None:
        return _decision_text(t, entry.operation, entry.decision)
    if entry.outcome is Outcome.MERGED:
        return t("Yours stands now. Somebody had written something else there.")
    if entry.operation.field in _OF_NO_ORDER:
        return t("The server did not take it.")
    texts: Mapping[Code, str] = {
        Code.STATE: t("The order has moved on meanwhile."),
        Code.TAKEN: t("Another crew had taken the order first."),
        Code.EVIDENCE_MISSING: t("The finding is missing: record it and finish again."),
        Code.GONE: t("The order was cancelled or is gone."),
        Code.NOT_YOURS: t("The order, or the person, was not this crew's at that time."),
        Code.FIELD_OFFICE: t("Only the office may change this."),
        Code.ENTITY_UNKNOWN: t("The server does not know this order."),
        Code.CONFLICT: t("The office had changed the same thing."),
    }
    otherwise = t("The office has it for review.")
    return otherwise if entry.code is None else texts.get(entry.code, otherwise)


def _decision_text(t: Words, operation: Operation, decision: ReviewOutcome) -> str:
    """Return what the office decided, with the value that stands where it wrote one."""
    value = str(decision.value or "")
    if operation.field == "result" and value in set(FindingResult):
        value = result_text(t, FindingResult(value))
    texts: Mapping[Choice, str] = {
        Choice.CREW: t("The office has decided: yours stands."),
        Choice.OFFICE: t("The office has decided: the other one stands."),
        Choice.OTHER: t("The office has written something else."),
        Choice.NOTED: t("The office has looked at it and settled it."),
    }
    is_other = decision.choice in {Choice.OFFICE, Choice.OTHER}
    return f"{texts[decision.choice]} {value}".strip() if is_other else texts[decision.choice]


def advice_text(t: Words, entry: OutboxEntry) -> str:
    """Return what the crew does now; of what the office decided, why."""
    if entry.status is OpStatus.HELD:
        return t("Tap “Try again”. If it stays, show the office this tablet.")
    if entry.decision is not None:
        if entry.decision.reason == COUNTS_NOW:
            return t("The order is here again, and this counts.")
        return entry.decision.reason or t("There is nothing else to do.")
    if entry.outcome is Outcome.MERGED:
        return t("The office sees both. If it decides otherwise, you read it here.")
    if entry.operation.field in _OF_NO_ORDER:
        return _advice_without_order(t, entry.operation.field)
    texts: Mapping[Code, str] = {
        Code.STATE: t("Open the order and go on from where it stands now."),
        Code.TAKEN: t("Do not go there; take the next order."),
        Code.EVIDENCE_MISSING: t("Open the order, fill in the finding, and finish again."),
        Code.GONE: t("Leave the place safe, then call the control room."),
        Code.NOT_YOURS: t("Call the control room before you go on there."),
        Code.FIELD_OFFICE: t("Call the office if it must be changed."),
        Code.ENTITY_UNKNOWN: t("Sync once more, then call the office."),
        Code.CONFLICT: t("Read what the office wrote; enter yours again if it still holds."),
    }
    otherwise = t("Nothing: the office looks at it, and calls you if it needs you.")
    return otherwise if entry.code is None else texts.get(entry.code, otherwise)


def _advice_without_order(t: Words, field: str) -> str:
    if field == FactType.HELP_CALL:
        return t("Nobody knows: call by telephone now.")
    if field == FactType.LONE_WORKER:
        return t("Nobody watches: tell somebody by telephone.")
    if field == FactType.ORDER_REQUEST:
        return t("Order not received: the office does not know. Call the control room now.")
    return t("Tell the next shift yourself, and the office that it was refused.")
