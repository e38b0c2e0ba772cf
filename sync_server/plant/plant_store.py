"""Owns the states of the network's parts; every defect has exactly one open work order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.assets.network_store import load_network
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.plant_tables import PLANT, PLANT_EVENT
from sync_server.plant.plant import (
    PLANT_CYCLE,
    SAFETY_OF,
    PlantEvent,
    PlantPart,
    PlantState,
    parts_of,
)
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.instructions import instructions_for
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import check_may, create_order, get_order
from sync_server.work_orders.policy_store import due_at
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import ENDED, WorkOrderState

_DONE = ENDED | {WorkOrderState.FINISHED}
_PRIORITY = {SafetyClass.A: 1, SafetyClass.B: 2, SafetyClass.C: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantRecord:
    """Where a part stands; `severity` and `order_id` are those of its defect."""

    plant_id: str
    state: PlantState
    severity: int | None
    order_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantStep:
    """What happened to a part."""

    event: PlantEvent
    to_state: PlantState
    actor: str
    text: str
    at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantMove:
    """What shall happen, in words; `severity` 1 to 3 belongs to a defect."""

    event: PlantEvent
    text: str
    severity: int | None = None


def all_parts(connection: Connection) -> Sequence[PlantPart]:
    """Return every part of the network on the map."""
    return parts_of(load_network(connection))


def find_part(connection: Connection, plant_id: str) -> PlantPart:
    """Return one part; raise ContractError when the map has none of this id."""
    found = next((each for each in all_parts(connection) if each.plant_id == plant_id), None)
    if found is None:
        raise not_found(f"part {plant_id!r}", "part")
    return found


def states_of(connection: Connection) -> Mapping[str, PlantRecord]:
    """Return part -> where it stands, for all that are not simply in service."""
    rows = connection.execute(select(PLANT))
    return {row.plant_id: _record(row) for row in rows}


def record_of(connection: Connection, plant_id: str) -> PlantRecord:
    """Return where a part stands: in service unless something was noted."""
    row = connection.execute(select(PLANT).where(PLANT.c.plant_id == plant_id)).one_or_none()
    if row is not None:
        return _record(row)
    return PlantRecord(plant_id=plant_id, state=PlantState.IN_SERVICE, severity=None, order_id=None)


def move_plant(
    connection: Connection, plant_id: str, move: PlantMove, office: Office
) -> PlantRecord:
    """Return where the part stands after a step; a defect makes its work order.

    Raises:
        ContractError: The role may not, there is no such part, no words, a defect without its
            severity, or a repair while the order is still open.
        RefusedTransition: The life cycle does not list it.
    """
    check_may(connection, office.actor, Action.DISPATCH_ORDER)
    part = find_part(connection, plant_id)
    record = record_of(connection, plant_id)
    following = PLANT_CYCLE.next_state(record.state, move.event)
    if not move.text.strip():
        raise _refused(plant_id, "text", "is empty", "write what was found or done")
    severity, order_id = record.severity, record.order_id
    if move.event is PlantEvent.FIND_DEFECT:
        if move.severity not in SAFETY_OF:
            raise _refused(plant_id, "severity", "is missing", "choose 1, 2 or 3")
        severity, order_id = move.severity, _make_order(connection, part, move, office)
    elif move.event in {PlantEvent.REPAIR, PlantEvent.RETIRE} and order_id is not None:
        _check_done(connection, plant_id, order_id)
        severity, order_id = None, None
    new = PlantRecord(plant_id=plant_id, state=following, severity=severity, order_id=order_id)
    _keep(connection, new, move, office)
    return new


def steps_of(connection: Connection, plant_id: str) -> Sequence[PlantStep]:
    """Return what happened to a part, the newest first."""
    query = select(PLANT_EVENT).where(PLANT_EVENT.c.plant_id == plant_id)
    return [
        PlantStep(
            event=PlantEvent(row.event),
            to_state=PlantState(row.to_state),
            actor=row.actor,
            text=row.text,
            at_utc=utc_from_ms(row.at_ms),
        )
        for row in connection.execute(query.order_by(PLANT_EVENT.c.event_id.desc()))
    ]


def _make_order(connection: Connection, part: PlantPart, move: PlantMove, office: Office) -> str:
    safety = SAFETY_OF[move.severity or 1]
    new = NewOrder(
        order_type=OrderType.LEAK_CHECK,
        medium=part.medium,
        safety_class=safety,
        priority=_PRIORITY[safety],
        title=BilingualText(en=f"Defect: {part.name}", zh=f"缺陷：{part.name}"),
        address=part.name,
        instructions=instructions_for(OrderType.LEAK_CHECK, part.medium),
        due_at_utc=due_at(connection, OrderType.LEAK_CHECK, safety, office.now_utc),
    )
    return create_order(connection, new, office.actor, office.now_utc).order_id


def _check_done(connection: Connection, plant_id: str, order_id: str) -> None:
    order = get_order(connection, order_id)
    if order.state not in _DONE:
        problem = f"{order.document.number} is {order.state}"
        raise _refused(plant_id, "order", problem, "finish or cancel the work order first")


def _keep(connection: Connection, new: PlantRecord, move: PlantMove, office: Office) -> None:
    now_ms = ms_from_utc(office.now_utc)
    connection.execute(delete(PLANT).where(PLANT.c.plant_id == new.plant_id))
    if new.state is not PlantState.IN_SERVICE:
        connection.execute(
            insert(PLANT).values(
                plant_id=new.plant_id,
                state=str(new.state),
                severity=new.severity,
                order_id=new.order_id,
                changed_at_ms=now_ms,
            )
        )
    connection.execute(
        insert(PLANT_EVENT).values(
            plant_id=new.plant_id,
            event=str(move.event),
            to_state=str(new.state),
            actor=office.actor,
            text=move.text.strip(),
            at_ms=now_ms,
        )
    )
    event = AuditEvent(
        actor=office.actor, action=f"plant.{move.event}", subject=new.plant_id, detail={}
    )
    append_audit(connection, event, office.now_utc)
    append_feed(connection, Topic.ORDER, new.plant_id, office.now_utc)


def _refused(plant_id: str, field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"part {plant_id}", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _record(row: Row[str]) -> PlantRecord:
    return PlantRecord(
        plant_id=row.plant_id,
        state=PlantState(row.state),
        severity=row.severity,
        order_id=row.order_id,
    )
