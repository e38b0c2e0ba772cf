"""The rows of work orders: read, made, moved along the life cycle, shown to tablets.

Nothing here asks whether somebody may; `order_store` (office) and the sync's `apply` (crew) do.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson
from sqlalchemy import Connection, Row, Select, bindparam, null, select, update

from sync_server.access.secrets_io import new_id
from sync_server.db.bulk_io import change_cells, lock_among, put_cells
from sync_server.db.change_store import Publication, area_bucket, crew_bucket, publish
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.order_tables import ORDER_NUMBER, WORK_ORDER, WORK_ORDER_EVENT
from sync_server.work_orders.fact_store import facts_of_order, link_orphans
from sync_server.work_orders.left_work import handover_text, left_work, told_so_far
from sync_server.work_orders.order import Mover, NewOrder, OrderHead, OrderRecord, OrderStep
from sync_server.work_orders.order_row import COLUMNS, NAMES, LooseRow, loose_row
from sync_server.work_orders.person_store import show_persons
from sync_server.work_orders.site_store import site_of
from wire_contracts.evidence import Evidence, evidence_json, parse_evidence
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import FindingResult
from wire_contracts.order_site import order_site_json, parse_order_site
from wire_contracts.orders import (
    ENTITY,
    OrderType,
    SafetyClass,
    WorkOrderDocument,
)
from wire_contracts.payloads import dump_json
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import parse_handover
from wire_contracts.texts import BilingualText, text_json
from wire_contracts.work_order_states import WORK_ORDER as LIFE_CYCLE
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

NUMBER_SERIES = "WO"

_LONGEST_REMEMBERED = 20_000
"""Characters of an evidence that is kept in memory: a chart of some days, not of 40."""

FieldValue = str | int | None

OrderRow = Row[str] | LooseRow
"""A row of `orders_query`, or a loose copy whose columns change before they are written."""


def insert_order(
    connection: Connection, new: NewOrder, created_by: str, now_utc: datetime
) -> OrderRecord:
    """Return the planned order, which tablets do not see yet.

    With the next number of the series, unless it had one before that is still free.
    """
    order_id = new.order_id or new_id(now_utc)
    now_ms = ms_from_utc(now_utc)
    evidence = None if new.evidence is None else dump_json(evidence_json(new.evidence)).decode()
    steps = orjson.dumps([dict(text_json(step)) for step in new.instructions]).decode()
    cells: dict[str, FieldValue] = {
        "order_id": order_id,
        "number": _former_number(connection, new.number) or _next_number(connection),
        "state": str(WorkOrderState.PLANNED),
        "order_type": str(new.order_type),
        "medium": str(new.medium),
        "safety_class": str(new.safety_class),
        "priority": new.priority,
        "title_en": new.title.en,
        "title_zh": new.title.zh,
        "address": new.address,
        "area_id": new.area_id,
        "meter_id": new.meter_id,
        "device_serial": new.device_serial,
        "alert_id": new.alert_id,
        "crew_id": new.crew_id,
        "evidence": evidence,
        "instructions": steps,
        "diagnosis": "",
        "cause": "",
        "note": new.note,
        "site": _site_text(connection, new.meter_id, now_utc),
        "is_done_after_cancel": False,
        "created_by": created_by,
        "created_at_ms": now_ms if new.made_at_utc is None else ms_from_utc(new.made_at_utc),
        "due_at_ms": None if new.due_at_utc is None else ms_from_utc(new.due_at_utc),
        "changed_at_ms": now_ms,
    }
    put_cells(connection, WORK_ORDER, [cells])
    if link_orphans(connection, order_id):
        left = handover_text(told_so_far(None, facts_of_order(connection, order_id), 0))
        change_order(connection, order_id, {"handover": left}, now_utc)
    return record_of(connection, order_id)


def _site_text(connection: Connection, meter_id: str | None, now_utc: datetime) -> str | None:
    site = site_of(connection, meter_id, now_utc)
    return None if site is None else dump_json(order_site_json(site)).decode()


def _former_number(connection: Connection, number: str) -> str:
    """Return the number an order had, never to be drawn; empty where another order has it."""
    series, _, digits = number.partition("-")
    if series != NUMBER_SERIES or not (digits.isascii() and digits.isdigit()):
        return ""
    if len(digits) > _LONGEST_NUMBER or connection.execute(_HAS_NUMBER, {"of": number}).first():
        return ""
    connection.execute(_PASS_NUMBER, {"past": int(digits)})
    return number


_LONGEST_NUMBER = 12
"""Digits of a number: what the series has drawn, and never a word that spoils it."""

_HAS_NUMBER = select(WORK_ORDER.c.order_id).where(WORK_ORDER.c.number == bindparam("of"))
_PASS_NUMBER = (
    update(ORDER_NUMBER)
    .where(ORDER_NUMBER.c.series == NUMBER_SERIES, ORDER_NUMBER.c.last_number < bindparam("past"))
    .values(last_number=bindparam("past"))
)


def _next_number(connection: Connection) -> str:
    return f"{NUMBER_SERIES}-{connection.execute(_DRAW_NUMBER).scalar_one():06d}"


_DRAW_NUMBER = (
    update(ORDER_NUMBER)
    .where(ORDER_NUMBER.c.series == NUMBER_SERIES)
    .values(last_number=ORDER_NUMBER.c.last_number + 1)
    .returning(ORDER_NUMBER.c.last_number)
)
"""Built once, as what every step of an order asks: to put it together takes longer."""


def find_order(
    connection: Connection, order_id: str, *, is_locked: bool = False
) -> OrderRecord | None:
    """Return the order, None when there is none; `is_locked` keeps others from changing it."""
    query = _ONE_LOCKED if is_locked else _ONE
    row = connection.execute(query, {"of_order": order_id}).one_or_none()
    return None if row is None else order_from(row)


_ONE = select(*COLUMNS).where(WORK_ORDER.c.order_id == bindparam("of_order"))
_ONE_LOCKED = _ONE.with_for_update()


def record_of(connection: Connection, order_id: str) -> OrderRecord:
    """Return an order that is known to exist."""
    return order_from(connection.execute(_ONE, {"of_order": order_id}).one())


def orders_query(*, has_evidence: bool = True) -> Select[str]:
    """Return the query whose rows `order_from` reads."""
    if has_evidence:
        return select(*COLUMNS)
    columns = (each for each in COLUMNS if each is not WORK_ORDER.c.evidence)
    return select(*columns, null().label("evidence"))


def move_order(
    connection: Connection,
    order: OrderRecord,
    event: WorkOrderEvent,
    mover: Mover,
    now_utc: datetime,
) -> WorkOrderState:
    """Return the new state, written with its step; raise RefusedTransition when not possible."""
    move = plan_move(order, event, mover, now_utc)
    values = {**move.values, **left_to_next_visit(connection, order, event)}
    change_order(connection, order.order_id, values, now_utc)
    put_cells(connection, WORK_ORDER_EVENT, [move.step])
    return move.following


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A step along the life cycle: the new state, the columns it changes, its own row."""

    following: WorkOrderState
    values: dict[str, FieldValue]
    step: dict[str, FieldValue]


