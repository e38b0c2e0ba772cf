"""What the office does with work orders: make, move, hand over, change; the role decides who may.

The caller owns the transaction. Every function leaves the change index and the live feed right.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, select, true

from sync_server.access.account_store import get_person, has_crew
from sync_server.access.refusals import not_found, role_refused
from sync_server.access.roles import Action, may, roles_with
from sync_server.alerts.alert import AlertNotFoundError
from sync_server.alerts.alert_list_store import get_alert
from sync_server.alerts.alert_store import mark_ordered, order_cancelled
from sync_server.db.access_tables import CREW, TABLET
from sync_server.db.asset_tables import COMMUNITY
from sync_server.db.order_tables import WORK_ORDER
from sync_server.staff.skill_store import Work, check_fit, fit_crews
from sync_server.work_orders.instructions import instructions_for
from sync_server.work_orders.order import (
    RULE_ACTOR,
    Mover,
    NewOrder,
    OrderFilter,
    OrderRecord,
    OrderStep,
)
from sync_server.work_orders.order_plan import plan_order
from sync_server.work_orders.order_rows_store import (
    FieldValue,
    change_order,
    find_order,
    hand_over,
    insert_order,
    move_order,
    order_from,
    orders_query,
    show_order,
    steps_of,
)
from sync_server.work_orders.policy_store import due_at
from wire_contracts.alert_states import Disposition
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import SafetyClass
from wire_contracts.work_order_states import ENDED, WorkOrderEvent, WorkOrderState

ACTION_OF_EVENT: dict[WorkOrderEvent, Action] = {
    WorkOrderEvent.RELEASE: Action.DISPATCH_ORDER,
    WorkOrderEvent.REASSIGN: Action.DISPATCH_ORDER,
    WorkOrderEvent.CANCEL: Action.CANCEL_ORDER,
    WorkOrderEvent.VERIFY: Action.VERIFY_ORDER,
    WorkOrderEvent.CLOSE: Action.CLOSE_ORDER,
    WorkOrderEvent.REOPEN: Action.REOPEN_ORDER,
}
"""Events of the office; the others belong to the crew and come through the tablet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeChange:
    """Fields of an order that the office changes; None leaves a field as it is."""

    priority: int | None = None
    due_at_utc: datetime | None = None
    address: str | None = None


def create_order(
    connection: Connection, new: NewOrder, actor: str, now_utc: datetime
) -> OrderRecord:
    """Return a new order, planned, or released at once when a crew is named.

    Raises:
        ContractError: No such crew, nobody of it holds the skill, or the role may not dispatch.
        RefusedTransition: The alert already has an order.
    """
    check_may(connection, actor, _action_for(new))
    _check_crew(connection, new.crew_id, _work_of(new), now_utc)
    order = insert_order(connection, new, actor, now_utc)
    if new.alert_id is not None:
        mark_ordered(connection, new.alert_id, order.order_id, actor, now_utc)
    if new.crew_id is not None:
        mover = Mover(actor=actor, happened_at_utc=now_utc, crew_id=new.crew_id)
        move_order(connection, order, WorkOrderEvent.RELEASE, mover, now_utc)
    return show_order(connection, order.order_id, now_utc)


def _action_for(new: NewOrder) -> Action:
    """Return what making the order asks for: class A goes out by whoever hears of it."""
    is_urgent = new.safety_class is SafetyClass.A
    return Action.DISPATCH_URGENT if is_urgent else Action.DISPATCH_ORDER


def create_from_alert(
    connection: Connection, alert_id: str, actor: str, crew_id: str | None, now_utc: datetime
) -> OrderRecord:
    """Return the order that the alert becomes, with its evidence, instructions and due time.

    Raises:
        ContractError: No such alert or crew, or the role may not dispatch.
        RefusedTransition: The alert already has an order.
    """
    try:
        alert = get_alert(connection, alert_id)
    except AlertNotFoundError as error:
        raise not_found(f"alert {alert_id!r}", "alert") from error
    plan = plan_order(alert.kind, alert.medium, alert.meter_id)
    if actor == RULE_ACTOR:  # a rule asks nobody: it takes a crew that is fit
        work = Work(order_type=plan.order_type, medium=alert.medium, safety_class=plan.safety_class)
        fit = fit_crews(connection, work, now_utc)
        crew_id = least_busy_crew(connection, among=fit)
    new = NewOrder(
        order_type=plan.order_type,
        medium=alert.medium,
        safety_class=plan.safety_class,
        priority=alert.priority,
        title=plan.title,
        address=alert.address,
        area_id=_area_of(connection, alert.community_id),
        meter_id=alert.meter_id,
        device_serial=alert.device_serial,
        alert_id=alert_id,
        evidence=alert.evidence,
        instructions=instructions_for(plan.order_type, alert.medium),
        due_at_utc=due_at(connection, plan.order_type, plan.safety_class, now_utc),
        crew_id=crew_id,
    )
    return create_order(connection, new, actor, now_utc)


