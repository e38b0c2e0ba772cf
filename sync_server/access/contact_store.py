"""Owns the writing of tablets' contacts: those that come while one is written go in together.

Five hundred tablets that wake at 07:30 would otherwise queue for the writer's lock of the database
one by one, and SQLite's waiters sleep and try anew instead of standing in line.
"""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, bindparam, update

from sync_server.db.access_tables import TABLET, TABLET_TOKEN
from wire_contracts.frames import ms_from_utc

_SEEN = (
    update(TABLET)
    .where(TABLET.c.tablet_id == bindparam("tablet"))
    .values(last_seen_at_ms=bindparam("seen_ms"))
)
_PROLONGED = (
    update(TABLET_TOKEN)
    .where(TABLET_TOKEN.c.tablet_id == bindparam("tablet"))
    .values(expires_at_ms=bindparam("until_ms"))
)


class ContactBook:
    """One per process, over one database; any thread may note."""

    def __init__(self, engine: Engine, token_life: timedelta) -> None:
        """Let a tablet's token hold `token_life` after each contact."""
        self._engine = engine
        self._token_life = token_life
        self._waiting: dict[str, datetime] = {}
        self._guard = threading.Lock()
        self._turn = threading.Lock()

    def note(self, tablet_id: str, now_utc: datetime) -> None:
        """Write down that the tablet was heard, and let its token hold from now on.

        Who finds nobody writing writes for all that wait, until nobody waits; who finds somebody
        at it leaves it to them and answers its tablet. Should that fail, it raises there, and the
        others are noted at their next contact.
        """
        with self._guard:
            self._waiting[tablet_id] = now_utc
        while self._waiting and self._turn.acquire(blocking=False):
            try:
                self._write_waiting()
            finally:
                self._turn.release()

    def _write_waiting(self) -> None:
        with self._guard:
            heard, self._waiting = self._waiting, {}
        if heard:
            with self._engine.begin() as connection:
                self._write(connection, heard)

    def _write(self, connection: Connection, heard: Mapping[str, datetime]) -> None:
        calls = sorted(heard.items())
        connection.execute(
            _SEEN, [{"tablet": tablet_id, "seen_ms": ms_from_utc(at)} for tablet_id, at in calls]
        )
        connection.execute(
            _PROLONGED,
            [
                {"tablet": tablet_id, "until_ms": ms_from_utc(at + self._token_life)}
                for tablet_id, at in calls
            ],
        )
