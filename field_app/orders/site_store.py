"""Reads what this tablet keeps of the work on site: its own facts, and the map of its areas."""

import json
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from field_app.orders.own_facts import ARRIVED, OwnFact
from field_app.store import base_store
from field_app.store.outbox_store import OutboxEntry, load_entries
from field_app.store.record_states import WAITING, OpStatus
from field_app.store.tables import outbox_op
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.network import ENTITY as NETWORK
from wire_contracts.network import NetworkPart, parse_network
from wire_contracts.operations import OperationKind
from wire_contracts.orders import FactType
from wire_contracts.site_facts import ValveAction

_STANDS_REFUSED: Final = frozenset({FactType.ISOLATION, FactType.ORDER_REQUEST})


def facts_of_order(connection: Connection, order_id: str) -> list[OwnFact]:
    """Return the facts that this tablet made about an order, in the order of their taps.

    Where the crew came to it stands a fact of the type `ARRIVED`: a visit begins. A valve that was
    opened for another order is open for this one as well.
    """
    turned = outbox_op.c.entity == str(FactType.ISOLATION)
    entries = load_entries(connection, or_(outbox_op.c.order_id == order_id, turned))
    return [own_fact(each) for each in entries if _tells_of(each, order_id)]


def _tells_of(entry: OutboxEntry, order_id: str) -> bool:
    if entry.order_id != order_id:
        return _is_reopening(entry)
    return _stands(entry) or is_arrival(entry)


def _is_reopening(entry: OutboxEntry) -> bool:
    payload = entry.operation.payload or {}
    return _stands(entry) and payload.get("action") == ValveAction.REOPENED


def is_arrival(entry: OutboxEntry) -> bool:
    """Return whether the crew came to the order with this."""
    operation = entry.operation
    is_go = operation.kind is OperationKind.GO and operation.field == ARRIVED
    return is_go and entry.status is not OpStatus.REFUSED


def facts_since(
    connection: Connection, types: Collection[FactType], since_ms: int
) -> list[OwnFact]:
    """Return the facts of these types since a moment of the tablet's clock, oldest first."""
    return _facts(connection, _since(types, since_ms))


MOST_CALLS: Final = 8
"""How a watch stands is said by its last answer, the two reports that may follow, and its end."""


def call_entries(connection: Connection, fact_type: FactType) -> list[OutboxEntry]:
    """Return the newest `MOST_CALLS` facts of a type, oldest first, whatever any clock says."""
    is_call = outbox_op.c.entity == str(fact_type)
    newest = select(outbox_op.c.n).where(is_call).order_by(outbox_op.c.n.desc()).limit(MOST_CALLS)
    entries = load_entries(connection, is_call & outbox_op.c.n.in_(newest))
    return [each for each in entries if each.operation.kind is OperationKind.FACT]


def _since(types: Collection[FactType], since_ms: int) -> ColumnElement[bool]:
    wanted = outbox_op.c.entity.in_(sorted(map(str, types)))
    return and_(wanted, outbox_op.c.made_at_ms >= since_ms)


def load_network(connection: Connection) -> Sequence[NetworkPart]:
    """Return the map of the areas that this tablet is given; a row of a newer server is left out.

    It takes tens of milliseconds for a town: call it away from the screen's thread.
    """
    parts: list[NetworkPart] = []
    for text in base_store.load_documents(connection, NETWORK):
        try:
            parts.append(parse_network(FieldReader(place=NETWORK, values=json.loads(text))))
        except ContractError:
            continue
    return parts


def _facts(connection: Connection, condition: ColumnElement[bool]) -> list[OwnFact]:
    entries = load_entries(connection, condition)
    return [own_fact(each) for each in entries if _stands(each)]


def _stands(entry: OutboxEntry) -> bool:
    """Return whether a fact counts, refused by the server or not.

    A valve in the street is shut all the same, and that nobody comes for gas must be known.
    """
    operation = entry.operation
    if operation.kind is not OperationKind.FACT:
        return False
    return entry.status is not OpStatus.REFUSED or operation.field in _STANDS_REFUSED


def own_fact(entry: OutboxEntry) -> OwnFact:
    """Return a fact of the outbox as the tablet reads it, with what became of it."""
    operation = entry.operation
    return OwnFact(
        fact_id=operation.entity_id,
        fact_type=operation.field,
        actor=operation.actor,
        at_ms=entry.made_at_ms,
        payload=operation.payload or {},
        is_told=entry.status not in WAITING and entry.status is not OpStatus.REFUSED,
        is_shown=entry.status is OpStatus.SHOWN,
        is_refused=entry.status is OpStatus.REFUSED,
        at=operation.at,
        n=operation.n,
    )
