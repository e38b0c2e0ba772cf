"""Writes a table as PDF, with the open font of this repository embedded for Chinese.

The rows are laid out here: the library's table lays every cell out twice, with styles that no
ledger has, 5 ms a row where this takes half of one.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from typing_extensions import override

from sync_server.sheets.table import TextTable, widths_of

FONTS: Final = Path(__file__).parents[2] / "field_app" / "ui" / "fonts"
"""Lamplighter Sans (SIL Open Font License 1.1, beside it): only the characters that are used
are embedded."""

_NAME: Final = "LamplighterSans"
_GREY: Final = 245
_LINE_GREY: Final = 160
_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LINE_MM: Final = 4.5
_BASE_MM: Final = 3.3
"""From the top of a line to its baseline."""

_PAD_MM: Final = 1.0
_FOOT_MM: Final = 15
_HEADING_LINES: Final = 6


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
    paper.set_auto_page_break(auto=False)
    paper.add_page()
    paper.set_font(_NAME, size=15)
    paper.cell(0, 9, table.title, new_x="LMARGIN", new_y="NEXT")
    paper.set_font(_NAME, size=9)
    paper.cell(0, 7, table.subtitle, new_x="LMARGIN", new_y="NEXT")
    rows = _Rows(paper, table)
    for place, line in enumerate(table.lines):
        rows.put(line, is_filled=place % 2 == 0)
    return bytes(paper.output())


class _Rows:
    """Puts one row below the other, on as many pages as they need, each with the heading."""

    def __init__(self, paper: FPDF, table: TextTable) -> None:
        self._paper, self._heading = paper, table.heading
        letters = widths_of(table)
        self._widths = [paper.epw * each / sum(letters) for each in letters]
        self._bottom_mm = paper.h - _FOOT_MM
        self._y_mm = paper.get_y()
        self._letter_mm: dict[str, float] = {}
        self._head()

    def put(self, line: Sequence[str | float | None], *, is_filled: bool) -> None:
        """Put a row; one that is taller than a page goes on on the next."""
        texts = ["" if each is None else str(each) for each in line]
        is_number = [isinstance(each, int | float) for each in line]
        cells = [
            list(self._lines(text, width - 2 * _PAD_MM))
            for text, width in zip(texts, self._widths, strict=True)
        ]
        left = max(len(each) for each in cells)
        while left:
            room = int((self._bottom_mm - self._y_mm) / _LINE_MM)
            if room < left and self._y_mm > self._top_mm:
                self._turn()
                continue
            now = min(left, max(room, 1))
            self._draw([each[:now] for each in cells], now, is_number, is_filled=is_filled)
            cells, left = [each[now:] for each in cells], left - now

    def _head(self) -> None:
        """Put the heading; below it a page is full only when a row was put."""
        self._style()
        texts = [
            [*self._lines(each, self._widths[place] - 2 * _PAD_MM)][:_HEADING_LINES]
            for place, each in enumerate(self._heading)
        ]
        depth = max(len(each) for each in texts)
        self._draw(texts, depth, [False] * len(texts), is_filled=False)
        self._top_mm = self._y_mm

    def _turn(self) -> None:
        self._paper.add_page()
        self._y_mm = self._paper.t_margin
        self._head()

    def _style(self) -> None:
        self._paper.set_font(_NAME, size=8)
        self._paper.set_draw_color(_LINE_GREY)
        self._paper.set_line_width(0.1)

    def _draw(
        self,
        cells: Sequence[Sequence[str]],
        depth: int,
        is_number: Sequence[bool],
        *,
        is_filled: bool,
    ) -> None:
        paper, x_mm, height_mm = self._paper, self._paper.l_margin, depth * _LINE_MM
        for lines, width_mm, is_right in zip(cells, self._widths, is_number, strict=True):
            paper.set_fill_color(_GREY)
            paper.rect(x_mm, self._y_mm, width_mm, height_mm, style="DF" if is_filled else "D")
            paper.set_fill_color(0)
            for place, text in enumerate(lines):
                free_mm = width_mm - 2 * _PAD_MM - self._width(text)
                indent_mm = _PAD_MM + (free_mm if is_right else 0.0)
                y_mm = self._y_mm + place * _LINE_MM + _BASE_MM
                if text:
                    paper.text(x_mm + indent_mm, y_mm, text)
            x_mm += width_mm
        self._y_mm += height_mm

    def _width(self, text: str) -> float:
        return sum(map(self._width_of, text))

    def _width_of(self, letter: str) -> float:
        found = self._letter_mm.get(letter)
        if found is None:
            found = self._letter_mm[letter] = self._paper.get_string_width(letter)
        return found

    def _lines(self, text: str, width_mm: float) -> Iterator[str]:
        """Yield the lines of a text: broken at a space where there is one, else where it ends."""
        for paragraph in text.splitlines() or [""]:
            rest = paragraph
            while self._width(rest) > width_mm:
                fits = max(1, self._fitting(rest, width_mm))
                space = rest.rfind(" ", 1, fits + 1)
                cut = space if space > 0 else fits
                yield rest[:cut].rstrip()
                rest = rest[cut:].lstrip()
            yield rest

    def _fitting(self, text: str, width_mm: float) -> int:
        """Return how many letters of a text fit."""
        used_mm = 0.0
        for place, letter in enumerate(text):
            used_mm += self._width_of(letter)
            if used_mm > width_mm:
                return place
        return len(text)
