"""Lets requests follow the orders they became: what a crew did counts at the time it did it."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.order_tables import WORK_ORDER_EVENT
from sync_server.service_desk.request import RequestRecord
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import change_request, get_request, steps_of
from sync_server.service_desk.request_store import Office, renew_due, step
from sync_server.work_orders.order import OrderStep
from sync_server.work_orders.order_store import order_history
from wire_contracts.frames import ms_from_utc
from wire_contracts.request_states import REQUEST, RequestEvent, RequestState
from wire_contracts.work_order_states import WorkOrderEvent

_W = WorkOrderEvent
_E = RequestEvent
_S = RequestState

_FOLLOWING = (
    _S.DISPATCHED,
    _S.ACCEPTED,
    _S.ASSIGNED,
    _S.IN_PROGRESS,
    _S.FOLLOW_UP,
    _S.WAITING_CUSTOMER,
    _S.SUSPENDED,
)

_MEANS: Mapping[WorkOrderEvent, tuple[RequestEvent, ...]] = {
    _W.ACCEPT: (_E.ACCEPT,),
    _W.DEPART: (_E.ACCEPT, _E.START),
    _W.ARRIVE: (_E.ACCEPT, _E.START),
    _W.BEGIN: (_E.ACCEPT, _E.START),
    _W.FINISH: (_E.ACCEPT, _E.START, _E.FINISH),
    _W.CANNOT_FINISH: (_E.ACCEPT, _E.START, _E.SUBMIT_UNFINISHED),
    _W.NO_ACCESS: (_E.ACCEPT, _E.START, _E.SUBMIT_UNFINISHED),
}
"""Step of an order -> the steps of the request that it stands for; those possible are taken."""

RESULT_WORDS = "order finished"
"""Written as the result when a crew ends its work; the order's page has the finding itself."""


def behind(connection: Connection) -> list[str]:
    """Return the requests whose order has steps that they did not follow yet."""
    steps = (
        select(func.count())
        .where(WORK_ORDER_EVENT.c.order_id == SERVICE_REQUEST.c.order_id)
        .correlate(SERVICE_REQUEST)
        .scalar_subquery()
    )
    query = (
        select(SERVICE_REQUEST.c.request_id)
        .where(SERVICE_REQUEST.c.order_id.is_not(None))
        .where(SERVICE_REQUEST.c.state.in_([str(each) for each in _FOLLOWING]))
        .where(steps > SERVICE_REQUEST.c.order_steps_seen)
        .order_by(SERVICE_REQUEST.c.request_id)
    )
    return list(connection.execute(query).scalars())


def follow_orders(connection: Connection, office: Office) -> int:
    """Return how many requests were moved on; call it before requests are shown, and every round.

    Steps keep the time at which the crew took them, so that clocks run on what happened; what a
    crew did before a caller joined counts from the moment of joining.
    """
    moved = 0
    for request_id in behind(connection):
        moved += _follow(connection, get_request(connection, request_id, is_locked=True), office)
    return moved


def _follow(connection: Connection, record: RequestRecord, office: Office) -> bool:
    before = record.state
    path = order_history(connection, record.order_id or "")
    sent_at = [
        each.happened_at_utc
        for each in steps_of(connection, record.request_id)
        if each.event in {_E.DISPATCH, _E.ASSIGN, _E.REOPEN}
    ]
    from_utc = sent_at[-1] if sent_at else record.received_at_utc
    for taken in path[record.order_steps_seen :]:
        record = _mirror(connection, record, taken, max(taken.happened_at_utc, from_utc), office)
    record = change_request(connection, record, {"order_steps_seen": len(path)}, office.now_utc)
    renew_due(connection, record, office)
    return record.state is not before


def _mirror(
    connection: Connection,
    record: RequestRecord,
    taken: OrderStep,
    at_utc: datetime,
    office: Office,
) -> RequestRecord:
    """Return the request after what one step of its order means for it."""
    if taken.event is _W.ARRIVE and record.on_site_at_utc is None:
        arrived = {"on_site_at_ms": ms_from_utc(at_utc)}
        record = change_request(connection, record, arrived, office.now_utc)
    for event in _MEANS.get(taken.event, ()):
        if event in REQUEST.possible_events(record.state):
            text = RESULT_WORDS if event in {_E.FINISH, _E.SUBMIT_UNFINISHED} else ""
            attempt = Attempt(event=event, actor=taken.actor, text=text)
            record = step(
                connection,
                record,
                attempt,
                office,
                changed={"owner": record.owner},
                happened_at_utc=at_utc,
            )
    return record
