"""The orders of one transaction: read and locked once, written and shown at its end."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, update

from sync_server.db.change_store import publish_all
from sync_server.db.feed_store import Topic, append_feed_all
from sync_server.db.order_tables import WORK_ORDER, WORK_ORDER_EVENT
from sync_server.work_orders.order import Mover, OrderRecord
from sync_server.work_orders.order_rows_store import (
    FieldValue,
    order_from,
    orders_query,
    plan_move,
    publication_of,
)
from sync_server.work_orders.person_store import show_persons
from wire_contracts.frames import ms_from_utc
from wire_contracts.work_order_states import WorkOrderEvent


class OrderBook:
    """Holds what a push changes, so that many operations cost few statements."""

    def __init__(self, connection: Connection, now_utc: datetime) -> None:
        """Work in the caller's transaction."""
        self._connection = connection
        self._now_utc = now_utc
        self._orders: dict[str, OrderRecord | None] = {}
        self._changed: dict[str, dict[str, FieldValue]] = {}
        self._steps: list[dict[str, FieldValue]] = []
        self._to_show: set[str] = set()

    def lock(self, order_ids: Iterable[str]) -> None:
        """Read and lock these orders in one order, so that no two pushes wait for each other."""
        wanted = sorted(set(order_ids) - self._orders.keys())
        if not wanted:
            return
        query = orders_query().where(WORK_ORDER.c.order_id.in_(wanted))
        rows = self._connection.execute(query.order_by(WORK_ORDER.c.order_id).with_for_update())
        self._orders |= dict.fromkeys(wanted)
        self._orders |= {row.order_id: order_from(row) for row in rows}

    def find(self, order_id: str) -> OrderRecord | None:
        """Return the order as it stands in this transaction, None when there is none."""
        if order_id in self._changed:
            self.write()
        self.lock([order_id])
        return self._orders[order_id]

    def get(self, order_id: str) -> OrderRecord:
        """Return an order that is known to exist; raise LookupError when it does not."""
        order = self.find(order_id)
        if order is None:
            message = f"work order {order_id}: does not exist; ask with `find` first"
            raise LookupError(message)
        return order

    def change(self, order_id: str, values: dict[str, FieldValue]) -> None:
        """Give columns of an order other values, and show it to tablets at the end."""
        self._changed.setdefault(order_id, {}).update(values)
        self._to_show.add(order_id)

    def move(self, order_id: str, event: WorkOrderEvent, mover: Mover) -> None:
        """Take a step along the life cycle; raise RefusedTransition when it is not possible."""
        move = plan_move(self.get(order_id), event, mover, self._now_utc)
        self.change(order_id, dict(move.values))
        self._steps.append(move.step)

    def write(self) -> None:
        """Write what was changed so far: whoever reads the tables next sees it."""
        by_columns: dict[tuple[str, ...], list[dict[str, FieldValue]]] = {}
        for order_id, values in sorted(self._changed.items()):
            row = {f"b_{name}": value for name, value in values.items()} | {"b_id": order_id}
            by_columns.setdefault(tuple(sorted(values)), []).append(row)
        changed_at_ms = ms_from_utc(self._now_utc)
        for columns, rows in by_columns.items():
            statement = (
                update(WORK_ORDER)
                .where(WORK_ORDER.c.order_id == bindparam("b_id"))
                .values({name: bindparam(f"b_{name}") for name in columns})
                .values(changed_at_ms=changed_at_ms)
            )
            self._connection.execute(statement, rows)
        if self._steps:
            self._connection.execute(insert(WORK_ORDER_EVENT), self._steps)
        for order_id in self._changed:
            del self._orders[order_id]
        self._changed, self._steps = {}, []

    def show(self) -> None:
        """Write everything and show what was changed to tablets and pages."""
        self.write()
        shown = sorted(self._to_show)
        if not shown:
            return
        self.lock(shown)
        things = [publication_of(self.get(order_id)) for order_id in shown]
        publish_all(self._connection, things, self._now_utc)
        show_persons(self._connection, shown, self._now_utc)
        append_feed_all(self._connection, Topic.ORDER, shown, self._now_utc)
        self._to_show = set()
