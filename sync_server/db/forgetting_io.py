"""Sees to it that what is deleted for good does not stay readable in the database's files."""

import sqlite3
from contextlib import closing

from sqlalchemy import Connection, Engine

from sync_server.db.engine_io import sqlite_connection


def overwrite_deleted(connection: Connection) -> None:
    """Let SQLite overwrite what is deleted from now on; PostgreSQL does so at its next vacuum.

    Call it before the first deletion of a transaction.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def empty_log_wholly(engine: Engine) -> bool:
    """Return whether SQLite's log holds nothing any more; always true of another database.

    It waits for readers and writers as long as any statement does (`BUSY_TIMEOUT_S`); what one of
    them still needs then stays in the log until the server empties it.
    """
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as connection:
        raw = sqlite_connection(connection)  # no transaction is begun below SQLAlchemy's
        try:
            with closing(raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")) as cursor:
                is_busy, _in_log, _in_file = cursor.fetchone()
        except sqlite3.OperationalError:
            return False
    return not is_busy
