"""One operation of a crew -> its effect on orders and facts, and its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from sync_server.access.tablet_store import TabletIdentity
from sync_server.sync.event_time import EventTime
from sync_server.sync.ledger_store import FieldConflict
from sync_server.sync.merge import Kept, Merged, Owner, merge_field, owner_of
from sync_server.sync.review_store import ReviewKind
from sync_server.work_orders.dispatch import record_crew_finding
from sync_server.work_orders.fact_store import (
    has_answers,
    has_order,
    insert_fact,
    payload_text,
    stored_payload,
)
from sync_server.work_orders.order import Fact, Mover, OrderRecord
from sync_server.work_orders.order_rows_store import (
    change_order,
    find_order,
    had_crew,
    mark_done_after_cancel,
    move_order,
    record_of,
    take_order,
)
from wire_contracts.codes import Code
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.kinds import FindingResult
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.operations import Operation, OperationKind, Outcome
from wire_contracts.orders import ENTITY, FactType, order_json
from wire_contracts.work_order_states import (
    CREW_EVENTS,
    WORK_ORDER,
    WorkOrderEvent,
    WorkOrderState,
)

LONGEST_TEXT = 20_000
"""Longest free text of a field, as `wire_contracts.orders` reads it."""

LONGEST_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewContext:
    """Who pushes: the tablet, whose work it carries until when, where its crew may take orders."""

    tablet: TabletIdentity
    actors: Mapping[str, datetime | None]
    area_ids: frozenset[str]
    now_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What became of an operation.

    `order_id` is the order to show anew; `review` asks a person to look.
    """

    outcome: Outcome
    code: Code | None = None
    detail: str = ""
    order_id: str | None = None
    review: ReviewKind | None = None
    conflict: FieldConflict | None = None


_APPLIED = Effect(outcome=Outcome.APPLIED)
_NOOP = Effect(outcome=Outcome.NOOP)


def refused(code: Code, detail: str, review: ReviewKind = ReviewKind.REFUSED) -> Effect:
    """Return a refusal: an acknowledgement all the same, kept and given to a person."""
    return Effect(outcome=Outcome.REFUSED, code=code, detail=detail, review=review)


def apply_operation(
    connection: Connection, context: CrewContext, operation: Operation, time: EventTime
) -> Effect:
    """Return the effect of one operation, written in the caller's transaction."""
    strange = _strange_actor(context, operation, time)
    if strange:
        return refused(Code.NOT_YOURS, strange)
    if operation.kind in {OperationKind.FACT, OperationKind.ATTACH}:
        return _keep_fact(connection, context, operation, time)
    if operation.entity != ENTITY:
        return refused(Code.ENTITY_UNKNOWN, "this server does not know that kind of thing")
    order = find_order(connection, operation.entity_id, is_locked=True)
    if order is None:
        return refused(Code.GONE, "the work order does not exist here")
    if operation.kind is OperationKind.SET:
        return _set_field(connection, context, operation, order)
    return _go(connection, context, operation, order, time)


def _strange_actor(context: CrewContext, operation: Operation, time: EventTime) -> str:
    """Return why the tablet cannot speak for the person, empty when it can."""
    if operation.actor not in context.actors:
        return "the person never had access to this tablet"
    ended_at_utc = context.actors[operation.actor]
    is_late = ended_at_utc is not None and time.at_utc > ended_at_utc
    return "the person's access had ended before" if is_late else ""


# --- facts


