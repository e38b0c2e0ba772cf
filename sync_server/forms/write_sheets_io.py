"""Writes sheets as an XLSX whose bytes depend on its content alone."""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

_MOMENT: Final = datetime(2026, 1, 1)  # noqa: DTZ001  # a file's date says nothing
_WIDTHS: Final = {"type": 24, "name": 22, "list_name": 18, "required": 10}
_WIDE: Final = 34


def write_sheets(sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    """Return the XLSX with these sheets; the first row of each is its headings."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([text or None for text in row])
        for number, heading in enumerate(rows[0] if rows else (), 1):
            cell = sheet.cell(1, number)
            cell.font = Font(bold=True)
            cell.alignment = Alignment(wrap_text=True)
            sheet.column_dimensions[cell.column_letter].width = _WIDTHS.get(heading, _WIDE)
        sheet.freeze_panes = "C2"
    book.properties.creator = "Lamplighter"
    book.properties.created = book.properties.modified = _MOMENT
    packed = BytesIO()
    book.save(packed)
    return _repacked(packed.getvalue())


def _repacked(content: bytes) -> bytes:
    """Return the archive with the date of every part, and of the document, fixed."""
    packed = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as before, zipfile.ZipFile(packed, "w") as after:
        for part in sorted(before.infolist(), key=lambda each: each.filename):
            fixed = zipfile.ZipInfo(part.filename, _MOMENT.timetuple()[:6])
            fixed.compress_type = zipfile.ZIP_DEFLATED
            text = before.read(part)
            if part.filename == "docProps/core.xml":
                text = _without_saving_time(text)
            after.writestr(fixed, text)
    return packed.getvalue()


def _without_saving_time(core: bytes) -> bytes:
    """Return the document's properties without the moment at which they were written."""
    start = core.find(b"<dcterms:modified")
    end = core.find(b"</dcterms:modified>")
    if start < 0 or end < 0:
        return core
    opened = core[start : core.index(b">", start) + 1]
    return core[:start] + opened + b"2026-01-01T00:00:00Z" + core[end:]


def parse_tables(lines: Iterable[str]) -> dict[str, list[list[str]]]:
    """Return the sheets of a text of tables: a sheet's name stands alone in the first cell.

    A vertical line behind a backslash belongs to its cell.
    """
    sheets: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in lines:
        if not line.lstrip().startswith("|"):
            continue
        cells = [
            cell.replace("\0", "|").strip()
            for cell in line.strip().replace("\\|", "\0").strip("|").split("|")
        ]
        if cells[0]:
            rows = sheets.setdefault(cells[0], [])
        elif any(cells):
            rows.append(cells[1:])
    return sheets
