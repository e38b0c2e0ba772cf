"""The routes of the alert desk: list, evidence, acknowledge, shelve, dispatch, live events."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel

from sync_server.access.error_answers_io import error_answer
from sync_server.alerts.alert import MAX_SHELVE_H
from sync_server.alerts.alert_list_store import get_alert
from sync_server.alerts.alert_store import acknowledge, shelve, unshelve
from sync_server.db.engine_io import reading, writing
from sync_server.web.alert_views import is_safety
from sync_server.web.crews_io import crew_choices
from sync_server.web.desk import DeskQuery, parse_query
from sync_server.web.desk_io import DeskPages, rights
from sync_server.web.guarded_io import (
    AcknowledgeAlert,
    DispatchOrder,
    OwnSession,
    SeeAlerts,
    ShelveAlert,
)
from sync_server.web.live_io import MOST_STREAMS, LiveHub, resume_id
from sync_server.web.pages_io import Pages, Reader, count_badges, is_part_wanted
from sync_server.web.words import Words, mark
from sync_server.work_orders.order_store import create_from_alert
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition

SHELVE_MINUTES = (30, 120, 480, 1440)
"""Half an hour, two hours, a shift, a day: the steps an operator is offered."""

_DEFAULT_MINUTES = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelveChoice:
    """One offered time."""

    minutes: int
    words: str
    is_chosen: bool


_LONGEST_GROUP = 240

_LONGEST_KNOWN = 16_384
"""Signs of 1800 rows; whoever shows more is sent the others whole."""


class DeskAddress(BaseModel):
    """What the desk's address may say."""

    tab: str = "all"
    medium: str = ""
    q: str = ""
    alert: str = ""
    rows: str = ""
    group: str = ""


def desk_query(
    asked: Annotated[DeskAddress, Query()],
) -> DeskQuery:
    """Return the narrowing that the address asks for."""
    query = parse_query(asked.tab, asked.medium, asked.q, asked.alert, asked.rows)
    return replace(query, group=asked.group[:_LONGEST_GROUP])


AskedFor = Annotated[DeskQuery, Depends(desk_query)]


