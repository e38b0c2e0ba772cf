"""The routes of exports that wait for a director, and the guard that every file passes."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from sync_server.access.account_store import Person
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.exports.export_request import ExportKind, ExportState, Taking
from sync_server.exports.export_store import (
    ask,
    decide,
    exports_of,
    hold_back,
    is_free,
    is_held_open,
)
from sync_server.web.attempts_io import attempt
from sync_server.web.desk_names_store import load_names
from sync_server.web.export_views import export_row
from sync_server.web.guarded_io import ApproveExport, AskExport
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.row_numbers import RowNumber


def exports_router(pages: Pages) -> APIRouter:
    """Return the routes of what waits."""
    router = APIRouter()

    @router.get("/exports")
    def exports(request: Request, person: AskExport) -> Response:
        """Show one's own exports; a director also those of others."""
        return _page(pages, request, pages.reader(person))

    @router.post("/exports/{export_id}/ask")
    def asked(
        request: Request,
        person: AskExport,
        export_id: RowNumber,
        reason: Annotated[str, Form(max_length=400)] = "",
    ) -> Response:
        """Say what the file is for."""
        reader = pages.reader(person)
        problem = attempt(pages, reader, lambda c, o: ask(c, export_id, reason, o.actor, o.now_utc))
        return _page(pages, request, reader, problem) if problem else see_other("/exports")

    @router.post("/exports/{export_id}/decide")
    def decided(
        request: Request,
        person: ApproveExport,
        export_id: RowNumber,
        state: Annotated[ExportState, Form()],
        decision: Annotated[str, Form(max_length=400)] = "",
    ) -> Response:
        """Let a file go for a day, or refuse it."""
        reader = pages.reader(person)
        problem = attempt(
            pages, reader, lambda c, o: decide(c, export_id, state, decision, o.actor, o.now_utc)
        )
        return _page(pages, request, reader, problem) if problem else see_other("/exports")

    return router


def held_back(
    pages: Pages, person: Person, target: str, row_count: int, kind: ExportKind = ExportKind.BULK
) -> Response | None:
    """Return where somebody is led whose file waits, None when it may leave (privacy rule 5)."""
    taking = Taking(kind=kind, target=target, row_count=row_count)
    now_utc = pages.clock.now_utc()
    with pages.engine.begin() as connection:
        if is_free(connection, taking, person, now_utc):
            return None
        export_id = hold_back(connection, taking, person.account_id, now_utc)
    return see_other(f"/exports#e{export_id}")


def target_of(path: str, **query: str) -> str:
    """Return the address of a file as approvals know it: without what was left out."""
    asked = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path


def _page(pages: Pages, request: Request, reader: Reader, problem: str | None = None) -> Response:
    person, now_utc = reader.person, pages.clock.now_utc()
    decides = may(person.role, Action.APPROVE_EXPORT)
    with reading(pages.engine) as connection:
        names = load_names(connection)
        rows = [
            export_row(
                each,
                reader.words,
                names,
                own_id=person.account_id,
                decides=decides,
                is_live=is_held_open(connection, each, now_utc),
            )
            for each in exports_of(connection, person)
        ]
    return pages.page(
        request,
        reader,
        "exports.html",
        "reports",
        rows=rows,
        problem_text=problem or "",
        status=409 if problem else 200,
    )
