"""What the server's database holds at rest, read once for every invariant."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, literal_column, select

from sync_server.db.blob_tables import BLOB, BLOB_REF
from sync_server.db.change_store import broken_buckets
from sync_server.db.order_tables import FACT, ORDER_PERSON, WORK_ORDER_EVENT
from sync_server.db.sync_tables import (
    CHANGE,
    KEPT_OPERATION,
    OP_LEDGER,
    REPEATED_WORK,
    REVIEW_ITEM,
    SEALED_ITEM,
    SYNC_CONFLICT,
)
from sync_server.sync.scope import buckets_of_tablet
from sync_server.work_orders.order import OrderFilter, OrderRecord, OrderStep
from sync_server.work_orders.order_rows_store import steps_of
from sync_server.work_orders.order_store import list_orders
from tests.sync_simulation.town import Seat
from wire_contracts.fields import JsonValue

Row = tuple[str, str, str]
"""(bucket, entity, entity id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One operation as the server remembers it for ever; `arrival` orders the decisions.

    `is_word`: it is among the words that later ones of its field are compared with.
    """

    arrival: int
    actor: str
    outcome: str
    code: str | None
    happened_at_ms: int
    is_word: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Both words of a field, as values."""

    office: JsonValue
    crew: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAtRest:
    """Everything the invariants ask of the server."""

    ledger: Mapping[str, LedgerLine]
    events: Counter[str]
    fact_ops: Counter[str]
    facts: Mapping[str, JsonValue]
    reviewed: frozenset[str]
    repeated: frozenset[str]
    kept: frozenset[str]
    kept_sealed: frozenset[str]
    conflicts: Mapping[str, Conflict]
    orders: Mapping[str, OrderRecord]
    steps: Mapping[str, list[OrderStep]]
    shown: Mapping[Row, tuple[int, int]]
    broken: list[str]
    scopes: Mapping[str, frozenset[str]]
    appointments: Mapping[str, int]
    blobs: Mapping[str, str]
    photos: frozenset[str]


def read_server(engine: Engine, seats: Mapping[str, Seat]) -> ServerAtRest:
    """Return what is there; `seats` are the tablets by name."""
    with engine.connect() as connection:
        orders = list_orders(connection, OrderFilter(limit=10_000))
        return ServerAtRest(
            ledger=_ledger(connection),
            events=Counter(
                op_id
                for op_id in connection.execute(select(WORK_ORDER_EVENT.c.op_id)).scalars()
                if op_id
            ),
            fact_ops=Counter(connection.execute(select(FACT.c.op_id)).scalars()),
            facts={
                row.fact_id: json.loads(row.payload)
                for row in connection.execute(select(FACT.c.fact_id, FACT.c.payload))
            },
            reviewed=frozenset(
                op_id
                for op_id in connection.execute(select(REVIEW_ITEM.c.op_id)).scalars()
                if op_id
            ),
            repeated=frozenset(connection.execute(select(REPEATED_WORK.c.op_id)).scalars()),
            kept=frozenset(connection.execute(select(KEPT_OPERATION.c.op_id)).scalars()),
            kept_sealed=frozenset(
                connection.execute(
                    select(SEALED_ITEM.c.about).where(SEALED_ITEM.c.is_opened.is_(False))
                ).scalars()
            ),
            conflicts={
                row.op_id: Conflict(
                    office=json.loads(row.office_value), crew=json.loads(row.crew_value)
                )
                for row in connection.execute(select(SYNC_CONFLICT))
            },
            orders={order.order_id: order for order in orders},
            steps={order.order_id: steps_of(connection, order.order_id) for order in orders},
            shown={
                (row.bucket, row.entity, row.entity_id): (int(row.seq), int(row.row_hash))
                for row in connection.execute(select(CHANGE).where(CHANGE.c.is_gone.is_(False)))
            },
            appointments={
                row.order_id: int(row.appointment_at_ms)
                for row in connection.execute(select(ORDER_PERSON))
            },
            blobs={
                row.sha256: row.state
                for row in connection.execute(select(BLOB.c.sha256, BLOB.c.state))
            },
            photos=frozenset(connection.execute(select(BLOB_REF.c.sha256)).scalars()),
            broken=broken_buckets(connection),
            scopes={
                name: frozenset(buckets_of_tablet(connection, seat.identity, seat.protocol))
                for name, seat in seats.items()
            },
        )


def _ledger(connection: Connection) -> dict[str, LedgerLine]:
    is_sqlite = connection.dialect.name == "sqlite"
    # PostgreSQL keeps no order of its own: there what came in one request is of one moment
    arrival = literal_column("rowid") if is_sqlite else OP_LEDGER.c.received_at_ms
    return {
        row.op_id: LedgerLine(
            arrival=int(row.arrival),
            actor=row.actor,
            outcome=row.outcome,
            code=row.code,
            happened_at_ms=int(row.happened_at_ms),
            is_word=row.field is not None,
        )
        for row in connection.execute(select(OP_LEDGER, arrival.label("arrival")))
    }
