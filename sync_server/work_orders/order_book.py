"""The orders of one transaction: read and locked once, written and shown at its end."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from sync_server.db.bulk_io import change_cells, put_cells
from sync_server.db.change_store import Publication, publish_in_places
from sync_server.db.feed_store import Topic, append_feed_all
from sync_server.db.order_tables import WORK_ORDER, WORK_ORDER_EVENT
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.left_work import (
    closes_first,
    forgotten_valves,
    handover_text,
    has_nothing,
    left_work,
    told_so_far,
)
from sync_server.work_orders.order import Fact, Mover, NewOrder, OrderHead, OrderRecord
from sync_server.work_orders.order_row import LooseRow
from sync_server.work_orders.order_rows_store import (
    FieldValue,
    head_from,
    insert_order,
    left_to_next_visit,
    locked_rows,
    order_from,
    plan_move,
    publication_of,
    shown_cells,
)
from sync_server.work_orders.person_store import show_persons
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import FactType
from wire_contracts.site_facts import SO_FAR_MS, Handover
from wire_contracts.work_order_states import WorkOrderEvent

_OF_PERSONS = frozenset({"state", "crew_id", "due_at_ms"})
"""Columns that decide which crew may know whom it meets at an order."""


class OrderBook:
    """Holds what a push changes, so that many operations cost few statements.

    Its orders come without evidence and instructions, which no crew changes.
    """

    def __init__(self, connection: Connection, now_utc: datetime) -> None:
        """Work in the caller's transaction."""
        self._connection = connection
        self._now_utc = now_utc
        self._now_ms = ms_from_utc(now_utc)
        self._rows: dict[str, LooseRow | None] = {}
        self._orders: dict[str, OrderRecord | None] = {}
        self._changed: dict[str, dict[str, FieldValue]] = {}
        self._steps: list[Mapping[str, FieldValue]] = []
        self._to_show: set[str] = set()
        self._handed_on: set[str] = set()
        self._beside: list[Publication] = []

    def lock(self, order_ids: Iterable[str]) -> None:
        """Read and lock these orders in one order, so that no two pushes wait for each other."""
        wanted = set(order_ids) - self._rows.keys()
        if not wanted:
            return
        self._rows |= dict.fromkeys(wanted)
        self._rows |= {row.order_id: row for row in locked_rows(self._connection, wanted)}

    def find(self, order_id: str) -> OrderRecord | None:
        """Return the order as it stands in this transaction, None when there is none."""
        if order_id not in self._orders:
            row = self._row(order_id)
            self._orders[order_id] = None if row is None else order_from(row, is_brief=True)
        return self._orders[order_id]

    def head(self, order_id: str) -> OrderHead | None:
        """Return what decides about its fields; a push sets hundreds, and reads no whole order."""
        row = self._row(order_id)
        return None if row is None else head_from(row)

    def text(self, order_id: str, column: str) -> str | None:
        """Return a text of the order as it stands; raise LookupError when there is no such order.

        An empty result is none.
        """
        row = self._row(order_id)
        if row is None:
            raise _missing(order_id)
        value: str | None = getattr(row, column)
        return value or None if column == "result" else value

    def cells(self, order_id: str, names: Iterable[str]) -> dict[str, FieldValue]:
        """Return columns of an order as it stands; raise LookupError when there is none."""
        row = self._row(order_id)
        if row is None:
            raise _missing(order_id)
        return {name: getattr(row, name) for name in names}

    def _row(self, order_id: str) -> LooseRow | None:
        if order_id not in self._rows:
            self.lock([order_id])
        return self._rows[order_id]

    def get(self, order_id: str) -> OrderRecord:
        """Return an order that is known to exist; raise LookupError when it does not."""
        order = self.find(order_id)
        if order is None:
            raise _missing(order_id)
        return order

    def add(self, new: NewOrder, created_by: str) -> None:
        """Make a planned order, to be shown at the end."""
        order = insert_order(self._connection, new, created_by, self._now_utc)
        self._rows.pop(order.order_id, None)
        self._orders.pop(order.order_id, None)
        self._to_show.add(order.order_id)

    def show_also(self, publications: Iterable[Publication]) -> None:
        """Show these things with the orders, as late as them."""
        self._beside += publications

    def change(self, order_id: str, values: Mapping[str, FieldValue]) -> None:
        """Give columns of an order other values, and show it to tablets at the end."""
        row = self._row(order_id)
        if row is None:
            raise _missing(order_id)
        stamped = {**values, "changed_at_ms": self._now_ms}
        for name, value in stamped.items():
            setattr(row, name, value)
        self._orders.pop(order_id, None)
        self._changed.setdefault(order_id, {}).update(stamped)
        self._to_show.add(order_id)
        if not values.keys().isdisjoint(_OF_PERSONS):
            self._handed_on.add(order_id)

    def move(self, order_id: str, event: WorkOrderEvent, mover: Mover) -> None:
        """Take a step along the life cycle; raise RefusedTransition when it is not possible."""
        order = self.get(order_id)
        move = plan_move(order, event, mover, self._now_utc)
        left = left_to_next_visit(self._connection, order, event)
        self.change(order_id, {**move.values, **left})
        self._steps.append(move.step)

    def hand_on(self, order_id: str, known: Handover | None) -> None:
        """Bring what a crew leaves of an order, `known` so far, up to what its facts say.

        Its moment stays: what a tablet did after it and has told is in here, too. Where it held
        nothing, what comes is a hand-over.
        """
        order = self.get(order_id)
        facts = facts_of_order(self._connection, order_id)
        left = left_work(known, facts, order.visit, order.visit_from_utc)
        if left is not None and known is not None and not has_nothing(known):
            left = replace(left, by=known.by, at_ms=known.at_ms)
        if left != order.document.handover:
            self.change(order_id, {"handover": handover_text(left)})

    def tell_crew(self, order_id: str) -> None:
        """Show the crew at work what its tablets have told: the one that told it may be dead."""
        order = self.get(order_id)
        known, facts = order.document.handover, facts_of_order(self._connection, order_id)
        left = told_so_far(known, facts, order.visit, order.visit_from_utc)
        if left != known:
            self.change(order_id, {"handover": handover_text(left)})

    def keep_closed(self, order_id: str, told: Handover) -> bool:
        """Let valves stay closed that a former server had shown as closed; return whether any is.

        Only those of which nothing here says more.
        """
        known = self.get(order_id).document.handover
        lost = forgotten_valves(known, told, facts_of_order(self._connection, order_id))
        base = known or Handover(note="", by="", at_ms=SO_FAR_MS)
        if lost:
            kept = replace(base, valves=[*base.valves, *lost])
            self.change(order_id, {"handover": handover_text(kept)})
        return bool(lost)

    def has_left_closed(self, order_id: str, fact: Fact) -> bool:
        """Return whether a fact is the first of its push of a valve that stays closed."""
        if fact.fact_type is not FactType.ISOLATION:
            return False
        return closes_first(fact, facts_of_order(self._connection, order_id))

    def write(self) -> None:
        """Write what was changed so far: whoever reads the tables next sees it."""
        by_columns: dict[tuple[str, ...], list[tuple[str, Mapping[str, FieldValue]]]] = {}
        for order_id, values in sorted(self._changed.items()):
            by_columns.setdefault(tuple(values), []).append((order_id, values))
        for changes in by_columns.values():
            change_cells(self._connection, WORK_ORDER, changes)
        put_cells(self._connection, WORK_ORDER_EVENT, self._steps)
        self._changed, self._steps = {}, []

    def show(self) -> Mapping[tuple[str, str], Mapping[str, int]]:
        """Write everything and show what was changed to tablets and pages.

        Returns (entity, id) -> bucket -> sequence at which it is seen there, of what is shown.
        """
        shown = sorted(self._to_show)
        rows = [row for row in map(self._row, shown) if row is not None]
        orders = [publication_of(row) for row in rows]
        for each in orders:
            self._changed.setdefault(each.entity_id, {}).update(shown_cells(each))
        self.write()
        things = [*orders, *_last_of_each(self._beside)]
        if not things:
            return {}
        places = publish_in_places(self._connection, things, self._now_utc)
        self._beside = []
        if shown:
            append_feed_all(self._connection, Topic.ORDER, shown, self._now_utc)
        if self._handed_on:
            show_persons(self._connection, self._handed_on, self._now_utc)
        self._to_show, self._handed_on = set(), set()
        return places


def _last_of_each(publications: Iterable[Publication]) -> Iterable[Publication]:
    """Return one publication per thing: what it is like at the end."""
    return {(each.entity, each.entity_id): each for each in publications}.values()


def _missing(order_id: str) -> LookupError:
    return LookupError(f"work order {order_id}: does not exist; ask with `find` first")
