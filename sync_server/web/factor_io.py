"""The routes of the second factor: shown at the log-in, set up and taken away."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from sync_server.access.factor_desk import FactorDesk
from sync_server.access.guards_io import (
    access_desk,
    check_origin,
    client_address,
    session_token,
    visitor_of,
)
from sync_server.access.one_time_codes import enrolment_uri, secret_text
from sync_server.web.guarded_io import ManageAccounts, OwnSession
from sync_server.web.pages_io import Notice, Pages, Reader, safe_back, see_other
from sync_server.web.qr_io import qr_svg
from sync_server.web.words import mark
from wire_contracts.errors import ContractError

_LONGEST_CODE = 40


def factor_door_router(pages: Pages) -> APIRouter:
    """Return the routes by which a session shows its second factor."""
    router = APIRouter()

    @router.get("/login/code")
    def code_form(request: Request, back: str = "/") -> Response:
        """Ask for the code of somebody whose password was right."""
        visitor = visitor_of(request)
        if visitor.is_proved or not visitor.has_factor:
            return see_other(safe_back(back))
        return pages.door(request, "login_code.html", back=safe_back(back))

    @router.post("/login/code")
    def show_code(
        request: Request,
        code: Annotated[str, Form(max_length=_LONGEST_CODE)] = "",
        back: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        """Let the session in, or say why not."""
        check_origin(request)
        visitor = visitor_of(request)
        try:
            _factors(request).prove(
                visitor.person, session_token(request), code, client_address(request)
            )
        except ContractError as refusal:
            return pages.door(
                request,
                "login_code.html",
                status=401,
                back=safe_back(back),
                problem_text=str(refusal),
            )
        return see_other(safe_back(back))

    return router


def factor_router(pages: Pages) -> APIRouter:
    """Return the routes by which people set up and take away a second factor."""
    router = APIRouter()

    @router.get("/me/second-factor")
    def own_factor(request: Request, person: OwnSession) -> Response:
        """Show the code to scan, or that a factor is set."""
        return _page(pages, request, pages.reader(person))

    @router.post("/me/second-factor")
    def confirm(
        request: Request,
        person: OwnSession,
        code: Annotated[str, Form(max_length=_LONGEST_CODE)] = "",
    ) -> Response:
        """Set the factor once the app shows the right code; recovery codes are shown once."""
        reader = pages.reader(person)
        try:
            codes = _factors(request).confirm(
                person, session_token(request), code, client_address(request)
            )
        except ContractError as refusal:
            return _page(pages, request, reader, problem=str(refusal))
        return _page(pages, request, reader, codes=list(codes))

    @router.post("/me/second-factor/off")
    def take_own_away(
        request: Request,
        person: OwnSession,
        code: Annotated[str, Form(max_length=_LONGEST_CODE)] = "",
    ) -> Response:
        """Take the own factor away for one more code; every session of the account ends."""
        desk, token = _factors(request), session_token(request)
        try:
            desk.prove(person, token, code, client_address(request))
        except ContractError as refusal:
            return _page(pages, request, pages.reader(person), problem=str(refusal))
        desk.take_away(person.account_id, person.account_id)
        return see_other("/login")

    @router.post("/accounts/{account_id}/second-factor/off")
    def take_away(request: Request, person: ManageAccounts, account_id: str) -> Response:
        """Take away the factor of somebody who lost the device and the recovery codes."""
        _factors(request).take_away(account_id, person.account_id)
        return see_other("/accounts")

    return router


def _factors(request: Request) -> FactorDesk:
    return access_desk(request).factors


def _page(
    pages: Pages,
    request: Request,
    reader: Reader,
    *,
    codes: list[str] | None = None,
    problem: str = "",
) -> Response:
    state = _factors(request).state_of(reader.person)
    notice = None
    if codes:
        text = reader.words.gettext(mark("The second factor is set."))
        notice = Notice(text=text, tone="ok")
    uri = enrolment_uri(state.secret, reader.person.login, pages.settings.site_name)
    return pages.page(
        request,
        reader,
        "second_factor.html",
        "me",
        state=state,
        codes=codes or [],
        secret=_in_fours(secret_text(state.secret)),
        picture="" if state.is_confirmed else qr_svg(uri),
        notice=notice,
        problem_text=problem,
        status=400 if problem else 200,
    )


def _in_fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
