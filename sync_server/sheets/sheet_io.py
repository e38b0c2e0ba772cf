"""Writes a table as XLSX; a text that looks like a formula stays a text."""

from datetime import datetime
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from sync_server.sheets.cells import harmless
from sync_server.sheets.table import TextTable, widths_of

_MOMENT: Final = datetime(2026, 1, 1)  # noqa: DTZ001  # a file's date says nothing


def write_sheet(table: TextTable) -> bytes:
    """Return the XLSX of a table; the last row says who took it away and when."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = table.sheet
    sheet.append([table.title])
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    sheet.append([table.subtitle])
    sheet.append(list(table.heading))
    for number, width in enumerate(widths_of(table), start=1):
        sheet.cell(3, number).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = width
    for line in table.lines:
        sheet.append([_typed(cell) for cell in line])
        for cell in sheet[sheet.max_row]:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(cell.value, str):
                cell.data_type = "s"
    sheet.append([harmless(table.footer)])
    sheet.freeze_panes = "B4"
    book.properties.creator = "Lamplighter"
    book.properties.created = book.properties.modified = _MOMENT
    packed = BytesIO()
    book.save(packed)
    return packed.getvalue()


def _typed(cell: str | float | None) -> str | float | None:
    """Return a number as a number; a text is never a formula, nor a number with a sign."""
    if not isinstance(cell, str):
        return cell
    return f"'{cell}" if cell.startswith(("+", "-")) else harmless(cell)
