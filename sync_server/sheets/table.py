"""A table in one language, for the sheet and the paper, with how wide its columns are."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

NARROWEST, WIDEST = 5, 60
"""Letters of a column: a number must fit, and a long text wraps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """What is written, in the reader's words; each line has as many cells as the heading.

    `sheet` is the name of the sheet, `title` stands above, `footer` on every page.
    """

    sheet: str
    title: str
    subtitle: str
    heading: Sequence[str]
    lines: Sequence[Sequence[str | float | None]]
    footer: str


def widths_of(table: TextTable) -> list[int]:
    """Return the width of each column in letters: the widest of its cells, within bounds."""
    found = [_word_width(each) for each in table.heading]
    for line in table.lines:
        for place, cell in enumerate(line[: len(found)]):
            found[place] = max(found[place], _width(_text(cell)))
    return [min(max(each + 1, NARROWEST), WIDEST) for each in found]


def _text(cell: str | float | None) -> str:
    return "" if cell is None else str(cell)


def _word_width(text: str) -> int:
    """Return the width of a heading's longest word: headings wrap."""
    return max((_width(word) for word in text.split()), default=0)


def _width(text: str) -> int:
    """Return letters, Chinese ones twice as wide as Latin ones."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
