"""One operation of a crew -> its effect on orders and facts, and its outcome."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from sync_server.access.account_store import has_account
from sync_server.sync.effects import (
    APPLIED,
    NOOP,
    CrewContext,
    Effect,
    Repeat,
    refused,
    visit_of,
)
from sync_server.sync.event_time import EventTime, known_word_utc, last_word_utc
from sync_server.sync.facts import keep_fact
from sync_server.sync.forgotten_steps import (
    is_end_of_visit_before,
    is_free,
    is_of_former_visit,
    is_of_unknown_visit,
    is_there,
    note_repeat,
    recall,
    recall_order,
    write_recalled,
)
from sync_server.sync.ledger_store import FieldConflict
from sync_server.sync.merge import Kept, Merged, Owner, merge_field, owner_of
from sync_server.sync.order_copy_store import has_remark
from sync_server.sync.review_store import ReviewKind
from sync_server.work_orders.dispatch import record_crew_finding
from sync_server.work_orders.fact_store import has_answers
from sync_server.work_orders.order import Mover, OrderHead, OrderRecord
from sync_server.work_orders.step_store import had_crew
from wire_contracts.codes import Code
from wire_contracts.fields import JsonValue
from wire_contracts.kinds import FindingResult
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import Operation, OperationKind, Outcome
from wire_contracts.orders import APPENDED, ENTITY, FIELD_OWNED, order_json
from wire_contracts.work_order_states import (
    CREW_EVENTS,
    WORK_ORDER,
    WorkOrderEvent,
    WorkOrderState,
)

LONGEST_TEXT = 20_000
"""Longest free text of a field, as `wire_contracts.orders` reads it."""

OF_ONE_VISIT = frozenset({"result", "cause"})
"""Fields that belong to the finding of one visit; a reopened order asks for them anew."""


_FACTS = frozenset({OperationKind.FACT, OperationKind.ATTACH})
_STANDS = frozenset({Outcome.NOOP, Outcome.CONFLICT})
_SEALED_STATES = frozenset({WorkOrderState.VERIFIED, WorkOrderState.CLOSED})


def apply_operation(
    connection: Connection, context: CrewContext, operation: Operation, time: EventTime
) -> Effect:
    """Return the effect of one operation, written in the caller's transaction."""
    strange = _strange_actor(connection, context, operation, time)
    if strange:
        return refused(Code.NOT_YOURS, strange)
    if operation.kind in _FACTS:
        return _keep_fact(connection, context, operation, time)
    if operation.entity != ENTITY:
        return refused(Code.ENTITY_UNKNOWN, "this server does not know that kind of thing")
    if operation.kind is OperationKind.SET:
        head = context.book.head(operation.entity_id)
        return _GONE if head is None else _set(connection, context, operation, head, time)
    order = context.book.find(operation.entity_id)
    return _GONE if order is None else _go(connection, context, operation, order, time)


def _keep_fact(
    connection: Connection, context: CrewContext, operation: Operation, time: EventTime
) -> Effect:
    """Return what becomes of a fact; it belongs to the visit that its author was on."""
    order_id = None if operation.payload is None else operation.payload.get("order_id")
    if context.restored_at_utc is None or not isinstance(order_id, str):
        return keep_fact(connection, context, operation, time)
    is_recalled = recall_order(connection, context, order_id, last_word_utc(operation.at, time))
    effect = keep_fact(connection, context, operation, time)
    return _asked(effect) if is_recalled else effect


_GONE = refused(Code.GONE, "the work order does not exist here")


def _strange_actor(
    connection: Connection, context: CrewContext, operation: Operation, time: EventTime
) -> str:
    """Return why the tablet cannot speak for the person, empty when it can.

    A person whom this server does not know at all was made after the backup that it was restored
    from, and one whom it knows as somewhere else may have been moved after it: the work counts
    (RULINGS R1), and somebody is asked who that was (`push`).
    """
    strange = why_strange(context, operation, time)
    if not strange or context.is_from_before(last_word_utc(operation.at, time)):
        return ""
    return strange if has_account(connection, operation.actor) else ""


