"""The routes of the audit: who did what, page by page, its chain, and the same as CSV."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.account_store import Person
from sync_server.access.audit_store import (
    AuditEvent,
    AuditRecord,
    AuditSearch,
    append_audit,
    find_audit,
    verify_audit,
)
from sync_server.db.engine_io import reading
from sync_server.sheets.cells import BYTE_ORDER_MARK, harmless
from sync_server.web.audit_words import ACTION_WORDS
from sync_server.web.exports_io import held_back, target_of
from sync_server.web.guarded_io import ExportAudit, SeeAudit
from sync_server.web.labels import ROLES, label
from sync_server.web.page_queries_store import (
    account_names,
    crew_names,
    order_numbers,
    request_numbers,
    tablet_names,
)
from sync_server.web.pages_io import Notice, Pages, Reader
from sync_server.web.policy_words import shipped_words
from sync_server.web.words import Words, mark
from wire_contracts.fields import JsonValue

ROWS_ON_PAGE: Final = 100
MOST_EXPORTED: Final = 100_000


class SearchForm(BaseModel):
    """What is looked for."""

    who: str = Field(default="", max_length=80)
    what: str = Field(default="", max_length=60)
    subject: str = Field(default="", max_length=120)
    before: int | None = Field(default=None, ge=1)
    verify: str = Field(default="", max_length=3)

    def search(self) -> AuditSearch:
        """Return it as the audit is asked."""
        return AuditSearch(
            actor=self.who.strip(),
            action=self.what.strip(),
            subject=self.subject.strip(),
            before=self.before,
        )


Asked = Annotated[SearchForm, Query()]


def audit_router(pages: Pages) -> APIRouter:
    """Return the routes of the audit."""
    router = APIRouter()

    @router.get("/audit")
    def audit(request: Request, person: SeeAudit, asked: Asked) -> Response:
        """Show the newest events that fit; the chain is verified when somebody asks."""
        return _page(pages, request, pages.reader(person), asked)

    @router.get("/audit.csv")
    def export(person: ExportAudit, asked: Asked) -> Response:
        """Return the events that fit as CSV; that they were taken away is an event itself."""
        content = _csv(pages, person, asked)
        if isinstance(content, Response):
            return content
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

    return router


def _page(pages: Pages, request: Request, reader: Reader, asked: SearchForm) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        found = find_audit(connection, asked.search(), ROWS_ON_PAGE + 1)
        names = account_names(connection)
        called = _called(connection, found, names)
        verdict = verify_audit(connection) if asked.verify else None
    notice = None
    if verdict is not None:
        whole = words.gettext(mark("The chain is whole: {n} events")).format(n=verdict.event_count)
        broken = words.gettext(mark("The chain is broken at event {n}")).format(n=verdict.broken_at)
        notice = Notice(
            text=whole if verdict.is_whole else broken, tone="ok" if verdict.is_whole else "danger"
        )
    more = found[ROWS_ON_PAGE:]
    shown = found[:ROWS_ON_PAGE]
    return pages.page(
        request,
        reader,
        "audit.html",
        "audit",
        rows=[
            (
                each.position,
                words.moment(each.at_utc),
                _actor(each.actor, called, words),
                each.action,
                label(words, ACTION_WORDS, each.action),
                called.get(each.subject, ""),
                each.subject,
                "" if each.detail_text == "{}" else each.detail_text,
                _detail(each.detail_text, called, words),
            )
            for each in shown
        ],
        people=sorted(names.items(), key=lambda pair: pair[1]),
        actions=[(code, words.gettext(text)) for code, text in ACTION_WORDS.items()],
        asked=asked,
        next_before=shown[-1].position if more else None,
        notice=notice,
    )


def _called(
    connection: Connection, found: Sequence[AuditRecord], names: Mapping[str, str]
) -> Mapping[str, str]:
    """Return what people, tablets, crews, orders and requests of the events are called."""
    subjects = sorted({each.subject for each in found})
    orders, requests = order_numbers(connection, subjects), request_numbers(connection, subjects)
    crews = crew_names(connection)
    return {**crews, **names, **tablet_names(connection), **orders, **requests}


def _actor(actor: str, called: Mapping[str, str], words: Words) -> str:
    """Return who did it: a person, a tablet, a rule, or what the product brought with it."""
    if actor.partition(":")[0] == "rule":
        return words.gettext(mark("automatic rule"))
    return called.get(actor, shipped_words(actor, words))


_LONGEST_SHOWN: Final = 40
"""Letters of a value that are shown; a hash is recognised by far fewer, the tooltip has all."""


def _detail(text: str, called: Mapping[str, str], words: Words) -> str:
    """Return the details as `name value` pairs, ids and roles by what they are called."""
    detail: dict[str, JsonValue] = json.loads(text)
    parts = []
    for name, value in detail.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = called.get(shown, label(words, ROLES, shown) if name == "role" else shown)
        is_long = len(shown) > _LONGEST_SHOWN
        parts.append(f"{name} {shown[:_LONGEST_SHOWN]}{'…' if is_long else ''}")
    return " · ".join(parts)


def _csv(pages: Pages, person: Person, asked: SearchForm) -> bytes | Response:
    now_utc = pages.clock.now_utc()
    with reading(pages.engine) as connection:
        found = find_audit(connection, asked.search(), MOST_EXPORTED)
    before = "" if asked.before is None else str(asked.before)
    target = target_of(
        "/audit.csv", who=asked.who, what=asked.what, subject=asked.subject, before=before
    )
    waiting = held_back(pages, person, target, len(found))
    if waiting is not None:
        return waiting
    with pages.engine.begin() as connection:
        event = AuditEvent(
            actor=person.account_id, action="audit.export", subject="audit", detail={}
        )
        append_audit(connection, event, now_utc)
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("position", "at", "actor", "action", "subject", "detail", "hash"))
    for each in found:
        at = each.at_utc.isoformat(timespec="seconds")
        row = (each.actor, each.action, each.subject, each.detail_text, each.event_hash)
        writer.writerow([each.position, at, *(harmless(cell) for cell in row)])
    return text.getvalue().encode()
