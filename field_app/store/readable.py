"""Decides whether every row of the file can be read: one that cannot would stop every sync."""

import base64
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import OperationalError

from field_app.store.outbox_store import problem_of_row
from field_app.store.quick_json import quick_loads
from field_app.store.sealed_sending_store import HELD
from field_app.store.settings_store import NUMBERS, Key
from field_app.store.tables import (
    METADATA,
    base_row,
    draft_answer,
    order_copy,
    outbox_op,
    photo_job,
    sealed_item,
    setting,
    sync_report,
)
from wire_contracts.blobs import is_sha256
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.sealed import KEY_BYTES, parse_envelope

Cells = Mapping[str, JsonValue]

_EVERY_ROW: Final = tuple((table, select(table)) for table in METADATA.sorted_tables)


def unreadable(connection: Connection) -> str | None:
    """Return the first row that cannot be read and why, None when all can.

    The text goes to the log: SQLite's own would quote the row.

    Raises:
        OperationalError: The file cannot be reached now; it may be well.
    """
    for table, rows in _EVERY_ROW:
        try:
            problem = _problem_among(table, connection.execute(rows))
            if problem is not None:
                return f"{table.name}: {problem}"
        except OperationalError as error:
            if not _is_content(error):
                raise
            return f"{table.name}: a cell cannot be read: {type(error.orig).__name__}"
        except ValueError as error:
            return f"{table.name}: a cell cannot be read: {type(error).__name__}"
    return None


def _problem_among(table: Table, rows: Iterable[Sequence[JsonValue]]) -> str | None:
    """Return why the first unreadable row is one; every start waits for this."""
    if table is base_row:
        return _problem_of_base(rows)
    names = [column.name for column in table.columns]
    for row in rows:
        problem = problem_of(table, dict(zip(names, row, strict=True)))
        if problem is not None:
            return problem
    return None


def _problem_of_base(rows: Iterable[Sequence[JsonValue]]) -> str | None:
    """Return what `problem_of` says, in a tenth of the time: ten thousand orders lie here.

    What the quick reader takes is JSON; what it refuses, the other one may know.
    """
    quick = quick_loads() or json.loads
    place = base_row.c.keys().index("document")
    for row in rows:
        text = row[place]
        try:
            quick(text if isinstance(text, str) else str(text))
        except ValueError:
            problem = problem_of(base_row, {"document": text})
            if problem is not None:
                return problem
    return None


def problem_of(table: Table, cells: Cells) -> str | None:
    """Return why a row cannot be read, None when it can; cells that are absent are not asked for.

    A table whose rows are only shown, or fetched again, has no problem worth a rescue.
    """
    check = _CHECKS.get(table.name)
    if check is None:
        return None
    try:
        return check(cells)
    except (ValueError, KeyError, TypeError, ContractError) as error:
        return str(error)


def _is_json(column: str) -> Callable[[Cells], None]:
    def check(cells: Cells) -> None:
        json.loads(str(cells[column]))

    return check


def _check_photo(cells: Cells) -> str | None:
    return None if is_sha256(str(cells["sha256"])) else "the name is no SHA-256"


def _check_sealed(cells: Cells) -> None:
    if cells["acked_at_ms"] == HELD:  # set aside for what it is: the file is well, a person decides
        return
    parse_envelope(FieldReader(place="row", values=json.loads(str(cells["envelope"]))))


def _check_setting(cells: Cells) -> str | None:
    key, value = str(cells["key"]), str(cells["value"])
    if key in NUMBERS:
        int(value)
    elif key == Key.SEALING_KEY:
        if len(base64.b64decode(value, validate=True)) != KEY_BYTES:
            return f"{key}: is no key"
    elif key in {Key.LEASE_CLOCK, Key.CONTACT_CLOCK}:
        clock = json.loads(value)
        int(clock["server_ms"])
        int(clock["mono_ms"])
    return None


_CHECKS: Final[Mapping[str, Callable[[Cells], str | None]]] = {
    outbox_op.name: problem_of_row,
    base_row.name: _is_json("document"),
    order_copy.name: _is_json("document"),
    draft_answer.name: _is_json("value"),
    sync_report.name: _is_json("body"),
    photo_job.name: _check_photo,
    sealed_item.name: _check_sealed,
    setting.name: _check_setting,
}


def _is_content(error: OperationalError) -> bool:
    """Return whether the content is at fault (text, schema), not the disk or a lock."""
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    return code is None or code == sqlite3.SQLITE_ERROR
