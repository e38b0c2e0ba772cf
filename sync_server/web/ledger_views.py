"""What the page and the files of a ledger show: titles, headings and cells in words."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from sync_server.ledgers.books_store import Wanted, is_of_clocks
from sync_server.ledgers.ledger import (
    Book,
    Cell,
    LedgerRow,
    Share,
    Term,
    Vocabulary,
    made_of,
    row_key,
)
from sync_server.ledgers.lines_store import COLLECTION_TARGET, FIRST_OF_BILLS, READING_TARGET
from sync_server.plant.plant import PlantState
from sync_server.sheets.cells import BYTE_ORDER_MARK, harmless
from sync_server.sheets.table import TextTable
from sync_server.web.desk_labels import (
    CAUSES,
    CHANNELS,
    CLOCK_NAMES,
    REQUEST_CLASSES,
    REQUEST_KINDS,
    REQUEST_STATES,
)
from sync_server.web.labels import MEDIA, label
from sync_server.web.ledger_headings import (
    BILL_HEADINGS,
    BOOKS,
    HEADINGS,
    LACKING,
    LINE_HEADINGS,
    ONE_CALL,
)
from sync_server.web.office_labels import (
    CUSTOMER_CLASSES,
    HALL_NEEDS,
    HALL_STATES,
    PAID_BY,
    PLANT_CLASSES,
    SPAN_NAMES,
)
from sync_server.web.request_views import Names
from sync_server.web.words import Words, mark, number

_SPANS: Mapping[str, str] = {
    **{str(span): name for span, name in SPAN_NAMES.items()},
    "cumulative": mark("Cumulative"),
}
_TABLES: Mapping[Vocabulary, Mapping[str, str]] = {
    Vocabulary.CLOCK: CLOCK_NAMES,
    Vocabulary.KIND: REQUEST_KINDS,
    Vocabulary.REQUEST_CLASS: REQUEST_CLASSES,
    Vocabulary.STATE: REQUEST_STATES,
    Vocabulary.CHANNEL: CHANNELS,
    Vocabulary.CAUSE: CAUSES,
    Vocabulary.CUSTOMER_CLASS: CUSTOMER_CLASSES,
    Vocabulary.SPAN: _SPANS,
    Vocabulary.PAID_BY: PAID_BY,
    Vocabulary.PLANT_CLASS: PLANT_CLASSES,
    Vocabulary.MEDIUM: MEDIA,
    Vocabulary.HALL_NEED: HALL_NEEDS,
    Vocabulary.HALL_STATE: HALL_STATES,
    Vocabulary.TOTAL: {"total": mark("Together")},
    Vocabulary.TRUTH: {"yes": mark("yes"), "no": "–"},
}


_TOTAL: Cell = Term(vocabulary=Vocabulary.TOTAL, code="total")
_PLAIN: Mapping[str, str] = {"": mark("without a crew")}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """A cell of the page: `used` is the percentage that a bar shows, None where there is none."""

    text: str
    is_number: bool
    used: int | None
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """A row of the page."""

    cells: Sequence[CellView]
    href: str
    is_total: bool


_FIRST_STATE = HEADINGS[Book.PLANT].index("planned")
OF_CALLS = frozenset({Book.CALLS, Book.NUMBERS})
_QUICK_OF_PEOPLE = frozenset({1, 2})
"""Columns of the figures of each person that count calls; the others count requests."""


def headings(wanted: Wanted, words: Words) -> list[str]:
    """Return the columns of a ledger, or of what a figure of it is made of."""
    own = HEADINGS[wanted.book] or HEADINGS[Book.REQUESTS]
    if is_of_clocks(wanted):
        own = HEADINGS[Book.LATE]
    elif wanted.figure is not None:
        is_call = wanted.book in OF_CALLS or (
            wanted.book is Book.PEOPLE and wanted.figure.column in _QUICK_OF_PEOPLE
        )
        others = LINE_HEADINGS.get(wanted.book, HEADINGS[Book.REQUESTS])
        own = ONE_CALL if is_call else others
        if wanted.book is Book.RATES and wanted.figure.column >= FIRST_OF_BILLS:
            own = BILL_HEADINGS
    return [words.gettext(each) for each in own]


def title_of_ledger(wanted: Wanted, words: Words, names: Names) -> str:
    """Return the ledger's title; of a figure also its row and its column."""
    title = words.gettext(BOOKS[wanted.book])
    figure = wanted.figure
    if figure is None:
        return title
    columns = HEADINGS[wanted.book] or HEADINGS[Book.REQUESTS]
    column = words.gettext(columns[figure.column]) if figure.column < len(columns) else ""
    if wanted.book is Book.RATES and figure.column in LACKING:
        column = words.gettext(LACKING[figure.column])
    row = _row_words(wanted.book, figure.row, words, names)
    return " · ".join(each for each in (title, row, column) if each)


