"""Decides what of a damaged file comes back: the crew's words, nothing of the server's rows."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite

from field_app.store import base_store, outbox_store, settings_store
from field_app.store.salvage_io import SavedRow, save_rows, scan_operations
from field_app.store.settings_store import Key
from field_app.store.tables import draft_answer, photo_job
from wire_contracts.fields import JsonObject
from wire_contracts.operations import Operation

_TABLES = ("outbox_op", "draft_answer", "photo_job", "setting")
_KEPT_SETTINGS = frozenset({Key.LAST_N, Key.OFFSET_MS, Key.SERVER_EPOCH, Key.LANGUAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """What was read out of the damaged file."""

    rows: tuple[SavedRow, ...]
    operations: tuple[Operation, ...]


def read_damaged(aside: Path) -> Rescued:
    """Return whatever can be read, row by row and byte by byte."""
    return Rescued(rows=tuple(save_rows(aside, _TABLES)), operations=tuple(scan_operations(aside)))


def put_back(connection: Connection, rescued: Rescued, *, file_name: str, at_ms: int) -> None:
    """Put the crew's words into the fresh file; what was on its way is queued again.

    An operation found only as bytes counts as queued: the server's ledger absorbs a repeat.
    """
    for row in rescued.rows:
        _put_row(connection, row)
    for operation in rescued.operations:
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
    base_store.add_report(connection, "store_damaged", body, at_ms)


def _put_row(connection: Connection, row: SavedRow) -> None:
    cells = dict(row.cells)
    if row.table == "outbox_op":
        outbox_store.keep_saved_row(connection, cells)
    elif row.table == "setting":
        if cells.get("key") in set(_KEPT_SETTINGS):
            settings_store.save(connection, Key(str(cells["key"])), str(cells["value"]))
    else:
        table = draft_answer if row.table == "draft_answer" else photo_job
        connection.execute(sqlite.insert(table).values(cells).on_conflict_do_nothing())
