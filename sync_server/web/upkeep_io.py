"""The routes that reset a latched alert, and that take one out of service and put it back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.alerts.alert_list_store import get_alert
from sync_server.alerts.upkeep_store import put_into_service, reset, take_out_of_service
from sync_server.db.engine_io import reading
from sync_server.web.desk_io import DeskPages
from sync_server.web.guarded_io import AcknowledgeAlert, ShelveAlert
from sync_server.web.pages_io import Pages, Reader, is_part_wanted
from sync_server.web.words import mark
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition

Reason = Annotated[str, Form(max_length=400)]
Step = Callable[[Connection, str, str, str, datetime], None]
"""What is done with connection, alert, person, reason and time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyForm:
    """A step that asks for nothing but a reason.

    Attributes:
        path: The last part of the address that takes it.
        hint: What happens then, in one sentence.
    """

    path: str
    icon: str
    title: str
    question: str
    hint: str
    lacks: str


RESET = WhyForm(
    path="reset",
    icon="lock",
    title=mark("Reset"),
    question=mark("How it was looked after (required)"),
    hint=mark("The gas is gone; the alert stays until somebody says how it was looked after."),
    lacks=mark("Say how it was looked after."),
)
TAKE_OUT = WhyForm(
    path="out-of-service",
    icon="off",
    title=mark("Take out of service"),
    question=mark("What is being done to the meter (required)"),
    hint=mark("It stays out of the list until somebody puts it back."),
    lacks=mark("Say what is being done to the meter."),
)


def upkeep_router(pages: Pages) -> APIRouter:
    """Return the routes of reset and out of service."""
    router = APIRouter()
    desks = DeskPages(pages)

    @router.get("/alerts/{alert_id}/reset")
    def reset_form(request: Request, person: AcknowledgeAlert, alert_id: str) -> Response:
        """Show the form that asks how a latched alert was looked after."""
        return _form(request, pages, pages.reader(person), alert_id, RESET)

    @router.post("/alerts/{alert_id}/reset")
    def reset_alert(
        request: Request, person: AcknowledgeAlert, alert_id: str, reason: Reason = ""
    ) -> Response:
        """End a latched alert."""
        return _take(request, pages, pages.reader(person), alert_id, (RESET, reset, reason))

    @router.get("/alerts/{alert_id}/out-of-service")
    def out_form(request: Request, person: ShelveAlert, alert_id: str) -> Response:
        """Show the form that asks why an alert is taken out of service."""
        return _form(request, pages, pages.reader(person), alert_id, TAKE_OUT)

    @router.post("/alerts/{alert_id}/out-of-service")
    def take_out(
        request: Request, person: ShelveAlert, alert_id: str, reason: Reason = ""
    ) -> Response:
        """Take it out of the list until somebody puts it back; a safety alert stays."""
        step = (TAKE_OUT, take_out_of_service, reason)
        return _take(request, pages, pages.reader(person), alert_id, step)

    @router.post("/alerts/{alert_id}/into-service")
    def put_back(request: Request, person: ShelveAlert, alert_id: str) -> Response:
        """Put it back into the list."""
        reader = pages.reader(person)
        try:
            with pages.engine.begin() as connection:
                put_into_service(connection, alert_id, person.account_id, pages.clock.now_utc())
        except RefusedTransition as refusal:
            return desks.refused(request, reader, alert_id, str(refusal))
        return desks.done(request, reader, alert_id)

    return router


def _take(
    request: Request, pages: Pages, reader: Reader, alert_id: str, step: tuple[WhyForm, Step, str]
) -> Response:
    form, take, reason = step
    if not reason.strip() and is_part_wanted(request):
        lacks = reader.words.gettext(form.lacks)
        return _part(pages, reader, alert_id, form, lacks)
    try:
        with pages.engine.begin() as connection:
            actor, now_utc = reader.person.account_id, pages.clock.now_utc()
            take(connection, alert_id, actor, reason, now_utc)
    except (RefusedTransition, ContractError) as refusal:
        return DeskPages(pages).refused(request, reader, alert_id, str(refusal))
    return DeskPages(pages).done(request, reader, alert_id)


def _form(request: Request, pages: Pages, reader: Reader, alert_id: str, form: WhyForm) -> Response:
    if not is_part_wanted(request):
        return DeskPages(pages).whole(request, reader, alert_id)
    return _part(pages, reader, alert_id, form)


def _part(
    pages: Pages, reader: Reader, alert_id: str, form: WhyForm, problem: str = ""
) -> Response:
    with reading(pages.engine) as connection:
        meter_id = get_alert(connection, alert_id).meter_id
    return pages.part(
        reader,
        "_why.html",
        alert_id=alert_id,
        meter_id=meter_id,
        form=form,
        problem_text=problem,
    )
