"""Decides whether every row of the file can be read: one that cannot would stop every sync."""

import json
import sqlite3

from sqlalchemy import Connection, RowMapping, Table, select
from sqlalchemy.exc import OperationalError

from field_app.store.outbox_store import problem_of_row
from field_app.store.tables import METADATA, draft_answer, outbox_op


def unreadable(connection: Connection) -> str | None:
    """Return the first row that cannot be read and why, None when all can.

    Raises:
        OperationalError: The file cannot be reached now; it may be well.
    """
    for table in METADATA.sorted_tables:
        try:
            for row in connection.execute(select(table)).mappings():
                problem = _problem(table, row)
                if problem is not None:
                    return f"{table.name}: {problem}"
        except OperationalError as error:
            if not _is_content(error):
                raise
            return f"{table.name}: {error.orig}"
        except ValueError as error:
            return f"{table.name}: {error}"
    return None


def _problem(table: Table, row: RowMapping) -> str | None:
    if table is draft_answer:
        json.loads(row["value"])
    return problem_of_row({str(key): row[key] for key in row}) if table is outbox_op else None


def _is_content(error: OperationalError) -> bool:
    """Return whether the content is at fault (text, schema), not the disk or a lock."""
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    return code is None or code == sqlite3.SQLITE_ERROR
