"""Answers what is open at this moment, as one shift hands it to the next."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, select

from sync_server.alerts.priorities import SAFETY_PRIORITY
from sync_server.db.alert_tables import ALERT
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.order_tables import WORK_ORDER
from sync_server.service_desk.clocks import ENDED
from sync_server.shifts.shift import Desk, OpenMatter
from sync_server.web.page_queries_store import open_review_count
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.request_states import RequestState
from wire_contracts.work_order_states import WorkOrderState

NAMED = 12
"""How many of each kind are named; the rest is a number."""

SHIFT = timedelta(hours=8)
"""How far ahead a shift looks: what comes back or is due within it."""

_AT_WORK = [
    str(each)
    for each in WorkOrderState
    if each
    not in {
        WorkOrderState.FINISHED,
        WorkOrderState.VERIFIED,
        WorkOrderState.CLOSED,
        WorkOrderState.CANCELLED,
    }
]
_OVER = [str(each) for each in ENDED]


def open_matters(connection: Connection, desk: Desk, now_utc: datetime) -> list[OpenMatter]:
    """Return what is open for a desk, the dangers first; a kind of which nothing is open too."""
    found = _of_both(connection, now_utc)
    if desk is Desk.CONTROL_ROOM:
        return [*_of_alerts(connection, now_utc), *found, _reviews(connection)]
    return [*found, *_of_requests(connection, now_utc)]


def _of_alerts(connection: Connection, now_utc: datetime) -> Sequence[OpenMatter]:
    is_open = ALERT.c.condition != str(Condition.NORMAL)
    is_shown = ALERT.c.visibility == str(Visibility.SHOWN)
    is_safety = (ALERT.c.medium == str(Medium.GAS)) & (ALERT.c.priority == SAFETY_PRIORITY)
    is_todo = ALERT.c.condition.in_(
        [str(Condition.UNACKNOWLEDGED), str(Condition.RETURNED_UNACKNOWLEDGED)]
    )
    returns = ALERT.c.shelved_until_at_ms <= ms_from_utc(now_utc + SHIFT)
    is_shelved = ALERT.c.visibility == str(Visibility.SHELVED)
    query = select(ALERT.c.meter_id.label("name")).order_by(ALERT.c.priority, ALERT.c.raised_at_ms)
    return [
        _matter(connection, "safety_alerts", query, is_open, is_shown, is_safety),
        _matter(connection, "alerts_to_acknowledge", query, is_shown, is_todo),
        _matter(connection, "shelved_returning", query, is_open, is_shelved, returns),
    ]


def _of_both(connection: Connection, now_utc: datetime) -> Sequence[OpenMatter]:
    query = select(WORK_ORDER.c.number.label("name")).order_by(WORK_ORDER.c.due_at_ms)
    is_open = WORK_ORDER.c.state.in_(_AT_WORK)
    is_danger = WORK_ORDER.c.safety_class == str(SafetyClass.A)
    is_late = WORK_ORDER.c.due_at_ms < ms_from_utc(now_utc)
    return [
        _matter(connection, "danger_orders", query, is_open, is_danger),
        _matter(connection, "late_orders", query, is_open, is_late),
    ]


def _of_requests(connection: Connection, now_utc: datetime) -> Sequence[OpenMatter]:
    query = select(SERVICE_REQUEST.c.number.label("name")).order_by(SERVICE_REQUEST.c.due_at_ms)
    is_open = SERVICE_REQUEST.c.state.not_in(_OVER)
    is_slip = SERVICE_REQUEST.c.state == str(RequestState.DISPATCHED)
    is_held = SERVICE_REQUEST.c.state == str(RequestState.PENDING_ANSWER)
    is_late = SERVICE_REQUEST.c.due_at_ms < ms_from_utc(now_utc)
    return [
        _matter(connection, "late_requests", query, is_open, is_late),
        _matter(connection, "slips_to_accept", query, is_slip),
        _matter(connection, "answers_pending", query, is_held),
        _matter(connection, "open_requests", query, is_open),
    ]


def _reviews(connection: Connection) -> OpenMatter:
    return OpenMatter(topic="reviews", count=open_review_count(connection))


def _matter(
    connection: Connection, topic: str, query: Select[str], *conditions: ColumnElement[bool]
) -> OpenMatter:
    names = list(connection.execute(query.where(*conditions)).scalars())
    return OpenMatter(topic=topic, count=len(names), names=tuple(names[:NAMED]))
