"""Reads the sheets of an XLSX that a stranger may have made: bounded, and without any DTD."""

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from io import BytesIO
from typing import Final, Literal, Protocol, cast

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from sync_server.forms.form_problems import FormRefusedError, whole_file
from sync_server.sheets.archive_io import ArchiveRefusedError, check_archive

MOST_FILE_BYTES: Final = 1_000_000
"""Of the file itself; the WHO's verbal autopsy, a worst case, is a fifth of that."""

MOST_ROWS: Final = 6000
MOST_COLUMNS: Final = 120
LONGEST_CELL: Final = 20_000

SHEETS: Final = ("survey", "choices", "settings")
"""What a form is made of; other sheets are the author's own."""

_NO_SPACE: Final = "\u00a0"

_UNSEEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What is no character of XML 1.0, section 2.2."""

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheets:
    """The three sheets as texts, row 2 of the spreadsheet first; an empty row stays in place.

    Attributes:
        rows: Sheet -> its rows, each heading -> text; what is empty is left out.
        headings: Sheet -> its headings.
    """

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    headings: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def setting(self, name: str) -> str:
        """Return one value of the settings sheet, empty when it is not there."""
        rows = self.rows.get("settings", ())
        return rows[0].get(name, "") if rows else ""


def read_sheets(content: bytes) -> Sheets:
    """Return the sheets of an XLSX; raise FormRefusedError when it cannot be one, or is too big."""
    if len(content) > MOST_FILE_BYTES:
        problem = f"has {len(content)} bytes, at most {MOST_FILE_BYTES} are taken"
        raise whole_file(problem, "take pictures and unused sheets out of it")
    try:
        check_archive(content)
        workbook = load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
    except ArchiveRefusedError as refused:
        raise whole_file(refused.problem, refused.remedy) from refused
    except (zipfile.BadZipFile, InvalidFileException) as error:
        raise whole_file("is no XLSX file", "save it as Excel workbook (.xlsx)") from error
    except (KeyError, ValueError, TypeError, OSError, EOFError, AttributeError) as error:
        problem = f"cannot be read: {str(error)[:120]}"
        raise whole_file(problem, "open and save it again as Excel workbook (.xlsx)") from error
    try:
        by_name = {name.lower().strip(): workbook[name] for name in workbook.sheetnames}
        # the stubs do not know the sheets of a workbook that is read row by row
        found: dict[str, _Worksheet] = {
            name: cast("_Worksheet", by_name[name]) for name in SHEETS if name in by_name
        }
        return _sheets(found)
    except FormRefusedError:
        raise
    except (KeyError, ValueError, TypeError, IndexError, OSError, SyntaxError) as error:
        problem = f"cannot be read: {str(error)[:120]}"
        raise whole_file(problem, "open and save it again as Excel workbook (.xlsx)") from error
    finally:
        workbook.close()


class _Worksheet(Protocol):
    """What is asked of a sheet that is read row by row."""

    def reset_dimensions(self) -> None: ...

    def iter_rows(
        self, *, max_col: int, values_only: Literal[True]
    ) -> Iterable[Sequence[object]]: ...


def _sheets(found: Mapping[str, _Worksheet]) -> Sheets:
    if "survey" not in found:
        raise whole_file("has no sheet named survey", "follow the XLSForm convention")
    rows: dict[str, Sequence[Row]] = {}
    headings: dict[str, Sequence[str]] = {}
    for name, sheet in found.items():
        headings[name], rows[name] = _rows(name, sheet)
    return Sheets(rows=rows, headings=headings)


def _rows(name: str, sheet: _Worksheet) -> tuple[list[str], list[Row]]:
    sheet.reset_dimensions()
    headings: list[str] = []
    rows: list[Row] = []
    for number, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True), 1):
        if number > MOST_ROWS:
            problem = f"sheet {name} has more than {MOST_ROWS} rows"
            raise whole_file(problem, "split the form, or clear cells far below")
        texts = [cell_text(cell) for cell in cells]
        if number == 1:
            headings = texts
        else:
            rows.append(dict(_filled(headings, texts)))
    while rows and not rows[-1]:
        rows.pop()
    return [heading for heading in headings if heading], rows


def _filled(headings: Sequence[str], texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    return (
        (heading, text) for heading, text in zip(headings, texts, strict=False) if heading and text
    )


def cell_text(value: object) -> str:
    """Return a cell as its author sees it; whole numbers without a point.

    Characters that nobody sees and no XML can hold are left out.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | time):
        return value.isoformat()
    plain = _UNSEEN.sub("", str(value).replace(_NO_SPACE, " "))
    return plain.strip()[:LONGEST_CELL]
