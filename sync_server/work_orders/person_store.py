"""Whom a crew meets at an order: kept apart, on tablets for 48 hours, erased without a trace.

Nothing else of the server holds a customer's name or number; ledger and audit have ids and hashes
only (RULINGS R7, R19).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.secrets_io import new_salt
from sync_server.db.among import bound_texts, is_among_bound
from sync_server.db.change_store import Publication, personal_bucket, publish_all
from sync_server.db.forgetting_io import overwrite_deleted
from sync_server.db.order_tables import ORDER_PERSON, WORK_ORDER
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.order_person import ENTITY, OrderPerson, order_person_json
from wire_contracts.work_order_states import WorkOrderState

WINDOW = timedelta(hours=48)
"""How long before an order is due its person is on the crew's tablets (RULINGS R19)."""

_UNDER_WAY = frozenset(
    {
        WorkOrderState.ACCEPTED,
        WorkOrderState.EN_ROUTE,
        WorkOrderState.ON_SITE,
        WorkOrderState.WORKING,
    }
)


def save_person(
    connection: Connection, order_id: str, person: OrderPerson, actor: str, now_utc: datetime
) -> None:
    """Keep whom the crew meets; raise ContractError when there is no such order."""
    known = select(WORK_ORDER.c.order_id).where(WORK_ORDER.c.order_id == order_id)
    if connection.execute(known.with_for_update()).first() is None:
        raise not_found(f"work order {order_id!r}", "order")
    appointment_utc = person.appointment_at_utc
    values = {
        "name": person.name,
        "phone": person.phone,
        "note": person.note,
        "appointment_at_ms": None if appointment_utc is None else ms_from_utc(appointment_utc),
        "changed_at_ms": ms_from_utc(now_utc),
        "salt": new_salt(),
    }
    where = ORDER_PERSON.c.order_id == order_id
    if connection.execute(update(ORDER_PERSON).where(where).values(**values)).rowcount == 0:
        connection.execute(insert(ORDER_PERSON).values(order_id=order_id, **values))
    event = AuditEvent(actor=actor, action="person.save", subject=order_id, detail={})
    append_audit(connection, event, now_utc)
    show_persons(connection, [order_id], now_utc)


def person_of(connection: Connection, order_id: str) -> OrderPerson | None:
    """Return whom the crew meets at an order, None when nobody is known."""
    query = select(ORDER_PERSON).where(ORDER_PERSON.c.order_id == order_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _person(row)


def orders_with(connection: Connection, *, name: str, phone: str) -> list[str]:
    """Return the orders at which somebody of this name and number is met; both must fit."""
    query = select(ORDER_PERSON.c.order_id).where(
        ORDER_PERSON.c.name == name, ORDER_PERSON.c.phone == phone
    )
    return sorted(connection.execute(query).scalars())


def erase_persons(
    connection: Connection, order_ids: Sequence[str], actor: str, now_utc: datetime
) -> int:
    """Return how many orders lost their person; the tablets lose them at their next pull.

    What is deleted is overwritten on SQLite; PostgreSQL does so at its next vacuum.
    """
    overwrite_deleted(connection)
    where = ORDER_PERSON.c.order_id.in_(list(order_ids))
    known = sorted(connection.execute(select(ORDER_PERSON.c.order_id).where(where)).scalars())
    connection.execute(delete(ORDER_PERSON).where(where))
    gone = [
        Publication(entity=ENTITY, entity_id=each, document={}, buckets=frozenset())
        for each in known
    ]
    publish_all(connection, gone, now_utc)
    for order_id in known:
        event = AuditEvent(actor=actor, action="person.erase", subject=order_id, detail={})
        append_audit(connection, event, now_utc)
    return len(known)


def keep_window(connection: Connection, now_utc: datetime) -> int:
    """Bring every person onto the right tablets, or off them; return how many are on tablets now.

    Call it every few minutes: the window moves with the time.
    """
    order_ids = connection.execute(select(ORDER_PERSON.c.order_id)).scalars().all()
    return show_persons(connection, order_ids, now_utc)


def show_persons(connection: Connection, order_ids: Iterable[str], now_utc: datetime) -> int:
    """Publish the persons of these orders as they stand; return how many are on tablets now.

    Call it when an order changes hands or ends: a former crew loses the person at once.
    """
    asked = {"texts": bound_texts(connection, set(order_ids))}
    rows = connection.execute(_PERSONS[connection.dialect.name], asked)
    things = [_publication(row, now_utc) for row in rows]
    if things:
        publish_all(connection, things, now_utc)
    return sum(bool(thing.buckets) for thing in things)


_WITH_ORDER = select(
    ORDER_PERSON, WORK_ORDER.c.state, WORK_ORDER.c.crew_id, WORK_ORDER.c.due_at_ms
).join(WORK_ORDER, ORDER_PERSON.c.order_id == WORK_ORDER.c.order_id)
_PERSONS = {
    dialect: _WITH_ORDER.where(is_among_bound(dialect, ORDER_PERSON.c.order_id))
    for dialect in ("sqlite", "postgresql")
}
"""Built once: every step of an order asks."""


def _publication(row: Row[str], now_utc: datetime) -> Publication:
    crew_id: str | None = row.crew_id if _is_near(row, now_utc) else None
    return Publication(
        entity=ENTITY,
        entity_id=row.order_id,
        document={} if crew_id is None else order_person_json(_salted(row)),
        buckets=frozenset() if crew_id is None else frozenset({personal_bucket(crew_id)}),
    )


def _is_near(row: Row[str], now_utc: datetime) -> bool:
    """Return whether the crew needs the person: the work is under way, or due within the window."""
    state = WorkOrderState(row.state)
    if state in _UNDER_WAY:
        return True
    times_ms = [each for each in (row.appointment_at_ms, row.due_at_ms) if each is not None]
    is_due = bool(times_ms) and min(times_ms) <= ms_from_utc(now_utc + WINDOW)
    return state is WorkOrderState.RELEASED and is_due


def _salted(row: Row[str]) -> OrderPerson:
    return replace(_person(row), salt=row.salt)


def _person(row: Row[str]) -> OrderPerson:
    at_ms = row.appointment_at_ms
    return OrderPerson(
        name=row.name,
        phone=row.phone,
        note=row.note,
        appointment_at_utc=None if at_ms is None else utc_from_ms(at_ms),
    )
