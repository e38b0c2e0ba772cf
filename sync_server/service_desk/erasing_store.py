"""Forgets who called about a request, what they said, and their numbers (RULINGS R7)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, false, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.customers.customer import digits_of
from sync_server.db.aftercare_tables import CALLBACK, OPINION
from sync_server.db.desk_tables import PHONE_CALL, REQUEST_PERSON, SERVICE_REQUEST
from sync_server.db.forgetting_io import overwrite_deleted

ERASED = "request.erase"
"""The audit's word; its subject is the request."""


def erase_callers(  # noqa: PLR0913  # whom, of which orders, by whom
    connection: Connection,
    *,
    name: str,
    phone: str,
    order_ids: Sequence[str],
    actor: str,
    now_utc: datetime,
) -> int:
    """Return how many requests lost their caller: of this name and number, or of these orders.

    The numbers of their calls and what they said as opinion go too. What people wrote into notes is
    not searched.
    """
    digits = digits_of(phone)
    is_theirs = (REQUEST_PERSON.c.name == name) & (REQUEST_PERSON.c.phone_digits == digits)
    of_orders = select(SERVICE_REQUEST.c.request_id).where(
        SERVICE_REQUEST.c.order_id.in_(list(order_ids))
    )
    condition = (is_theirs if name else false()) | REQUEST_PERSON.c.request_id.in_(of_orders)
    ids = sorted(connection.execute(select(REQUEST_PERSON.c.request_id).where(condition)).scalars())
    if digits:
        overwrite_deleted(connection)
        connection.execute(
            update(PHONE_CALL)
            .where(PHONE_CALL.c.caller_digits == digits)
            .values(caller="", caller_digits="")
        )
    return erase_requests(connection, ids, actor, now_utc)


def erase_requests(
    connection: Connection, request_ids: Sequence[str], actor: str, now_utc: datetime
) -> int:
    """Return how many of these requests had a caller, who is forgotten now."""
    overwrite_deleted(connection)
    asked = REQUEST_PERSON.c.request_id.in_(list(request_ids))
    ids = sorted(connection.execute(select(REQUEST_PERSON.c.request_id).where(asked)).scalars())
    calls = select(SERVICE_REQUEST.c.call_id).where(SERVICE_REQUEST.c.request_id.in_(ids))
    connection.execute(delete(REQUEST_PERSON).where(REQUEST_PERSON.c.request_id.in_(ids)))
    connection.execute(update(OPINION).where(OPINION.c.request_id.in_(ids)).values(text=""))
    connection.execute(update(CALLBACK).where(CALLBACK.c.request_id.in_(ids)).values(opinion=""))
    connection.execute(
        update(PHONE_CALL)
        .where(PHONE_CALL.c.call_id.in_(calls))
        .values(caller="", caller_digits="")
    )
    for request_id in ids:
        event = AuditEvent(actor=actor, action=ERASED, subject=request_id, detail={})
        append_audit(connection, event, now_utc)
    return len(ids)
