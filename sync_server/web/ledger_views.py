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
from sync_server.ledgers.period import Span
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

BOOKS: Mapping[Book, str] = {
    Book.CLOCKS: mark("Response clocks"),
    Book.CALLS: mark("Calls"),
    Book.NUMBERS: mark("Numbers dialled"),
    Book.CALLBACKS: mark("Callbacks of the week"),
    Book.REQUESTS: mark("Ledger of the hotline"),
    Book.SLIPS: mark("Register of slips"),
    Book.TEAMS: mark("Crews and their slips"),
    Book.PEOPLE: mark("Figures of each person"),
    Book.COMPLAINTS: mark("Complaints"),
    Book.CAUSES: mark("Causes and measures"),
    Book.INTERNAL: mark("Own people on the hotline"),
    Book.CUSTOMERS: mark("Customers and homes"),
    Book.HALL: mark("Queue of the hall"),
    Book.SALES: mark("Sales"),
    Book.SALE_DAYS: mark("Sales by day"),
    Book.SALE_LINES: mark("Sales one by one"),
    Book.RATES: mark("Reading and collection rates"),
    Book.CASH: mark("Cash of the day"),
    Book.PLANT: mark("Book of the network"),
    Book.LATE: mark("Missed clocks"),
}
"""Ledger -> its title, in the order of the page."""

_CALLS: Sequence[str] = (
    mark("Calls"),
    mark("Answered"),
    mark("In three rings"),
    mark("Missed"),
    mark("Called back in time"),
    mark("Called back late"),
    mark("Not called back"),
    mark("Loss rate"),
    mark("Agent hung up"),
)
_SOLD: Sequence[str] = (
    mark("Residents, sales"),
    mark("Residents, m³"),
    mark("Residents, yuan"),
    mark("Others, sales"),
    mark("Others, m³"),
    mark("Others, yuan"),
)
HEADINGS: Mapping[Book, Sequence[str]] = {
    Book.CLOCKS: (
        mark("Clock"),
        mark("Until"),
        mark("Started"),
        mark("Kept"),
        mark("Too late"),
        mark("Running"),
        mark("Share kept"),
    ),
    Book.LATE: (
        mark("Request"),
        mark("Class"),
        mark("Clock"),
        mark("Until"),
        mark("Was due"),
        mark("Happened"),
        mark("Minutes too late"),
        mark("Owner"),
    ),
    Book.CALLS: (mark("Day"), *_CALLS),
    Book.NUMBERS: (mark("Number"), *_CALLS, mark("Share of all")),
    Book.CALLBACKS: (
        mark("Day"),
        mark("Called"),
        mark("Reached"),
        mark("Finished"),
        mark("Promise kept"),
        mark("Mean of 1 to 5"),
        mark("With an opinion"),
        mark("Opened again"),
    ),
    Book.REQUESTS: (
        mark("Request"),
        mark("Received"),
        mark("Entered"),
        mark("Late entry"),
        mark("Channel"),
        mark("Kind"),
        mark("Class"),
        mark("Where"),
        mark("First contact"),
        mark("Owner"),
        mark("State"),
        mark("Done"),
        mark("Replied"),
    ),
    Book.SLIPS: (
        mark("Day"),
        mark("In homes"),
        mark("Public area"),
        mark("Complaints"),
        mark("Applications"),
        mark("Under warranty"),
        mark("Not under warranty"),
        mark("Entered late"),
        mark("Sent"),
        mark("Not replied"),
        mark("Reminded"),
    ),
    Book.TEAMS: (
        mark("Crew"),
        mark("Sent"),
        mark("Bounced"),
        mark("Done"),
        mark("Replied"),
        mark("Open"),
        mark("Opened again"),
        mark("With a missed clock"),
        mark("Share in time"),
    ),
    Book.PEOPLE: (
        mark("Person"),
        mark("Calls answered"),
        mark("In three rings"),
        mark("Requests taken"),
        mark("Solved at first contact"),
        mark("Replies"),
        mark("Callbacks"),
        mark("Satisfied"),
        mark("Missed clocks"),
        mark("Penalties, CNY"),
    ),
    Book.COMPLAINTS: (
        mark("Class"),
        mark("Complaints"),
        mark("Major"),
        mark("Repeated"),
        mark("Responsible"),
        mark("Not responsible"),
        mark("No verdict yet"),
        mark("Appealed"),
        mark("Replied"),
        mark("Satisfied"),
    ),
    Book.CAUSES: (
        mark("Cause"),
        mark("Complaints"),
        mark("Share of all"),
        mark("Measures agreed"),
        mark("Carried out"),
    ),
    Book.CUSTOMERS: (
        mark("Community"),
        mark("Homes"),
        mark("Residents"),
        mark("Public welfare"),
        mark("Commercial"),
        mark("Industrial"),
        mark("Internal"),
        mark("Meters"),
    ),
    Book.INTERNAL: (),
    Book.HALL: (
        mark("Day"),
        mark("Came"),
        mark("Served"),
        mark("Left"),
        mark("Left unserved"),
        mark("Waited, min"),
        mark("Longest, min"),
    ),
    Book.SALES: (mark("Span"), mark("Period"), *_SOLD),
    Book.SALE_DAYS: (mark("Day"), *_SOLD),
    Book.SALE_LINES: (
        mark("Sale"),
        mark("Day"),
        mark("Medium"),
        mark("Class"),
        mark("Home"),
        mark("m³"),
        mark("yuan"),
        mark("Paid by"),
        mark("Seller"),
    ),
    Book.RATES: (
        mark("Month"),
        mark("Meters"),
        mark("Read"),
        mark("Reading rate"),
        mark("Target"),
        mark("Bills"),
        mark("Paid bills"),
        mark("Billed, yuan"),
        mark("Paid, yuan"),
        mark("Collection rate"),
        mark("Target"),
    ),
    Book.CASH: (
        mark("Day"),
        mark("Clerk"),
        mark("Sold, yuan"),
        mark("Counted, yuan"),
        mark("Difference"),
        mark("Reason"),
        mark("Bank slip"),
        mark("Banked"),
        mark("Late"),
    ),
    Book.PLANT: (
        mark("Part of the network"),
        mark("Medium"),
        mark("Pieces"),
        mark("km"),
        mark("planned"),
        mark("in service"),
        mark("defect"),
        mark("isolated"),
        mark("retired"),
    ),
}
"""Ledger -> its columns; those of the own people are those of the hotline."""

