"""Owns customers and premises in the database: kept, found by phone or address, erased."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, Select, delete, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.customers.address_words import search_text, search_words
from sync_server.customers.customer import (
    Customer,
    CustomerClass,
    Flag,
    Household,
    Premises,
    digits_of,
)
from sync_server.db.asset_tables import COMMUNITY
from sync_server.db.customer_tables import CUSTOMER, PREMISES, PREMISES_METER
from sync_server.db.forgetting_io import overwrite_deleted
from wire_contracts.frames import ms_from_utc

MOST_FOUND = 8
"""Homes that a search shows: what an agent can take in at a glance."""

_AT_ONCE = 500


def put_customers(connection: Connection, customers: Sequence[Customer], now_utc: datetime) -> None:
    """Add customers, or bring what is known of them up to date."""
    rows = [{**_values(each), "changed_at_ms": ms_from_utc(now_utc)} for each in customers]
    if not rows:
        return
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    statement = make(CUSTOMER)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "customer_id"}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[CUSTOMER.c.customer_id], set_=changed), rows
    )


def put_premises(connection: Connection, premises: Sequence[Premises], now_utc: datetime) -> None:
    """Add premises, or bring them up to date; their meters are those that are named now.

    Communities, customers and meters must be known.
    """
    if not premises:
        return
    names = _community_names(connection)
    rows = [
        {
            "premises_id": each.premises_id,
            "community_id": each.community_id,
            "address": each.address,
            "search": search_text(each.address, *names.get(each.community_id or "", ())),
            "customer_id": each.customer_id,
            "is_heated": each.is_heated,
            "changed_at_ms": ms_from_utc(now_utc),
        }
        for each in premises
    ]
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    statement = make(PREMISES)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "premises_id"}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[PREMISES.c.premises_id], set_=changed), rows
    )
    _put_meters(connection, premises)


def _put_meters(connection: Connection, premises: Sequence[Premises]) -> None:
    for start in range(0, len(premises), _AT_ONCE):
        some = premises[start : start + _AT_ONCE]
        meters = [meter for each in some for meter in each.meter_ids]
        is_theirs = PREMISES_METER.c.premises_id.in_([each.premises_id for each in some])
        connection.execute(
            delete(PREMISES_METER).where(is_theirs | PREMISES_METER.c.meter_id.in_(meters))
        )
        if meters:
            connection.execute(
                insert(PREMISES_METER),
                [
                    {"meter_id": meter, "premises_id": each.premises_id}
                    for each in some
                    for meter in each.meter_ids
                ],
            )


def find_by_phone(connection: Connection, phone: str) -> Sequence[Household]:
    """Return the premises of the customers with this number, at most eight; none for no number."""
    digits = digits_of(phone)
    if not digits:
        return ()
    return _households(connection, _joined().where(CUSTOMER.c.phone_digits == digits))


def find_by_words(connection: Connection, typed: str, door: str = "") -> Sequence[Household]:
    """Return the premises whose address, community or customer has every word, at most eight.

    With a `door` only those whose door begins with these numbers: `1-1` is not in `11-10`.
    """
    words = search_words(typed)
    if not words:
        return ()
    query = _joined()
    for word in words:
        wanted = f"%{_escaped(word)}%"
        query = query.where(
            or_(
                PREMISES.c.search.like(wanted, escape="\\"),
                CUSTOMER.c.name.like(wanted, escape="\\"),
            )
        )
    if door:
        padded = literal(" ") + PREMISES.c.search + " "
        ends = (f"% {_escaped(door)}{end}%" for end in (" ", "-"))
        query = query.where(or_(*(padded.like(each, escape="\\") for each in ends)))
    return _households(connection, query)


def find_by_meter(connection: Connection, meter_id: str) -> Household | None:
    """Return the premises at which a meter hangs, None when none is known."""
    query = _joined().where(
        PREMISES.c.premises_id
        == select(PREMISES_METER.c.premises_id)
        .where(PREMISES_METER.c.meter_id == meter_id)
        .scalar_subquery()
    )
    return next(iter(_households(connection, query)), None)


def get_household(connection: Connection, premises_id: str) -> Household:
    """Return premises with their customer; raise ContractError when they are not known."""
    query = _joined().where(PREMISES.c.premises_id == premises_id)
    found = next(iter(_households(connection, query)), None)
    if found is None:
        raise not_found(f"premises {premises_id!r}", "premises")
    return found


def erase_customer(
    connection: Connection, name: str, phone: str, actor: str, now_utc: datetime
) -> int:
    """Return how many customers of this name and number were emptied; their premises stay."""
    same = (CUSTOMER.c.name == name) & (CUSTOMER.c.phone_digits == digits_of(phone))
    ids = sorted(connection.execute(select(CUSTOMER.c.customer_id).where(same)).scalars())
    return erase_customers(connection, ids, actor, now_utc)


def erase_customers(
    connection: Connection, customer_ids: Sequence[str], actor: str, now_utc: datetime
) -> int:
    """Return how many of these customers were not empty and are now; their premises stay."""
    overwrite_deleted(connection)
    is_asked = CUSTOMER.c.customer_id.in_(list(customer_ids))
    has_data = (CUSTOMER.c.name != "") | (CUSTOMER.c.phone != "")
    ids = sorted(
        connection.execute(select(CUSTOMER.c.customer_id).where(is_asked & has_data)).scalars()
    )
    is_found = CUSTOMER.c.customer_id.in_(ids)
    connection.execute(
        update(CUSTOMER)
        .where(is_found)
        .values(name="", phone="", phone_digits="", flags="", contact_window="")
    )
    connection.execute(
        update(PREMISES).where(PREMISES.c.customer_id.in_(ids)).values(customer_id=None)
    )
    for customer_id in ids:
        event = AuditEvent(actor=actor, action="customer.erase", subject=customer_id, detail={})
        append_audit(connection, event, now_utc)
    return len(ids)


def _values(customer: Customer) -> Mapping[str, str | bool]:
    return {
        "customer_id": customer.customer_id,
        "name": customer.name,
        "phone": customer.phone,
        "phone_digits": digits_of(customer.phone),
        "customer_class": str(customer.customer_class),
        "flags": ",".join(sorted(customer.flags)),
        "language": customer.language,
        "contact_window": customer.contact_window,
        "is_confidential": customer.is_confidential,
    }


def _community_names(connection: Connection) -> dict[str, tuple[str, str]]:
    rows = connection.execute(
        select(COMMUNITY.c.community_id, COMMUNITY.c.name_zh, COMMUNITY.c.name_en)
    )
    return {row.community_id: (row.name_zh, row.name_en) for row in rows}


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _joined() -> Select[str]:
    own = {"customer_id", "changed_at_ms"}
    columns = [*PREMISES.c, *(each for each in CUSTOMER.c if each.name not in own)]
    query: Select[str] = select(*columns, COMMUNITY.c.name_en, COMMUNITY.c.name_zh)
    return query.outerjoin_from(
        PREMISES, CUSTOMER, CUSTOMER.c.customer_id == PREMISES.c.customer_id
    ).outerjoin(COMMUNITY, COMMUNITY.c.community_id == PREMISES.c.community_id)


def _households(connection: Connection, query: Select[str]) -> Sequence[Household]:
    rows = connection.execute(query.order_by(PREMISES.c.premises_id).limit(MOST_FOUND)).all()
    meters: dict[str, list[str]] = {}
    ids = [row.premises_id for row in rows]
    for row in connection.execute(
        select(PREMISES_METER)
        .where(PREMISES_METER.c.premises_id.in_(ids))
        .order_by(PREMISES_METER.c.meter_id)
    ):
        meters.setdefault(row.premises_id, []).append(row.meter_id)
    return [_household(row, meters.get(row.premises_id, [])) for row in rows]


def _household(row: Row[str], meter_ids: Sequence[str]) -> Household:
    is_known = row.customer_id is not None and row.name
    return Household(
        premises=Premises(
            premises_id=row.premises_id,
            address=row.address,
            community_id=row.community_id,
            customer_id=row.customer_id,
            is_heated=row.is_heated,
            meter_ids=tuple(meter_ids),
        ),
        customer=_customer(row) if is_known else None,
        place_en=row.name_en or "",
        place_zh=row.name_zh or "",
    )


def _customer(row: Row[str]) -> Customer:
    return Customer(
        customer_id=row.customer_id,
        name=row.name,
        phone=row.phone,
        customer_class=CustomerClass(row.customer_class),
        flags=frozenset(Flag(each) for each in row.flags.split(",") if each),
        language=row.language,
        contact_window=row.contact_window,
        is_confidential=row.is_confidential,
    )
