"""What an inspector's tap changes: facts, photos that count for an order, and their group."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from field_app.orders.moments import surely_passed_ms
from field_app.store import outbox_store, settings_store
from field_app.store.ids_io import draw_uuid7
from field_app.store.outbox_store import NewOperation, TapStamp
from field_app.store.round_records import record_of
from wire_contracts.fields import JsonObject
from wire_contracts.frames import utc_from_ms
from wire_contracts.operations import DeviceTime, Operation, OperationKind
from wire_contracts.orders import ENTITY, FactType

_ONE_SHIFT_MS: Final = 12 * 3_600_000
"""A home is visited again after weeks: what was photographed there in one shift is one visit."""


def new_id(stamp: TapStamp) -> str:
    """Return a new id, drawn at the moment of the tap."""
    return draw_uuid7(utc_from_ms(stamp.at.wall_ms))


def fact_of(
    stamp: TapStamp, kind: FactType, payload: JsonObject, fact_id: str = ""
) -> NewOperation:
    """Return a fact; `fact_id` is its name where that is known before the tap."""
    return NewOperation(
        kind=OperationKind.FACT,
        entity=str(kind),
        entity_id=fact_id or new_id(stamp),
        order_id="",
        field=str(kind),
        payload=payload,
    )


def photos_for(
    connection: Connection, order_id: str, *, taken: str, given: str, now: DeviceTime | None = None
) -> list[NewOperation]:
    """Return what makes the photos kept under `taken` photos of the order, too (complaint 23).

    The bytes travel once, under one name. `given` is the record that tells which the order has.
    With `now` those of one shift before it: what may have been taken in it by either clock was.
    """
    known = {
        _blob_of(entry.operation)
        for entry in outbox_store.entries_of(connection, given)
        if entry.operation.entity_id == order_id
    }
    return [
        NewOperation(
            kind=OperationKind.ATTACH,
            entity=ENTITY,
            entity_id=order_id,
            order_id="",
            field="",
            payload=entry.operation.payload,
        )
        for entry in outbox_store.entries_of(connection, taken)
        if entry.operation.kind is OperationKind.ATTACH
        and entry.operation.entity != ENTITY
        and _is_of_shift(entry.operation, now)
        and _blob_of(entry.operation) not in known
    ]


def _is_of_shift(operation: Operation, now: DeviceTime | None) -> bool:
    return now is None or surely_passed_ms(operation.at, now) <= _ONE_SHIFT_MS


def _blob_of(operation: Operation) -> str:
    return "" if operation.payload is None else str(operation.payload.get("sha256", ""))


def append(
    connection: Connection, stamp: TapStamp, thing_id: str, changes: Sequence[NewOperation]
) -> None:
    """Keep changes of one tap as one group, under the record of a round's thing."""
    record_id = record_of(thing_id)
    outbox_store.append_group(
        connection, [replace(change, order_id=record_id) for change in changes], stamp
    )
    settings_store.ask_contact(connection)
