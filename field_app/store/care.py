"""Decides what an idle tablet does for its file: the log emptied, every page looked at weekly."""

from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from field_app.store import base_store, settings_store
from field_app.store.database_io import Database
from field_app.store.settings_store import Key

FULL_CHECK_EVERY: Final = timedelta(days=7)
"""Sync spec section 5."""

DAMAGE_CHECK_EVERY: Final = timedelta(minutes=10)
"""While a page could not be read: a disk that failed for minutes gives it again."""

LOG_WORTH_EMPTYING_BYTES: Final = 256 * 1024
"""A sixteenth of what the log is limited to: an idle tablet does not write for every tap twice."""


def care_for(database: Database, now_ms: int) -> bool:
    """Hold some room back, empty the log when it has grown, look at every page once a week.

    Sooner where something could not be read: what a bad page says once may be over.

    Returns:
        False when the file was found damaged: it is reported now and set aside at the next start.
    """
    database.keep_reserve()
    if database.log_bytes() >= LOG_WORTH_EMPTYING_BYTES:
        database.tidy()
    every = FULL_CHECK_EVERY if database.damage is None else DAMAGE_CHECK_EVERY
    if not database.read(partial(_is_due, now_ms=now_ms, every=every)):
        return database.damage is None
    verdict = database.read(_look_at_every_page)
    database.write(partial(_note, verdict=verdict, now_ms=now_ms))
    if verdict == _WELL:
        database.forget_damage()
    return verdict == _WELL


_WELL: Final = "ok"
"""As SQLite says it."""


def _is_due(connection: Connection, now_ms: int, every: timedelta) -> bool:
    last_ms = settings_store.load_integer(connection, Key.LAST_FULL_CHECK_MS)
    return not last_ms <= now_ms < last_ms + every // timedelta(milliseconds=1)


def _look_at_every_page(connection: Connection) -> str:
    try:
        return str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    except DatabaseError as error:
        return type(error.orig).__name__


def _note(connection: Connection, verdict: str, now_ms: int) -> None:
    settings_store.save(connection, Key.LAST_FULL_CHECK_MS, now_ms)
    settings_store.save(connection, Key.DAMAGE_SEEN, None if verdict == _WELL else verdict[:200])
    if verdict != _WELL:
        base_store.add_report(connection, "damage_seen", {"verdict": verdict[:200]}, now_ms)
