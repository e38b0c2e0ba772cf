"""The routes of homes: search, one file, documents, errors, consents."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action, may
from sync_server.customers.customer_store import (
    find_by_meter,
    find_by_phone,
    find_by_words,
    get_household,
)
from sync_server.db.engine_io import reading
from sync_server.households.building_store import not_heated
from sync_server.households.change_store import changes_of
from sync_server.households.file_store import (
    add_document,
    contents_of,
    contracts,
    fix_issue,
    open_issue,
    open_issues,
    review,
)
from sync_server.households.home_file import (
    ChangeKind,
    DocumentKind,
    IssueKind,
    NewDocument,
)
from sync_server.messages.message_store import has_consent, keep_consent
from sync_server.service_desk.request_finds_store import known_near
from sync_server.service_desk.request_store import Office
from sync_server.web.attempts_io import attempt
from sync_server.web.desk import Tab
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import ChangeHome, SeeHomes
from sync_server.web.home_views import (
    building_rows,
    change_rows,
    customer_view,
    document_rows,
    file_views,
    home_row,
    issue_rows,
)
from sync_server.web.intake_io import office_of
from sync_server.web.labels import MEDIA, label
from sync_server.web.office_labels import (
    CHANGE_KINDS,
    DOCUMENT_KINDS,
    ISSUE_KINDS,
    READ_WHY,
)
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import request_row
from sync_server.web.row_numbers import RowNumber
from sync_server.web.words import Words, mark
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import EARLIEST_MS, utc_from_ms
from wire_contracts.quantities import Medium

_TABS: Final = {
    "find": mark("Search"),
    "issues": mark("Archive errors"),
    "changes": mark("To approve"),
    "contracts": mark("Contracts"),
    "buildings": mark("New buildings"),
}
_REQUESTS_SHOWN: Final = 20


class DocumentForm(BaseModel):
    """A document for the file."""

    medium: Medium
    kind: DocumentKind
    reference: str = Field(default="", max_length=200)
    dated_on: date
    valid_to: str = Field(default="", max_length=10)


def homes_router(pages: Pages) -> APIRouter:
    """Return the routes that show homes."""
    router = APIRouter()

    @router.get("/homes")
    def homes(request: Request, person: SeeHomes, tab: str = "find", q: str = "") -> Response:
        """Search homes, or show what waits in their files."""
        shown = tab if tab in _TABS else "find"
        return _list_page(pages, request, pages.reader(person), shown, q[:100])

    @router.get("/homes/{premises_id}")
    def home(request: Request, person: SeeHomes, premises_id: str, why: str = "") -> Response:
        """Show one file; the customer is whole for a reason, and that is an audit event."""
        return _page(pages, request, pages.reader(person), premises_id, why=why)

    return router


def home_files_router(pages: Pages) -> APIRouter:
    """Return the routes of documents, errors and reviews."""
    router = APIRouter()

    @router.post("/homes/{premises_id}/documents")
    def document(
        request: Request,
        person: ChangeHome,
        premises_id: str,
        form: Annotated[DocumentForm, Form()],
    ) -> Response:
        """Put a document into the file."""
        return do_in_home(
            pages,
            request,
            pages.reader(person),
            premises_id,
            lambda c, o: add_document(c, premises_id, _new_document(form), o),
        )

    @router.post("/homes/{premises_id}/issues")
    def issue(
        request: Request,
        person: ChangeHome,
        premises_id: str,
        kind: Annotated[IssueKind, Form()],
        text: Annotated[str, Form(max_length=4000)] = "",
    ) -> Response:
        """Note an error of the archive."""
        return do_in_home(
            pages,
            request,
            pages.reader(person),
            premises_id,
            lambda c, o: open_issue(c, premises_id, kind, text, o),
        )

    @router.post("/homes/{premises_id}/review")
    def reviewed(request: Request, person: ChangeHome, premises_id: str) -> Response:
        """Note that the file was looked through."""
        reader = pages.reader(person)
        return do_in_home(
            pages, request, reader, premises_id, lambda c, o: review(c, premises_id, o)
        )

    return router


def home_wishes_router(pages: Pages) -> APIRouter:
    """Return the routes of consents, and of errors that were put right."""
    router = APIRouter()

    @router.post("/homes/{premises_id}/consent")
    def consent(
        person: ChangeHome, premises_id: str, wants: Annotated[str, Form(max_length=3)]
    ) -> Response:
        """Keep whether the customer wants messages that are no duty."""
        with pages.engine.begin() as connection:
            customer_id = get_household(connection, premises_id).premises.customer_id
            if customer_id is None:
                raise refused("customer", "is not known", "bring the customer in first")
            keep_consent(
                connection,
                customer_id,
                person.account_id,
                pages.clock.now_utc(),
                is_allowed=wants == "yes",
            )
        return see_other(f"/homes/{premises_id}")

    @router.post("/archive-errors/{issue_id}")
    def fixed(
        person: ChangeHome, issue_id: RowNumber, result: Annotated[str, Form(max_length=4000)] = ""
    ) -> Response:
        """Note how an error was put right."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            premises_id = fix_issue(connection, issue_id, result, office)
        return see_other(f"/homes/{premises_id}")

    return router


