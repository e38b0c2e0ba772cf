"""Owns requests from outside: taken into the desk's own lists, told to the key they came by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Role
from sync_server.db.access_tables import ACCOUNT
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.outside_tables import OUTSIDE_REQUEST
from sync_server.db.shift_tables import SHIFT_HANDOVER
from sync_server.outside.geo_report import CLOSED, MOST_PER_HOUR, GeoReportError
from sync_server.service_desk.request import NewRequest, RequestKind, RequestRecord
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import insert_request, record_of_row
from sync_server.service_desk.request_store import Office, send_slip, step
from sync_server.shifts.shift import Desk
from wire_contracts.frames import ms_from_utc
from wire_contracts.request_states import RequestEvent

MOST_TOLD = 1000
"""Requests of one answer (the specification's limit)."""

_LISTENERS = (Role.HOTLINE_AGENT, Role.WINDOW_CLERK, Role.QUALITY_OFFICER, Role.DIRECTOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which of its own requests a key asks for."""

    key_name: str
    request_ids: Sequence[str] = ()
    service_codes: Sequence[str] = ()
    is_closed: bool | None = None
    from_utc: datetime | None = None
    to_utc: datetime | None = None


def take_outside(
    connection: Connection, new: NewRequest, key_name: str, office: Office
) -> RequestRecord:
    """Return the request as the desk has it: a slip somebody accepts, or a question to answer.

    It belongs to the holder of the desk's shift, else to the first person of the desk, until
    somebody accepts it (invariant I2).

    Raises:
        GeoReportError: The key sends too many, or nobody is there to own it.
    """
    _check_rate(connection, key_name, office.now_utc)
    owner = _owner(connection)
    record = insert_request(connection, new, owner, office.now_utc)
    connection.execute(
        insert(OUTSIDE_REQUEST).values(
            request_id=record.request_id, key_name=key_name, at_ms=ms_from_utc(office.now_utc)
        )
    )
    event = AuditEvent(
        actor=office.actor,
        action="request.take",
        subject=record.request_id,
        detail={"class": str(new.request_class), "key": key_name},
    )
    append_audit(connection, event, office.now_utc)
    classify = Attempt(event=RequestEvent.CLASSIFY, actor=office.actor, text="")
    record = step(connection, record, classify, office)
    if new.kind is RequestKind.CONSULTATION:
        return record
    return send_slip(connection, record, None, office)


def _check_rate(connection: Connection, key_name: str, now_utc: datetime) -> None:
    since_ms = ms_from_utc(now_utc - timedelta(hours=1))
    query = select(func.count()).where(
        OUTSIDE_REQUEST.c.key_name == key_name, OUTSIDE_REQUEST.c.at_ms > since_ms
    )
    if connection.execute(query).scalar_one() >= MOST_PER_HOUR:
        raise GeoReportError(403, f"api_key: has sent {MOST_PER_HOUR} within an hour; wait")


def _owner(connection: Connection) -> str:
    held = (
        select(ACCOUNT.c.account_id)
        .join(SHIFT_HANDOVER, SHIFT_HANDOVER.c.to_actor == ACCOUNT.c.account_id)
        .where(SHIFT_HANDOVER.c.desk == str(Desk.SERVICE_DESK), ACCOUNT.c.is_active)
        .order_by(SHIFT_HANDOVER.c.handover_id.desc())
        .limit(1)
    )
    found = connection.execute(held).scalar_one_or_none()
    if found is not None:
        return str(found)
    for role in _LISTENERS:
        query = select(ACCOUNT.c.account_id).where(ACCOUNT.c.role == str(role), ACCOUNT.c.is_active)
        found = connection.execute(query.order_by(ACCOUNT.c.account_id).limit(1)).scalar()
        if found is not None:
            return str(found)
    raise GeoReportError(400, "requests: nobody answers them yet; call the hotline")


def find_outside(connection: Connection, request_id: str) -> RequestRecord | None:
    """Return a request that came from outside; None for every other one."""
    query = (
        select(SERVICE_REQUEST)
        .join(OUTSIDE_REQUEST, OUTSIDE_REQUEST.c.request_id == SERVICE_REQUEST.c.request_id)
        .where(OUTSIDE_REQUEST.c.request_id == request_id)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else record_of_row(row)


def list_outside(connection: Connection, asked: Asked) -> Sequence[RequestRecord]:
    """Return the key's own requests that fit, the newest first, at most 1000."""
    query = (
        select(SERVICE_REQUEST)
        .join(OUTSIDE_REQUEST, OUTSIDE_REQUEST.c.request_id == SERVICE_REQUEST.c.request_id)
        .where(OUTSIDE_REQUEST.c.key_name == asked.key_name)
    )
    if asked.request_ids:
        query = query.where(OUTSIDE_REQUEST.c.request_id.in_(asked.request_ids))
    if asked.service_codes:
        query = query.where(SERVICE_REQUEST.c.request_class.in_(asked.service_codes))
    if asked.is_closed is not None:
        states = SERVICE_REQUEST.c.state.in_(sorted(str(each) for each in CLOSED))
        query = query.where(states if asked.is_closed else ~states)
    if asked.from_utc is not None:
        query = query.where(OUTSIDE_REQUEST.c.at_ms >= ms_from_utc(asked.from_utc))
    if asked.to_utc is not None:
        query = query.where(OUTSIDE_REQUEST.c.at_ms <= ms_from_utc(asked.to_utc))
    query = query.order_by(OUTSIDE_REQUEST.c.at_ms.desc(), OUTSIDE_REQUEST.c.request_id)
    return [record_of_row(row) for row in connection.execute(query.limit(MOST_TOLD))]
