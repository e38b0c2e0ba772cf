"""The routes of requests from outside: Open311 GeoReport v2, JSON and XML.

Errors are answered in the form of the specification. A key is asked for to send requests and to
list one's own; a single request is told to whoever has its id, without anything personal.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from sync_server.db.engine_io import reading
from sync_server.outside.geo_report import (
    GeoReportError,
    notice_for,
    parse_request,
    services,
    told,
)
from sync_server.outside.geo_text import (
    MEDIA_TYPES,
    GeoFormat,
    error_text,
    requests_text,
    services_text,
    taken_text,
)
from sync_server.outside.outside_store import Asked, find_outside, list_outside, take_outside
from sync_server.service_desk.request import RequestRecord
from sync_server.service_desk.request_store import Office
from sync_server.web.desk_labels import REQUEST_CLASSES, REQUEST_KINDS, REQUEST_STATES
from sync_server.web.labels import label
from sync_server.web.pages_io import Pages
from sync_server.web.words import Words

_MOST_FIELDS = 60
_UNAUTHORISED = 403


async def _fields(request: Request) -> dict[str, str]:
    """Return query and form together; files are not taken."""
    found = {name: value for name, value in request.query_params.items() if len(value) < 5000}  # noqa: PLR2004  # longer than any field
    async with request.form(max_fields=_MOST_FIELDS, max_files=0) as form:
        found |= {name: value for name, value in form.items() if isinstance(value, str)}
    return found


Fields = Annotated[dict[str, str], Depends(_fields)]


def open311_router(pages: Pages) -> APIRouter:
    """Return the routes of services and of sending a request."""
    router = APIRouter(prefix="/open311/v2")

    @router.get("/services.{form}")
    def offered(request: Request, form: GeoFormat) -> Response:
        """Return what can be asked for, in the language that the caller accepts."""
        words = _words(pages, request)
        names, kinds = _names(words)
        return _answer(services_text(services(names, kinds), form), form)

    @router.post("/requests.{form}")
    def send(form: GeoFormat, fields: Fields) -> Response:
        """Take a request into the lists of the desk."""
        now_utc = pages.clock.now_utc()
        try:
            key_name = _key_name(pages, fields)
            new = parse_request(fields, now_utc)
            office = Office(actor=f"open311:{key_name}", now_utc=now_utc, zone=pages.settings.zone)
            with pages.engine.begin() as connection:
                record = take_outside(connection, new, key_name, office)
        except GeoReportError as refused:
            return _refused(refused, form)
        return _answer(taken_text(record.request_id, notice_for(new), form), form)

    return router


def open311_status_router(pages: Pages) -> APIRouter:
    """Return the routes that tell how requests stand."""
    router = APIRouter(prefix="/open311/v2")

    @router.get("/requests.{form}")
    def listed(request: Request, form: GeoFormat) -> Response:
        """Return the key's own requests that fit, the newest first."""
        fields = dict(request.query_params)
        try:
            asked = _asked(_key_name(pages, fields), fields)
        except GeoReportError as refused:
            return _refused(refused, form)
        with reading(pages.engine) as connection:
            found = list_outside(connection, asked)
        return _told(found, _words(pages, request), form)

    @router.get("/requests/{request_id}.{form}")
    def one(request: Request, request_id: str, form: GeoFormat) -> Response:
        """Return how one request stands: the customer's own link."""
        with reading(pages.engine) as connection:
            record = find_outside(connection, request_id)
        if record is None:
            return _refused(GeoReportError(404, "service_request_id: is not known"), form)
        return _told([record], _words(pages, request), form)

    return router


def _words(pages: Pages, request: Request) -> Words:
    accepted = request.headers.get("accept-language", pages.settings.language)
    return pages.words("en" if accepted.lower().startswith("en") else "zh")


def _names(words: Words) -> tuple[Mapping[str, str], Mapping[str, str]]:
    names = {code: words.gettext(text) for code, text in REQUEST_CLASSES.items()}
    return names, {code: words.gettext(text) for code, text in REQUEST_KINDS.items()}


def _key_name(pages: Pages, fields: Mapping[str, str]) -> str:
    """Return whose key it is; every key is compared, so that time tells nothing."""
    given = fields.get("api_key", "").encode("utf-8", "replace")
    found = [
        name
        for name, key in pages.settings.open311_keys.items()
        if hmac.compare_digest(key.encode(), given)
    ]
    if not found:
        raise GeoReportError(_UNAUTHORISED, "api_key: is missing or not known")
    return found[0]


def _asked(key_name: str, fields: Mapping[str, str]) -> Asked:
    states = {each for each in fields.get("status", "").split(",") if each}
    return Asked(
        key_name=key_name,
        request_ids=_listed(fields.get("service_request_id", "")),
        service_codes=_listed(fields.get("service_code", "")),
        is_closed=None if states in (set(), {"open", "closed"}) else "closed" in states,
        from_utc=_moment(fields, "start_date"),
        to_utc=_moment(fields, "end_date"),
    )


def _listed(text: str) -> Sequence[str]:
    return [each.strip() for each in text.split(",") if each.strip()][:100]


def _moment(fields: Mapping[str, str], name: str) -> datetime | None:
    text = fields.get(name, "")
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise GeoReportError(400, f"{name}: write a time such as 2026-11-02T00:00:00Z") from None


def _told(found: Sequence[RequestRecord], words: Words, form: GeoFormat) -> Response:
    names, _ = _names(words)
    rows = [told(each, names, label(words, REQUEST_STATES, each.state)) for each in found]
    return _answer(requests_text(rows, form), form)


def _refused(refused: GeoReportError, form: GeoFormat) -> Response:
    return _answer(error_text(refused.status, str(refused), form), form, refused.status)


def _answer(content: bytes, form: GeoFormat, status: int = 200) -> Response:
    return Response(content, status_code=status, media_type=MEDIA_TYPES[form])
