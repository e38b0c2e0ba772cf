"""The routes of ledgers and reports: the page, and the same as CSV, XLSX and PDF."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.db.engine_io import reading
from sync_server.ledgers.books_store import Figure, Wanted, ledger_of
from sync_server.ledgers.ledger import Book, LedgerRow
from sync_server.ledgers.lines_store import IN_PAGES
from sync_server.ledgers.period import Period, Span, neighbours, parse_period, period_of
from sync_server.sheets.sheet_io import write_sheet
from sync_server.sheets.table import TextTable
from sync_server.web.desk_labels import CLOCK_NAMES
from sync_server.web.desk_names_store import load_names
from sync_server.web.exports_io import held_back, target_of
from sync_server.web.guarded_io import ExportLedgers, SeeLedgers
from sync_server.web.intake_io import office_of
from sync_server.web.ledger_chart import COLUMN_OF, ledger_chart
from sync_server.web.ledger_headings import BOOKS, SPANS
from sync_server.web.ledger_views import (
    headings,
    ledger_csv,
    ledger_table,
    row_views,
    title_of_ledger,
)
from sync_server.web.office_labels import SPAN_NAMES
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import Names
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError


def _paper(table: TextTable) -> bytes:
    from sync_server.sheets.paper_io import write_paper  # noqa: PLC0415  # fonts take a while

    return write_paper(table)


_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WRITERS: Final[Mapping[str, tuple[Callable[[TextTable], bytes], str]]] = {
    "csv": (ledger_csv, "text/csv; charset=utf-8"),
    "xlsx": (write_sheet, _XLSX),
    "pdf": (_paper, "application/pdf"),
}
_WITHOUT_PERIOD: Final = frozenset({Book.CUSTOMERS})

ROWS_ON_PAGE: Final = 200
"""Lines of a figure on one page, where they may be those of a whole town."""


class LedgerQuery(BaseModel):
    """Which period, which clock, and which figure is asked for."""

    period: str = Field(default="", max_length=20)
    clock: str = Field(default="", max_length=10)
    row: str = Field(default="", max_length=100)
    column: int | None = Field(default=None, ge=0, le=100)
    after: str = Field(default="", max_length=100)


Asked = Annotated[LedgerQuery, Query()]


def ledgers_router(pages: Pages) -> APIRouter:
    """Return the routes of the ledgers."""
    router = APIRouter()

    @router.get("/reports")
    def reports(_person: SeeLedgers) -> Response:
        """Lead to the first ledger."""
        return see_other(f"/reports/{next(iter(BOOKS))}")

    @router.get("/reports/{book}.csv")
    def as_csv(person: ExportLedgers, book: str, asked: Asked) -> Response:
        """Return a ledger as CSV."""
        return _taken(pages, pages.reader(person), _whole(pages, book, asked), "csv")

    @router.get("/reports/{book}.xlsx")
    def as_sheet(person: ExportLedgers, book: str, asked: Asked) -> Response:
        """Return a ledger as XLSX."""
        return _taken(pages, pages.reader(person), _whole(pages, book, asked), "xlsx")

    @router.get("/reports/{book}.pdf")
    def as_paper(person: ExportLedgers, book: str, asked: Asked) -> Response:
        """Return a ledger as PDF."""
        return _taken(pages, pages.reader(person), _whole(pages, book, asked), "pdf")

    @router.get("/reports/{book}")
    def report(request: Request, person: SeeLedgers, book: str, asked: Asked) -> Response:
        """Show a ledger of a period, or what one figure of it is made of."""
        return _page(pages, request, pages.reader(person), _wanted(pages, book, asked))

    return router


def _wanted(pages: Pages, book: str, asked: LedgerQuery) -> Wanted:
    if book not in set(Book):
        raise ContractError(
            place="report",
            field="book",
            problem=f"{book!r} is no ledger",
            remedy=f"open one of: {', '.join(Book)}",
            code=Code.NOT_FOUND,
        )
    known = Book(book)
    return Wanted(
        book=known,
        period=_period(pages, known, asked.period),
        clock=asked.clock if asked.clock in CLOCK_NAMES else "",
        figure=None if asked.column is None else Figure(row=asked.row, column=asked.column),
        after=asked.after,
    )


def _whole(pages: Pages, book: str, asked: LedgerQuery) -> Wanted:
    """Return what a file holds: all of it, whatever the page shows."""
    return replace(_wanted(pages, book, asked), after="")


def _period(pages: Pages, book: Book, text: str) -> Period:
    zone = pages.settings.zone
    if text:
        return parse_period(text, zone)
    today = pages.clock.now_utc().astimezone(zone).date()
    return period_of(SPANS.get(book, Span.MONTH), today, zone)


def _read(pages: Pages, reader: Reader, wanted: Wanted) -> tuple[Sequence[LedgerRow], Names]:
    with reading(pages.engine) as connection:
        rows = ledger_of(connection, wanted, office_of(pages, reader))
        return rows, load_names(connection)


def _taken(pages: Pages, reader: Reader, wanted: Wanted, kind: str) -> Response:
    """Return the ledger as a file, or where a bulky one waits; each taking is an audit event."""
    now_utc = pages.clock.now_utc()
    rows, names = _read(pages, reader, wanted)
    waiting = held_back(pages, reader.person, _target(wanted, kind), len(rows))
    if waiting is not None:
        return waiting
    with pages.engine.begin() as connection:
        event = AuditEvent(
            actor=reader.person.account_id,
            action="ledger.export",
            subject=str(wanted.book),
            detail={"period": wanted.period.text, "rows": len(rows)},
        )
        append_audit(connection, event, now_utc)
    site = pages.settings.site_name
    stamp = f"{site} · {reader.person.display_name} · {reader.words.moment(now_utc)}"
    table = ledger_table(wanted, rows, reader.words, names, stamp)
    write, media_type = _WRITERS[kind]
    return _file(write(table), f"{wanted.book}-{table.sheet}.{kind}", media_type)


def _target(wanted: Wanted, kind: str) -> str:
    figure = wanted.figure
    return target_of(
        f"/reports/{wanted.book}.{kind}",
        period=wanted.period.text,
        clock=wanted.clock,
        row="" if figure is None else figure.row,
        column="" if figure is None else str(figure.column),
    )


def _file(content: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


def _page(pages: Pages, request: Request, reader: Reader, wanted: Wanted) -> Response:
    period, words, zone = wanted.period, reader.words, pages.settings.zone
    found, names = _read(pages, reader, replace(wanted, most=ROWS_ON_PAGE + 1))
    in_pages = wanted.figure is not None and wanted.book in IN_PAGES
    rows = found[:ROWS_ON_PAGE] if in_pages else found
    before, behind = neighbours(period, zone)
    columns, shown = headings(wanted, words), row_views(rows, words, names, wanted)
    heading = columns[COLUMN_OF.get(wanted.book, 0)] if wanted.figure is None else ""
    chart = ledger_chart(wanted.book, rows, shown, heading, words) if heading else None
    return pages.page(
        request,
        reader,
        "reports.html",
        "reports",
        book=str(wanted.book),
        title=title_of_ledger(wanted, words, names),
        is_figure=wanted.figure is not None,
        books=[(str(each), words.gettext(title)) for each, title in BOOKS.items()],
        has_period=wanted.book not in _WITHOUT_PERIOD,
        period=period.text,
        spans=[
            (words.gettext(name), period_of(span, period.first_day, zone).text, span is period.span)
            for span, name in SPAN_NAMES.items()
        ],
        before=before.text,
        behind=behind.text,
        query=_query(wanted),
        further=str(rows[-1].cells[0]) if len(rows) < len(found) else "",
        is_further=bool(wanted.after),
        headings=columns,
        rows=shown,
        chart=chart,
    )


def _query(wanted: Wanted) -> str:
    """Return what leads to the same figure or clock of another period."""
    asked = {"clock": wanted.clock} if wanted.clock else {}
    if wanted.figure is not None:
        asked |= {"row": wanted.figure.row, "column": str(wanted.figure.column)}
    return f"&{urlencode(asked)}" if asked else ""
