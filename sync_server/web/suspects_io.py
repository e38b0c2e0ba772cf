"""The routes of the monthly suspect-meter list: page, sheet, paper, and its orders."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.sheets.sheet_io import write_sheet
from sync_server.suspects.suspect_store import (
    SuspectList,
    get_list,
    list_months,
    make_list,
    order_checks,
)
from sync_server.web.exports_io import held_back, target_of
from sync_server.web.guarded_io import DispatchOrder, SeeReadings
from sync_server.web.pages_io import Notice, Pages, Reader, see_other
from sync_server.web.suspect_views import subtitle_of, suspect_rows, suspect_table
from sync_server.web.words import mark

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MONTH: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"


class MakeForm(BaseModel):
    """Which month a list is wanted of."""

    month: str = Field(pattern=_MONTH)


class ChecksForm(BaseModel):
    """Which meters of a list become check orders."""

    month: str = Field(pattern=_MONTH)
    meter: list[str] = Field(default_factory=list, max_length=500)


def suspects_router(pages: Pages) -> APIRouter:
    """Return the routes of the suspect-meter list."""
    router = APIRouter()

    @router.get("/suspects")
    def suspects(request: Request, person: SeeReadings, month: str = "", made: int = 0) -> Response:
        """Show the list of a month, the newest one unless said."""
        return _page(pages, request, pages.reader(person), month, made)

    @router.post("/suspects/make")
    def make(person: DispatchOrder, form: Annotated[MakeForm, Form()]) -> Response:
        """Make the list of a month, or make it again."""
        with pages.engine.begin() as connection:
            now_utc = pages.clock.now_utc()
            zone = pages.settings.zone
            make_list(connection, form.month, zone, person.account_id, now_utc)
        return see_other(f"/suspects?month={form.month}")

    @router.post("/suspects/orders")
    def order(person: DispatchOrder, form: Annotated[ChecksForm, Form()]) -> Response:
        """Make check orders of the chosen lines."""
        with pages.engine.begin() as connection:
            now_utc = pages.clock.now_utc()
            chosen = frozenset(form.meter)
            count = order_checks(connection, form.month, chosen, person.account_id, now_utc)
        return see_other(f"/suspects?month={form.month}&made={count}")

    @router.get("/suspects/{month}.xlsx")
    def sheet(person: SeeReadings, month: str) -> Response:
        """Return the list as XLSX."""
        content = _written(pages, pages.reader(person), month, "xlsx")
        return (
            content
            if isinstance(content, Response)
            else _file(content, f"suspect-meters-{month}.xlsx", _XLSX)
        )

    @router.get("/suspects/{month}.pdf")
    def paper(person: SeeReadings, month: str) -> Response:
        """Return the list as PDF."""
        content = _written(pages, pages.reader(person), month, "pdf")
        return (
            content
            if isinstance(content, Response)
            else _file(content, f"suspect-meters-{month}.pdf", "application/pdf")
        )

    return router


def _written(pages: Pages, reader: Reader, month: str, kind: str) -> bytes | Response:
    """Return the list as a file, or where a bulky one waits; each taking is an audit event."""
    person, now_utc = reader.person, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        found = get_list(connection, month)
    if found is None:
        raise HTTPException(404)
    target = target_of(f"/suspects/{found.month}.{kind}")
    waiting = held_back(pages, person, target, len(found.lines))
    if waiting is not None:
        return waiting
    with pages.engine.begin() as connection:
        event = AuditEvent(
            actor=person.account_id, action="suspects.export", subject=found.month, detail={}
        )
        append_audit(connection, event, now_utc)
    taken = f"{person.display_name} · {reader.words.moment(now_utc)}"
    table = suspect_table(found, reader.words, f"{pages.settings.site_name} · {taken}")
    if kind != "pdf":
        return write_sheet(table)
    from sync_server.sheets.paper_io import write_paper  # noqa: PLC0415  # fonts take a while

    return write_paper(table)


def _file(content: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


def _page(pages: Pages, request: Request, reader: Reader, month: str, made: int) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        months = list_months(connection)
        found: SuspectList | None = get_list(connection, month or (months[0] if months else ""))
    last = _last_month(pages.clock.now_utc().astimezone(pages.settings.zone))
    notice = None
    if made:
        text = words.ngettext("%(n)d check order was made", "%(n)d check orders were made", made)
        notice = Notice(text=text % {"n": made}, tone="ok")
    return pages.page(
        request,
        reader,
        "suspects.html",
        "suspects",
        month=found.month if found else last,
        months=months,
        last_month=last,
        rows=suspect_rows(found, words) if found else (),
        is_made=found is not None,
        subtitle=subtitle_of(found, words) if found else "",
        can_order=may(reader.person.role, Action.DISPATCH_ORDER),
        no_list_words=words.gettext(mark("No list of this month yet")),
        notice=notice,
    )


def _last_month(today: datetime) -> str:
    return (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
