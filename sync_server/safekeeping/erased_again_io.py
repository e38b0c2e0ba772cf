"""Erases again, after a restore, whom somebody erased behind the copy: none is brought back.

The audit of the former database knows who was erased since, by ids alone (RULINGS R7).
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from sync_server.access.account_store import erase_account, list_people
from sync_server.customers.customer_store import erase_customers
from sync_server.db.access_tables import AUDIT_EVENT, AUDIT_HEAD
from sync_server.service_desk.erasing_store import erase_requests
from sync_server.staff.notice_store import empty_messages
from sync_server.work_orders.person_store import erase_persons

ACTOR = "restore"


Erased = Mapping[str, Sequence[str]]
"""Action of the audit -> whom it erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What a former database says about who was erased.

    Attributes:
        erased: Whom, by events that the copy does not have.
        is_continued: Whether the copy was made of this very database, which went on from there;
            False: both go back to an older one, as when another copy was put back in between.
    """

    erased: Erased
    is_continued: bool


def read_former(former: Path, copy: Connection) -> Former | None:
    """Return what a former database file says beside the copy; None when it cannot be read.

    Ids that are numbers mean another thing in a database that the copy was not made of: they are
    left out there.
    """
    head = copy.execute(select(AUDIT_HEAD.c.position, AUDIT_HEAD.c.event_hash)).one()
    try:
        with closing(sqlite3.connect(f"file:{former}?mode=ro", uri=True)) as connection:
            is_continued = head.position == 0 or bool(connection.execute(_HAS, head).fetchone())
            rows = connection.execute(_ERASED).fetchall()
    except sqlite3.DatabaseError:
        return None
    known = set(
        copy.execute(
            select(AUDIT_EVENT.c.event_hash).where(AUDIT_EVENT.c.action.endswith(_ERASE))
        ).scalars()
    )
    found: dict[str, list[str]] = {}
    for action, subject, event_hash in rows:
        if event_hash not in known and (is_continued or action not in _BY_NUMBER):
            found.setdefault(action, []).append(subject)
    return Former(erased=found, is_continued=is_continued)


_ERASE = ".erase"
_BY_NUMBER = frozenset({"message.erase"})
_HAS = "SELECT 1 FROM audit_event WHERE position = ? AND event_hash = ?"
_ERASED = """
    SELECT action, subject, event_hash FROM audit_event WHERE action LIKE '%.erase'
    ORDER BY position
"""


def erased_anywhere(found: Sequence[Former]) -> Erased:
    """Return whom any of several former databases erased, each once."""
    together: dict[str, dict[str, None]] = {}
    for former in found:
        for action, subjects in former.erased.items():
            together.setdefault(action, {}).update(dict.fromkeys(subjects))
    return {action: list(subjects) for action, subjects in together.items()}


def erase_again(connection: Connection, erased: Erased, now_utc: datetime) -> int:
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
