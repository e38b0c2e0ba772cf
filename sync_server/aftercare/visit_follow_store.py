"""Joins agreed visits with the orders of crews: the order is due then, its end is the visit's."""

from collections.abc import Mapping
from datetime import UTC, datetime, time

from sqlalchemy import Connection, func, select, update

from sync_server.aftercare.visits import VISIT_CYCLE, Visit, VisitEvent, VisitState
from sync_server.db.aftercare_tables import VISIT
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.order_tables import WORK_ORDER_EVENT
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_rows_store import change_order, show_order
from wire_contracts.frames import ms_from_utc
from wire_contracts.work_order_states import WorkOrderEvent

_MEANS: Mapping[str, VisitEvent] = {
    str(WorkOrderEvent.FINISH): VisitEvent.DONE,
    str(WorkOrderEvent.CANNOT_FINISH): VisitEvent.DONE,
    str(WorkOrderEvent.NO_ACCESS): VisitEvent.NO_ACCESS,
}
"""Step of an order -> what it is for the visit: who cannot finish was there."""

_RESULTS: Mapping[str, str] = {
    str(WorkOrderEvent.FINISH): "order finished",
    str(WorkOrderEvent.CANNOT_FINISH): "order not finished",
    str(WorkOrderEvent.NO_ACCESS): "nobody opened",
}
_OPEN = (str(VisitState.BOOKED), str(VisitState.CONFIRMED))


def slot_end(visit: Visit, office: Office) -> datetime:
    """Return when the visit's slot ends."""
    hour, _, minute = visit.slot.partition("-")[2].partition(":")
    return datetime.combine(visit.day, time(int(hour), int(minute)), office.zone).astimezone(UTC)


def tell_order(connection: Connection, visit: Visit, office: Office) -> bool:
    """Let the request's order be due when the visit's slot ends; False: there is no order yet."""
    query = select(SERVICE_REQUEST.c.order_id).where(
        SERVICE_REQUEST.c.request_id == visit.request_id
    )
    order_id = connection.execute(query).scalar_one()
    if order_id is None:
        return False
    due_ms = ms_from_utc(slot_end(visit, office))
    change_order(connection, order_id, {"due_at_ms": due_ms}, office.now_utc)
    show_order(connection, order_id, office.now_utc)
    return True


def follow_visits(connection: Connection, office: Office) -> int:
    """Return how many agreed visits ended because a crew was there since they were agreed."""
    newest = (
        select(func.max(WORK_ORDER_EVENT.c.event_id))
        .where(WORK_ORDER_EVENT.c.order_id == SERVICE_REQUEST.c.order_id)
        .where(WORK_ORDER_EVENT.c.event.in_(sorted(_MEANS)))
        .correlate(SERVICE_REQUEST)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(VISIT.c.visit_id, VISIT.c.request_id, VISIT.c.state, WORK_ORDER_EVENT.c.event)
        .join(SERVICE_REQUEST, SERVICE_REQUEST.c.request_id == VISIT.c.request_id)
        .join(WORK_ORDER_EVENT, WORK_ORDER_EVENT.c.event_id == newest)
        .where(VISIT.c.state.in_(_OPEN))
        .where(WORK_ORDER_EVENT.c.happened_at_ms >= VISIT.c.changed_at_ms)
    ).all()
    for row in rows:
        following = VISIT_CYCLE.next_state(VisitState(row.state), _MEANS[row.event])
        connection.execute(
            update(VISIT)
            .where(VISIT.c.visit_id == row.visit_id)
            .values(
                state=str(following),
                result=_RESULTS[row.event],
                changed_at_ms=ms_from_utc(office.now_utc),
            )
        )
        append_feed(connection, Topic.REQUEST, row.request_id, office.now_utc)
    return len(rows)
