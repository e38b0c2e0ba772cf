"""Erases again, after a restore, whom somebody erased behind the copy: none is brought back.

The audit of the former database knows who was erased since, by ids alone (RULINGS R7).
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from sync_server.access.account_store import erase_account, list_people
from sync_server.customers.customer_store import erase_customers
from sync_server.db.access_tables import AUDIT_HEAD
from sync_server.service_desk.erasing_store import erase_requests
from sync_server.staff.notice_store import empty_messages
from sync_server.work_orders.person_store import erase_persons

ACTOR = "restore"


def erased_since(former: Path, position: int) -> Mapping[str, Sequence[str]] | None:
    """Return whom the former database erased behind a place of the audit: action -> subjects.

    Returns:
        None when the file is gone or cannot be read.
    """
    if not former.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{former}?mode=ro", uri=True)) as connection:
            rows = connection.execute(_ERASED, (position,)).fetchall()
    except sqlite3.DatabaseError:
        return None
    found: dict[str, list[str]] = {}
    for action, subject in rows:
        found.setdefault(action, []).append(subject)
    return found


_ERASED = """
    SELECT action, subject FROM audit_event WHERE position > ? AND action LIKE '%.erase'
    ORDER BY position
"""


def audit_position(connection: Connection) -> int:
    """Return up to where the audit of a copy goes; call it before anything is noted there."""
    return int(connection.execute(select(AUDIT_HEAD.c.position)).scalar_one())


def erase_again(
    connection: Connection, erased: Mapping[str, Sequence[str]], now_utc: datetime
) -> int:
    """Return how many people, callers and messages of the copy were erased again.

    Call it after ended access was ended again: an account that has access is never erased.
    """
    return sum(
        erase(connection, erased[action], now_utc)
        for action, erase in _ERASERS.items()
        if erased.get(action)
    )


def _accounts(connection: Connection, ids: Sequence[str], now_utc: datetime) -> int:
    wanted = set(ids)
    gone = [
        each.account_id
        for each in list_people(connection)
        if each.account_id in wanted and not each.is_active
    ]
    for account_id in gone:
        erase_account(connection, account_id, ACTOR, now_utc)
    return len(gone)


_Eraser = Callable[[Connection, Sequence[str], datetime], int]

_ERASERS: Mapping[str, _Eraser] = {
    "person.erase": lambda connection, ids, now: erase_persons(connection, ids, ACTOR, now),
    "request.erase": lambda connection, ids, now: erase_requests(connection, ids, ACTOR, now),
    "customer.erase": lambda connection, ids, now: erase_customers(connection, ids, ACTOR, now),
    "message.erase": lambda connection, ids, now: empty_messages(
        connection, [int(each) for each in ids], ACTOR, now
    ),
    "account.erase": _accounts,
}
"""What each event of the audit means; the subjects are its ids."""
