"""Reads what a crew sees of the work on one order, or of the air at one stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from field_app.orders import order_list_store, seen_order_store
from field_app.orders.entry_gate import trusted_detector
from field_app.orders.own_facts import OwnFact
from field_app.orders.seen_order_store import OrderGoneError, SeenOrder
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.site_drafts_store import (
    gas_elsewhere,
    load_detector,
    still_said,
    texts_of,
    typed_for_record,
)
from field_app.orders.site_sheet import SiteSheet, WellSheet, surely_come_ms
from field_app.orders.site_store import facts_of_order, facts_since
from field_app.orders.stamps import Stamps
from field_app.orders.van_store import load_van
from field_app.orders.work_record import closed_valves, work_record
from field_app.store import draft_store
from field_app.store.draft_store import Draft, DraftKey
from wire_contracts.orders import FactType
from wire_contracts.site_facts import ClosedValve

_BELIEVED: Final = timedelta(days=30)
_ONE_SHIFT: Final = timedelta(hours=12)
_OF_A_SHIFT: Final = ("reading.", "gate.detector", "gate.calibrated_until", "gate.inside")
"""How the fields begin that say nothing in the next shift."""


def load_sheet(connection: Connection, order_id: str, stamps: Stamps) -> SiteSheet:
    """Return everything about the work on an order, as the person at work has it.

    Raises:
        OrderGoneError: The tablet does not know the order, or cannot read it.
    """
    seen = seen_order_store.load_order(connection, order_id)
    if seen is None or seen.document is None:
        message = f"order {order_id}: is not on this tablet; sync and look at the list again"
        raise OrderGoneError(message)
    key = DraftKey(order_id=order_id, form=WORK_FORM, author=stamps.actor())
    draft = draft_store.load_draft(connection, key)
    typed = texts_of(draft.answers)
    van = load_van(connection)
    now = stamps.now(connection)
    used = load_detector(connection, key.author, stamps.moment())
    record = work_record(
        facts_of_order(connection, order_id),
        seen.document.handover,
        typed_for_record(connection, order_id, typed, key.author),
        now,
    )
    return SiteSheet(
        order_id=order_id,
        document=seen.document,
        record=record,
        typed=_of_this_shift(draft, still_said(draft, record.void), now.wall_ms),
        detector=trusted_detector(used, van.detectors),
        now_ms=now.wall_ms,
        now=now,
        elapsed_ms=stamps.elapsed_ms(),
        van=van,
        photos=seen.photos.total,
        saved_at_ms=draft.saved_at_ms,
        gas_elsewhere=gas_elsewhere(connection, order_id),
    )


def _of_this_shift(draft: Draft, typed: Mapping[str, str], now_ms: int) -> dict[str, str]:
    """Return what was typed, but for a dial and a detector of another shift.

    What the dial shows now is not known, nor what is in the person's hand.
    """
    since_ms = now_ms - _ONE_SHIFT // timedelta(milliseconds=1)
    return {
        name: text
        for name, text in typed.items()
        if not name.startswith(_OF_A_SHIFT) or draft.times_ms[name] >= since_ms
    }


def load_well(connection: Connection, record: str, stamps: Stamps) -> WellSheet:
    """Return what was measured under a record that is no order, such as a stop of a round."""
    key = DraftKey(order_id=record, form=WORK_FORM, author=stamps.actor())
    draft = draft_store.load_draft(connection, key)
    typed, van, now = texts_of(draft.answers), load_van(connection), stamps.now(connection)
    used = load_detector(connection, key.author, stamps.moment())
    everyones = typed_for_record(connection, record, typed, key.author)
    return WellSheet(
        record=work_record(facts_of_order(connection, record), None, everyones),
        typed=_of_this_shift(draft, typed, now.wall_ms),
        detector=trusted_detector(used, van.detectors),
        now_ms=now.wall_ms,
        passed_ms=surely_come_ms(now),
        now=now,
        van=van,
        saved_at_ms=draft.saved_at_ms,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedElsewhere:
    """A valve that is closed for an order; `number` is empty where the order is not here."""

    order_id: str
    number: str
    valve: ClosedValve


def load_closed_elsewhere(
    connection: Connection, order_id: str, stamps: Stamps
) -> Sequence[ClosedElsewhere]:
    """Return the valves that are closed for other orders."""
    turned = facts_since(connection, {FactType.ISOLATION}, 0)
    others = {str(fact.payload.get("order_id") or "") for fact in turned} - {order_id, ""}
    by_order = {each: facts_of_order(connection, each) for each in sorted(others)}
    numbers = order_list_store.load_numbers(connection, set(by_order))
    since_ms = stamps.now(connection).wall_ms - _BELIEVED // timedelta(milliseconds=1)
    return [
        ClosedElsewhere(order_id=each, number=numbers.get(each, ""), valve=valve)
        for each, facts in by_order.items()
        for valve in _closed_for(seen_order_store.load_order(connection, each), facts, since_ms)
    ]


def _closed_for(
    seen: SeenOrder | None, facts: Sequence[OwnFact], since_ms: int
) -> Sequence[ClosedValve]:
    if seen is None or seen.document is None:
        return [valve for valve in closed_valves(facts) if valve.at_ms >= since_ms]
    return closed_valves(facts, seen.document.handover)