def plan_move(order: OrderRecord, event: WorkOrderEvent, mover: Mover, now_utc: datetime) -> Move:
    """Return what a step writes; raise RefusedTransition when it is not possible.

    A reopened order begins a new visit: its result and cause are asked anew, the former finding
    stays among the facts; see `left_to_next_visit` for what is still closed then.
    """
    following = LIFE_CYCLE.next_state(order.state, event)
    values: dict[str, FieldValue] = {"state": str(following)}
    if following is WorkOrderState.FINISHED:
        values["finished_at_ms"] = ms_from_utc(mover.happened_at_utc)
    if event is WorkOrderEvent.REOPEN:
        values |= {"visit": order.visit + 1, "visit_from_ms": ms_from_utc(now_utc)}
        values |= {"result": None, "cause": "", "handover": None}
    return Move(
        following=following,
        values=values,
        step={
            "order_id": order.order_id,
            "event": str(event),
            "from_state": str(order.state),
            "to_state": str(following),
            "actor": mover.actor,
            "op_id": mover.op_id,
            "crew_id": mover.crew_id,
            "happened_at_ms": ms_from_utc(mover.happened_at_utc),
            "recorded_at_ms": ms_from_utc(now_utc),
            "word_ms": None if mover.word_utc is None else ms_from_utc(mover.word_utc),
        },
    )


