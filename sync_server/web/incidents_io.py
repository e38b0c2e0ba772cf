"""The routes of major incidents: one page joins alerts, requests, orders and the log (B-15)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy import Connection, select

from sync_server.access.roles import Action, may
from sync_server.db.alert_tables import ALERT
from sync_server.db.engine_io import reading
from sync_server.db.order_tables import WORK_ORDER
from sync_server.service_desk.matters_store import matters_received
from sync_server.shifts.incident_store import (
    Incident,
    begin,
    end_incident,
    entries_of,
    get_incident,
    newest_incidents,
    report_up,
    write_entry,
)
from sync_server.web.attempts_io import attempt
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import KeepShift, LeadIncident, SeeShift
from sync_server.web.labels import KINDS, ORDER_STATES, label
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import request_row
from sync_server.web.row_numbers import RowNumber
from sync_server.web.words import Words
from wire_contracts.frames import ms_from_utc

_MOST: Final = 50
Text = Annotated[str, Form(max_length=4000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """An alert or an order that came since the incident began."""

    href: str
    name: str
    words: str
    priority: int


def incidents_router(pages: Pages) -> APIRouter:
    """Return the routes of major incidents."""
    router = APIRouter()

    @router.get("/incidents")
    def incidents(request: Request, person: SeeShift) -> Response:
        """Show the incidents, those that run first."""
        return _list_page(pages, request, pages.reader(person))

    @router.post("/incidents")
    def begun(person: LeadIncident, title: Annotated[str, Form(max_length=200)] = "") -> Response:
        """Begin an incident at once."""
        with pages.engine.begin() as connection:
            found = begin(connection, title, person.account_id, pages.clock.now_utc())
        return see_other(f"/incidents/{found.incident_id}")

    @router.get("/incidents/{incident_id}")
    def one(request: Request, person: SeeShift, incident_id: RowNumber) -> Response:
        """Show an incident with everything that came since it began."""
        return _page(pages, request, pages.reader(person), incident_id)

    return router


def incident_log_router(pages: Pages) -> APIRouter:
    """Return the routes that write into the log of an incident, and end it."""
    router = APIRouter()

    @router.post("/incidents/{incident_id}/entry")
    def entry(
        request: Request, person: KeepShift, incident_id: RowNumber, text: Text = ""
    ) -> Response:
        """Write into the log."""
        actor, now_utc = person.account_id, pages.clock.now_utc()
        return _do(
            pages,
            request,
            pages.reader(person),
            incident_id,
            lambda c: write_entry(c, incident_id, text, actor, now_utc),
        )

    @router.post("/incidents/{incident_id}/report")
    def reported(
        request: Request,
        person: LeadIncident,
        incident_id: RowNumber,
        to: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Note who above was told."""
        actor, now_utc = person.account_id, pages.clock.now_utc()
        return _do(
            pages,
            request,
            pages.reader(person),
            incident_id,
            lambda c: report_up(c, incident_id, to, actor, now_utc),
        )

    @router.post("/incidents/{incident_id}/end")
    def ended(
        request: Request, person: LeadIncident, incident_id: RowNumber, text: Text = ""
    ) -> Response:
        """End it with what was learnt."""
        actor, now_utc = person.account_id, pages.clock.now_utc()
        return _do(
            pages,
            request,
            pages.reader(person),
            incident_id,
            lambda c: end_incident(c, incident_id, text, actor, now_utc),
        )

    return router


def _do(
    pages: Pages,
    request: Request,
    reader: Reader,
    incident_id: int,
    change: Callable[[Connection], object],
) -> Response:
    problem = attempt(pages, reader, lambda connection, _office: change(connection))
    if problem is not None:
        return _page(pages, request, reader, incident_id, problem=problem)
    return see_other(f"/incidents/{incident_id}")


def _list_page(pages: Pages, request: Request, reader: Reader) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        found = newest_incidents(connection)
    rows = [
        (
            each.incident_id,
            each.title,
            words.moment(each.started_at_utc),
            "" if each.ended_at_utc is None else words.moment(each.ended_at_utc),
            each.lessons,
        )
        for each in found
    ]
    can_lead = may(reader.person.role, Action.LEAD_INCIDENT)
    return pages.page(request, reader, "incidents.html", "shift", rows=rows, can_lead=can_lead)


def _page(
    pages: Pages, request: Request, reader: Reader, incident_id: int, problem: str = ""
) -> Response:
    words, now_utc, role = reader.words, pages.clock.now_utc(), reader.person.role
    with reading(pages.engine) as connection:
        found = get_incident(connection, incident_id)
        names = load_names(connection)
        until_utc = found.ended_at_utc or now_utc + timedelta(minutes=1)  # this very moment too
        matters = matters_received(connection, found.started_at_utc, until_utc)
        alerts = _alerts(connection, found, words) if may(role, Action.SEE_ALERTS) else []
        orders = _orders(connection, found, words)
        entries = entries_of(connection, incident_id)
    reported = found.reported_at_utc
    return pages.page(
        request,
        reader,
        "incident.html",
        "shift",
        incident_id=incident_id,
        title=found.title,
        started=words.moment(found.started_at_utc),
        ended="" if found.ended_at_utc is None else words.moment(found.ended_at_utc),
        reported="" if reported is None else f"{found.reported_to} · {words.moment(reported)}",
        lessons=found.lessons,
        requests=[
            request_row(each.record, words, now_utc, names) for each in reversed(matters[-_MOST:])
        ],
        request_total=len(matters),
        alerts=alerts,
        orders=orders,
        entries=[
            (words.near_clock(e.at_utc, now_utc), names.accounts.get(e.actor, e.actor), e.text)
            for e in entries
        ],
        is_running=found.ended_at_utc is None,
        can_lead=may(role, Action.LEAD_INCIDENT),
        can_write=may(role, Action.KEEP_SHIFT),
        problem_text=problem,
        status=409 if problem else 200,
    )


def _alerts(connection: Connection, found: Incident, words: Words) -> list[Beside]:
    query = select(ALERT.c.alert_id, ALERT.c.meter_id, ALERT.c.kind, ALERT.c.priority).where(
        ALERT.c.raised_at_ms >= ms_from_utc(found.started_at_utc)
    )
    if found.ended_at_utc is not None:
        query = query.where(ALERT.c.raised_at_ms < ms_from_utc(found.ended_at_utc))
    rows = connection.execute(query.order_by(ALERT.c.priority, ALERT.c.raised_at_ms).limit(_MOST))
    return [
        Beside(
            href=f"/alerts?tab=all&alert={row.alert_id}",
            name=row.meter_id,
            words=label(words, KINDS, row.kind),
            priority=row.priority,
        )
        for row in rows
    ]


def _orders(connection: Connection, found: Incident, words: Words) -> list[Beside]:
    query = select(
        WORK_ORDER.c.order_id, WORK_ORDER.c.number, WORK_ORDER.c.state, WORK_ORDER.c.priority
    ).where(WORK_ORDER.c.created_at_ms >= ms_from_utc(found.started_at_utc))
    if found.ended_at_utc is not None:
        query = query.where(WORK_ORDER.c.created_at_ms < ms_from_utc(found.ended_at_utc))
    rows = connection.execute(query.order_by(WORK_ORDER.c.priority).limit(_MOST))
    return [
        Beside(
            href=f"/orders/{row.order_id}",
            name=row.number,
            words=label(words, ORDER_STATES, row.state),
            priority=row.priority,
        )
        for row in rows
    ]
