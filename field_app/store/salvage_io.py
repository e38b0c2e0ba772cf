"""Saves the crew's words out of a damaged file: row by row where it can, byte by byte elsewhere."""

import io
import json
import os
import sqlite3
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from field_app.store.log_end_io import commits_behind_the_end
from field_app.store.page_scan import Cell, Pages, split_pages
from field_app.store.torn_file_io import lost_blocks, read_torn, torn_blocks
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.operations import Operation, parse_operation

_LOG = "-wal"
_INDEX = "-shm"

SIDE_FILES = ("", _LOG, _INDEX)
"""The database file and what SQLite keeps beside it."""

Lost = Mapping[str, Sequence[int]]
"""Of a file and its log (`SIDE_FILES`): the blocks that the disk does not give."""

NOTHING: Lost = {}

_READING = ".reading"
"""SQLite works on a copy: opening the file itself would play the log into it and delete the log."""

_OPERATION_START = b'{"actor":'
_LONGEST_OPERATION_BYTES = 256 * 1024
_PLACE = "damaged file"

MOST_ROWS = 1_000_000
"""Row numbers looked at: a damaged one may be any 64-bit number, and a start must end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRow:
    """One row as it was read: column name -> cell."""

    table: str
    cells: tuple[tuple[str, Cell], ...]


def set_aside(path: Path) -> Path:
    """Rename the file and its log to a free name; return the new name.

    The log goes first and the file last, each safe on the disk before the next: a log that stayed
    behind would be played into the file that takes the place. A stop in between is finished by
    `finish_set_aside` at the next start. The index of the log holds nothing of its own.
    """
    number = 1
    while any(_beside(path, number, suffix).exists() for suffix in SIDE_FILES):
        number += 1
    path.with_name(path.name + _INDEX).unlink(missing_ok=True)
    for suffix in (_LOG, ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(_beside(path, number, suffix))
            _sync_folder(path.parent)
    return _beside(path, number, "")


def finish_set_aside(path: Path) -> Path | None:
    """Finish what a stop interrupted; return the file set aside, None when nothing was left."""
    for log in sorted(path.parent.glob(f"{path.name}.damaged-*{_LOG}")):
        aside = log.with_name(log.name.removesuffix(_LOG))
        if not aside.exists() and path.exists():
            path.with_name(path.name + _INDEX).unlink(missing_ok=True)
            path.rename(aside)
            _sync_folder(path.parent)
            return aside
    return None


def _beside(path: Path, number: int, suffix: str) -> Path:
    return path.with_name(f"{path.name}.damaged-{number}{suffix}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def files_set_aside(path: Path) -> list[Path]:
    """Return the damaged files that were set aside for `path`, the newest first."""
    start = f"{path.name}.damaged-"
    numbers = [
        int(each.name.removeprefix(start))
        for each in path.parent.glob(f"{path.name}.damaged-*")
        if each.name.removeprefix(start).isdecimal()
    ]
    return [path.with_name(f"{start}{number}") for number in sorted(numbers, reverse=True)]


LARGEST_PACKED_BYTES = 12 * 1024 * 1024
"""As large as the largest photo (RULINGS R12): the line takes no more at once."""

_LARGEST_UNPACKED_BYTES = 128 * 1024 * 1024
"""A store with ten thousand orders and its log have some 30 MB; a tablet's memory is small."""

_REPORT = "report.json"
_SOME_DAY = (1980, 1, 1, 0, 0, 0)
"""The zip of one damage is always the same bytes: a repeat is known by its hash."""


def pack_damaged(aside: Path, report: bytes) -> bytes:
    """Return a zip of a damaged file, its log and the report; of the report alone when too large.

    What the disk does not give is zeros in it. Equal content gives equal bytes.
    """
    files = [aside, aside.with_name(aside.name + _LOG)]
    size = sum(path.stat().st_size for path in files if path.exists())
    if size <= _LARGEST_UNPACKED_BYTES:
        packed = _packed(report, files)
        if len(packed) <= LARGEST_PACKED_BYTES:
            return packed
    return _packed(report, ())


