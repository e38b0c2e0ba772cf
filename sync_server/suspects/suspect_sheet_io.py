"""Writes the list as XLSX; a text that looks like a formula stays a text."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from sync_server.suspects.suspect_table import SuspectTable

_MOMENT: Final = datetime(2026, 1, 1)  # noqa: DTZ001  # a file's date says nothing
_WIDTHS: Final[Sequence[int]] = (6, 16, 8, 14, 34, 12, 12, 8, 60, 14, 12)


def write_sheet(table: SuspectTable) -> bytes:
    """Return the XLSX of the list."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = table.month
    sheet.append([table.title])
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    sheet.append([table.subtitle])
    sheet.append(list(table.heading))
    for number, width in enumerate(_WIDTHS, start=1):
        sheet.cell(3, number).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = width
    for line in table.lines:
        sheet.append([_typed(text) for text in line])
        for cell in sheet[sheet.max_row]:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(cell.value, str):
                cell.data_type = "s"
    sheet.freeze_panes = "C4"
    book.properties.creator = "Lamplighter"
    book.properties.created = book.properties.modified = _MOMENT
    packed = BytesIO()
    book.save(packed)
    return packed.getvalue()


def _typed(cell: str | float | None) -> str | float | None:
    """Return a number as a number; a text that a spreadsheet would run begins with an apostrophe.

    OWASP, CSV injection: `=`, `+`, `-`, `@`, tab and carriage return begin formulas.
    """
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell
