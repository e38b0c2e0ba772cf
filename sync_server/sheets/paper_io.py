"""Writes a table as PDF, with the open font of this repository embedded for Chinese."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import TableCellFillMode
from typing_extensions import override

from sync_server.sheets.table import TextTable, widths_of

FONTS: Final = Path(__file__).parents[2] / "field_app" / "ui" / "fonts"
"""Lamplighter Sans (SIL Open Font License 1.1, beside it): only the characters that are used
are embedded."""

_NAME: Final = "LamplighterSans"
_GREY: Final = 245
_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)


class _Paper(FPDF):
    """Pages with their number at the foot."""

    foot = ""

    @override
    def footer(self) -> None:
        """Write the foot of each page."""
        self.set_y(-12)
        self.set_font(_NAME, size=8)
        self.cell(0, 8, f"{self.foot}   {self.page_no()} / {{nb}}", align="R")


def write_paper(table: TextTable) -> bytes:
    """Return the PDF of a table; the same table gives the same bytes."""
    paper = _Paper(orientation="landscape", format="A4")
    paper.foot = table.footer
    paper.set_creation_date(_MOMENT)
    paper.set_title(table.title)
    paper.set_lang("zh")
    paper.add_font(_NAME, "", FONTS / "LamplighterSans-Regular.ttf")
    paper.set_margin(10)
    paper.set_auto_page_break(auto=True, margin=15)
    paper.add_page()
    paper.set_font(_NAME, size=15)
    paper.cell(0, 9, table.title, new_x="LMARGIN", new_y="NEXT")
    paper.set_font(_NAME, size=9)
    paper.cell(0, 7, table.subtitle, new_x="LMARGIN", new_y="NEXT")
    paper.set_font(_NAME, size=8)
    with paper.table(
        col_widths=tuple(widths_of(table)),
        line_height=4.5,
        first_row_as_headings=False,
        num_heading_rows=1,
        repeat_headings=1,
        cell_fill_color=_GREY,
        cell_fill_mode=TableCellFillMode.ROWS,
    ) as rows:
        for line in (table.heading, *table.lines):
            row = rows.row()
            for cell in line:
                row.cell("" if cell is None else str(cell))
    return bytes(paper.output())