def live_router(pages: Pages, hub: LiveHub) -> APIRouter:
    """Return the routes of what is live: the stream of changes, and the counts of the rail."""
    router = APIRouter()

    @router.get("/live")
    async def live(
        person: OwnSession,
        after: int = 0,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Stream what changes from where the page left off."""
        if hub.is_full(person.account_id):
            text = f"live: streams: {MOST_STREAMS} pages of this account are open; close some"
            return error_answer(Code.LOGIN_LIMITED, text)
        start = resume_id(last_event_id, after)
        return StreamingResponse(
            hub.stream(start, person.account_id),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @router.get("/badges")
    def badges(person: OwnSession) -> JSONResponse:
        """Return what waits, as counts."""
        with reading(pages.engine) as connection:
            return JSONResponse(count_badges(connection, person))

    return router


def desk_router(pages: Pages) -> APIRouter:
    """Return the routes that show the desk."""
    router = APIRouter()
    desks = DeskPages(pages)

    @router.get("/alerts")
    def alerts(request: Request, person: SeeAlerts, query: AskedFor) -> Response:
        """Show the alert desk."""
        reader = pages.reader(person)
        desk, panel = desks.desk(reader, query)
        return pages.page(
            request, reader, "alerts.html", "alerts", desk=desk, panel=panel, can=rights(reader)
        )

    @router.get("/alerts/list")
    def alert_list(
        person: SeeAlerts, query: AskedFor, x_known_rows: Annotated[str, Header()] = ""
    ) -> Response:
        """Show the list alone, for the script; of rows whose sign it names only the place."""
        reader = pages.reader(person)
        desk = desks.listed(reader, query)
        known = frozenset(x_known_rows[:_LONGEST_KNOWN].split(","))
        return pages.part(reader, "_list.html", desk=desk, can=rights(reader), known=known)

    @router.get("/alerts/{alert_id}/panel")
    def panel(person: SeeAlerts, alert_id: str) -> Response:
        """Show the evidence of one alert, for the script."""
        return desks.evidence(pages.reader(person), alert_id)

    @router.get("/alerts/{alert_id}/shelve")
    def shelve_form(request: Request, person: ShelveAlert, alert_id: str) -> Response:
        """Show the form that asks how long and why."""
        reader = pages.reader(person)
        if not is_part_wanted(request):
            return desks.whole(request, reader, alert_id)
        return _shelve_form(pages, reader, alert_id)

    @router.get("/alerts/{alert_id}/dispatch")
    def dispatch_form(request: Request, person: DispatchOrder, alert_id: str) -> Response:
        """Show the form that asks for the crew."""
        reader = pages.reader(person)
        if not is_part_wanted(request):
            return desks.whole(request, reader, alert_id)
        return _dispatch_form(pages, reader, alert_id)

    return router


def desk_actions_router(pages: Pages) -> APIRouter:
    """Return the routes that act on an alert."""
    router = APIRouter()
    desks = DeskPages(pages)

    @router.post("/alerts/{alert_id}/acknowledge")
    def acknowledge_alert(request: Request, person: AcknowledgeAlert, alert_id: str) -> Response:
        """Record that the reader has seen it."""
        reader = pages.reader(person)
        try:
            with writing(pages.engine) as connection:
                acknowledge(connection, alert_id, person.account_id, pages.clock.now_utc())
        except RefusedTransition as refusal:
            return desks.refused(request, reader, alert_id, str(refusal))
        return desks.done(request, reader, alert_id)

    @router.post("/alerts/{alert_id}/dispatch")
    def dispatch_alert(
        request: Request,
        person: DispatchOrder,
        alert_id: str,
        crew: Annotated[str, Form(min_length=1, max_length=64)],
    ) -> Response:
        """Make a work order of it and send it to a crew."""
        reader = pages.reader(person)
        try:
            with writing(pages.engine) as connection:
                now_utc = pages.clock.now_utc()
                create_from_alert(connection, alert_id, person.account_id, crew, now_utc)
        except (RefusedTransition, ContractError) as refusal:
            return desks.refused(request, reader, alert_id, str(refusal))
        return desks.done(request, reader, alert_id)

    return router


def shelving_router(pages: Pages) -> APIRouter:
    """Return the routes that take an alert out of the list and bring it back."""
    router = APIRouter()
    desks = DeskPages(pages)

    @router.post("/alerts/{alert_id}/shelve")
    def shelve_alert(
        request: Request,
        person: ShelveAlert,
        alert_id: str,
        minutes: Annotated[int, Form(ge=1, le=MAX_SHELVE_H * 60)] = _DEFAULT_MINUTES,
        reason: Annotated[str, Form(max_length=400)] = "",
    ) -> Response:
        """Take it out of the list for a time; a safety alert stays."""
        reader = pages.reader(person)
        problem = _shelve(pages, reader, alert_id, minutes, reason)
        if problem and is_part_wanted(request):
            return _shelve_form(pages, reader, alert_id, minutes, reason, problem)
        if problem:
            return desks.refused(request, reader, alert_id, problem)
        return desks.done(request, reader, alert_id)

    @router.post("/alerts/{alert_id}/unshelve")
    def unshelve_alert(request: Request, person: ShelveAlert, alert_id: str) -> Response:
        """Put it back into the list."""
        reader = pages.reader(person)
        try:
            with writing(pages.engine) as connection:
                unshelve(connection, alert_id, person.account_id, pages.clock.now_utc())
        except RefusedTransition as refusal:
            return desks.refused(request, reader, alert_id, str(refusal))
        return desks.done(request, reader, alert_id)

    return router


def _shelve(pages: Pages, reader: Reader, alert_id: str, minutes: int, reason: str) -> str:
    words = reader.words
    if not reason.strip():
        return words.gettext(mark("A reason is needed before shelving."))
    now_utc = pages.clock.now_utc()
    until_utc = now_utc + timedelta(minutes=minutes)
    try:
        with writing(pages.engine) as connection:
            if is_safety(get_alert(connection, alert_id)):
                return words.gettext(mark("A safety alert cannot be shelved; acknowledge it."))
            shelve(
                connection, alert_id, reader.person.account_id, until_utc, reason.strip(), now_utc
            )
    except (RefusedTransition, ValueError) as refusal:
        return str(refusal)
    return ""


def _shelve_words(minutes: int, words: Words) -> str:
    if minutes < 60:  # noqa: PLR2004  # minutes of an hour
        return words.ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    return words.ngettext("%(n)d hour", "%(n)d hours", minutes // 60) % {"n": minutes // 60}


def _shelve_form(  # noqa: PLR0913, PLR0917  # the form shows again what was typed
    pages: Pages,
    reader: Reader,
    alert_id: str,
    minutes: int = _DEFAULT_MINUTES,
    reason: str = "",
    problem: str = "",
) -> Response:
    with reading(pages.engine) as connection:
        meter_id = get_alert(connection, alert_id).meter_id
    choices = [
        ShelveChoice(
            minutes=each, words=_shelve_words(each, reader.words), is_chosen=each == minutes
        )
        for each in SHELVE_MINUTES
    ]
    return pages.part(
        reader,
        "_shelve.html",
        alert_id=alert_id,
        meter_id=meter_id,
        choices=choices,
        reason=reason,
        problem_text=problem,
    )


def _dispatch_form(pages: Pages, reader: Reader, alert_id: str) -> Response:
    with reading(pages.engine) as connection:
        record = get_alert(connection, alert_id)
        choices = crew_choices(connection, reader.words, "")
    return pages.part(
        reader,
        "_dispatch.html",
        alert_id=alert_id,
        meter_id=record.meter_id,
        crews=choices,
        is_safety=is_safety(record),
    )
