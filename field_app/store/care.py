"""Decides what an idle tablet does for its file: the log emptied, every page looked at weekly."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from field_app.store import base_store, settings_store
from field_app.store.database_io import Database
from field_app.store.settings_store import Key

FULL_CHECK_EVERY: Final = timedelta(days=7)
"""Sync spec section 5."""

LOG_WORTH_EMPTYING_BYTES: Final = 256 * 1024
"""A sixteenth of what the log is limited to: an idle tablet does not write for every tap twice."""


def care_for(database: Database, now_ms: int) -> bool:
    """Hold some room back, empty the log when it has grown, look at every page once a week.

    Returns:
        False when the file was found damaged: it is reported now and set aside at the next start.
    """
    database.keep_reserve()
    if database.log_bytes() >= LOG_WORTH_EMPTYING_BYTES:
        database.tidy()
    if not database.read(lambda connection: _is_due(connection, now_ms)):
        return True
    verdict = database.read(_look_at_every_page)
    database.write(lambda connection: _note(connection, verdict, now_ms))
    return verdict == "ok"


def _is_due(connection: Connection, now_ms: int) -> bool:
    last_ms = settings_store.load_integer(connection, Key.LAST_FULL_CHECK_MS)
    week_ms = FULL_CHECK_EVERY // timedelta(milliseconds=1)
    return not last_ms <= now_ms < last_ms + week_ms


def _look_at_every_page(connection: Connection) -> str:
    try:
        return str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    except DatabaseError as error:
        return type(error.orig).__name__


def _note(connection: Connection, verdict: str, now_ms: int) -> None:
    settings_store.save(connection, Key.LAST_FULL_CHECK_MS, now_ms)
    if verdict != "ok":
        settings_store.save(connection, Key.DAMAGE_SEEN, verdict[:200])
        base_store.add_report(connection, "damage_seen", {"verdict": verdict[:200]}, now_ms)