def _area_of(connection: Connection, community_id: str | None) -> str | None:
    query = select(COMMUNITY.c.area_id).where(COMMUNITY.c.community_id == community_id)
    return connection.execute(query).scalar_one_or_none()


def list_orders(connection: Connection, wanted: OrderFilter | None = None) -> list[OrderRecord]:
    """Return the orders that fit, the newest first."""
    wanted = wanted or OrderFilter()
    query = orders_query(has_evidence=wanted.has_evidence)
    key: ColumnElement[str] = WORK_ORDER.c.order_id
    if wanted.states is not None:
        # what is ended is most of all: read along the key. What is open is little: read by its
        # state, then sorted. What is wrapped takes no index, so neither is left to be guessed.
        is_long, state = bool(wanted.states & ENDED), WORK_ORDER.c.state
        which = func.coalesce(state, "") if is_long else state
        key = key if is_long else func.coalesce(key, "")
        query = query.where(which.in_(sorted(str(each) for each in wanted.states)))
    query = query.order_by(key.desc())
    if wanted.before is not None:
        query = query.where(key < wanted.before)
    for column, value in (
        (WORK_ORDER.c.crew_id, wanted.crew_id),
        (WORK_ORDER.c.alert_id, wanted.alert_id),
        (WORK_ORDER.c.meter_id, wanted.meter_id),
        (WORK_ORDER.c.number, wanted.number),
    ):
        if value is not None:
            query = query.where(column == value)
    return [order_from(row) for row in connection.execute(query.limit(wanted.limit))]


def count_orders(connection: Connection) -> dict[WorkOrderState, int]:
    """Return how many orders stand in each state; a state without any is left out."""
    query = select(WORK_ORDER.c.state, func.count()).group_by(WORK_ORDER.c.state)
    return {WorkOrderState(state): count for state, count in connection.execute(query)}


def orders_per_crew(connection: Connection, states: frozenset[WorkOrderState]) -> dict[str, int]:
    """Return crew id -> how many of its orders stand in these states; no crew has none."""
    query = (
        select(WORK_ORDER.c.crew_id, func.count())
        .where(WORK_ORDER.c.state.in_(sorted(str(state) for state in states)))
        .where(WORK_ORDER.c.crew_id.is_not(None))
        .group_by(WORK_ORDER.c.crew_id)
    )
    return {str(crew_id): count for crew_id, count in connection.execute(query)}


def get_order(connection: Connection, order_id: str) -> OrderRecord:
    """Return one order; raise ContractError when there is none of that id."""
    order = find_order(connection, order_id)
    if order is None:
        raise not_found(f"work order {order_id!r}", "order")
    return order


def order_history(connection: Connection, order_id: str) -> list[OrderStep]:
    """Return every step of the order's path, the oldest first."""
    return steps_of(connection, order_id)


def act(
    connection: Connection, order_id: str, event: WorkOrderEvent, actor: str, now_utc: datetime
) -> OrderRecord:
    """Return the order after an event of the office.

    Raises:
        ContractError: No such order, an event of the crew, or a role that may not.
        RefusedTransition: The life cycle does not list it; the text lists what is possible.
    """
    check_may(connection, actor, _action_of(event, actor))
    order = _locked(connection, order_id)
    if event is WorkOrderEvent.REASSIGN:
        raise _refused(order, "crew_id", "is not said", "use assign with the other crew")
    if event is WorkOrderEvent.RELEASE and order.document.crew_id is None and not order.area_id:
        raise _refused(order, "crew_id", "is empty", "choose a crew first")
    mover = Mover(actor=actor, happened_at_utc=now_utc, crew_id=order.document.crew_id)
    move_order(connection, order, event, mover, now_utc)
    _tell_alert(connection, order, event, actor, now_utc)
    return show_order(connection, order_id, now_utc)


def _action_of(event: WorkOrderEvent, actor: str) -> Action:
    action = ACTION_OF_EVENT.get(event)
    if action is None:
        raise role_refused(actor, "office", event, "the crew, through its tablet")
    return action


def _tell_alert(
    connection: Connection,
    order: OrderRecord,
    event: WorkOrderEvent,
    actor: str,
    now_utc: datetime,
) -> None:
    """Untie the alert of a cancelled order; tie it again when the order is reopened."""
    alert_id = order.document.alert_id
    if alert_id is None:
        return
    alert = get_alert(connection, alert_id)
    is_ours = alert.work_order_id == order.order_id
    is_ordered = alert.disposition is Disposition.ORDERED
    if event is WorkOrderEvent.CANCEL and is_ours and is_ordered:
        order_cancelled(connection, alert_id, actor, now_utc)
    elif event is WorkOrderEvent.REOPEN and not is_ordered:
        mark_ordered(connection, alert_id, order.order_id, actor, now_utc)


