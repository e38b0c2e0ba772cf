"""Decides which bars stand above a ledger: one for each row, of the column that says most."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync_server.ledgers.ledger import Book, Cell, LedgerRow, Share
from sync_server.web.ledger_views import RowView
from sync_server.web.words import Words, mark

WIDTH = 960
HEIGHT = 96
"""The picture's size; the page scales it to the panel's width."""

_TOP = 8
_BOTTOM = 80
_LETTER = 6.5
"""Width of a letter of the labels, in units of the picture; a Han character takes two."""

_LAST_NARROW = "\u2e7f"
_FILLED = 0.7
_WIDEST = 48.0
"""Of a bar."""

COLUMN_OF: Mapping[Book, int] = {
    Book.CLOCKS: 4,
    Book.CALLS: 1,
    Book.NUMBERS: 1,
    Book.CALLBACKS: 1,
    Book.SLIPS: 8,
    Book.TEAMS: 1,
    Book.PEOPLE: 3,
    Book.COMPLAINTS: 1,
    Book.CAUSES: 1,
    Book.CUSTOMERS: 1,
    Book.HALL: 1,
    Book.SALE_DAYS: 3,
    Book.RATES: 3,
}
"""Ledger -> the column that its bars show; the others are lists of single matters, of spans
that contain each other, or of parts that several media have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row's bar: place and size in units of the picture, `text` says row and value."""

    x: float
    y: float
    width: float
    height: float
    text: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChart:
    """The bars, and the sentence that says what they show."""

    bars: Sequence[Bar]
    sentence: str


def ledger_chart(
    book: Book, rows: Sequence[LedgerRow], views: Sequence[RowView], heading: str, words: Words
) -> LedgerChart | None:
    """Return the bars of a ledger; None where fewer than two rows have a value, or all are zero.

    A row without a value has no bar: nothing is not zero. The sum is not among the bars.
    """
    column = COLUMN_OF.get(book)
    if column is None:
        return None
    pairs = [
        (_value(row.cells[column]), view.cells[0].text, view.cells[column].text)
        for row, view in zip(rows, views, strict=True)
        if not view.is_total
    ]
    values = [value for value, *_ in pairs if value is not None]
    highest = max(values, default=0.0)
    if len(values) <= 1 or highest <= 0:
        return None
    labels = _labels([name for _, name, _ in pairs])
    slot = WIDTH / len(pairs)
    width = min(_WIDEST, slot * _FILLED)
    bars = [
        Bar(
            x=round(index * slot + (slot - width) / 2, 1),
            y=round(_BOTTOM - (_BOTTOM - _TOP) * value / highest, 1),
            width=round(width, 1),
            height=round((_BOTTOM - _TOP) * value / highest, 1),
            text=f"{name}: {text}",
            label=label,
        )
        for index, ((value, name, text), label) in enumerate(zip(pairs, labels, strict=True))
        if value is not None
    ]
    _, name, text = next(each for each in pairs if each[0] == highest)
    told = words.gettext(mark("{column}: the most is {value}, {row}"))
    return LedgerChart(bars=bars, sentence=told.format(column=heading, value=text, row=name))


def _value(cell: Cell) -> float | None:
    if isinstance(cell, Share):
        return cell.value
    return float(cell) if isinstance(cell, int | float) and math.isfinite(cell) else None


def _labels(names: Sequence[str]) -> list[str]:
    """Return the labels of the bars; of many only those that find room, the first among them."""
    is_days = all(len(each) == len("2026-12-14") and each[4] == each[7] == "-" for each in names)
    short = [each[5:] if is_days else each for each in names]
    widest = max(_LETTER * sum(1 + (letter > _LAST_NARROW) for letter in each) for each in short)
    every = math.ceil((widest + _LETTER) / (WIDTH / len(names)))
    return [each if index % every == 0 else "" for index, each in enumerate(short)]
