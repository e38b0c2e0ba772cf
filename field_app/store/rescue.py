"""Decides what of a damaged file comes back: the crew's words, nothing of the server's rows."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from field_app.store import base_store, outbox_store, settings_store
from field_app.store.page_scan import Cell, Record, records
from field_app.store.readable import problem_of
from field_app.store.salvage_io import SavedRow, read_pages, save_rows, scan_operations
from field_app.store.settings_store import Key
from field_app.store.tables import (
    draft_answer,
    outbox_op,
    photo_job,
    photo_link,
    sealed_item,
    setting,
    sync_report,
)
from wire_contracts.blobs import is_sha256
from wire_contracts.fields import JsonObject
from wire_contracts.operations import Operation
from wire_contracts.payloads import dump_json
from wire_contracts.sealed import SealedKind

_TABLES: Final = {
    each.name: each
    for each in (
        outbox_op,
        draft_answer,
        photo_job,
        photo_link,
        sealed_item,
        setting,
        sync_report,
    )
}
_KEPT_SETTINGS: Final = frozenset(
    {
        Key.LAST_N,
        Key.LAST_TURN,
        Key.OFFSET_MS,
        Key.SERVER_EPOCH,
        Key.LANGUAGE,
        Key.SEALING_KEY,
        Key.WITHDRAWN_MS,
        Key.PERSONAL_WANTED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """What was read out of the damaged file.

    Attributes:
        rows: What SQLite could still read.
        scanned: Records found on the pages of tables that it could not read whole.
        operations: Operations whose JSON stands unbroken anywhere.
        torn: The tables that SQLite could not read whole.
        is_cut: What was scanned is newer than the rows: the log was damaged.
    """

    rows: tuple[SavedRow, ...]
    scanned: tuple[SavedRow, ...]
    operations: tuple[Operation, ...]
    torn: frozenset[str]
    is_cut: bool = False


def read_damaged(aside: Path) -> Rescued:
    """Return whatever can be read: row by row, page by page, byte by byte; the file stays as is."""
    saved = save_rows(aside, tuple(_TABLES))
    scanned = _scanned(records(read_pages(aside)), saved.torn) if saved.torn else ()
    return Rescued(
        rows=saved.rows,
        scanned=tuple(scanned),
        operations=tuple(scan_operations(aside)),
        torn=saved.torn,
        is_cut=saved.is_cut,
    )


_DAMAGED: Final = "store_damaged"
_FOUND: Final = ("rows", "pages")


def rescued_files(connection: Connection) -> set[str]:
    """Return the names of the damaged files whose words are in this file already."""
    reports = base_store.load_reports(connection)
    return {str(body.get("file")) for kind, body in reports if kind == _DAMAGED}


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageReport:
    """What is known of one damaged file that the office has not heard of."""

    file_name: str
    body: JsonObject


_BECAME: Final = "office"
"""What became of the report: the name under which the server has the file, or why not."""


def unsent_damage(connection: Connection) -> list[DamageReport]:
    """Return the damaged files that the office has not heard of, the oldest first."""
    return [
        DamageReport(file_name=str(body.get("file")), body=body)
        for kind, body in base_store.load_reports(connection)
        if kind == _DAMAGED and _BECAME not in body
    ]


def note_damage(connection: Connection, *, file_name: str, became: str) -> None:
    """Keep what became of the report of a damaged file."""
    rows = connection.execute(select(sync_report).where(sync_report.c.kind == _DAMAGED)).all()
    for row in rows:
        body = json.loads(row.body)
        if body.get("file") == file_name:
            text = dump_json({**body, _BECAME: became}).decode()
            mine = sync_report.c.report_id == row.report_id
            connection.execute(update(sync_report).where(mine).values(body=text))


def rescued_count(connection: Connection) -> int:
    """Return how many rows and operations were found in damaged files."""
    reports = base_store.load_reports(connection)
    found = [body for kind, body in reports if kind == _DAMAGED]
    return sum(int(str(body.get(part, 0))) for body in found for part in _FOUND)


def put_back(connection: Connection, rescued: Rescued, *, file_name: str, at_ms: int) -> None:
    """Put the crew's words into the fresh file; what was on its way is queued again.

    An operation found only as bytes counts as queued: the server's ledger absorbs a repeat.
    """
    old_and_new = (
        (rescued.scanned, rescued.rows) if rescued.is_cut else (rescued.rows, rescued.scanned)
    )
    for row in (*old_and_new[0], *old_and_new[1]):
        with suppress(SQLAlchemyError), connection.begin_nested():
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
        "pages": len(rescued.scanned),
        "scanned": len(rescued.operations),
        "torn": sorted(rescued.torn),
    }
    base_store.add_report(connection, _DAMAGED, body, at_ms)


def _put_row(connection: Connection, row: SavedRow) -> None:
    """Put one row back as it was; one that no reader could take apart is left out."""
    table = _TABLES[row.table]
    known = {column.name for column in table.columns}
    cells = {name: cell for name, cell in row.cells if name in known}
    if problem_of(table, cells) is not None:
        return
    if table is setting and cells["key"] not in set(_KEPT_SETTINGS):
        return
    connection.execute(sqlite.insert(table).values(cells).on_conflict_do_nothing())


def _scanned(found: Iterable[Record], torn: frozenset[str]) -> Iterable[SavedRow]:
    for record in found:
        table = _table_of(record)
        if table is not None and table.name in torn:
            names = [column.name for column in table.columns]
            cells = tuple(zip(names[: len(record)], record, strict=True))
            yield SavedRow(table=table.name, cells=cells)


def _table_of(record: Record) -> Table | None:
    """Return the table that a record has the shape of, None when it is none of the crew's."""
    return next((table for table, fits in _SHAPES if fits(record)), None)


def _is_operation(record: Record) -> bool:
    return len(record) >= _OPERATION_CELLS and _is_text(record, 0, 2, 3, 4, 5, 6, 7)


def _is_photo(record: Record) -> bool:
    return len(record) >= _PHOTO_CELLS and _is_name(record[0]) and _is_text(record, 1)


def _is_link(record: Record) -> bool:
    return len(record) == _SIX and _is_name(record[2]) and _is_text(record, 0, 1, 4)


def _is_draft(record: Record) -> bool:
    is_long = len(record) in _DRAFT_CELLS  # a line of the list begins like a draft, and is longer
    return is_long and _is_text(record, 0, 1, 2, 3, 4) and isinstance(record[5], int)


def _is_sealed(record: Record) -> bool:
    is_sealed = len(record) >= _SIX and record[0] in set(SealedKind)
    return is_sealed and _is_text(record, 1, 2, 3) and isinstance(record[4], int)


def _is_setting(record: Record) -> bool:
    return len(record) == _TWO and record[0] in set(Key) and _is_text(record, 1)


def _is_text(record: Record, *places: int) -> bool:
    return all(isinstance(record[place], str) for place in places)


def _is_name(cell: Cell) -> bool:
    return isinstance(cell, str) and is_sha256(cell)


_OPERATION_CELLS: Final = 17
_PHOTO_CELLS: Final = 5
_SIX: Final = 6
_DRAFT_CELLS: Final = frozenset({_SIX, 10})
_TWO: Final = 2

_SHAPES: Final[tuple[tuple[Table, Callable[[Record], bool]], ...]] = (
    (outbox_op, _is_operation),
    (photo_job, _is_photo),
    (photo_link, _is_link),
    (sealed_item, _is_sealed),
    (draft_answer, _is_draft),
    (setting, _is_setting),
)
"""In this order: a link has a photo's name where a draft has a field."""
