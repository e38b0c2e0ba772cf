"""The routes of paper mode: numbered slips to print, and their entry after an outage."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from sync_server.db.engine_io import reading
from sync_server.service_desk.catalogue import RULES
from sync_server.service_desk.intake_line import LONGEST_LINE
from sync_server.service_desk.paper_store import (
    MOST_AT_ONCE,
    enter_slip,
    open_slips,
    print_slips,
    void_slip,
)
from sync_server.service_desk.request import Caller, Channel, NewRequest, RequestClass
from sync_server.service_desk.request_store import record_request, send_slip
from sync_server.web.desk_labels import REQUEST_CLASSES
from sync_server.web.guarded_io import TakeRequest
from sync_server.web.intake_io import office_of
from sync_server.web.labels import label
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.row_numbers import SmallNumber
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError


class SlipForm(BaseModel):
    """A slip as it was written by hand; the time is the site's."""

    slip: int = Field(ge=1, le=2**31 - 1)
    happened_at: str = Field(max_length=20)
    request_class: RequestClass
    name: str = Field(default="", max_length=200)
    phone: str = Field(default="", max_length=80)
    address: str = Field(default="", max_length=400)
    words: str = Field(default="", max_length=LONGEST_LINE)


def paper_router(pages: Pages) -> APIRouter:
    """Return the routes of paper mode."""
    router = APIRouter()

    @router.get("/paper")
    def paper(request: Request, person: TakeRequest, printed: str = "") -> Response:
        """Show the slips to print, or those that were not entered yet with the form for one."""
        return _page(pages, request, pages.reader(person), printed=printed[:40])

    @router.post("/paper/print")
    def new_slips(
        person: TakeRequest, count: Annotated[int, Form(ge=1, le=MOST_AT_ONCE)]
    ) -> Response:
        """Draw numbers for new slips."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            numbers = print_slips(connection, count, office)
        return see_other(f"/paper?printed={numbers[0]}-{numbers[-1]}")

    return router


def paper_entry_router(pages: Pages) -> APIRouter:
    """Return the routes that enter slips."""
    router = APIRouter()

    @router.post("/paper")
    def entered(
        request: Request, person: TakeRequest, form: Annotated[SlipForm, Form()]
    ) -> Response:
        """Enter a slip with the time when it was written, and send it on its way."""
        reader = pages.reader(person)
        try:
            new = _request_of(pages, form)
            office = office_of(pages, reader)
            with pages.engine.begin() as connection:
                record = record_request(connection, new, (), office)
                send_slip(connection, record, None, office)
                enter_slip(connection, form.slip, record.request_id, office)
        except ContractError as problem:
            if problem.code not in {Code.STATE, Code.FIELD_MISSING}:
                raise
            return _page(pages, request, reader, problem=str(problem))
        return see_other("/paper")

    @router.post("/paper/{slip_number}/void")
    def void(
        request: Request,
        person: TakeRequest,
        slip_number: SmallNumber,
        reason: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Note that a slip was spoilt or never used."""
        reader = pages.reader(person)
        try:
            with pages.engine.begin() as connection:
                void_slip(connection, slip_number, reason, office_of(pages, reader))
        except ContractError as problem:
            if problem.code is not Code.STATE:
                raise
            return _page(pages, request, reader, problem=str(problem))
        return see_other("/paper")

    return router


def _request_of(pages: Pages, form: SlipForm) -> NewRequest:
    rule = RULES[form.request_class]
    return NewRequest(
        kind=rule.kind,
        request_class=form.request_class,
        caller=Caller(name=form.name.strip(), phone=form.phone.strip(), words=form.words.strip()),
        received_at_utc=_moment(pages, form.happened_at),
        medium=rule.medium,
        priority=rule.priority,
        safety_class=rule.safety_class,
        channel=Channel.PHONE,
        address=form.address.strip(),
    )


def _moment(pages: Pages, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _refused(f"{text!r} is no time") from None
    found = found if found.tzinfo is not None else found.replace(tzinfo=pages.settings.zone)
    if found > pages.clock.now_utc():
        raise _refused("is still to come")
    return found


def _refused(problem: str) -> ContractError:
    return ContractError(
        place="paper slip",
        field="happened_at",
        problem=problem,
        remedy="write when the caller said it, such as 2026-11-02T08:15",
        code=Code.STATE,
    )


def _printed(text: str) -> list[int]:
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        return []
    return list(range(int(first), int(last) + 1))[:MOST_AT_ONCE]


def _page(
    pages: Pages,
    request: Request,
    reader: Reader,
    *,
    printed: str = "",
    problem: str = "",
) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        slips = open_slips(connection)
    return pages.page(
        request,
        reader,
        "paper.html",
        "shift",
        slips=[(each.slip_number, words.moment(each.printed_at_utc)) for each in slips],
        printed=_printed(printed),
        classes=[(str(each), label(words, REQUEST_CLASSES, each)) for each in RequestClass],
        problem_text=problem,
        status=409 if problem else 200,
    )
