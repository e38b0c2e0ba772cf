"""The routes of administration: tablets with their codes, accounts, crews."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.account_store import (
    Crew,
    NewAccount,
    create_account,
    create_crew,
    deactivate_account,
    has_crew,
    list_crews,
    list_people,
    move_account,
)
from sync_server.access.factor_store import accounts_with_factor
from sync_server.access.guards_io import access_desk
from sync_server.access.roles import Action, Role, may
from sync_server.access.tablet_store import (
    IssuedCode,
    code_life,
    issue_enrolment_code,
    list_tablets,
    revoke_tablet,
)
from sync_server.db.engine_io import reading
from sync_server.web.guarded_io import (
    EnrolTablet,
    ManageAccounts,
    OwnSession,
    RevokeTablet,
    SeeAccounts,
    SeeTablets,
)
from sync_server.web.labels import ROLES, label
from sync_server.web.page_queries_store import crew_names
from sync_server.web.pages_io import Notice, Pages, Reader, see_other
from sync_server.web.qr_io import qr_svg
from sync_server.web.record_views import account_rows, tablet_row
from sync_server.web.words import mark
from wire_contracts.codes import Code
from wire_contracts.enrolment import Invitation, invitation_text
from wire_contracts.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletRights:
    """What the reader may do with tablets."""

    enrol: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRights:
    """What the reader may do with accounts."""

    manage: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCode:
    """A code as it is shown once; `picture` is the SVG that a tablet scans."""

    code: str
    crew: str
    until: str
    picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountForm:
    """What was typed, to be shown again; never the password."""

    login: str = ""
    display_name: str = ""
    role: str = str(Role.CONTROL_ROOM)
    crew_id: str = ""


def tablets_router(pages: Pages) -> APIRouter:
    """Return the routes of the tablets."""
    router = APIRouter()

    @router.get("/tablets")
    def tablets(request: Request, person: SeeTablets) -> Response:
        """Show the tablets."""
        return _tablets(pages, request, pages.reader(person))

    @router.post("/tablets/code")
    def issue(
        request: Request,
        person: EnrolTablet,
        crew: Annotated[str, Form(min_length=1, max_length=64)],
    ) -> Response:
        """Issue a one-time code; the answer is the only place where it can be read."""
        reader = pages.reader(person)
        try:
            with pages.engine.begin() as connection:
                now_utc = pages.clock.now_utc()
                life = code_life(pages.clock)
                code = issue_enrolment_code(connection, crew, person.account_id, now_utc, life=life)
        except ContractError as refusal:
            return _tablets(pages, request, reader, problem=str(refusal))
        return _tablets(pages, request, reader, code=code)

    @router.post("/tablets/{tablet_id}/revoke")
    def revoke(request: Request, person: RevokeTablet, tablet_id: str) -> Response:
        """End a tablet's access at once."""
        try:
            with pages.engine.begin() as connection:
                now_utc = pages.clock.now_utc()
                revoke_tablet(connection, tablet_id, person.account_id, now_utc)
        except ContractError as refusal:
            return _tablets(pages, request, pages.reader(person), problem=str(refusal))
        return see_other("/tablets")

    return router


def _tablets(
    pages: Pages,
    request: Request,
    reader: Reader,
    code: IssuedCode | None = None,
    problem: str = "",
) -> Response:
    words, now_utc, role = reader.words, pages.clock.now_utc(), reader.person.role
    with reading(pages.engine) as connection:
        crews = crew_names(connection)
        records = list_tablets(connection)
        choices = list_crews(connection)
    shown = None
    if code is not None:
        shown = ShownCode(
            code=code.code,
            crew=crews.get(code.crew_id, code.crew_id),
            until=words.moment(code.expires_at_utc),
            picture=qr_svg(invitation_text(_invitation(request, code.code))),
        )
    may_revoke = may(role, Action.REVOKE_TABLET)
    return pages.page(
        request,
        reader,
        "tablets.html",
        "tablets",
        tablets=[
            tablet_row(each, words, now_utc, crews, may_revoke=may_revoke) for each in records
        ],
        crews=choices,
        code=shown,
        can=TabletRights(enrol=may(role, Action.ENROL_TABLET)),
        problem_text=problem,
        status=400 if problem else 200,
    )


def _invitation(request: Request, code: str) -> Invitation:
    """Return what a tablet must know; the server is where this very page came from."""
    return Invitation(server_url=str(request.base_url).rstrip("/"), code=code)