def hand_over(connection: Connection, order: OrderRecord, mover: Mover, now_utc: datetime) -> None:
    """Give the order to the mover's crew, released anew; raise RefusedTransition if it ended.

    With what the former crew leaves by its facts, whether its tablet lives to say so or not.
    """
    can_reassign = (order.state, WorkOrderEvent.REASSIGN) in LIFE_CYCLE.table
    event = WorkOrderEvent.REASSIGN if can_reassign else WorkOrderEvent.RELEASE
    move_order(connection, order, event, mover, now_utc)
    known, facts = order.document.handover, facts_of_order(connection, order.order_id)
    left = handover_text(left_work(known, facts, order.visit, order.visit_from_utc))
    change_order(connection, order.order_id, {"crew_id": mover.crew_id, "handover": left}, now_utc)


def left_to_next_visit(
    connection: Connection, order: OrderRecord, event: WorkOrderEvent
) -> dict[str, FieldValue]:
    """Return the column of what is still closed when an order is reopened; else none.

    Steps and gas of a finished visit say nothing of the next.
    """
    if event is not WorkOrderEvent.REOPEN:
        return {}
    facts = facts_of_order(connection, order.order_id)
    return {"handover": handover_text(left_work(None, facts, order.visit + 1))}


def change_order(
    connection: Connection, order_id: str, values: dict[str, FieldValue], now_utc: datetime
) -> None:
    """Write columns of an order; call `show_order` before the transaction ends."""
    stamped = {**values, "changed_at_ms": ms_from_utc(now_utc)}
    change_cells(connection, WORK_ORDER, [(order_id, stamped)])


def show_order(connection: Connection, order_id: str, now_utc: datetime) -> OrderRecord:
    """Publish the order as it stands to tablets and live pages, and return it.

    A planned order is seen by no tablet; a released one without a crew by the crews of its area.
    """
    row = connection.execute(_ONE, {"of_order": order_id}).one()
    shown = publication_of(row)
    change_cells(connection, WORK_ORDER, [(order_id, shown_cells(shown))])
    publish(connection, shown, now_utc)
    show_persons(connection, [order_id], now_utc)
    append_feed(connection, Topic.ORDER, order_id, now_utc)
    return order_from(row)


def publication_of(row: OrderRow) -> Publication:
    """Return the order of a row of `orders_query`, evidence and all, as tablets shall see it.

    Write its `shown_cells` into the order's row in the transaction that publishes it.
    """
    return Publication(
        entity=ENTITY,
        entity_id=row.order_id,
        document=_document_text(row),
        buckets=_buckets(row.state, row.crew_id, row.area_id),
        is_in_own_row=True,
    )


def shown_cells(shown: Publication) -> dict[str, FieldValue]:
    """Return what the row of an order keeps of what tablets are shown."""
    document = shown.document
    return {"document": document.decode() if isinstance(document, bytes) else None}


def _document_text(row: OrderRow) -> bytes:
    """Return what `dump_json` makes of the order's document (sorted keys, compact).

    Evidence and instructions are kept as that very text, so that they need not be read: an
    evidence is most of an order, and a push shows orders by the hundred.
    """
    body: dict[str, object] = {
        "address": row.address,
        "alert_id": row.alert_id,
        "cause": row.cause,
        "created_at": row.created_at_ms,
        "crew_id": row.crew_id,
        "device_serial": row.device_serial,
        "diagnosis": row.diagnosis,
        "due_at": row.due_at_ms,
        "evidence": orjson.Fragment(row.evidence) if row.evidence else None,
        **({"handover": orjson.Fragment(row.handover)} if row.handover else {}),
        "instructions": orjson.Fragment(row.instructions),
        "medium": row.medium,
        "meter_id": row.meter_id,
        "note": row.note,
        "number": row.number,
        "order_type": row.order_type,
        "priority": row.priority,
        "result": row.result or None,
        "safety_class": row.safety_class,
        **({"site": orjson.Fragment(row.site)} if row.site else {}),
        "state": row.state,
        "title": {"en": row.title_en, "zh": row.title_zh},
    }
    return orjson.dumps(body)


def withdraw_order(connection: Connection, order: OrderRecord, now_utc: datetime) -> int:
    """Take an order away from every tablet; the office keeps it."""
    publication = Publication(
        entity=ENTITY,
        entity_id=order.order_id,
        document={},
        buckets=frozenset(),
        is_in_own_row=True,
    )
    change_cells(connection, WORK_ORDER, [(order.order_id, shown_cells(publication))])
    return publish(connection, publication, now_utc)


def buckets_of(order: OrderRecord) -> frozenset[str]:
    """Return where tablets see the order."""
    return _buckets(order.state, order.document.crew_id, order.area_id)


