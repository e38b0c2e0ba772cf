"""A person makes an order again that only tablets remember after a restore."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from sync_server.access.account_store import has_crew
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.alerts.alert import AlertNotFoundError
from sync_server.alerts.alert_store import mark_ordered
from sync_server.db.asset_tables import COMMUNITY, METER
from sync_server.sync.order_copy_store import KeptCopy, find_copy, note_made
from sync_server.sync.review_desk import Decision, settle
from sync_server.sync.review_store import ReviewKind, get_review
from sync_server.work_orders.fact_store import facts_of_order, has_order
from sync_server.work_orders.left_work import handover_text, told_so_far
from sync_server.work_orders.order import Mover, NewOrder
from sync_server.work_orders.order_rows_store import (
    change_order,
    insert_order,
    move_order,
    show_order,
)
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import WorkOrderDocument
from wire_contracts.review_outcomes import Choice
from wire_contracts.work_order_states import WorkOrderEvent


def make_again(
    connection: Connection, review_id: str, reason: str, actor: str, now_utc: datetime
) -> str:
    """Return the id of the order that an open item asks about, made again as tablets remember it.

    It is released to the crew that had it, as at the moment when it was first made: what crews did
    since, and after which hand-overs, their tablets tell (`late_judgement.judge_late_work`; call it
    once this is committed). What was found is told by them alone. `reason` stands in its remarks.

    Raises:
        ContractError: No such open item, a copy that cannot be read, or a role that may not.
    """
    check_may(connection, actor, Action.DISPATCH_ORDER)
    item = get_review(connection, review_id)
    is_open = item is not None and item.resolved_at_utc is None
    if item is None or not is_open or item.kind is not ReviewKind.LOST_ORDER:
        raise not_found(f"review item {review_id!r}", "open question for a lost order")
    copy = find_copy(connection, item.entity_id)
    if copy is None or copy.document is None:
        raise _unreadable(item.entity_id)
    settle(connection, review_id, Decision(choice=Choice.NOTED, reason=reason), actor, now_utc)
    if not has_order(connection, copy.order_id):
        _make(connection, copy, copy.document, (reason, actor), now_utc)
    return copy.order_id


def _unreadable(order_id: str) -> ContractError:
    return ContractError(
        place=f"copy of order {order_id}",
        field="document",
        problem="cannot be read",
        remedy="make a new order of what it says, and tell the crew",
        code=Code.FIELD_TYPE,
    )


def _make(
    connection: Connection,
    copy: KeptCopy,
    document: WorkOrderDocument,
    said: tuple[str, str],
    now_utc: datetime,
) -> None:
    reason, actor = said
    crew_id = document.crew_id
    if crew_id is not None and not has_crew(connection, crew_id):
        crew_id = None  # made after the copy of the database, too: it waits for another one
    new = _new_order(connection, copy, replace(document, crew_id=crew_id), reason)
    order = insert_order(connection, new, actor, now_utc)
    _tie_alert(connection, new, actor, now_utc)
    if document.handover is not None:
        facts = facts_of_order(connection, copy.order_id)
        left = handover_text(told_so_far(document.handover, facts, order.visit))
        change_order(connection, copy.order_id, {"handover": left}, now_utc)
    if crew_id is not None or new.area_id is not None:
        mover = Mover(
            actor=actor,
            happened_at_utc=now_utc,
            crew_id=crew_id,
            word_utc=_counts_of(document, now_utc),
        )
        move_order(connection, order, WorkOrderEvent.RELEASE, mover, now_utc)
    note_made(connection, copy.order_id, now_utc)
    show_order(connection, copy.order_id, now_utc)
    event = AuditEvent(actor=actor, action="order.make_again", subject=copy.order_id, detail={})
    append_audit(connection, event, now_utc)


def _counts_of(document: WorkOrderDocument, now_utc: datetime) -> datetime:
    """Return of when the release counts: who had the order at any later moment has it again."""
    return min(document.created_at_utc, now_utc)


def _new_order(
    connection: Connection, copy: KeptCopy, document: WorkOrderDocument, reason: str
) -> NewOrder:
    meter_area = _meter_area(connection, document.meter_id)
    return NewOrder(
        order_type=document.order_type,
        medium=document.medium,
        safety_class=document.safety_class,
        priority=document.priority,
        title=document.title,
        address=document.address,
        area_id=copy.area_id or meter_area,
        meter_id=document.meter_id,
        device_serial=document.device_serial,
        alert_id=document.alert_id,
        evidence=document.evidence,
        instructions=document.instructions,
        due_at_utc=document.due_at_utc,
        crew_id=document.crew_id,
        order_id=copy.order_id,
        note=f"{document.note}\n{reason}".strip(),
        number=document.number,
        made_at_utc=document.created_at_utc,
    )


def _meter_area(connection: Connection, meter_id: str | None) -> str | None:
    query = (
        select(COMMUNITY.c.area_id)
        .join(METER, METER.c.community_id == COMMUNITY.c.community_id)
        .where(METER.c.meter_id == meter_id)
    )
    return connection.execute(query).scalar_one_or_none()


def _tie_alert(connection: Connection, new: NewOrder, actor: str, now_utc: datetime) -> None:
    """Tie the order to its alert again, or to none where that is not here or has another order."""
    if new.alert_id is None or new.order_id is None:
        return
    try:
        mark_ordered(connection, new.alert_id, new.order_id, actor, now_utc)
    except (AlertNotFoundError, RefusedTransition):
        change_order(connection, new.order_id, {"alert_id": None}, now_utc)
