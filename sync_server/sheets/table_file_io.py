"""Reads the rows of a CSV or XLSX file of a stranger: bounded, each row with its number."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, cast

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from sync_server.sheets.archive_io import ArchiveRefusedError, check_archive

MOST_FILE_BYTES: Final = 1_000_000
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 60
LONGEST_CELL: Final = 2_000

_ZIP: Final = b"PK\x03\x04"
_GUARD: Final = "'"


class TableRefusedError(ValueError):
    """The whole file cannot be read; the text is `file: problem; remedy`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One row: its number as the spreadsheet shows it, and heading -> text."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """The headings of a file and its rows; rows without any text are left out."""

    heading: Sequence[str]
    rows: Sequence[FileRow]


def read_table(name: str, content: bytes) -> FileTable:
    """Return the table of a CSV (UTF-8, or GB 18030 as Chinese spreadsheets save it) or XLSX.

    A cell that was made harmless with an apostrophe gets its own text back.

    Raises:
        TableRefusedError: It is too large, too long, or neither of the two.
    """
    if len(content) > MOST_FILE_BYTES:
        raise _refused(name, f"has more than {MOST_FILE_BYTES} bytes", "split it")
    lines = _xlsx_lines(name, content) if content.startswith(_ZIP) else _csv_lines(name, content)
    return _table(name, lines)


def _table(name: str, lines: Iterable[tuple[int, Sequence[str]]]) -> FileTable:
    heading: list[str] = []
    rows: list[FileRow] = []
    for number, texts in lines:
        cells = [_plain(each) for each in texts[:MOST_COLUMNS]]
        if not heading:
            heading = [each.casefold() for each in cells]
        elif any(cells):
            if len(rows) == MOST_ROWS:
                raise _refused(name, f"has more than {MOST_ROWS} rows", "split it")
            pairs = zip(heading, cells, strict=False)
            rows.append(FileRow(number=number, cells={key: text for key, text in pairs if key}))
    if not any(heading):
        raise _refused(name, "has no heading row", "write the names of the columns into row 1")
    return FileTable(heading=[each for each in heading if each], rows=rows)


def _csv_lines(name: str, content: bytes) -> Iterable[tuple[int, Sequence[str]]]:
    text = _decoded(name, content)
    if "\0" in text:
        raise _refused(name, "is neither CSV nor XLSX", "save it as one of the two")
    rows = csv.reader(io.StringIO(text, newline=""), strict=False)
    try:
        for texts in rows:
            yield rows.line_num, texts
    except csv.Error as error:
        raise _refused(name, f"line {rows.line_num}: {error}", "save it as CSV anew") from error


def _decoded(name: str, content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _refused(name, "is neither UTF-8 nor GB 18030", "save it as CSV UTF-8 or as XLSX")


class _Worksheet(Protocol):
    """What is asked of a sheet that is read row by row."""

    def reset_dimensions(self) -> None: ...

    def iter_rows(
        self, *, max_col: int, values_only: Literal[True]
    ) -> Iterable[Sequence[object]]: ...


def _xlsx_lines(name: str, content: bytes) -> list[tuple[int, list[str]]]:
    try:
        check_archive(content)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            # the stubs do not know the sheets of a workbook that is read row by row
            sheet = cast("_Worksheet", book.worksheets[0])
            sheet.reset_dimensions()
            found: list[tuple[int, list[str]]] = []
            for number, cells in enumerate(
                sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True), 1
            ):
                if number > MOST_ROWS * 2:
                    break
                found.append((number, [_text(each) for each in cells]))
            return found
        finally:
            book.close()
    except ArchiveRefusedError as refused:
        raise _refused(name, refused.problem, refused.remedy) from refused
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        OSError,
        EOFError,
        AttributeError,
        SyntaxError,
    ) as error:
        problem = f"cannot be read: {str(error)[:120]}"
        raise _refused(name, problem, "open and save it again as .xlsx") from error


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == value.min.time() else value.isoformat()
    return str(value)


def _plain(text: str) -> str:
    short = text.replace("\u00a0", " ").strip()[:LONGEST_CELL]
    letters = "".join(each for each in short if each >= " " or each == "\n")
    return letters[1:] if letters.startswith(_GUARD) else letters


def _refused(name: str, problem: str, remedy: str) -> TableRefusedError:
    return TableRefusedError(f"{name}: {problem}; {remedy}")
