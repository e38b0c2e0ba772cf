"""Reads orders as the crew sees them: the server's row with the own words on top."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from field_app.orders.overlay import overlaid
from field_app.orders.told_valves import as_told
from field_app.store import base_store, order_copy_store, outbox_store
from field_app.store.base_store import BaseRow
from field_app.store.outbox_store import Look, OutboxEntry
from field_app.store.photo_store import NO_PHOTOS, PhotoCount
from field_app.store.record_states import OVERLAY, OpStatus, RecordState, RecordTraces, record_state
from field_app.store.traces_store import load_traces
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.operations import Operation
from wire_contracts.orders import ENTITY, WorkOrderDocument, parse_order


class OrderGoneError(LookupError):
    """The order is not on this tablet, or the app cannot read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOrder:
    """An order as the crew sees it: overlaid, with the traces of its own changes.

    `document` is None when the row cannot be read by this app; `problem` says why.
    """

    order_id: str
    document: WorkOrderDocument | None
    is_gone: bool
    problem: str
    mark: RecordState
    has_draft: bool
    entries: tuple[OutboxEntry, ...]
    photos: PhotoCount = NO_PHOTOS


def load_order(connection: Connection, order_id: str) -> SeenOrder | None:
    """Return the order with the own words on top, or None when the tablet does not know it."""
    return load_orders(connection, [order_id]).get(order_id)


def load_document(connection: Connection, order_id: str) -> WorkOrderDocument:
    """Return an order's document with the own words on top.

    Raises:
        OrderGoneError: The tablet does not know the order, or cannot read it.
    """
    seen = load_order(connection, order_id)
    if seen is None or seen.document is None:
        problem = "is not on this tablet" if seen is None else seen.problem
        message = f"order {order_id}: {problem}; sync and look at the list again"
        raise OrderGoneError(message)
    return seen.document


def load_orders(connection: Connection, order_ids: Sequence[str]) -> dict[str, SeenOrder]:
    """Return the orders by id as `load_order` does; what the tablet does not know is left out."""
    rows = base_store.load_rows(connection, ENTITY, order_ids)
    entries = outbox_store.entries_by_order(connection, order_ids)
    traces = load_traces(connection, order_ids)
    copies = order_copy_store.with_valves(connection, order_ids)
    found = {
        order_id: _seen(
            order_id,
            rows.get(order_id),
            entries.get(order_id, []),
            has_draft=order_id in traces.drafts,
            photos=traces.photos.get(order_id, NO_PHOTOS),
        )
        for order_id in order_ids
        if order_id in rows or _are_about_order(order_id, entries.get(order_id, []))
    }
    for order_id in copies.keys() & found.keys():
        seen = found[order_id]
        if seen.document is not None:
            document = as_told(seen.document, copies[order_id])
            found[order_id] = replace(seen, document=document)
    return found


def _are_about_order(order_id: str, entries: Sequence[OutboxEntry]) -> bool:
    """Return whether words are about an order, and not about a household or a checkpoint."""
    return any(
        entry.operation.entity == ENTITY
        or (entry.operation.payload or {}).get("order_id") == order_id
        for entry in entries
    )


def _seen(
    order_id: str,
    row: BaseRow | None,
    entries: Sequence[OutboxEntry],
    *,
    has_draft: bool,
    photos: PhotoCount,
) -> SeenOrder:
    words = [(entry.status, entry.look) for entry in entries]
    document: WorkOrderDocument | None = None
    problem = ""
    if row is None:
        problem = "the server's row is not on this tablet"
    else:
        reader = FieldReader(place=f"order {order_id}", values=row.document)
        try:
            document = overlaid(parse_order(reader), _overlay(entries))
        except ContractError as error:
            problem = str(error)
    return SeenOrder(
        order_id=order_id,
        document=document,
        is_gone=row is None or row.is_kept,
        problem=problem,
        mark=mark_of(words, photos, has_draft=has_draft),
        has_draft=has_draft,
        entries=tuple(entries),
        photos=photos,
    )


def mark_of(
    words: Sequence[tuple[OpStatus, Look]], photos: PhotoCount, *, has_draft: bool
) -> RecordState:
    """Return the mark of a record from its operations, its drafts and its photos."""
    return record_state(
        RecordTraces(
            statuses=frozenset(status for status, _ in words),
            has_draft=has_draft,
            needs_look=any(look is Look.YES for _, look in words) or photos.held > 0,
            photos_total=photos.total,
            photos_done=photos.done,
        )
    )


def _overlay(entries: Iterable[OutboxEntry]) -> list[Operation]:
    return [entry.operation for entry in entries if entry.status in OVERLAY and not entry.is_repeat]