def _keep_fact(
    connection: Connection, context: CrewContext, operation: Operation, time: EventTime
) -> Effect:
    is_attach = operation.kind is OperationKind.ATTACH
    fact_type = str(FactType.PHOTO_REF) if is_attach else operation.field
    payload: JsonObject = operation.payload or {}
    order_id = operation.entity_id if is_attach else payload.get("order_id")
    supersedes = payload.get("supersedes")
    if fact_type not in set(FactType) or not (_is_id(order_id) and _is_id(supersedes)):
        return refused(Code.FIELD_RANGE, "the fact's type or a reference in it cannot be read")
    fact_id = operation.op_id if is_attach else operation.entity_id
    stored = stored_payload(connection, fact_id)
    if stored is not None:
        return _same_fact(stored == payload_text(payload))
    order_id = None if order_id is None else str(order_id)
    is_orphan = order_id is not None and not has_order(connection, order_id)
    insert_fact(
        connection,
        Fact(
            fact_id=fact_id,
            fact_type=FactType(fact_type),
            order_id=order_id,
            actor=operation.actor,
            tablet_id=context.tablet.tablet_id,
            op_id=operation.op_id,
            payload=payload,
            happened_at_utc=time.at_utc,
            received_at_utc=context.now_utc,
            supersedes=None if supersedes is None else str(supersedes),
            is_orphan=is_orphan,
        ),
    )
    return (
        Effect(outcome=Outcome.APPLIED, review=ReviewKind.ORPHAN_FACT, code=Code.GONE)
        if is_orphan
        else _APPLIED
    )


def _is_id(value: JsonValue) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_ID)


def _same_fact(is_equal: bool) -> Effect:  # noqa: FBT001  # the one question of this function
    if is_equal:
        return _NOOP
    return Effect(
        outcome=Outcome.CONFLICT,
        code=Code.CONFLICT,
        detail="a fact never changes; correct it by a new fact that supersedes it",
        review=ReviewKind.CONFLICT,
    )


# --- fields


def _set_field(
    connection: Connection, context: CrewContext, operation: Operation, order: OrderRecord
) -> Effect:
    owner = owner_of(operation.field)
    if owner is Owner.NOBODY:
        return refused(Code.FIELD_UNKNOWN, f"{operation.field[:64]!r} is not a field of an order")
    if owner is not Owner.OFFICE and not _is_value(operation.field, operation.new):
        return refused(Code.FIELD_RANGE, f"{operation.field} does not take this value")
    current = order_json(order.document)[operation.field]
    barrier = _barrier(context, order)
    if barrier is not None:
        return _not_taken(operation, current, *barrier)
    merged = merge_field(owner, current, operation.old, operation.new)
    if merged.outcome in {Outcome.NOOP, Outcome.CONFLICT}:
        return _not_taken(operation, current, Code.FIELD_OFFICE, "the office decides this field")
    value = None if merged.value is None else str(merged.value)
    if value is not None and len(value) > LONGEST_TEXT:
        detail = f"both together are longer than {LONGEST_TEXT} characters"
        return _not_taken(operation, current, Code.FIELD_RANGE, detail)
    change_order(connection, order.order_id, {operation.field: value}, context.now_utc)
    if operation.field == "result" and order.state is WorkOrderState.FINISHED:
        _label(connection, record_of(connection, order.order_id), operation.actor, context.now_utc)
    return _taken(operation, current, merged)


def _barrier(context: CrewContext, order: OrderRecord) -> tuple[Code, str] | None:
    """Return why no field of the order can be written by this tablet, None when they can."""
    if order.document.crew_id != context.tablet.crew_id:
        return Code.NOT_YOURS, "the order is another crew's now"
    if order.state in {WorkOrderState.VERIFIED, WorkOrderState.CLOSED}:
        return Code.STATE, f"the order is {order.state}"
    return None


def _taken(operation: Operation, current: JsonValue, merged: Merged) -> Effect:
    is_plain = merged.outcome is Outcome.APPLIED
    return Effect(
        outcome=merged.outcome,
        order_id=operation.entity_id,
        detail="" if is_plain else f"office and crew both wrote {operation.field}",
        review=ReviewKind.MERGED if merged.kept is Kept.CREW else None,
        conflict=None if is_plain else _conflict(operation, current, merged.kept or Kept.BOTH),
    )


def _is_value(field: str, value: JsonValue) -> bool:
    if field == "result":
        return value is None or value in set(FindingResult)
    return isinstance(value, str) and len(value) <= LONGEST_TEXT and "\0" not in value


