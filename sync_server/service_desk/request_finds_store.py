"""Which requests belong to a place, a caller, a group: what an open page asks beside its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select

from sync_server.customers.customer import CustomerClass, digits_of
from sync_server.db.among import is_among_texts
from sync_server.db.customer_tables import CUSTOMER
from sync_server.db.desk_tables import REQUEST_PERSON, SERVICE_REQUEST
from sync_server.service_desk.request import RequestRecord
from sync_server.service_desk.request_rows_store import record_of_row
from wire_contracts.frames import ms_from_utc


def known_near(
    connection: Connection,
    premises_id: str | None,
    community_id: str | None,
    since_utc: datetime,
    limit: int = 200,
) -> Sequence[RequestRecord]:
    """Return requests at these premises or in this community since then, the newest first."""
    places = [
        column == value
        for column, value in (
            (SERVICE_REQUEST.c.premises_id, premises_id),
            (SERVICE_REQUEST.c.community_id, community_id),
        )
        if value is not None
    ]
    if not places:
        return ()
    query = (
        select(SERVICE_REQUEST)
        .where(or_(*places), SERVICE_REQUEST.c.received_at_ms >= ms_from_utc(since_utc))
        .order_by(SERVICE_REQUEST.c.received_at_ms.desc())
        .limit(limit)
    )
    return [record_of_row(row) for row in connection.execute(query)]


def by_numbers(connection: Connection, request_ids: Sequence[str]) -> Mapping[str, str]:
    """Return request id -> the number people know it by."""
    columns = (SERVICE_REQUEST.c.request_id, SERVICE_REQUEST.c.number)
    chosen = is_among_texts(connection, SERVICE_REQUEST.c.request_id, request_ids)
    return {
        row.request_id: row.number for row in connection.execute(select(*columns).where(chosen))
    }


def of_phone(connection: Connection, phone: str, limit: int = 20) -> Sequence[RequestRecord]:
    """Return the newest requests of callers with this number."""
    digits = digits_of(phone)
    if not digits:
        return ()
    query = (
        select(SERVICE_REQUEST)
        .join(REQUEST_PERSON, REQUEST_PERSON.c.request_id == SERVICE_REQUEST.c.request_id)
        .where(REQUEST_PERSON.c.phone_digits == digits)
        .order_by(SERVICE_REQUEST.c.request_id.desc())
        .limit(limit)
    )
    return [record_of_row(row) for row in connection.execute(query)]


def of_internal_callers(connection: Connection, request_ids: Sequence[str]) -> frozenset[str]:
    """Return those of the requests that the company's own people made."""
    query = (
        select(REQUEST_PERSON.c.request_id)
        .join(CUSTOMER, CUSTOMER.c.customer_id == REQUEST_PERSON.c.customer_id)
        .where(CUSTOMER.c.customer_class == str(CustomerClass.INTERNAL))
        .where(is_among_texts(connection, REQUEST_PERSON.c.request_id, request_ids))
    )
    return frozenset(connection.execute(query).scalars())


def of_group(connection: Connection, group_id: str) -> Sequence[RequestRecord]:
    """Return the requests of a group, the oldest first."""
    query = (
        select(SERVICE_REQUEST)
        .where(SERVICE_REQUEST.c.group_id == group_id)
        .order_by(SERVICE_REQUEST.c.request_id)
    )
    return [record_of_row(row) for row in connection.execute(query)]