def why_strange(context: CrewContext, operation: Operation, time: EventTime) -> str:
    """Return why the person is none of the tablet's, as far as this server knows; else empty.

    Access has ended once the tablet had a word of the server after the end: no clock of the tablet
    decides, and who was moved while in a cellar could not know.
    """
    if operation.actor not in context.actors:
        return "the person never had access to this tablet"
    ended_at_utc = context.actors[operation.actor]
    if ended_at_utc is None or last_word_utc(operation.at, time) <= ended_at_utc:
        return ""
    return "the person's access had ended before"


def is_doubtful(context: CrewContext, operation: Operation, time: EventTime) -> bool:
    """Return whether somebody must say whose work it was, though it counts."""
    ended_at_utc = context.actors.get(operation.actor)
    is_after = ended_at_utc is not None and time.at_utc > ended_at_utc
    return is_after or bool(why_strange(context, operation, time))


# --- fields


def _set(
    connection: Connection,
    context: CrewContext,
    operation: Operation,
    order: OrderHead,
    time: EventTime,
) -> Effect:
    """Return what becomes of a field, after bringing the order to where it was at a restore."""
    if context.restored_at_utc is None:
        return _set_field(connection, context, operation, order, time)
    word_utc = last_word_utc(operation.at, time)
    if operation.field in OF_ONE_VISIT and is_of_former_visit(connection, context, order):
        current = _current(context, order.order_id, operation.field)
        return _not_taken(operation, current, Code.STATE, "a later visit has ended since")
    is_recalled = recall_order(connection, context, order.order_id, word_utc)
    if _stands_in_copy(connection, context, operation, word_utc):
        return NOOP
    if not is_recalled:
        return _set_field(connection, context, operation, order, time)
    mine = context.book.head(order.order_id) or order
    return _asked(_set_field(connection, context, operation, mine, time))


def _asked(effect: Effect) -> Effect:
    """Return the effect, with a question to a person where it asks none."""
    return effect if effect.review else replace(effect, review=ReviewKind.UNKNOWN_AUTHOR)


def _set_field(
    connection: Connection,
    context: CrewContext,
    operation: Operation,
    order: OrderHead,
    time: EventTime,
) -> Effect:
    owner = owner_of(operation.field)
    if owner is Owner.NOBODY:
        return refused(Code.FIELD_UNKNOWN, "an order has no field of that name")
    if owner is not Owner.OFFICE and not _is_value(operation):
        return refused(Code.FIELD_RANGE, f"{operation.field} does not take this value")
    current = _current(context, order.order_id, operation.field)
    barrier = _barrier(context, operation, order, time) or _later_word(
        context, operation, current, time
    )
    if barrier is not None:
        return _not_taken(operation, current, *barrier)
    seen, wanted = operation.old, operation.new
    if owner is Owner.APPENDED:
        seen, wanted = _without_nul(seen), _without_nul(wanted)
    merged = merge_field(owner, current, seen, wanted)
    if merged.outcome in _STANDS:
        return _not_taken(operation, current, Code.FIELD_OFFICE, "the office decides this field")
    value = None if merged.value is None else str(merged.value)
    if value is not None and len(value) > LONGEST_TEXT:
        detail = f"both together are longer than {LONGEST_TEXT} characters"
        return _not_taken(operation, current, Code.FIELD_RANGE, detail)
    context.book.change(order.order_id, {operation.field: value})
    if operation.field == "result" and order.state is WorkOrderState.FINISHED:
        _label(connection, context, order.order_id, operation.actor)
    return _taken(operation, current, merged)


def _stands_in_copy(
    connection: Connection, context: CrewContext, operation: Operation, word_utc: datetime
) -> bool:
    """Return whether a remark came with the copy of an order that was made again from it.

    A tablet that was put back from a copy of its own knows not that a server had it.
    """
    if operation.field not in APPENDED or not context.may_be_forgotten(word_utc):
        return False
    seen, wanted = (str(_without_nul(each) or "") for each in (operation.old, operation.new))
    remark = wanted.removeprefix(seen).strip("\n")
    return has_remark(connection, operation.entity_id, remark, context.told_ms or 0)


