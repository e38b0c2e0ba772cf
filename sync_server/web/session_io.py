"""The routes of log-in, log-out, the one-time administrator link, language and theme."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from sync_server.access.account_store import NewAccount, Person
from sync_server.access.bootstrap import is_link_open, use_first_start_link
from sync_server.access.guards_io import (
    BROWSER_COOKIE,
    SESSION_COOKIE,
    access_desk,
    check_origin,
    clear_session_cookie,
    client_address,
    person_of,
    set_browser_cookie,
    set_session_cookie,
)
from sync_server.access.roles import Role, may
from sync_server.db.engine_io import reading
from sync_server.web.guarded_io import OwnSession
from sync_server.web.pages_io import LANGUAGE_COOKIE, NAV, Pages, safe_back, see_other
from sync_server.web.preference_store import (
    LANGUAGES,
    THEMES,
    Preference,
    load_preference,
    save_preference,
)
from wire_contracts.errors import ContractError

_YEAR_S = 365 * 24 * 3600


def start_page(role: Role) -> str:
    """Return the first page of the rail that the role may see."""
    return next((link.href for link in NAV if may(role, link.action)), "/me")


def _person_or_none(request: Request) -> Person | None:
    try:
        return person_of(request)
    except ContractError:
        return None


def session_router(pages: Pages) -> APIRouter:
    """Return the routes of log-in and log-out."""
    router = APIRouter()

    @router.get("/")
    def start(request: Request) -> Response:
        """Send the reader to the start page of the role, or to the log-in."""
        person = _person_or_none(request)
        return see_other("/login" if person is None else start_page(person.role))

    @router.get("/login")
    def login_form(request: Request, back: str = "/") -> Response:
        """Show the log-in."""
        return pages.door(request, "login.html", login="", back=safe_back(back))

    @router.post("/login")
    def log_in(
        request: Request,
        login: Annotated[str, Form(max_length=80)] = "",
        password: Annotated[str, Form(max_length=1000)] = "",
        back: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        """Open a session, or say why not."""
        check_origin(request)
        try:
            grant = access_desk(request).log_in(
                login, password, client_address(request), request.cookies.get(BROWSER_COOKIE)
            )
        except ContractError as refusal:
            return pages.door(
                request,
                "login.html",
                status=401,
                login=login,
                back=safe_back(back),
                problem_text=str(refusal),
            )
        visitor = access_desk(request).visitor_for(grant.token)
        answer = see_other(_code_page(back) if visitor.has_factor else safe_back(back))
        set_session_cookie(answer, grant.token, is_https=pages.settings.is_https)
        if grant.browser is not None:
            set_browser_cookie(answer, grant.browser, is_https=pages.settings.is_https)
        return answer

    @router.post("/logout")
    def log_out(request: Request, _person: OwnSession) -> Response:
        """End the session."""
        access_desk(request).log_out(request.cookies[SESSION_COOKIE])
        answer = see_other("/login")
        clear_session_cookie(answer, is_https=pages.settings.is_https)
        return answer

    return router


def _code_page(back: str) -> str:
    return f"/login/code?back={quote(safe_back(back), safe='')}"


def first_start_router(pages: Pages) -> APIRouter:
    """Return the routes of the one-time link that sets the first administrator."""
    router = APIRouter()

    @router.get("/first-start/{token}")
    def first_start_form(request: Request, token: str) -> Response:
        """Show the form while the link is good."""
        with reading(pages.engine) as connection:
            is_open = is_link_open(connection, token, pages.clock.now_utc())
        if not is_open:
            return _closed(pages, request)
        return pages.door(request, "first_start.html", login="", display_name="")

    @router.post("/first-start/{token}")
    def first_start(
        request: Request,
        token: str,
        login: Annotated[str, Form(max_length=80)] = "",
        display_name: Annotated[str, Form(max_length=200)] = "",
        password: Annotated[str, Form(max_length=1000)] = "",
    ) -> Response:
        """Set the administrator, use the link up, and lead to the log-in."""
        check_origin(request)
        now_utc = pages.clock.now_utc()
        with reading(pages.engine) as connection:
            is_open = is_link_open(connection, token, now_utc)
        if not is_open:
            return _closed(pages, request)
        try:
            account = NewAccount(
                login=login,
                display_name=display_name,
                role=Role.ADMINISTRATOR,
                password_hash=access_desk(request).hasher.hash(password),
                language=_door_language(pages, request),
            )
            with pages.engine.begin() as connection:
                use_first_start_link(connection, token, account, now_utc)
        except ContractError as refusal:
            return pages.door(
                request,
                "first_start.html",
                status=400,
                login=login,
                display_name=display_name,
                problem_text=str(refusal),
            )
        return see_other("/login")

    return router


def _closed(pages: Pages, request: Request) -> Response:
    words = pages.words(_door_language(pages, request))
    return pages.door(
        request,
        "door_error.html",
        status=410,
        heading=words.gettext("This link is not valid any more"),
        problem_text=words.gettext(
            "It was used, or is older than 24 hours. Start the server again and use the link "
            "that it prints."
        ),
    )


def _door_language(pages: Pages, request: Request) -> str:
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else pages.settings.language


def preference_router(pages: Pages) -> APIRouter:
    """Return the routes by which a reader chooses language and theme."""
    router = APIRouter()

    @router.post("/language")
    def door_language(
        request: Request,
        language: Annotated[str, Form(max_length=8)],
        back: Annotated[str, Form(max_length=2000)] = "/login",
    ) -> Response:
        """Change the language of the log-in page."""
        check_origin(request)
        answer = see_other(safe_back(back))
        _remember_language(answer, language)
        return answer

    @router.post("/me/language")
    def language(
        person: OwnSession,
        language: Annotated[str, Form(max_length=8)],
        back: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        """Change the reader's language, for good."""
        answer = see_other(safe_back(back))
        if language in LANGUAGES:
            with pages.engine.begin() as connection:
                now = load_preference(connection, person.account_id, person.language)
                chosen = Preference(language=language, theme=now.theme)
                save_preference(connection, person.account_id, chosen)
        _remember_language(answer, language)
        return answer

    @router.post("/me/theme")
    def theme(
        person: OwnSession,
        theme: Annotated[str, Form(max_length=8)],
        back: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        """Change the reader's theme, for good."""
        if theme in THEMES:
            with pages.engine.begin() as connection:
                now = load_preference(connection, person.account_id, person.language)
                chosen = Preference(language=now.language, theme=theme)
                save_preference(connection, person.account_id, chosen)
        return see_other(safe_back(back))

    return router


def _remember_language(answer: RedirectResponse, language: str) -> None:
    if language in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, language, max_age=_YEAR_S, httponly=True, samesite="strict", path="/"
        )
