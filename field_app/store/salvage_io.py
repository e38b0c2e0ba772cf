"""Saves the crew's words out of a damaged file: row by row where it can, byte by byte elsewhere."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.operations import Operation, parse_operation

SIDE_FILES = ("", "-wal", "-shm")
"""The database file and what SQLite keeps beside it."""

_OPERATION_START = b'{"actor":'
_LONGEST_OPERATION_BYTES = 256 * 1024
_PLACE = "damaged file"

MOST_ROWS = 1_000_000
"""Row numbers looked at: a damaged one may be any 64-bit number, and a start must end."""

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRow:
    """One row as it was read: column name -> cell."""

    table: str
    cells: tuple[tuple[str, Cell], ...]


def set_aside(path: Path) -> Path:
    """Rename the file and its side files to a free name; return the new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in SIDE_FILES:
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return aside


def files_set_aside(path: Path) -> list[Path]:
    """Return the damaged files that were set aside for `path`, the newest first."""
    start = f"{path.name}.damaged-"
    numbers = [
        int(each.name.removeprefix(start))
        for each in path.parent.glob(f"{path.name}.damaged-*")
        if each.name.removeprefix(start).isdecimal()
    ]
    return [path.with_name(f"{start}{number}") for number in sorted(numbers, reverse=True)]


def remove_copies(path: Path, rescued: Collection[str]) -> None:
    """Remove the copies made before schema steps and the damaged files that were rescued."""
    copies = list(path.parent.glob(f"{path.name}.v*"))
    damaged = [each for each in files_set_aside(path) if each.name in rescued]
    for each in (*copies, *damaged):
        for suffix in SIDE_FILES:
            each.with_name(each.name + suffix).unlink(missing_ok=True)


def save_rows(aside: Path, tables: Sequence[str]) -> list[SavedRow]:
    """Return every row of the tables that can still be read; a broken page costs its own rows."""
    saved: list[SavedRow] = []
    for table in tables:
        try:
            with closing(sqlite3.connect(aside)) as connection:
                connection.row_factory = sqlite3.Row
                saved.extend(_rows(connection, table))
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            continue
    return saved


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[SavedRow]:
    last = connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0]  # noqa: S608  # ours
    for rowid in range(1, min(last or 0, MOST_ROWS) + 1):
        try:
            row = connection.execute(
                f"SELECT * FROM {table} WHERE rowid = ?",  # noqa: S608  # a table name of ours
                (rowid,),
            ).fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            continue
        if row is not None:
            yield SavedRow(table=table, cells=tuple(zip(row.keys(), tuple(row), strict=True)))


def scan_operations(aside: Path) -> list[Operation]:
    """Return the operations whose JSON stands unbroken anywhere in the file or its log."""
    found: dict[str, Operation] = {}
    for suffix in SIDE_FILES[:2]:
        source = aside.with_name(aside.name + suffix)
        if source.exists():
            for operation in _operations_in(source.read_bytes()):
                found[operation.op_id] = operation
    return sorted(found.values(), key=lambda operation: operation.n)


def _operations_in(content: bytes) -> Iterator[Operation]:
    decoder = json.JSONDecoder()
    start = content.find(_OPERATION_START)
    while start >= 0:
        text = content[start : start + _LONGEST_OPERATION_BYTES].decode(errors="replace")
        try:
            value, _ = decoder.raw_decode(text)
            yield parse_operation(FieldReader(place=_PLACE, values=value))
        except (ValueError, ContractError):
            pass  # a torn copy; an unbroken one may stand elsewhere
        start = content.find(_OPERATION_START, start + 1)