def assign(
    connection: Connection, order_id: str, crew_id: str, actor: str, now_utc: datetime
) -> OrderRecord:
    """Return the order, released to a crew; a former crew's tablets lose sight of it.

    Raises:
        ContractError: No such order or crew, nobody of it holds the skill, or a role that may not.
        RefusedTransition: The work is finished or ended; reopen it first.
    """
    check_may(connection, actor, Action.DISPATCH_ORDER)
    order = _locked(connection, order_id)
    _check_crew(connection, crew_id, work_of(order), now_utc)
    mover = Mover(actor=actor, happened_at_utc=now_utc, crew_id=crew_id)
    hand_over(connection, order, mover, now_utc)
    return show_order(connection, order_id, now_utc)


def change_fields(
    connection: Connection, order_id: str, change: OfficeChange, actor: str, now_utc: datetime
) -> OrderRecord:
    """Return the order with fields of the office changed."""
    check_may(connection, actor, Action.CHANGE_ORDER)
    _locked(connection, order_id)
    values: dict[str, FieldValue] = {}
    if change.priority is not None:
        values["priority"] = change.priority
    if change.due_at_utc is not None:
        values["due_at_ms"] = ms_from_utc(change.due_at_utc)
    if change.address is not None:
        values["address"] = change.address
    change_order(connection, order_id, values, now_utc)
    return show_order(connection, order_id, now_utc)


def add_note(
    connection: Connection, order_id: str, text: str, actor: str, now_utc: datetime
) -> OrderRecord:
    """Return the order with a remark appended; remarks are never replaced (RULINGS R18)."""
    check_may(connection, actor, Action.CHANGE_ORDER)
    order = _locked(connection, order_id)
    note = f"{order.document.note}\n{text.strip()}".strip()
    change_order(connection, order_id, {"note": note}, now_utc)
    return show_order(connection, order_id, now_utc)


def check_may(connection: Connection, actor: str, action: Action) -> None:
    """Raise ContractError unless the account's role holds the action.

    The rule of RULINGS R8 may dispatch and nothing else.
    """
    if actor == RULE_ACTOR and action in {Action.DISPATCH_ORDER, Action.DISPATCH_URGENT}:
        return
    person = get_person(connection, actor)
    if not person.is_active or not may(person.role, action):
        raise role_refused(person.login, person.role, action, ", ".join(roles_with(action)))


def least_busy_crew(
    connection: Connection, *, besides: str | None = None, among: frozenset[str] | None = None
) -> str | None:
    """Return the active crew with the fewest open orders, None when there is none but `besides`.

    `among`: the crews that are fit, None for all; see `staff.skill_store.fit_crews`.

    A crew that carries a tablet goes before every crew without one: it learns of the order by
    itself.
    """
    is_open = WORK_ORDER.c.state.not_in(sorted(str(state) for state in _DONE))
    joined = CREW.outerjoin(WORK_ORDER, (WORK_ORDER.c.crew_id == CREW.c.crew_id) & is_open)
    carries_tablet = exists().where(
        TABLET.c.crew_id == CREW.c.crew_id, TABLET.c.revoked_at_ms.is_(None)
    )
    query = (
        select(CREW.c.crew_id)
        .select_from(joined)
        .where(CREW.c.is_active, CREW.c.crew_id != (besides or ""))
        .where(true() if among is None else CREW.c.crew_id.in_(sorted(among)))
        .group_by(CREW.c.crew_id)
        .order_by(~carries_tablet, func.count(WORK_ORDER.c.order_id), CREW.c.crew_id)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


_DONE = ENDED | {WorkOrderState.FINISHED}


def _locked(connection: Connection, order_id: str) -> OrderRecord:
    order = find_order(connection, order_id, is_locked=True)
    if order is None:
        raise not_found(f"work order {order_id!r}", "order")
    return order


def _check_crew(connection: Connection, crew_id: str | None, work: Work, now_utc: datetime) -> None:
    if crew_id is None:
        return
    if not has_crew(connection, crew_id):
        raise not_found(f"crew {crew_id!r}", "crew")
    check_fit(connection, crew_id, work, now_utc)


def work_of(order: OrderRecord) -> Work:
    """Return what an order asks of a crew."""
    document = order.document
    return Work(
        order_type=document.order_type,
        medium=document.medium,
        safety_class=document.safety_class,
    )


def _work_of(new: NewOrder) -> Work:
    return Work(order_type=new.order_type, medium=new.medium, safety_class=new.safety_class)


def _refused(order: OrderRecord, field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"work order {order.document.number}",
        field=field,
        problem=problem,
        remedy=remedy,
        code=Code.STATE,
    )