def accounts_router(pages: Pages) -> APIRouter:
    """Return the routes of the accounts."""
    router = APIRouter()

    @router.get("/accounts")
    def accounts(request: Request, person: SeeAccounts) -> Response:
        """Show everybody with an account."""
        return _accounts(pages, request, pages.reader(person))

    @router.post("/accounts")
    def add_account(  # noqa: PLR0913, PLR0917  # the fields of the form
        request: Request,
        person: ManageAccounts,
        login: Annotated[str, Form(max_length=80)] = "",
        display_name: Annotated[str, Form(max_length=200)] = "",
        role: Annotated[Role, Form()] = Role.CONTROL_ROOM,
        crew_id: Annotated[str, Form(max_length=64)] = "",
        language: Annotated[str, Form(max_length=2)] = "zh",
        password: Annotated[str, Form(max_length=1000)] = "",
    ) -> Response:
        """Make an account."""
        reader = pages.reader(person)
        form = AccountForm(login=login, display_name=display_name, role=role, crew_id=crew_id)
        try:
            account = NewAccount(
                login=login,
                display_name=display_name,
                role=role,
                password_hash=access_desk(request).hasher.hash(password),
                language="zh" if language == "zh" else "en",
                crew_id=crew_id or None,
            )
            with pages.engine.begin() as connection:
                now_utc = pages.clock.now_utc()
                create_account(connection, account, now_utc, actor=person.account_id)
        except ContractError as refusal:
            return _accounts(pages, request, reader, form, problem=str(refusal))
        return _accounts(pages, request, reader, made=login)

    @router.get("/me")
    def own_page(request: Request, person: OwnSession) -> Response:
        """Say to a role without pages that its work is on the tablet."""
        reader = pages.reader(person)
        words = reader.words
        return pages.page(
            request,
            reader,
            "error.html",
            "me",
            heading=words.gettext(mark("Your work is on the tablet")),
            problem_text=words.gettext(mark("Your role has no pages in the control room.")),
        )

    return router


def crews_router(pages: Pages) -> APIRouter:
    """Return the route that adds a crew."""
    router = APIRouter()

    @router.post("/crews")
    def add_crew(
        request: Request,
        person: ManageAccounts,
        crew_id: Annotated[str, Form(max_length=64)] = "",
        name: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Add a crew."""
        try:
            with pages.engine.begin() as connection:
                crew = _new_crew(connection, crew_id.strip(), name.strip())
                create_crew(connection, crew, pages.clock.now_utc())
        except ContractError as refusal:
            return _accounts(pages, request, pages.reader(person), problem=str(refusal))
        return see_other("/accounts")

    return router


def ended_accounts_router(pages: Pages) -> APIRouter:
    """Return the routes that end a person's access, or move them to another crew."""
    router = APIRouter()

    @router.post("/accounts/{account_id}/deactivate")
    def end_account(request: Request, person: ManageAccounts, account_id: str) -> Response:
        """End a person's access at once; nobody ends their own, so an administrator remains."""
        reader = pages.reader(person)
        if account_id == person.account_id:
            problem = reader.words.gettext(mark("Another administrator must end your own access."))
            return _accounts(pages, request, reader, problem=problem)
        with pages.engine.begin() as connection:
            now_utc = pages.clock.now_utc()
            deactivate_account(connection, account_id, person.account_id, now_utc)
        return see_other("/accounts")

    @router.post("/accounts/{account_id}/crew")
    def move(
        person: ManageAccounts, account_id: str, crew_id: Annotated[str, Form(max_length=64)] = ""
    ) -> Response:
        """Let a person work in another crew, or in none; what they did before stays theirs."""
        with pages.engine.begin() as connection:
            now_utc = pages.clock.now_utc()
            move_account(connection, account_id, crew_id or None, person.account_id, now_utc)
        return see_other("/accounts")

    return router


def _new_crew(connection: Connection, crew_id: str, name: str) -> Crew:
    if not crew_id or has_crew(connection, crew_id):
        raise ContractError(
            place="new crew",
            field="crew_id",
            problem=f"{crew_id!r} is empty or taken",
            remedy="choose another code",
            code=Code.CONFLICT,
        )
    return Crew(crew_id=crew_id, name=name or crew_id)


def _accounts(  # noqa: PLR0913, PLR0917  # what was typed, what went wrong, what was made
    pages: Pages,
    request: Request,
    reader: Reader,
    form: AccountForm | None = None,
    problem: str = "",
    made: str = "",
) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        people = list_people(connection)
        crews = list_crews(connection)
        names = crew_names(connection)
        with_factor = accounts_with_factor(connection)
    notice = None
    if made:
        text = words.gettext(mark("The account {login} was made.")).format(login=made)
        notice = Notice(text=text, tone="ok")
    return pages.page(
        request,
        reader,
        "accounts.html",
        "accounts",
        accounts=account_rows(people, words, names, reader.person, with_factor),
        crews=crews,
        roles=[(str(role), label(words, ROLES, role)) for role in Role],
        form=form or AccountForm(),
        can=AccountRights(manage=may(reader.person.role, Action.MANAGE_ACCOUNTS)),
        notice=notice,
        problem_text=problem,
        status=400 if problem else 200,
    )
