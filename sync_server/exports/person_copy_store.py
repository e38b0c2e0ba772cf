"""Gathers everything that is held on one customer or colleague."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, Table, false, or_, select

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.customers.customer import digits_of
from sync_server.db.bulk_io import find_among, lock_among
from sync_server.db.customer_tables import CUSTOMER, PREMISES, PREMISES_METER
from sync_server.db.desk_tables import PHONE_CALL, REQUEST_PERSON, SERVICE_REQUEST
from sync_server.db.order_tables import ORDER_PERSON
from sync_server.exports.person_sections import (
    ACCOUNT_SECTIONS,
    CUSTOMER_SECTIONS,
    Link,
    Section,
)
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.frames import utc_from_ms

_MOMENT = "_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonCopy:
    """What is held: section -> its rows, each as names with values; empty sections are there too.

    `subject` is what the audit calls the person: the ids of customer or account, never a name.
    """

    subject: str
    sections: Mapping[str, Sequence[JsonObject]]

    @property
    def row_count(self) -> int:
        """Return the rows of all sections."""
        return sum(len(rows) for rows in self.sections.values())


def copy_of_customer(connection: Connection, name: str, phone: str) -> PersonCopy:
    """Return what is held on whoever has this name and number.

    Readings, sales and bills are those of the home, whoever lived there: it is not kept since when
    a customer has lived in a home. Whoever erases the person meanwhile waits until the transaction
    ends: the copy is of one moment, whole.

    Raises:
        ContractError: Nobody of this name and number is known.
    """
    digits = digits_of(phone)
    _hold(connection, _ids_of(connection, name, digits))
    ids = _ids_of(connection, name, digits)
    if not ids[Link.CUSTOMER] | ids[Link.REQUEST] | ids[Link.ORDER]:
        raise not_found("customer", "person at an order, a request or a home")
    found = {each.name: _rows(connection, each, ids[each.by]) for each in CUSTOMER_SECTIONS}
    subject = ",".join(sorted(ids[Link.CUSTOMER])) or "without a home"
    return PersonCopy(subject=subject, sections=found)


def copy_of_account(connection: Connection, account_id: str) -> PersonCopy:
    """Return what is held on a colleague."""
    ids = {account_id}
    found = {each.name: _rows(connection, each, ids) for each in ACCOUNT_SECTIONS}
    return PersonCopy(subject=account_id, sections=found)


def person_at_order(connection: Connection, order_id: str) -> tuple[str, str]:
    """Return name and number of whom the crew meets; raise ContractError when nobody is known."""
    query = select(ORDER_PERSON).where(ORDER_PERSON.c.order_id == order_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"order {order_id}", "person")
    return row.name, row.phone


def copy_json(copy: PersonCopy, made_at_utc: datetime) -> bytes:
    """Return the copy as a file that people and programs read: JSON, UTF-8, times in UTC."""
    document = {
        "version": 1,
        "made_at_utc": made_at_utc.isoformat(timespec="seconds"),
        "person": copy.subject,
        "sections": copy.sections,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def note_taken(connection: Connection, copy: PersonCopy, actor: str, now_utc: datetime) -> None:
    """Keep that a copy was taken away, and of whom."""
    event = AuditEvent(
        actor=actor,
        action="person.export",
        subject=copy.subject[:120],
        detail={"rows": copy.row_count},
    )
    append_audit(connection, event, now_utc)


def _ids_of(connection: Connection, name: str, digits: str) -> dict[Link, set[str]]:
    customers = set(
        connection.execute(
            select(CUSTOMER.c.customer_id).where(
                CUSTOMER.c.name == name, CUSTOMER.c.phone_digits == digits
            )
        ).scalars()
    )
    premises = _among(connection, PREMISES, "premises_id", "customer_id", customers)
    requests = _requests_of(connection, name, digits, customers)
    return {
        Link.CUSTOMER: customers,
        Link.PREMISES: premises,
        Link.METER: _among(connection, PREMISES_METER, "meter_id", "premises_id", premises),
        Link.REQUEST: requests,
        Link.ORDER: _orders_of(connection, name, digits),
        Link.CALL: _calls_of(connection, digits, requests),
    }


def _hold(connection: Connection, ids: Mapping[Link, set[str]]) -> None:
    """Keep who is about to be copied from being erased, in the order in which erasing goes."""
    for table, name, link in (
        (REQUEST_PERSON, "request_id", Link.REQUEST),
        (CUSTOMER, "customer_id", Link.CUSTOMER),
        (ORDER_PERSON, "order_id", Link.ORDER),
    ):
        lock_among(connection, table, (name,), name, ids[link])


def _requests_of(connection: Connection, name: str, digits: str, customers: set[str]) -> set[str]:
    """Return the requests of this name and number, or of the customers whatever they said."""
    query = select(REQUEST_PERSON.c.request_id).where(
        or_(
            (REQUEST_PERSON.c.name == name) & (REQUEST_PERSON.c.phone_digits == digits),
            REQUEST_PERSON.c.customer_id.in_(sorted(customers)) if customers else false(),
        )
    )
    return set(connection.execute(query).scalars())


def _orders_of(connection: Connection, name: str, digits: str) -> set[str]:
    query = select(ORDER_PERSON.c.order_id, ORDER_PERSON.c.phone).where(ORDER_PERSON.c.name == name)
    rows = connection.execute(query)
    return {row.order_id for row in rows if digits_of(row.phone) == digits}


def _calls_of(connection: Connection, digits: str, requests: set[str]) -> set[str]:
    found = _among(connection, SERVICE_REQUEST, "call_id", "request_id", requests)
    if digits:
        query = select(PHONE_CALL.c.call_id).where(PHONE_CALL.c.caller_digits == digits)
        found |= set(connection.execute(query).scalars())
    return found


def _among(
    connection: Connection, table: Table, name: str, column: str, values: set[str]
) -> set[str]:
    if not values:
        return set()
    found = find_among(connection, table, (name,), column, values)
    return {str(getattr(row, name)) for row in found if getattr(row, name)}


def _rows(connection: Connection, section: Section, ids: Iterable[str]) -> list[JsonObject]:
    wanted = sorted(ids)
    if not wanted:
        return []
    query = (
        select(*section.columns)
        .where(section.key.in_(wanted))
        .order_by(*section.key.table.primary_key)
    )
    return [_plain(row) for row in connection.execute(query).mappings()]


def _plain(row: RowMapping) -> JsonObject:
    """Return a row with times as text in UTC; what is not known is left out."""
    found: dict[str, JsonValue] = {}
    for name, value in row.items():
        if value is None:
            continue
        if name.endswith(_MOMENT) and isinstance(value, int):
            text = utc_from_ms(value).isoformat(timespec="milliseconds")
            found[f"{name.removesuffix(_MOMENT)}_utc"] = text
        elif isinstance(value, bool | int | float | str):
            found[name] = value
        else:
            message = (
                f"{name}: holds {type(value).__name__}; choose a column that is text or a number"
            )
            raise TypeError(message)
    return found
