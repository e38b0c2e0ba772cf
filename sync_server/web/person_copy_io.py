"""The routes of the copy of everything held on a customer: the page, and the file."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.account_store import Person
from sync_server.access.refusals import not_found
from sync_server.customers.customer_store import get_household
from sync_server.db.engine_io import reading
from sync_server.exports.export_request import ExportKind
from sync_server.exports.person_copy_store import (
    PersonCopy,
    copy_json,
    copy_of_customer,
    note_taken,
)
from sync_server.web.export_views import section_views
from sync_server.web.exports_io import held_back
from sync_server.web.guarded_io import ExportPerson
from sync_server.web.pages_io import Pages


def person_copy_router(pages: Pages) -> APIRouter:
    """Return the routes of the copy; both wait for a director's approval of the home's page."""
    router = APIRouter()

    @router.get("/homes/{premises_id}/held")
    def held(request: Request, person: ExportPerson, premises_id: str) -> Response:
        """Show everything that is held on the customer of a home."""
        copy = _copy(pages, person, premises_id)
        if isinstance(copy, Response):
            return copy
        reader = pages.reader(person)
        taken = reader.words.moment(pages.clock.now_utc())
        return pages.page(
            request,
            reader,
            "held.html",
            "homes",
            premises_id=premises_id,
            sections=section_views(copy, reader.words),
            stamp=f"{pages.settings.site_name} · {person.display_name} · {taken}",
        )

    @router.get("/homes/{premises_id}/held.json")
    def as_file(person: ExportPerson, premises_id: str) -> Response:
        """Return the same as a file."""
        copy = _copy(pages, person, premises_id)
        if isinstance(copy, Response):
            return copy
        content = copy_json(copy, pages.clock.now_utc())
        headers = {"Content-Disposition": 'attachment; filename="held.json"'}
        return Response(content, media_type="application/json", headers=headers)

    return router


def _copy(pages: Pages, person: Person, premises_id: str) -> PersonCopy | Response:
    """Return the copy, or where somebody is led whose wish waits; each copy is audited."""
    with reading(pages.engine) as connection:
        copy = _gathered(connection, premises_id)
    target = f"/homes/{premises_id}/held"
    waiting = held_back(pages, person, target, copy.row_count, ExportKind.PERSON)
    if waiting is not None:
        return waiting
    with pages.engine.begin() as connection:
        note_taken(connection, copy, person.account_id, pages.clock.now_utc())
    return copy


def _gathered(connection: Connection, premises_id: str) -> PersonCopy:
    customer = get_household(connection, premises_id).customer
    if customer is None:
        raise not_found(f"home {premises_id}", "customer")
    return copy_of_customer(connection, customer.name, customer.phone)
