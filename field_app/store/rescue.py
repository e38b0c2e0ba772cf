"""Decides what of a damaged file comes back: the crew's words, nothing of the server's rows."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from field_app.store import base_store, outbox_store, settings_store
from field_app.store.salvage_io import SavedRow, save_rows, scan_operations
from field_app.store.settings_store import Key
from field_app.store.tables import draft_answer, photo_job, sync_report
from wire_contracts.fields import JsonObject
from wire_contracts.operations import Operation

_TABLES = ("outbox_op", "draft_answer", "photo_job", "setting", "sync_report")
_KEPT_SETTINGS = frozenset({Key.LAST_N, Key.OFFSET_MS, Key.SERVER_EPOCH, Key.LANGUAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """What was read out of the damaged file."""

    rows: tuple[SavedRow, ...]
    operations: tuple[Operation, ...]


def read_damaged(aside: Path) -> Rescued:
    """Return whatever can be read, row by row and byte by byte."""
    return Rescued(rows=tuple(save_rows(aside, _TABLES)), operations=tuple(scan_operations(aside)))


_TABLE_OF = {each.name: each for each in (draft_answer, photo_job, sync_report)}
_DAMAGED = "store_damaged"


def rescued_files(connection: Connection) -> set[str]:
    """Return the names of the damaged files whose words are in this file already."""
    reports = base_store.load_reports(connection)
    return {str(body.get("file")) for kind, body in reports if kind == _DAMAGED}


def put_back(connection: Connection, rescued: Rescued, *, file_name: str, at_ms: int) -> None:
    """Put the crew's words into the fresh file; what was on its way is queued again.

    An operation found only as bytes counts as queued: the server's ledger absorbs a repeat.
    """
    for row in rescued.rows:
        with suppress(SQLAlchemyError, ValueError), connection.begin_nested():
            _put_row(connection, row)
    for operation in rescued.operations:
        # a number that another operation has: left over from a transaction that never committed
        with suppress(IntegrityError), connection.begin_nested():
            outbox_store.keep_operation(connection, operation, outbox_store.order_id_of(operation))
    highest = max(
        outbox_store.highest_n(connection), settings_store.load_integer(connection, Key.LAST_N)
    )
    settings_store.save(connection, Key.LAST_N, highest)
    body: JsonObject = {
        "file": file_name,
        "rows": len(rescued.rows),
        "scanned": len(rescued.operations),
    }
    base_store.add_report(connection, _DAMAGED, body, at_ms)


def _put_row(connection: Connection, row: SavedRow) -> None:
    cells = dict(row.cells)
    if row.table == "outbox_op":
        outbox_store.keep_saved_row(connection, cells)
    elif row.table == "setting":
        if cells.get("key") in set(_KEPT_SETTINGS):
            settings_store.save(connection, Key(str(cells["key"])), str(cells["value"]))
    else:
        table = _TABLE_OF[row.table]
        if table is draft_answer:
            json.loads(str(cells["value"]))  # an answer that cannot be read is left out
        connection.execute(sqlite.insert(table).values(cells).on_conflict_do_nothing())
