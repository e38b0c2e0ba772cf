"""Reads the orders that a restored server does not show any more: a person may make them again."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, select

from field_app.orders.order_lines import search_text
from field_app.orders.order_list_store import OrderLine, OrderPage, OrderQuery
from field_app.orders.seen_order_store import SeenOrder
from field_app.store import settings_store
from field_app.store.order_copy_store import AWAITED
from field_app.store.record_states import RecordState
from field_app.store.settings_store import Key
from field_app.store.tables import base_row, order_copy
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import ENTITY, WorkOrderDocument, parse_order

_AWAITED_MS: Final = AWAITED // timedelta(milliseconds=1)


def load_lost(connection: Connection, now: DeviceTime) -> dict[str, WorkOrderDocument]:
    """Return the orders that were here when the server was restored and that it does not show.

    For a day after the restore; as they were shown last. One that this app cannot read is left out,
    and what was shown to a crew that had the tablet before.
    """
    restored_ms = settings_store.load_integer(connection, Key.RESTORED_AT_MS)
    if now.wall_ms + now.offset_ms - restored_ms > _AWAITED_MS:
        return {}
    since_ms = max(
        settings_store.load_integer(connection, Key.LOST_SINCE_MS),
        settings_store.load_integer(connection, Key.LEFT_CREW_MS) + 1,
    )
    rows = connection.execute(_LOST, {"since_ms": since_ms, "restored_ms": restored_ms})
    read = ((row.order_id, _document(row.order_id, row.document)) for row in rows)
    return {order_id: document for order_id, document in read if document is not None}


_LOST: Final = select(order_copy.c.order_id, order_copy.c.document).where(
    order_copy.c.as_of_ms >= bindparam("since_ms"),
    order_copy.c.as_of_ms < bindparam("restored_ms"),
    order_copy.c.order_id.not_in(
        select(base_row.c.entity_id).where(base_row.c.entity == ENTITY, base_row.c.bucket != "")
    ),
)
"""What had left before the restore was kept as of an earlier pull; what left since, of a later."""


def _document(order_id: str, text: str) -> WorkOrderDocument | None:
    try:
        return parse_order(FieldReader(place=f"order {order_id}", values=json.loads(text)))
    except ContractError:
        return None


def as_lost(
    order_id: str, seen: SeenOrder | None, lost: Mapping[str, WorkOrderDocument]
) -> SeenOrder | None:
    """Return an order as it was shown last where the tablet has nothing of it but a copy."""
    if order_id not in lost or (seen is not None and seen.document is not None):
        return seen
    if seen is not None:
        return replace(seen, document=lost[order_id], problem="")
    return SeenOrder(
        order_id=order_id,
        document=lost[order_id],
        is_gone=True,
        problem="",
        mark=RecordState.UNTOUCHED,
        has_draft=False,
        entries=(),
    )


def page_of_lost(
    page: OrderPage, lost: Mapping[str, WorkOrderDocument], query: OrderQuery
) -> OrderPage:
    """Return the page of the lost orders alone, with the counts of a page of the list."""
    words = search_text(query.search).split()
    lines = [_line(each, document) for each, document in lost.items()]
    found = [each for each in lines if all(word in _searched(each) for word in words)]
    found.sort(key=lambda each: each.number)
    return replace(page, lines=tuple(found[: query.limit]), total_count=len(found))


def _searched(line: OrderLine) -> str:
    return search_text(line.number, line.title.en, line.title.zh, line.address)


def _line(order_id: str, document: WorkOrderDocument) -> OrderLine:
    due_at = document.due_at_utc
    return OrderLine(
        order_id=order_id,
        number=document.number,
        state=document.state,
        medium=document.medium,
        safety_class=document.safety_class,
        priority=document.priority,
        due_at_ms=None if due_at is None else ms_from_utc(due_at),
        title=document.title,
        address=document.address,
        has_draft=False,
        mark=RecordState.UNTOUCHED,
        is_gone=True,
        problem="",
    )
