"""The routes of the office's forms: take, try out, publish, withdraw, download the answers."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.account_store import Person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.forms.answers_store import count_answers
from sync_server.forms.export_io import export_csv, export_openrosa
from sync_server.forms.form_problems import FormProblem, FormRefusedError
from sync_server.forms.form_store import (
    TakenForm,
    find_form,
    list_forms,
    load_model,
    load_source,
    publish_form,
    take_form,
    withdraw_form,
)
from sync_server.forms.preview import try_out
from sync_server.forms.sheets_io import MOST_FILE_BYTES
from sync_server.web.exports_io import held_back, target_of
from sync_server.web.form_views import form_rows, item_views, parse_since
from sync_server.web.guarded_io import ExportAnswers, ManageForms, SeeForms
from sync_server.web.pages_io import Notice, Pages, Reader, is_part_wanted, see_other
from sync_server.web.refusal_words import refusal_text
from sync_server.web.words import mark
from wire_contracts.errors import ContractError
from wire_contracts.forms.functions import Surroundings

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST_FIELDS: Final = 5000
_SHOWN_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRights:
    """What the reader may do with forms."""

    manage: bool
    export: bool


async def _fields(request: Request) -> dict[str, list[str]]:
    """Return the answers of the preview: names are places, which no signature can list."""
    async with request.form(max_fields=_MOST_FIELDS, max_files=0) as form:
        found: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                found.setdefault(name, []).append(value)
        return found


Fields = Annotated[dict[str, list[str]], Depends(_fields)]


def forms_router(pages: Pages) -> APIRouter:
    """Return the routes of the list and of what may be done with a version."""
    router = APIRouter()

    @router.get("/forms")
    def forms(request: Request, person: SeeForms) -> Response:
        """Show the forms with their versions."""
        return _page(pages, request, pages.reader(person))

    @router.post("/forms")
    def take(
        request: Request,
        person: ManageForms,
        file: UploadFile,
    ) -> Response:
        """Take a form, or say what is wrong with it, row by row."""
        reader = pages.reader(person)
        try:
            form = _read(file.file.read(MOST_FILE_BYTES + 1))
            with pages.engine.begin() as connection:
                take_form(connection, form, person.account_id, pages.clock.now_utc())
        except FormRefusedError as refused:
            return _page(pages, request, reader, problems=refused.problems)
        except ContractError as refusal:
            return _page(pages, request, reader, problem=str(refusal))
        return see_other(f"/forms/{form.model.key}")

    @router.post("/forms/{key}/publish")
    def publish(
        request: Request,
        person: ManageForms,
        key: str,
        since: Annotated[str, Form(max_length=40)] = "",
    ) -> Response:
        """Give a version to every tablet, from now on or from a later moment."""
        reader, now_utc = pages.reader(person), pages.clock.now_utc()
        try:
            since_utc = parse_since(since, reader.words, now_utc)
        except ValueError:
            text = reader.words.gettext(mark("This is not a date and time: {text}"))
            return _page(pages, request, reader, problem=text.format(text=since))
        with pages.engine.begin() as connection:
            publish_form(connection, key, since_utc, person.account_id, now_utc)
        return see_other("/forms")

    @router.post("/forms/{key}/withdraw")
    def withdraw(person: ManageForms, key: str) -> Response:
        """Let nobody begin with a version any more."""
        with pages.engine.begin() as connection:
            withdraw_form(connection, key, person.account_id, pages.clock.now_utc())
        return see_other("/forms")

    return router


def form_preview_router(pages: Pages) -> APIRouter:
    """Return the routes of a form that is tried out."""
    router = APIRouter()

    @router.get("/forms/{key}")
    def preview(request: Request, person: SeeForms, key: str) -> Response:
        """Show a version as it will be asked."""
        return _preview(pages, request, pages.reader(person), key, {})

    @router.post("/forms/{key}")
    def answer(request: Request, person: SeeForms, key: str, fields: Fields) -> Response:
        """Show the version with these answers; nothing is kept."""
        return _preview(pages, request, pages.reader(person), key, fields)

    return router


def form_files_router(pages: Pages) -> APIRouter:
    """Return the routes of the files: the sheet of a version, the answers of a form."""
    router = APIRouter()

    @router.get("/forms/{key}/sheet")
    def sheet(person: SeeForms, key: str) -> Response:
        """Return the XLSX that a version came from, byte for byte."""
        del person
        with reading(pages.engine) as connection:
            content = load_source(connection, key)
        return _file(content, f"{key}.xlsx", _XLSX)

    @router.get("/forms/{form_id}/answers.csv")
    def answers_csv(person: ExportAnswers, form_id: str) -> Response:
        """Return the answers to every version of a form as CSV; who took them is kept."""
        waiting = _waiting(pages, person, form_id, "csv")
        if waiting is not None:
            return waiting
        with pages.engine.begin() as connection:
            content = export_csv(connection, form_id)
            _note_export(connection, person, form_id, pages.clock.now_utc())
        return _file(content, f"{form_id}.csv", "text/csv; charset=utf-8")

    @router.get("/forms/{form_id}/answers.zip")
    def answers_zip(person: ExportAnswers, form_id: str) -> Response:
        """Return the answers to every version of a form as OpenRosa submissions."""
        waiting = _waiting(pages, person, form_id, "zip")
        if waiting is not None:
            return waiting
        with pages.engine.begin() as connection:
            content = export_openrosa(connection, form_id)
            _note_export(connection, person, form_id, pages.clock.now_utc())
        return _file(content, f"{form_id}.zip", "application/zip")

    return router


def _waiting(pages: Pages, person: Person, form_id: str, kind: str) -> Response | None:
    """Return where a bulky file waits, None when it may leave."""
    with reading(pages.engine) as connection:
        row_count = count_answers(connection).get(form_id, 0)
    target = target_of(f"/forms/{quote(form_id, safe='')}/answers.{kind}")
    return held_back(pages, person, target, row_count)


def _note_export(connection: Connection, person: Person, form_id: str, now_utc: datetime) -> None:
    """Keep that somebody took all answers of a form (domain model 5, privacy rule 5)."""
    event = AuditEvent(
        actor=person.account_id, action="form.export", subject=form_id[:64], detail={}
    )
    append_audit(connection, event, now_utc)


def _file(content: bytes, name: str, media_type: str) -> Response:
    plain = "".join(letter for letter in name if letter.isascii() and letter.isprintable())
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{plain.replace(chr(34), "")}"'},
    )


def _read(content: bytes) -> TakenForm:
    from sync_server.forms.intake_io import read_form  # noqa: PLC0415  # pyxform takes a while

    return read_form(content)


def _page(
    pages: Pages,
    request: Request,
    reader: Reader,
    *,
    problem: str = "",
    problems: Sequence[FormProblem] = (),
) -> Response:
    words, role = reader.words, reader.person.role
    rights = FormRights(manage=may(role, Action.MANAGE_FORMS), export=may(role, Action.SEE_ANSWERS))
    with reading(pages.engine) as connection:
        found = list_forms(connection)
        answers = count_answers(connection)
    return pages.page(
        request,
        reader,
        "forms.html",
        "forms",
        forms=form_rows(found, words, answers, may_manage=rights.manage),
        can=rights,
        problem_text=problem,
        problems=[refusal_text(each.text(), reader.words) for each in problems[:_SHOWN_PROBLEMS]],
        status=400 if problem or problems else 200,
    )


def _preview(
    pages: Pages, request: Request, reader: Reader, key: str, fields: Mapping[str, list[str]]
) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        model, version = load_model(connection, key), find_form(connection, key)
    around = Surroundings(
        now=lambda: pages.clock.now_utc().astimezone(words.zone),
        random=random.random,
        uuid=lambda: str(uuid.uuid4()),
    )
    found = try_out(model, fields, words.language, around)
    text = words.ngettext(
        "%(n)d item is missing or wrong", "%(n)d items are missing or wrong", found.left
    )
    shown = {
        "key": key,
        "title": version.title.plain(words.language),
        "advice": version.advice,
        "items": item_views(found, words),
        "counts": found.counts,
        "left_text": text % {"n": found.left} if found.left else "",
    }
    if is_part_wanted(request):
        return pages.part(reader, "_form_preview.html", **shown)
    notice = Notice(
        text=words.gettext(mark("This is a preview: nothing that you answer is kept.")), tone="ok"
    )
    return pages.page(request, reader, "form.html", "forms", notice=notice, **shown)
