"""The routes of imports: bring a file, look at what it would change, take it or not."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import Response

from sync_server.db.engine_io import reading
from sync_server.imports.draft_store import Draft, drop_draft, keep_draft, load_draft
from sync_server.imports.preview import COLUMNS, ImportKind, Preview
from sync_server.imports.take_store import look, take
from sync_server.sheets.table_file_io import MOST_FILE_BYTES, TableRefusedError, read_table
from sync_server.web.guarded_io import ImportData
from sync_server.web.labels import label
from sync_server.web.office_labels import IMPORT_KINDS
from sync_server.web.pages_io import Notice, Pages, Reader, see_other
from sync_server.web.refusal_words import refusal_text
from sync_server.web.words import mark
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError


def imports_router(pages: Pages) -> APIRouter:
    """Return the routes of imports."""
    router = APIRouter()

    @router.get("/imports")
    def imports(
        request: Request, person: ImportData, taken: Annotated[int, Query(ge=0, le=100_000)] = 0
    ) -> Response:
        """Show what files are taken and which columns they have."""
        return _page(pages, request, pages.reader(person), taken=taken)

    @router.post("/imports")
    def bring(
        request: Request, person: ImportData, kind: Annotated[ImportKind, Form()], file: UploadFile
    ) -> Response:
        """Look at a file; nothing of it is taken yet."""
        reader = pages.reader(person)
        content = file.file.read(MOST_FILE_BYTES + 1)
        draft = Draft(kind=kind, file_name=file.filename or "file", content=content)
        try:
            table = read_table(draft.file_name[:80], content)
            with pages.engine.begin() as connection:
                found = look(connection, kind, table)
                now_utc = pages.clock.now_utc()
                draft_id = keep_draft(connection, draft, person.account_id, now_utc)
        except (TableRefusedError, ContractError) as problem:
            return _page(pages, request, reader, kind=kind, problem=str(problem))
        return _page(pages, request, reader, kind=kind, found=found, draft_id=draft_id)

    @router.post("/imports/{draft_id}")
    def decide(
        request: Request,
        person: ImportData,
        draft_id: str,
        answer: Annotated[str, Form(max_length=10)] = "take",
    ) -> Response:
        """Take the file that was looked at, or forget it."""
        reader = pages.reader(person)
        with reading(pages.engine) as connection:
            draft = load_draft(connection, draft_id, person.account_id)
        try:
            with pages.engine.begin() as connection:
                drop_draft(connection, draft_id)
                if answer != "take":
                    return see_other("/imports")
                table = read_table(draft.file_name, draft.content)
                now_utc = pages.clock.now_utc()
                count = take(connection, draft.kind, table, person.account_id, now_utc)
        except ContractError as problem:
            if problem.code is not Code.STATE:
                raise
            return _page(pages, request, reader, kind=draft.kind, problem=str(problem))
        return see_other(f"/imports?taken={count}")

    return router


def _page(  # noqa: PLR0913  # what was brought, what was found, what went wrong
    pages: Pages,
    request: Request,
    reader: Reader,
    *,
    kind: ImportKind = ImportKind.HOMES,
    found: Preview | None = None,
    draft_id: str = "",
    problem: str = "",
    taken: int = 0,
) -> Response:
    words = reader.words
    notice = None
    if taken:
        text = words.ngettext("%(n)d row was taken", "%(n)d rows were taken", taken)
        notice = Notice(text=text % {"n": taken}, tone="ok")
    is_bad = problem or (found is not None and found.problem_count)
    return pages.page(
        request,
        reader,
        "imports.html",
        "imports",
        kind=str(kind),
        kinds=[
            (str(each), label(words, IMPORT_KINDS, each), ", ".join(COLUMNS[each]))
            for each in ImportKind
        ],
        found=found,
        problems=[
            (each.number, refusal_text(each.text, words))
            for each in (found.problems if found else ())
        ],
        draft_id=draft_id,
        most_bytes=MOST_FILE_BYTES,
        notice=notice,
        title=words.gettext(mark("Imports")),
        problem_text=problem,
        status=422 if is_bad else 200,
    )