def _row_words(book: Book, key: str, words: Words, names: Names) -> str:
    """Return what a row of a ledger is called by its key."""
    if book is Book.RATES:  # the month, which stands beside the title
        return ""
    if book is Book.CUSTOMERS and key != row_key(LedgerRow(cells=(_TOTAL,))):
        return term_words(Term(vocabulary=Vocabulary.COMMUNITY, code=key), words, names)
    for table in (*_TABLES.values(), _PLAIN):
        if key in table:
            return words.gettext(table[key])
    return names.accounts.get(key) or names.crews.get(key) or key


def row_views(
    rows: Sequence[LedgerRow], words: Words, names: Names, wanted: Wanted
) -> list[RowView]:
    """Return the rows as the page shows them; a figure leads to what it is made of."""
    return [
        RowView(
            cells=[
                _linked(_cell(each, words, names), row, place, wanted)
                for place, each in enumerate(row.cells)
            ],
            href=row.href,
            is_total=row.cells[0] == _TOTAL,
        )
        for row in rows
    ]


def _linked(cell: CellView, row: LedgerRow, column: int, wanted: Wanted) -> CellView:
    """Return a cell with what it leads to; a target is no measured share and has no bar."""
    is_target = wanted.book is Book.RATES and column in {READING_TARGET, COLLECTION_TARGET}
    used = None if is_target else cell.used
    return replace(cell, used=used, href=_href(row, column, wanted))


def _href(row: LedgerRow, column: int, wanted: Wanted) -> str:
    if wanted.figure is not None:
        return ""
    cell = row.cells[column]
    if not made_of(cell) and not _has_lines(cell, column, wanted.book):
        is_figure = isinstance(cell, int | float | Share) and bool(column) and cell != 0
        return _narrowed(row.href, column, wanted.book) if is_figure else ""
    period, key = wanted.period.text, row_key(row)
    if wanted.book is Book.RATES:  # a row is a month, and a month is a period
        period, key = key, ""
    asked = {"period": period, "row": key, "column": str(column)}
    return f"/reports/{wanted.book}?{urlencode(asked)}"


def _narrowed(href: str, column: int, book: Book) -> str:
    """Return a row's own page, of the network's parts only those in the column's state."""
    if book is not Book.PLANT or column < _FIRST_STATE:
        return href
    return f"{href}&state={[*PlantState][column - _FIRST_STATE]}"


def _has_lines(cell: Cell, column: int, book: Book) -> bool:
    """Return whether a figure is made of lines of its own: no target, no rate that lacks none."""
    if book is Book.RATES:
        is_full = isinstance(cell, Share) and cell.value >= 1
        if is_full or column in {READING_TARGET, COLLECTION_TARGET}:
            return False
    return book in LINE_HEADINGS and isinstance(cell, int | float | Share) and cell != 0


def _cell(cell: Cell, words: Words, names: Names) -> CellView:
    if isinstance(cell, Share):
        percent = round(100 * cell.value)
        return CellView(text=f"{percent} %", is_number=True, used=percent)
    is_number = cell is None or isinstance(cell, int | float)
    return CellView(text=_text(cell, words, names), is_number=is_number, used=None)


def _text(cell: Cell, words: Words, names: Names) -> str:
    if isinstance(cell, Term):
        return term_words(cell, words, names)
    if isinstance(cell, datetime):
        return words.moment(cell)
    if isinstance(cell, int | float):
        return number(cell)
    return "–" if cell is None or isinstance(cell, Share) else cell


def term_words(term: Term, words: Words, names: Names) -> str:
    """Return what a code is called; people, crews and communities by their names."""
    if term.vocabulary is Vocabulary.ACCOUNT:
        return names.accounts.get(term.code, term.code)
    if term.vocabulary is Vocabulary.CREW:
        nobody = words.gettext(mark("without a crew"))
        return names.crews.get(term.code, term.code) or nobody
    if term.vocabulary is Vocabulary.COMMUNITY:
        place = names.communities.get(term.code)
        if place is None:
            return term.code or "–"
        return place.zh if words.language == "zh" else place.en
    return label(words, _TABLES[term.vocabulary], term.code)


def ledger_table(
    wanted: Wanted, rows: Sequence[LedgerRow], words: Words, names: Names, stamp: str
) -> TextTable:
    """Return the ledger for a sheet; `stamp` says who took it away and when (privacy rule 5)."""
    return TextTable(
        sheet=wanted.period.text,
        title=f"{title_of_ledger(wanted, words, names)} {wanted.period.text}",
        subtitle=stamp,
        heading=headings(wanted, words),
        lines=[[_plain(cell, words, names) for cell in row.cells] for row in rows],
        footer=stamp,
    )


def ledger_csv(table: TextTable) -> bytes:
    """Return the ledger as CSV (RFC 4180); no cell is taken for a formula."""
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([harmless(each) for each in table.heading])
    for line in table.lines:
        writer.writerow(["" if each is None else harmless(str(each)) for each in line])
    writer.writerow([harmless(table.footer)])
    return text.getvalue().encode()


def _plain(cell: Cell, words: Words, names: Names) -> str | float | None:
    """Return a cell for a file: a share as its value, nothing as nothing."""
    if isinstance(cell, Share):
        return round(cell.value, 4)
    if cell is None or isinstance(cell, int | float):
        return cell
    return _text(cell, words, names)