SPANS: Mapping[Book, Span] = {
    Book.CALLS: Span.WEEK,
    Book.NUMBERS: Span.WEEK,
    Book.CALLBACKS: Span.WEEK,
    Book.SALE_LINES: Span.DAY,
    Book.RATES: Span.YEAR,
}
"""The period a ledger opens with; every other one with the month (policy K9)."""

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


ONE_CALL: Sequence[str] = (
    mark("Rang"),
    mark("Number dialled"),
    mark("Answered by"),
    mark("Answered at"),
    mark("Missed"),
    mark("Called back at"),
)
"""The columns of the calls that a figure is made of."""

_LINES: Mapping[Book, Sequence[str]] = {
    Book.HALL: (
        mark("Day"),
        mark("Number"),
        mark("Need"),
        mark("State"),
        mark("Came"),
        mark("Called"),
        mark("Ended"),
        mark("Waited, min"),
    ),
    Book.CUSTOMERS: (mark("Home"), mark("Class"), mark("heated"), mark("Meters")),
}
"""The columns of what a figure is made of, where it is made of neither requests nor calls."""

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
        others = _LINES.get(wanted.book, HEADINGS[Book.REQUESTS])
        own = ONE_CALL if is_call else others
    return [words.gettext(each) for each in own]


def title_of_ledger(wanted: Wanted, words: Words, names: Names) -> str:
    """Return the ledger's title; of a figure also its row and its column."""
    title = words.gettext(BOOKS[wanted.book])
    figure = wanted.figure
    if figure is None:
        return title
    columns = HEADINGS[wanted.book] or HEADINGS[Book.REQUESTS]
    column = words.gettext(columns[figure.column]) if figure.column < len(columns) else ""
    row = names.accounts.get(figure.row) or names.crews.get(figure.row) or figure.row
    if wanted.book is Book.CUSTOMERS:
        row = term_words(Term(vocabulary=Vocabulary.COMMUNITY, code=figure.row), words, names)
    for table in (*_TABLES.values(), _PLAIN):
        if figure.row in table:
            row = words.gettext(table[figure.row])
            break
    return f"{title} · {row} · {column}"


def row_views(
    rows: Sequence[LedgerRow], words: Words, names: Names, wanted: Wanted
) -> list[RowView]:
    """Return the rows as the page shows them; a figure leads to what it is made of."""
    return [
        RowView(
            cells=[
                replace(_cell(each, words, names), href=_href(row, place, wanted))
                for place, each in enumerate(row.cells)
            ],
            href=row.href,
            is_total=row.cells[0] == _TOTAL,
        )
        for row in rows
    ]


def _href(row: LedgerRow, column: int, wanted: Wanted) -> str:
    if wanted.figure is not None:
        return ""
    cell = row.cells[column]
    if not made_of(cell) and not _has_lines(row, cell, wanted.book):
        is_figure = isinstance(cell, int | float | Share) and bool(column) and cell != 0
        return _narrowed(row.href, column, wanted.book) if is_figure else ""
    asked = {"period": wanted.period.text, "row": row_key(row), "column": str(column)}
    return f"/reports/{wanted.book}?{urlencode(asked)}"


def _narrowed(href: str, column: int, book: Book) -> str:
    """Return a row's own page, of the network's parts only those in the column's state."""
    if book is not Book.PLANT or column < _FIRST_STATE:
        return href
    return f"{href}&state={[*PlantState][column - _FIRST_STATE]}"


def _has_lines(row: LedgerRow, cell: Cell, book: Book) -> bool:
    """Return whether a figure is made of lines of its own: not all homes of the town together."""
    is_town = book is Book.CUSTOMERS and row.cells[0] == _TOTAL
    return book in _LINES and not is_town and isinstance(cell, int | float | Share) and cell != 0


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
