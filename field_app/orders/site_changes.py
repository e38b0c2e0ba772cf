"""What is done on an order -> the operations that tell it to the server."""

from dataclasses import dataclass
from typing import Final

from field_app.orders.overlay import joined_note
from field_app.store.ids_io import draw_uuid7
from field_app.store.outbox_store import NewOperation, TapStamp
from wire_contracts.fields import JsonObject
from wire_contracts.frames import utc_from_ms
from wire_contracts.operations import OperationKind
from wire_contracts.orders import ENTITY, FactType
from wire_contracts.patrol_facts import OrderRequest, order_request_json
from wire_contracts.work_order_states import WorkOrderEvent

WORK_FORM: Final = "site_work@1"
"""Drafts of what is typed on site; a step that is done takes its values along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact on its way into the outbox."""

    fact_type: FactType
    payload: JsonObject
    order_id: str | None = None
    supersedes: str | None = None


def new_fact(
    order_id: str | None,
    fact_type: FactType,
    payload: JsonObject,
    supersedes: str | None = None,
) -> Change:
    """Return one fact; `supersedes` is the fact that it takes the place of."""
    return Change(fact_type=fact_type, payload=payload, order_id=order_id, supersedes=supersedes)


def operation_of(change: Change, stamp: TapStamp) -> NewOperation:
    """Return the operation of a fact, under a new name."""
    fact_id = new_id(stamp)
    payload = dict(change.payload)
    if change.order_id is not None:
        payload["order_id"] = change.order_id
    if change.supersedes is not None:
        payload["supersedes"] = change.supersedes
    return NewOperation(
        kind=OperationKind.FACT,
        entity=change.fact_type,
        entity_id=fact_id,
        order_id=change.order_id or fact_id,
        field=change.fact_type,
        payload=payload,
    )


def ask_order(order_id: str, request: OrderRequest, stamp: TapStamp) -> NewOperation:
    """Return the operation that makes another order; it stands with the record of `order_id`."""
    return NewOperation(
        kind=OperationKind.FACT,
        entity=FactType.ORDER_REQUEST,
        entity_id=new_id(stamp),
        order_id=order_id,
        field=FactType.ORDER_REQUEST,
        payload=order_request_json(request),
    )


def note_added(order_id: str, note: str, words: str) -> NewOperation:
    """Return the operation that appends words to an order's note, which stands as `note` now."""
    return NewOperation(
        kind=OperationKind.SET,
        entity=ENTITY,
        entity_id=order_id,
        order_id=order_id,
        field="note",
        old=note,
        new=joined_note(note, words),
    )


def new_id(stamp: TapStamp) -> str:
    """Return a new name of the moment of a tap."""
    return draw_uuid7(utc_from_ms(stamp.at.wall_ms))


def go(order_id: str, event: WorkOrderEvent) -> NewOperation:
    """Return the step of an order."""
    return NewOperation(
        kind=OperationKind.GO,
        entity=ENTITY,
        entity_id=order_id,
        order_id=order_id,
        field=str(event),
    )