def pack_report(report: bytes, manifest: bytes) -> bytes:
    """Return a zip of a report and the rows that it is about; equal content gives equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(_REPORT), report)
        archive.writestr(_entry("manifest.json"), manifest)
    return out.getvalue()


def _packed(report: bytes, files: Sequence[Path]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(_REPORT), report)
        for path in files:
            if path.exists():
                with archive.open(_entry(path.name), "w") as target:
                    target.writelines(torn_blocks(path))
    return out.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _SOME_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def remove_copies(path: Path, rescued: Collection[str]) -> None:
    """Remove the copies made before schema steps and the damaged files that were rescued."""
    copies = list(path.parent.glob(f"{path.name}.v*"))
    damaged = [each for each in files_set_aside(path) if each.name in rescued]
    for each in (*copies, *damaged):
        for suffix in reversed(SIDE_FILES):  # a log without its file means an unfinished set-aside
            each.with_name(each.name + suffix).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRows:
    """The rows that SQLite could still read, and the tables of which some could not be.

    `is_cut`: the log has commits that SQLite does not read; every table may lack some rows.
    """

    rows: tuple[SavedRow, ...]
    torn: frozenset[str]
    is_cut: bool


def lost_of(aside: Path, among: Lost | None = None) -> dict[str, list[int]]:
    """Return what the disk does not give of a file that was set aside and of its log.

    Only the blocks `among` are asked for, where they are named.
    """
    found: dict[str, list[int]] = {}
    for suffix in SIDE_FILES[:2]:
        path = aside.with_name(aside.name + suffix)
        asked = None if among is None else among.get(suffix, ())
        if path.exists():
            found[suffix] = lost_blocks(path, asked)
    return {suffix: blocks for suffix, blocks in found.items() if blocks}


def save_rows(aside: Path, tables: Sequence[str], hidden: Lost = NOTHING) -> SavedRows:
    """Return every row of the tables that can still be read; a broken page costs its own rows."""
    copy = aside.with_name(aside.name + _READING)
    _copy(aside, copy, hidden)
    try:
        rows: list[SavedRow] = []
        is_cut = commits_behind_the_end(copy) > 0
        torn = set(tables) if is_cut else set()
        for table in tables:
            found, is_whole = _save_table(copy, table)
            rows.extend(found)
            if not is_whole:
                torn.add(table)
        return SavedRows(rows=tuple(rows), torn=frozenset(torn), is_cut=is_cut)
    finally:
        for suffix in SIDE_FILES:
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _copy(aside: Path, copy: Path, hidden: Lost) -> None:
    for suffix in SIDE_FILES[:2]:
        source = aside.with_name(aside.name + suffix)
        target = copy.with_name(copy.name + suffix)
        target.unlink(missing_ok=True)
        if source.exists():
            with target.open("wb") as stream:
                stream.writelines(torn_blocks(source, hidden.get(suffix, ())))


def _save_table(path: Path, table: str) -> tuple[list[SavedRow], bool]:
    rows: list[SavedRow] = []
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            query = f"SELECT max(rowid) FROM {table}"  # noqa: S608  # a table name of ours
            last = int(connection.execute(query).fetchone()[0] or 0)
            is_whole = last <= MOST_ROWS
            for rowid in range(1, min(last, MOST_ROWS) + 1):
                try:
                    row = _row(connection, table, rowid)
                except (sqlite3.DatabaseError, UnicodeDecodeError):
                    is_whole = False
                    continue
                if row is not None:
                    rows.append(row)
            return rows, is_whole
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return rows, False


def _row(connection: sqlite3.Connection, table: str, rowid: int) -> SavedRow | None:
    row = connection.execute(
        f"SELECT * FROM {table} WHERE rowid = ?",  # noqa: S608  # a table name of ours
        (rowid,),
    ).fetchone()
    if row is None:
        return None
    return SavedRow(table=table, cells=tuple(zip(row.keys(), tuple(row), strict=True)))


def read_pages(aside: Path, hidden: Lost = NOTHING) -> Pages:
    """Return the pages of the file and its log, whatever is left of both."""
    return split_pages(*(_content(aside, suffix, hidden) for suffix in SIDE_FILES[:2]))


def _content(aside: Path, suffix: str, hidden: Lost) -> bytes:
    source = aside.with_name(aside.name + suffix)
    return read_torn(source, hidden.get(suffix, ())) if source.exists() else b""


def scan_operations(aside: Path, hidden: Lost = NOTHING) -> list[Operation]:
    """Return the operations whose JSON stands unbroken anywhere in the file or its log."""
    found: dict[str, Operation] = {}
    for suffix in SIDE_FILES[:2]:
        for operation in _operations_in(_content(aside, suffix, hidden)):
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
