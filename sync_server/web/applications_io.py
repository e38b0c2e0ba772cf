"""The routes of applications at the window: told, shown, decided, handed over."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.households.application_store import (
    Account,
    decide_application,
    find_application,
    open_account,
    procedure_of,
    show_papers,
    tell,
)
from sync_server.households.applications import Decision
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import Office
from sync_server.web.attempts_io import attempt
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import SeeRequests, TakeRequest
from sync_server.web.home_views import application_view
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import request_row

_MOST_M3 = 1_000_000


class DecisionForm(BaseModel):
    """What the clerk decides."""

    is_accepted: str = Field(max_length=3)
    reason: str = Field(default="", max_length=4000)
    alternative: str = Field(default="", max_length=4000)


class AccountForm(BaseModel):
    """What is handed over when an account is opened."""

    contract_number: str = Field(default="", max_length=80)
    invoice_number: str = Field(default="", max_length=80)
    initial_m3: float = Field(ge=0, le=_MOST_M3, allow_inf_nan=False)
    card_number: str = Field(default="", max_length=80)


def applications_router(pages: Pages) -> APIRouter:
    """Return the routes of applications."""
    router = APIRouter()

    @router.get("/applications/{request_id}")
    def one(request: Request, person: SeeRequests, request_id: str) -> Response:
        """Show what the application needs and where it stands."""
        return _page(pages, request, pages.reader(person), request_id)

    @router.post("/applications/{request_id}/told")
    def told(request: Request, person: TakeRequest, request_id: str) -> Response:
        """Note that every paper and fee was told at once."""
        reader = pages.reader(person)
        return _do(pages, request, reader, request_id, lambda c, o: tell(c, request_id, o))

    @router.post("/applications/{request_id}/papers")
    def papers(
        request: Request,
        person: TakeRequest,
        request_id: str,
        shown: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        """Note which papers were shown and are right."""
        codes = frozenset(shown or ())
        reader = pages.reader(person)
        return _do(
            pages, request, reader, request_id, lambda c, o: show_papers(c, request_id, codes, o)
        )

    return router


def application_ends_router(pages: Pages) -> APIRouter:
    """Return the routes that decide an application and open its account."""
    router = APIRouter()

    @router.post("/applications/{request_id}/decide")
    def decide(
        request: Request,
        person: TakeRequest,
        request_id: str,
        form: Annotated[DecisionForm, Form()],
    ) -> Response:
        """Accept it, or refuse it with a way out."""
        decision = Decision(
            is_accepted=form.is_accepted == "yes",
            reason=form.reason,
            alternative=form.alternative,
        )
        reader = pages.reader(person)
        return _do(
            pages,
            request,
            reader,
            request_id,
            lambda c, o: decide_application(c, request_id, decision, o),
        )

    @router.post("/applications/{request_id}/account")
    def account(
        request: Request,
        person: TakeRequest,
        request_id: str,
        form: Annotated[AccountForm, Form()],
    ) -> Response:
        """Note contract, first volume and card."""
        new = Account(**form.model_dump())
        reader = pages.reader(person)
        return _do(
            pages, request, reader, request_id, lambda c, o: open_account(c, request_id, new, o)
        )

    return router


def _do(
    pages: Pages,
    request: Request,
    reader: Reader,
    request_id: str,
    change: Callable[[Connection, Office], object],
) -> Response:
    problem = attempt(pages, reader, change)
    if problem is not None:
        return _page(pages, request, reader, request_id, problem=problem)
    return see_other(f"/applications/{request_id}")


def _page(
    pages: Pages, request: Request, reader: Reader, request_id: str, problem: str = ""
) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        record = get_request(connection, request_id)
        procedure = procedure_of(record)
        names = load_names(connection)
        found = find_application(connection, request_id)
    return pages.page(
        request,
        reader,
        "application.html",
        "requests",
        r=request_row(record, words, pages.clock.now_utc(), names),
        a=application_view(procedure, found, words, names),
        premises_id=record.premises_id or "",
        can_take=may(reader.person.role, Action.TAKE_REQUEST),
        problem_text=problem,
        status=409 if problem else 200,
    )
