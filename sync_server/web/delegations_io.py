"""The routes of stand-ins: who stands in for whom, registered beforehand (rule C-35)."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.shifts.delegation_store import (
    NewDelegation,
    coming_delegations,
    end_delegation,
    register,
    standing_in,
)
from sync_server.web.guarded_io import KeepShift, SeeShift
from sync_server.web.page_queries_store import account_names
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import Names
from sync_server.web.row_numbers import RowNumber
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError


class DelegationForm(BaseModel):
    """Who stands in for oneself; times are the site's."""

    to: str = Field(min_length=1, max_length=64)
    contact: str = Field(default="", max_length=80)
    from_at: str = Field(max_length=20)
    to_at: str = Field(max_length=20)


def delegations_router(pages: Pages) -> APIRouter:
    """Return the routes of stand-ins."""
    router = APIRouter()

    @router.get("/delegations")
    def delegations(request: Request, person: SeeShift) -> Response:
        """Show who stands in for whom, now and to come."""
        return _page(pages, request, pages.reader(person))

    @router.post("/delegations")
    def registered(
        request: Request, person: KeepShift, form: Annotated[DelegationForm, Form()]
    ) -> Response:
        """Register who stands in for oneself."""
        reader = pages.reader(person)
        try:
            new = NewDelegation(
                from_account=person.account_id,
                to_account=form.to,
                contact=form.contact,
                from_utc=_moment(pages, form.from_at),
                to_utc=_moment(pages, form.to_at),
            )
            with pages.engine.begin() as connection:
                register(connection, new, person.account_id, pages.clock.now_utc())
        except ContractError as problem:
            if problem.code is not Code.STATE:
                raise
            return _page(pages, request, reader, problem=str(problem))
        return see_other("/delegations")

    @router.post("/delegations/{delegation_id}/end")
    def ended(person: KeepShift, delegation_id: RowNumber) -> Response:
        """End a stand-in: one is back."""
        with pages.engine.begin() as connection:
            end_delegation(connection, delegation_id, person.account_id, pages.clock.now_utc())
        return see_other("/delegations")

    return router


def stand_in_words(connection: Connection, account_id: str, names: Names, now_utc: datetime) -> str:
    """Return who stands in for an account now, with the number; empty when nobody does."""
    found = standing_in(connection, now_utc).get(account_id)
    if found is None:
        return ""
    return f"{names.accounts.get(found.to_account, found.to_account)} {found.contact}"


def _moment(pages: Pages, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ContractError(
            place="stand-in",
            field="time",
            problem=f"{text!r} is no time",
            remedy="write 2026-12-01T08:00",
            code=Code.STATE,
        ) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=pages.settings.zone)


def _page(pages: Pages, request: Request, reader: Reader, problem: str = "") -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    own = reader.person.account_id
    with reading(pages.engine) as connection:
        names = account_names(connection)
        found = coming_delegations(connection, now_utc)
    rows = [
        (
            each.delegation_id,
            names.get(each.from_account, each.from_account),
            names.get(each.to_account, each.to_account),
            each.contact,
            words.moment(each.from_utc),
            words.moment(each.to_utc),
            each.from_utc <= now_utc,
            own in {each.from_account, each.to_account},
        )
        for each in found
    ]
    others = {key: name for key, name in names.items() if key != own}
    return pages.page(
        request,
        reader,
        "delegations.html",
        "shift",
        rows=rows,
        people=sorted(others.items(), key=lambda pair: pair[1]),
        can_keep=may(reader.person.role, Action.KEEP_SHIFT),
        problem_text=problem,
        status=409 if problem else 200,
    )