def _new_document(form: DocumentForm) -> NewDocument:
    try:
        valid_to = date.fromisoformat(form.valid_to) if form.valid_to else None
    except ValueError as error:
        raise refused("valid_to", f"{form.valid_to!r} is no date", "write 2027-10-31") from error
    return NewDocument(
        medium=form.medium,
        kind=form.kind,
        reference=form.reference,
        dated_on=form.dated_on,
        valid_to=valid_to,
    )


def do_in_home(
    pages: Pages,
    request: Request,
    reader: Reader,
    premises_id: str,
    change: Callable[[Connection, Office], object],
) -> Response:
    """Carry a change of a home out; what the state of things does not allow is said there."""
    problem = attempt(pages, reader, change)
    if problem is not None:
        return _page(pages, request, reader, premises_id, problem=problem)
    return see_other(f"/homes/{premises_id}")


def _list_page(pages: Pages, request: Request, reader: Reader, tab: str, q: str) -> Response:
    words = reader.words
    today = pages.clock.now_utc().astimezone(pages.settings.zone).date()
    role, own_id = reader.person.role, reader.person.account_id
    decider = own_id if may(role, Action.APPROVE_HOME) else ""
    with reading(pages.engine) as connection:
        names = load_names(connection)
        by_meter = find_by_meter(connection, q.upper()) if q else None
        found = [*find_by_phone(connection, q), *find_by_words(connection, q)] if q else []
        if by_meter is not None:
            found.insert(0, by_meter)
        issues = open_issues(connection) if tab == "issues" else ()
        changes = changes_of(connection, None) if tab == "changes" else ()
        documents = contracts(connection) if tab == "contracts" else ()
        buildings = not_heated(connection) if tab == "buildings" else ()
    homes = {each.premises.premises_id: each for each in found}
    return pages.page(
        request,
        reader,
        "homes.html",
        "homes",
        tab=tab,
        tabs=[
            Tab(message=text, href=f"/homes?tab={key}", count=0, is_current=key == tab)
            for key, text in _TABS.items()
        ],
        search=q,
        homes=[home_row(each, words) for each in homes.values()],
        issues=issue_rows(issues, words),
        changes=change_rows(changes, words, names, decider),
        documents=document_rows(documents, words, today),
        buildings=building_rows(buildings, words, today),
        can_change=may(role, Action.CHANGE_HOME),
    )


def _page(  # noqa: PLR0913  # the home, why its customer is read, what went wrong
    pages: Pages,
    request: Request,
    reader: Reader,
    premises_id: str,
    *,
    why: str = "",
    problem: str = "",
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    role, own_id = reader.person.role, reader.person.account_id
    is_whole = why in READ_WHY and may(role, Action.SEE_CONTACT)
    with reading(pages.engine) as connection:
        found = get_household(connection, premises_id)
        names = load_names(connection)
        contents = contents_of(connection, premises_id)
        changes = changes_of(connection, premises_id)
        since_utc = utc_from_ms(EARLIEST_MS)
        wants = has_consent(connection, found.premises.customer_id or "")
        requests = known_near(connection, premises_id, None, since_utc, _REQUESTS_SHOWN)
    if is_whole:
        _audit_reading(pages, reader, premises_id, why)
    today = now_utc.astimezone(pages.settings.zone).date()
    decider = own_id if may(role, Action.APPROVE_HOME) else ""
    return pages.page(
        request,
        reader,
        "home.html",
        "homes",
        h=home_row(found, words),
        premises_id=premises_id,
        is_heated=found.premises.is_heated,
        customer=customer_view(found, words, is_whole=is_whole),
        files=file_views(contents, words, today),
        documents=document_rows(contents.documents, words, today),
        issues=issue_rows(contents.issues, words),
        changes=change_rows(changes, words, names, decider),
        requests=[request_row(each, words, now_utc, names) for each in requests],
        meters=found.premises.meter_ids,
        wants_messages=wants,
        choices=_choices(words),
        today=today.isoformat(),
        can_change=may(role, Action.CHANGE_HOME),
        can_read=may(role, Action.SEE_CONTACT),
        problem_text=problem,
        status=409 if problem else 200,
    )


def _choices(words: Words) -> dict[str, list[tuple[str, str]]]:
    return {
        "medium": [(str(each), label(words, MEDIA, each)) for each in Medium],
        "document": [(str(each), label(words, DOCUMENT_KINDS, each)) for each in DocumentKind],
        "issue": [(str(each), label(words, ISSUE_KINDS, each)) for each in IssueKind],
        "change": [(str(each), label(words, CHANGE_KINDS, each)) for each in ChangeKind],
        "why": [(each, label(words, READ_WHY, each)) for each in READ_WHY],
    }


def _audit_reading(pages: Pages, reader: Reader, premises_id: str, why: str) -> None:
    """Note that a whole file was read, and why (privacy rule 4)."""
    with pages.engine.begin() as connection:
        event = AuditEvent(
            actor=reader.person.account_id,
            action="home.read",
            subject=premises_id,
            detail={"why": why},
        )
        append_audit(connection, event, pages.clock.now_utc())


def refused(field: str, problem: str, remedy: str) -> ContractError:
    """Return the refusal of a field of a home's forms."""
    return ContractError(
        place="home", field=field, problem=problem, remedy=remedy, code=Code.FIELD_RANGE
    )