def _not_taken(operation: Operation, current: JsonValue, code: Code, detail: str) -> Effect:
    if current == operation.new:
        return _NOOP
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
    mover = Mover(
        actor=operation.actor,
        happened_at_utc=time.at_utc,
        crew_id=crew_id,
        op_id=operation.op_id,
    )
    refusal = _refusal(connection, context, order, event)
    if refusal is not None:
        return refusal
    if _is_there(order.state, event):
        return _NOOP
    if order.document.crew_id is None:
        take_order(connection, order.order_id, crew_id, context.now_utc)
    move_order(connection, order, event, mover, context.now_utc)
    if event is WorkOrderEvent.FINISH:
        return _label(connection, order, operation.actor, context.now_utc)
    return Effect(outcome=Outcome.APPLIED, order_id=order.order_id)


def _refusal(
    connection: Connection, context: CrewContext, order: OrderRecord, event: WorkOrderEvent
) -> Effect | None:
    """Return why the step cannot be taken, None when it can (or has been)."""
    crew_id = context.tablet.crew_id
    is_mine = order.document.crew_id == crew_id
    is_free = order.document.crew_id is None and order.area_id in context.area_ids
    if not is_mine and not (is_free and event is WorkOrderEvent.ACCEPT):
        return _foreign(connection, context, order, event)
    if _is_there(order.state, event) and is_mine:
        return None
    if (order.state, event) not in WORK_ORDER.table:
        if event is WorkOrderEvent.FINISH and order.state is WorkOrderState.CANCELLED:
            return _done_anyway(connection, context, order, Code.STATE)
        return refused(Code.STATE, _why_not(order.state, event))
    if event is WorkOrderEvent.FINISH and not (
        order.document.result is not None and has_answers(connection, order.order_id)
    ):
        detail = "finishing needs the result and the answers of the finding form"
        return refused(Code.EVIDENCE_MISSING, detail)
    return None


def _is_there(state: WorkOrderState, event: WorkOrderEvent) -> bool:
    """Return whether a colleague's tablet has taken this very step before."""
    return any(
        following is state for (_, each), following in WORK_ORDER.table.items() if each is event
    )


def _why_not(state: WorkOrderState, event: WorkOrderEvent) -> str:
    try:
        WORK_ORDER.next_state(state, event)
    except RefusedTransition as error:
        return str(error)
    return ""


def _foreign(
    connection: Connection, context: CrewContext, order: OrderRecord, event: WorkOrderEvent
) -> Effect:
    """Answer a step on an order that another crew has, or nobody of this area."""
    was_mine = had_crew(connection, order.order_id, context.tablet.crew_id)
    if event is WorkOrderEvent.FINISH and was_mine:
        return _done_anyway(connection, context, order, Code.NOT_YOURS)
    is_contest = was_mine or order.area_id in context.area_ids
    if event is WorkOrderEvent.ACCEPT and is_contest and order.document.crew_id is not None:
        return refused(Code.TAKEN, "another crew has the order")
    return refused(Code.NOT_YOURS, "the order is not this crew's")


def _done_anyway(
    connection: Connection, context: CrewContext, order: OrderRecord, code: Code
) -> Effect:
    """The work was done although it had been cancelled or moved: facts stay, the office decides."""
    mark_done_after_cancel(connection, order.order_id, context.now_utc)
    return Effect(
        outcome=Outcome.REFUSED,
        code=code,
        detail="the work was done after the office had changed its mind",
        order_id=order.order_id,
        review=ReviewKind.DONE_AFTER_CANCEL,
    )


def _label(connection: Connection, order: OrderRecord, actor: str, now_utc: datetime) -> Effect:
    """Tell the alert what was found; an alert that cannot take it is a person's business."""
    try:
        record_crew_finding(connection, order, actor, now_utc)
    except RefusedTransition as error:
        return Effect(
            outcome=Outcome.APPLIED,
            detail=str(error),
            code=Code.STATE,
            order_id=order.order_id,
            review=ReviewKind.CONFLICT,
        )
    return Effect(outcome=Outcome.APPLIED, order_id=order.order_id)