def _current(context: CrewContext, order_id: str, field: str) -> JsonValue:
    if field in FIELD_OWNED or field in APPENDED:
        return context.book.text(order_id, field)
    return order_json(context.book.get(order_id).document)[field]


def _barrier(
    context: CrewContext, operation: Operation, order: OrderHead, time: EventTime
) -> tuple[Code, str] | None:
    """Return why the field cannot be written by this tablet, None when it can."""
    if order.crew_id != context.tablet.crew_id:
        return Code.NOT_YOURS, "the order is another crew's now"
    if context.was_refused:
        return Code.STATE, _NOT_BEFORE
    if order.state in _SEALED_STATES:
        return Code.STATE, f"the order is {order.state}"
    word_utc = known_word_utc(operation.at)
    if operation.field in OF_ONE_VISIT and visit_of(order, time, word_utc) < order.visit:
        return Code.STATE, "the order was reopened after this was written"
    return None


_NOT_BEFORE = "it was not taken before the restore either"


def _later_word(
    context: CrewContext, operation: Operation, current: JsonValue, time: EventTime
) -> tuple[Code, str] | None:
    """Return why a crews' field keeps what it says, None when the word is the latest."""
    if operation.field not in FIELD_OWNED:
        return None
    is_overtaken = context.words.is_overtaken(operation, time, current, context.told_ms)
    return (Code.STATE, "a later word stands") if is_overtaken else None


def _taken(operation: Operation, current: JsonValue, merged: Merged) -> Effect:
    if merged.outcome is Outcome.APPLIED:
        return APPLIED
    return Effect(
        outcome=merged.outcome,
        detail=f"office and crew both wrote {operation.field}",
        review=ReviewKind.MERGED if merged.kept is Kept.CREW else None,
        conflict=_conflict(operation, current, merged.kept or Kept.BOTH),
    )


def _is_value(operation: Operation) -> bool:
    """Return whether the field takes the value.

    Of a note that is what it adds: it repeats all that stands above it, and what one remark does
    wrong must not take every later one along.
    """
    field, value = operation.field, operation.new
    if field == "result":
        return value is None or (isinstance(value, str) and value in set(FindingResult))
    if not isinstance(value, str):
        return False
    if field in APPENDED:
        return len(value.removeprefix(str(operation.old or ""))) <= LONGEST_TEXT
    return len(value) <= LONGEST_TEXT and "\0" not in value


def _without_nul(value: JsonValue) -> JsonValue:
    """Return a remark without what no database takes; as it came, it would refuse later ones."""
    return value.replace("\0", "?") if isinstance(value, str) else value


def _not_taken(operation: Operation, current: JsonValue, code: Code, detail: str) -> Effect:
    if current == operation.new:
        return NOOP
    return Effect(
        outcome=Outcome.CONFLICT,
        code=code,
        detail=f"{operation.field}: {detail}",
        review=ReviewKind.CONFLICT,
        conflict=_conflict(operation, current, Kept.OFFICE),
    )


def _conflict(operation: Operation, current: JsonValue, kept: Kept) -> FieldConflict:
    return FieldConflict(
        op_id=operation.op_id,
        entity=operation.entity,
        entity_id=operation.entity_id,
        field=operation.field,
        seen=operation.old,
        office=current,
        crew=operation.new,
        kept=kept,
    )


# --- the life cycle


