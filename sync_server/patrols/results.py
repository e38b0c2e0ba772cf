"""One fact of an inspector -> what it changes: the route, the place, the home, the meter."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from sync_server.db.change_store import Publication
from sync_server.patrols.field_orders import make_order
from sync_server.patrols.inspection_store import (
    CHECKPOINTS,
    HOUSEHOLDS,
    PLANS,
    ROUND_METERS,
    Inspected,
    find,
    keep,
)
from sync_server.patrols.outcomes import (
    checkpoint_after,
    checkpoint_missed,
    household_after,
    meter_after,
    meter_without,
    plan_after,
)
from sync_server.work_orders.fact_store import find_fact
from sync_server.work_orders.order import Fact, Mover
from sync_server.work_orders.order_book import OrderBook
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.home_checks import parse_safety_check
from wire_contracts.meter_rounds import parse_round_reading
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import (
    RunPhase,
    parse_check_in,
    parse_order_request,
    parse_point,
    parse_run,
)

T = TypeVar("T")


def check_result(fact_type: str, payload: JsonObject) -> None:
    """Raise ContractError when an inspector's fact cannot be read; say nothing of other facts."""
    parse = _PARSERS.get(fact_type)
    if parse is not None and is_of_inspector(fact_type, payload):
        parse(FieldReader(place=f"fact {fact_type}", values=payload))


def is_of_inspector(fact_type: str, payload: JsonObject) -> bool:
    """Return whether the fact belongs to a round; a reading of an order's meter does not."""
    if fact_type == FactType.METER_READING:
        return payload.get("order_id") is None and "meter_id" in payload
    return fact_type == FactType.ORDER_REQUEST or payload.get("order_id") is None


def make_asked_order(
    connection: Connection, book: OrderBook, payload: JsonObject, mover: Mover
) -> None:
    """Make the order of an `order_request` that `check_result` has passed."""
    reader = FieldReader(place="order request", values=payload)
    make_order(connection, book, parse_order_request(reader), mover)


def note_result(connection: Connection, book: OrderBook, fact: Fact, crew_id: str) -> None:
    """Bring what a fact says into what crews are given; only the crew's own things change."""
    effect = _EFFECTS.get(fact.fact_type)
    payload = fact.payload
    if effect is None or not isinstance(payload, Mapping):
        return
    if is_of_inspector(fact.fact_type, payload):
        reader = FieldReader(place=f"fact {fact.fact_id}", values=payload)
        book.show_also(effect(connection, fact, reader, crew_id))


def _point(
    connection: Connection, fact: Fact, reader: FieldReader, crew_id: str
) -> list[Publication]:
    point = parse_point(reader)
    found = find(connection, CHECKPOINTS, point.checkpoint_id)
    if found is None or found.crew_id != crew_id:
        return []
    after = _with(found, checkpoint_after(found.thing, point, _known_time(fact)))
    return keep(connection, CHECKPOINTS, [after], fact.received_at_utc)


def _run(
    connection: Connection, fact: Fact, reader: FieldReader, crew_id: str
) -> list[Publication]:
    run = parse_run(reader)
    if run.phase is not RunPhase.SUBMITTED:
        return []
    shown: list[Publication] = []
    for checkpoint_id in run.missed:
        found = find(connection, CHECKPOINTS, checkpoint_id)
        if found is not None and found.crew_id == crew_id:
            missed = _with(found, checkpoint_missed(found.thing, _known_time(fact)))
            shown += keep(connection, CHECKPOINTS, [missed], fact.received_at_utc)
    plan = None if run.plan_id is None else find(connection, PLANS, run.plan_id)
    if plan is not None and plan.crew_id == crew_id:
        after = _with(plan, plan_after(plan.thing, fact.happened_at_utc))
        shown += keep(connection, PLANS, [after], fact.received_at_utc)
    return shown


def _known_time(fact: Fact) -> datetime | None:
    return None if fact.is_time_doubtful else fact.happened_at_utc


def _home(
    connection: Connection, fact: Fact, reader: FieldReader, crew_id: str
) -> list[Publication]:
    check = parse_safety_check(reader)
    found = find(connection, HOUSEHOLDS, check.household_id)
    if found is None or found.crew_id != crew_id:
        return []
    after = _with(found, household_after(found.thing, check, fact.happened_at_utc))
    return keep(connection, HOUSEHOLDS, [after], fact.received_at_utc)


def _reading(
    connection: Connection, fact: Fact, reader: FieldReader, crew_id: str
) -> list[Publication]:
    reading = parse_round_reading(reader)
    found = find(connection, ROUND_METERS, reading.meter_id)
    if found is None or found.crew_id != crew_id:
        return []
    wrong = None if fact.supersedes is None else find_fact(connection, fact.supersedes)
    known = found.thing if wrong is None else meter_without(found.thing, wrong.happened_at_utc)
    after = _with(found, meter_after(known, reading, fact.happened_at_utc))
    return keep(connection, ROUND_METERS, [after], fact.received_at_utc)


def _with(found: Inspected[T], thing: T) -> Inspected[T]:
    return Inspected(entity_id=found.entity_id, crew_id=found.crew_id, thing=thing)


_Effect = Callable[[Connection, Fact, FieldReader, str], list[Publication]]

_EFFECTS: Mapping[FactType, _Effect] = {
    FactType.PATROL_POINT: _point,
    FactType.PATROL_RUN: _run,
    FactType.SAFETY_CHECK: _home,
    FactType.METER_READING: _reading,
}

_PARSERS: Mapping[str, Callable[[FieldReader], object]] = {
    FactType.CHECK_IN: parse_check_in,
    FactType.PATROL_POINT: parse_point,
    FactType.PATROL_RUN: parse_run,
    FactType.SAFETY_CHECK: parse_safety_check,
    FactType.METER_READING: parse_round_reading,
    FactType.ORDER_REQUEST: parse_order_request,
}
