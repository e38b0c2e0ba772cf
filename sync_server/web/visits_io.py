"""The routes of agreed visits: slots of a day, booking, what became of it."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from sync_server.access.roles import Action, may
from sync_server.aftercare.visit_store import book, move_visit, slots_of, visits_of
from sync_server.aftercare.visits import PREPARATIONS, VisitEvent, VisitState
from sync_server.db.engine_io import reading
from sync_server.service_desk.request_rows_store import get_request
from sync_server.web.aftercare_views import visit_rows
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import SeeRequests, TakeRequest, WorkRequest
from sync_server.web.intake_io import office_of
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import request_row
from sync_server.web.row_numbers import RowNumber
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

_OPEN = frozenset({VisitState.BOOKED, VisitState.CONFIRMED})


class BookForm(BaseModel):
    """Which two hours of which day, and what the customer was told."""

    day: date
    slot: str = Field(max_length=11)
    told: list[str] = Field(default_factory=list, max_length=10)


def visits_router(pages: Pages) -> APIRouter:
    """Return the routes of visits."""
    router = APIRouter()

    @router.get("/visits/{request_id}")
    def one(request: Request, person: SeeRequests, request_id: str, day: str = "") -> Response:
        """Show the visits of a request and the free slots of a day."""
        return _page(pages, request, pages.reader(person), request_id, day=day)

    @router.post("/visits/{request_id}")
    def booked(
        request: Request, person: TakeRequest, request_id: str, form: Annotated[BookForm, Form()]
    ) -> Response:
        """Agree on a visit."""
        reader = pages.reader(person)
        told = frozenset(form.told)
        try:
            with pages.engine.begin() as connection:
                office = office_of(pages, reader)
                book(connection, request_id, form.day, form.slot, told, office)
        except ContractError as problem:
            if problem.code is not Code.STATE:
                raise
            day = form.day.isoformat()
            return _page(pages, request, reader, request_id, day=day, problem=str(problem))
        return see_other(f"/visits/{request_id}")

    @router.post("/visit/{visit_id}")
    def moved(
        person: WorkRequest,
        visit_id: RowNumber,
        event: Annotated[VisitEvent, Form()],
        result: Annotated[str, Form(max_length=4000)] = "",
    ) -> Response:
        """Confirm a visit, or say how it ended."""
        reader = pages.reader(person)
        with pages.engine.begin() as connection:
            found = move_visit(connection, visit_id, event, result, office_of(pages, reader))
        return see_other(f"/visits/{found.request_id}")

    return router


def _day(text: str, today: date) -> date:
    try:
        return date.fromisoformat(text) if text else today + timedelta(days=1)
    except ValueError as error:
        raise ContractError(
            place="visit",
            field="day",
            problem=f"{text!r} is no day",
            remedy="write 2026-12-01",
            code=Code.FIELD_RANGE,
        ) from error


def _page(  # noqa: PLR0913  # the request, which day, what went wrong
    pages: Pages,
    request: Request,
    reader: Reader,
    request_id: str,
    *,
    day: str = "",
    problem: str = "",
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    today = now_utc.astimezone(pages.settings.zone).date()
    wanted = _day(day, today)
    with reading(pages.engine) as connection:
        record = get_request(connection, request_id)
        names = load_names(connection)
        found = visits_of(connection, request_id)
        slots = slots_of(connection, wanted, office_of(pages, reader))
    role = reader.person.role
    return pages.page(
        request,
        reader,
        "visit.html",
        "callbacks",
        r=request_row(record, words, now_utc, names),
        visits=visit_rows(found, {request_id: record}, words, today),
        day=wanted.isoformat(),
        slots=slots,
        preparations=[
            (code, text.in_language(words.language)) for code, text in PREPARATIONS.items()
        ],
        can_book=may(role, Action.TAKE_REQUEST) and not any(each.state in _OPEN for each in found),
        can_work=may(role, Action.WORK_REQUEST),
        problem_text=problem,
        status=409 if problem else 200,
    )
