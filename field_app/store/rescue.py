"""Decides what of a damaged file comes back: the crew's words, nothing of the server's rows."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from field_app.store import (
    base_store,
    outbox_store,
    sealed_alone_store,
    sealed_store,
    settings_store,
)
from field_app.store.page_scan import Cell, Record, records
from field_app.store.readable import problem_of
from field_app.store.salvage_io import (
    NOTHING,
    Lost,
    SavedRow,
    read_pages,
    save_rows,
    scan_operations,
)
from field_app.store.settings_store import Key
from field_app.store.tables import (
    draft_answer,
    order_copy,
    outbox_op,
    photo_job,
    photo_link,
    sealed_item,
    setting,
    sync_report,
)
from wire_contracts.blobs import is_sha256
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
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
        order_copy,
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
        Key.RESTORED_AT_MS,
        Key.LOST_SINCE_MS,
        Key.LEFT_CREW_MS,
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


def read_damaged(aside: Path, hidden: Lost = NOTHING) -> Rescued:
    """Return whatever can be read: row by row, page by page, byte by byte; the file stays as is.

    `hidden` is taken for lost without being asked for.
    """
    saved = save_rows(aside, tuple(_TABLES), hidden)
    scanned = _scanned(records(read_pages(aside, hidden)), saved.torn) if saved.torn else ()
    return Rescued(
        rows=saved.rows,
        scanned=tuple(scanned),
        operations=tuple(scan_operations(aside, hidden)),
        torn=saved.torn,
        is_cut=saved.is_cut,
    )


def read_more(aside: Path, former: Lost) -> Rescued:
    """Return what the disk gives by now of a file of which it did not give `former` before.

    Words alone, and none that were found before: what was done with those since is not undone.
    """
    before, now = read_damaged(aside, former), read_damaged(aside)
    known = {_key_of(row) for row in (*before.rows, *before.scanned)}
    op_ids = {cells["op_id"] for name, cells in _named(before) if name == outbox_op.name}
    op_ids |= {each.op_id for each in before.operations}

    def is_news(row: SavedRow) -> bool:
        return row.table not in _NOT_AGAIN and _key_of(row) not in known

    return Rescued(
        rows=tuple(filter(is_news, now.rows)),
        scanned=tuple(filter(is_news, now.scanned)),
        operations=tuple(each for each in now.operations if each.op_id not in op_ids),
        torn=now.torn,
        is_cut=now.is_cut,
    )


_NOT_AGAIN: Final = frozenset({setting.name, sync_report.name})
"""How the tablet stood: by now it stands otherwise."""


def _named(rescued: Rescued) -> Iterable[tuple[str, dict[str, Cell]]]:
    return ((row.table, dict(row.cells)) for row in (*rescued.rows, *rescued.scanned))


def _key_of(row: SavedRow) -> tuple[Cell, ...]:
    cells = dict(row.cells)
    return (row.table, *(cells.get(each.name) for each in _TABLES[row.table].primary_key))


_DAMAGED: Final = "store_damaged"
_FOUND: Final = ("rows", "pages")
_LOST: Final = "lost"
"""In the report: the blocks that the disk did not give, by the end of the file's name."""


def rescued_files(connection: Connection) -> set[str]:
    """Return the names of the damaged files whose words are in this file already."""
    return set(lost_by_file(connection))


def lost_by_file(connection: Connection) -> dict[str, Lost]:
    """Return the damaged files that were read, by name, and what the disk did not give of each."""
    reports = base_store.load_reports(connection)
    return {str(body.get("file")): _lost(body) for kind, body in reports if kind == _DAMAGED}


def _lost(body: JsonObject) -> Lost:
    try:
        told = FieldReader(place=_DAMAGED, values=body).object_or_empty(_LOST)
        return {suffix: _blocks(told, suffix) for suffix in told.values}
    except ContractError:
        return NOTHING


def _blocks(told: FieldReader, suffix: str) -> list[int]:
    numbers = told.array(suffix, longest=_MOST_BLOCKS)
    return [each for each in numbers if isinstance(each, int) and each >= 0]


_MOST_BLOCKS: Final = 10**7


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
    _change_report(connection, file_name, lambda body: {**body, _BECAME: became})


def _change_report(
    connection: Connection, file_name: str, change: Callable[[JsonObject], JsonObject]
) -> None:
    rows = connection.execute(select(sync_report).where(sync_report.c.kind == _DAMAGED)).all()
    for row in rows:
        body = json.loads(row.body)
        if body.get("file") == file_name:
            mine = sync_report.c.report_id == row.report_id
            text = dump_json(change(body)).decode()
            connection.execute(update(sync_report).where(mine).values(body=text))


def rescued_count(connection: Connection) -> int:
    """Return how many rows and operations were found in damaged files."""
    reports = base_store.load_reports(connection)
    found = [body for kind, body in reports if kind == _DAMAGED]
    return sum(int(str(body.get(part, 0))) for body in found for part in _FOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A damaged file by its name, and what the disk does not give of it."""

    file_name: str
    lost: Lost = field(default_factory=dict)


def put_back(connection: Connection, rescued: Rescued, aside: Aside, at_ms: int) -> None:
    """Put the crew's words into the fresh file; what was on its way is queued again.

    An operation found only as bytes counts as queued: the server's ledger absorbs a repeat.
    """
    _put_words(connection, rescued)
    _go_on_counting(connection, may_lack_some=rescued.is_cut or bool(aside.lost or rescued.torn))
    body: JsonObject = {
        "file": aside.file_name,
        "rows": len(rescued.rows),
        "pages": len(rescued.scanned),
        "scanned": len(rescued.operations),
        "torn": sorted(rescued.torn),
        _LOST: aside.lost,
    }
    base_store.add_report(connection, _DAMAGED, body, at_ms)


def put_more_back(connection: Connection, rescued: Rescued, aside: Aside) -> None:
    """Put back what the disk gives by now (`read_more`); note what it still does not."""
    _put_words(connection, rescued)
    _go_on_counting(connection, may_lack_some=False)

    def with_more(body: JsonObject) -> JsonObject:
        more = {"rows": len(rescued.rows), "pages": len(rescued.scanned)}
        found = {name: int(str(body.get(name, 0))) + count for name, count in more.items()}
        return {**body, **found, _LOST: aside.lost}

    _change_report(connection, aside.file_name, with_more)


def _put_words(connection: Connection, rescued: Rescued) -> None:
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
    sealed_alone_store.leave_lost_words_alone(connection)


def _go_on_counting(connection: Connection, *, may_lack_some: bool) -> None:
    """Give no number twice, known or not: that is what a copy of a store does (trap T7)."""
    highest = max(
        outbox_store.highest_n(connection),
        sealed_store.highest_n(connection),
        settings_store.load_integer(connection, Key.LAST_N),
    )
    if may_lack_some:
        highest += _UNKNOWN_NUMBERS
    settings_store.save(connection, Key.LAST_N, highest)


_UNKNOWN_NUMBERS: Final = 100_000
"""More taps than a tablet takes in its life."""


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
