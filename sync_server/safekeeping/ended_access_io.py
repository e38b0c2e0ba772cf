"""Ends again, after a restore, what access was ended behind the copy: no copy brings it back."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, update

from sync_server.access.account_store import deactivate_account, list_people
from sync_server.access.tablet_store import list_tablets, revoke_tablet
from sync_server.db.access_tables import SESSION
from wire_contracts.frames import ms_from_utc

ACTOR = "restore"

_WITHDRAWN = """
    SELECT tablet_id FROM tablet WHERE revoked_at_ms IS NOT NULL AND tablet_id NOT IN
    (SELECT former_tablet_id FROM tablet WHERE former_tablet_id IS NOT NULL)
"""
"""A device that was enrolled anew after it was withdrawn may be used again: not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedAccess:
    """Whose access the former database knows to have ended.

    Attributes:
        tablets: Withdrawn tablets that were not enrolled anew.
        people: Accounts that are not active any more.
        open_sessions: Hashes of the browsers' sessions that were open still.
    """

    tablets: frozenset[str]
    people: frozenset[str]
    open_sessions: frozenset[str]


def ended_access(former: Path) -> EndedAccess | None:
    """Return what the former database file says; None when it cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{former}?mode=ro", uri=True)) as connection:
            return EndedAccess(
                tablets=_names(connection, _WITHDRAWN),
                people=_names(connection, "SELECT account_id FROM account WHERE NOT is_active"),
                open_sessions=_names(
                    connection, "SELECT token_hash FROM session WHERE ended_at_ms IS NULL"
                ),
            )
    except sqlite3.DatabaseError:
        return None


def ended_anywhere(found: Sequence[EndedAccess]) -> EndedAccess:
    """Return whose access ended in any of several former databases, of which there is one."""
    return EndedAccess(
        tablets=frozenset().union(*(each.tablets for each in found)),
        people=frozenset().union(*(each.people for each in found)),
        open_sessions=frozenset.intersection(*(each.open_sessions for each in found)),
    )


def _names(connection: sqlite3.Connection, query: str) -> frozenset[str]:
    return frozenset(row[0] for row in connection.execute(query))


def end_again(connection: Connection, ended: EndedAccess, now_utc: datetime) -> tuple[int, int]:
    """Return how many tablets and people of the copy lost their access, each noted in the audit.

    Sessions of browsers that were not open any more are ended, too.
    """
    tablets = [
        each.tablet_id
        for each in list_tablets(connection)
        if each.revoked_at_utc is None and each.tablet_id in ended.tablets
    ]
    for tablet_id in tablets:
        revoke_tablet(connection, tablet_id, ACTOR, now_utc)
    people = [
        each.account_id
        for each in list_people(connection)
        if each.is_active and each.account_id in ended.people
    ]
    for account_id in people:
        deactivate_account(connection, account_id, ACTOR, now_utc)
    connection.execute(
        update(SESSION)
        .where(SESSION.c.ended_at_ms.is_(None), SESSION.c.token_hash.not_in(ended.open_sessions))
        .values(ended_at_ms=ms_from_utc(now_utc))
    )
    return len(tablets), len(people)