def _go(
    connection: Connection,
    context: CrewContext,
    operation: Operation,
    order: OrderRecord,
    time: EventTime,
) -> Effect:
    if operation.field not in CREW_EVENTS:
        return refused(Code.ROLE_REFUSED, "this step belongs to the office")
    event = WorkOrderEvent(operation.field)
    crew_id = context.tablet.crew_id
    word_utc = last_word_utc(operation.at, time)
    mover = Mover(
        actor=operation.actor,
        happened_at_utc=time.at_utc,
        crew_id=crew_id,
        op_id=operation.op_id,
        word_utc=context.counts_of_utc(word_utc),
    )
    repeat = Repeat(event, word_utc)
    if is_end_of_visit_before(connection, context, order, repeat):
        return _asked(NOOP)
    recalled = recall(connection, context, order, repeat)
    order = recalled.order
    if recalled.is_repeated:
        note_repeat(connection, context, order, repeat)
        return _asked(NOOP) if is_of_unknown_visit(connection, context, order, event) else NOOP
    refusal = _refusal(connection, context, order, event)
    if refusal is not None:
        return refusal
    if is_there(order.state, event):
        note_repeat(connection, context, order, repeat)
        return NOOP
    write_recalled(context, recalled, word_utc)
    if order.document.crew_id is None:
        context.book.change(order.order_id, {"crew_id": crew_id})
    context.book.move(order.order_id, event, mover)
    effect = APPLIED
    if event is WorkOrderEvent.FINISH:
        effect = _label(connection, context, order.order_id, operation.actor)
    return _asked(effect) if recalled.is_changed else effect


def _refusal(
    connection: Connection, context: CrewContext, order: OrderRecord, event: WorkOrderEvent
) -> Effect | None:
    """Return why the step cannot be taken, None when it can (or has been)."""
    is_mine = order.document.crew_id == context.tablet.crew_id
    is_open = is_free(context, order) and event is WorkOrderEvent.ACCEPT
    if context.was_refused or not (is_mine or is_open):
        return _foreign(connection, context, order, event)
    if is_there(order.state, event) and is_mine:
        return None
    if (order.state, event) not in WORK_ORDER.table:
        if event is WorkOrderEvent.FINISH and order.state is WorkOrderState.CANCELLED:
            return _done_anyway(context, order, Code.STATE)
        return refused(Code.STATE, _why_not(order.state, event))
    if event is WorkOrderEvent.FINISH and not (
        order.document.result is not None and has_answers(connection, order.order_id, order.visit)
    ):
        detail = "finishing needs the result and the answers of the finding form"
        return refused(Code.EVIDENCE_MISSING, detail)
    return None


def _why_not(state: WorkOrderState, event: WorkOrderEvent) -> str:
    try:
        WORK_ORDER.next_state(state, event)
    except RefusedTransition as error:
        return str(error)
    return ""


def _foreign(
    connection: Connection, context: CrewContext, order: OrderRecord, event: WorkOrderEvent
) -> Effect:
    """Answer a step on an order that another crew has, or nobody of this area.

    Or on its own, where the former server had not taken it.
    """
    if order.document.crew_id == context.tablet.crew_id:
        return refused(Code.STATE, _NOT_BEFORE)
    context.book.write()  # a step of this push counts too
    was_mine = had_crew(connection, order.order_id, context.tablet.crew_id)
    if event is WorkOrderEvent.FINISH and was_mine:
        return _done_anyway(context, order, Code.NOT_YOURS)
    is_contest = was_mine or order.area_id in context.area_ids
    is_taken = order.document.crew_id is not None or context.was_refused
    if event is WorkOrderEvent.ACCEPT and is_contest and is_taken:
        return refused(Code.TAKEN, "another crew has the order")
    return refused(Code.NOT_YOURS, "the order is not this crew's")


def _done_anyway(context: CrewContext, order: OrderRecord, code: Code) -> Effect:
    """The work was done although it had been cancelled or moved: facts stay, the office decides."""
    context.book.change(order.order_id, {"is_done_after_cancel": True})
    return Effect(
        outcome=Outcome.REFUSED,
        code=code,
        detail="the work was done after the office had changed its mind",
        review=ReviewKind.DONE_AFTER_CANCEL,
    )


def _label(connection: Connection, context: CrewContext, order_id: str, actor: str) -> Effect:
    """Tell the alert what was found; an alert that cannot take it is a person's business."""
    order = context.book.get(order_id)
    try:
        record_crew_finding(connection, order, actor, context.now_utc)
    except RefusedTransition as error:
        return Effect(
            outcome=Outcome.APPLIED,
            detail=str(error),
            code=Code.STATE,
            review=ReviewKind.CONFLICT,
        )
    return APPLIED