@lru_cache(maxsize=1000)
def _buckets(state: str, crew_id: str | None, area_id: str | None) -> frozenset[str]:
    if state == WorkOrderState.PLANNED:
        return frozenset()
    if crew_id is not None:
        return frozenset({crew_bucket(crew_id)})
    return frozenset() if area_id is None else frozenset({area_bucket(area_id)})


def steps_of(connection: Connection, order_id: str) -> list[OrderStep]:
    """Return the order's path through its life cycle, the oldest step first."""
    query = (
        select(WORK_ORDER_EVENT)
        .where(WORK_ORDER_EVENT.c.order_id == order_id)
        .order_by(WORK_ORDER_EVENT.c.event_id)
    )
    return [
        OrderStep(
            event=WorkOrderEvent(row.event),
            from_state=WorkOrderState(row.from_state),
            to_state=WorkOrderState(row.to_state),
            actor=row.actor,
            crew_id=row.crew_id,
            op_id=row.op_id,
            happened_at_utc=utc_from_ms(row.happened_at_ms),
            recorded_at_utc=utc_from_ms(row.recorded_at_ms),
        )
        for row in connection.execute(query)
    ]


def locked_rows(connection: Connection, order_ids: Collection[str]) -> Iterator[LooseRow]:
    """Yield the rows of these orders, locked, each to be changed as it will be written."""
    rows = lock_among(connection, WORK_ORDER, NAMES, "order_id", order_ids)
    return (loose_row(*cells) for cells in rows)


def order_from(row: OrderRow, *, is_brief: bool = False) -> OrderRecord:
    """Return the order of a row of `orders_query`.

    A brief one comes without its evidence and its instructions, which no crew changes.
    """
    return OrderRecord(
        order_id=row.order_id,
        document=_document(row, is_brief=is_brief),
        area_id=row.area_id,
        is_done_after_cancel=bool(row.is_done_after_cancel),
        created_by=row.created_by,
        finished_at_utc=_utc_or_none(row.finished_at_ms),
        changed_at_utc=utc_from_ms(row.changed_at_ms),
        visit=int(row.visit),
        visit_from_utc=_utc_or_none(row.visit_from_ms),
    )


def head_from(row: OrderRow) -> OrderHead:
    """Return the head of the order of a row of `orders_query`."""
    visit_from_utc = _utc_or_none(row.visit_from_ms)
    state = WorkOrderState(row.state)
    return OrderHead(row.order_id, row.crew_id, state, int(row.visit), visit_from_utc)


def _document(row: OrderRow, *, is_brief: bool) -> WorkOrderDocument:
    steps = [] if is_brief else orjson.loads(row.instructions)
    return WorkOrderDocument(
        number=row.number,
        state=WorkOrderState(row.state),
        order_type=OrderType(row.order_type),
        medium=Medium(row.medium),
        safety_class=SafetyClass(row.safety_class),
        priority=row.priority,
        title=BilingualText(en=row.title_en, zh=row.title_zh),
        address=row.address,
        created_at_utc=utc_from_ms(row.created_at_ms),
        due_at_utc=_utc_or_none(row.due_at_ms),
        meter_id=row.meter_id,
        device_serial=row.device_serial,
        alert_id=row.alert_id,
        evidence=_evidence(row.order_id, row.evidence) if row.evidence and not is_brief else None,
        instructions=tuple(BilingualText(**step) for step in steps),
        crew_id=row.crew_id,
        diagnosis=row.diagnosis,
        result=FindingResult(row.result) if row.result else None,
        cause=row.cause,
        note=row.note,
        site=parse_order_site(_kept(row.order_id, row.site)) if row.site else None,
        handover=parse_handover(_kept(row.order_id, row.handover)) if row.handover else None,
    )


def _kept(order_id: str, text: str) -> FieldReader:
    return FieldReader(place=f"order {order_id}", values=orjson.loads(text))


def _evidence(order_id: str, text: str) -> Evidence:
    """Return the evidence; a push reads each order before and after it, with the same evidence."""
    if len(text) > _LONGEST_REMEMBERED:
        return parse_evidence(_reader(order_id, text))
    return _remembered_evidence(order_id, text)


@lru_cache(maxsize=500)
def _remembered_evidence(order_id: str, text: str) -> Evidence:
    return parse_evidence(_reader(order_id, text))


def _reader(order_id: str, text: str) -> FieldReader:
    values: dict[str, JsonValue] = orjson.loads(text)
    return FieldReader(place=f"order {order_id}", values=values, path="evidence")


def _utc_or_none(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else utc_from_ms(at_ms)
