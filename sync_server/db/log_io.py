"""Brings what commits wrote into the log into the SQLite file, beside those who write."""

import sqlite3
import threading
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from structlog.typing import FilteringBoundLogger

from sync_server.db.engine_io import sqlite_connection

EVERY_S: Final = 5.0
"""How often; a page that many commits changed meanwhile is written into the file once."""

_LOG: FilteringBoundLogger = structlog.get_logger()


def keep_log_short(engine: Engine, stop: threading.Event, every_s: float = EVERY_S) -> None:
    """Empty the log of a SQLite database into its file every so often until `stop`.

    Otherwise a commit does it whenever the log has grown, and whoever waits for that commit waits
    for it too. A disk that fails now is tried again; nothing is lost, the log only grows.
    """
    while not stop.wait(every_s):
        try:
            empty_log(engine)
        except (sqlite3.Error, DBAPIError) as error:
            _LOG.warning("database.log_stays", reason=str(error))


def empty_log(engine: Engine) -> bool:
    """Write what is in the log into the file; return whether all of it could be.

    It waits for nobody: what a reader still needs stays in the log.
    """
    with engine.connect() as connection:
        cursor = sqlite_connection(connection).execute("PRAGMA wal_checkpoint(PASSIVE)")
        is_busy, in_log, in_file = cursor.fetchone()
        cursor.close()
    return not is_busy and in_log == in_file
