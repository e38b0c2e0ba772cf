"""The sync conversation over HTTP: two routes, one header in every answer, gzip when asked."""

from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Engine

from sync_server.access.guards_io import require_tablet, require_token_holder
from sync_server.access.tablet_store import TabletIdentity, TokenHolder
from sync_server.sync.inbox import open_push, too_large
from sync_server.sync.one_turn_io import OneTurnRoute
from sync_server.sync.page_bytes import gzipped
from sync_server.sync.service import SyncService, SyncTerms
from wire_contracts.clock import Clock
from wire_contracts.fields import FieldReader
from wire_contracts.operations import MAX_ACTION_BYTES, push_answer_json
from wire_contracts.payloads import read_json
from wire_contracts.pulls import LONGEST_SEEN, MAX_ROWS, dump_poll
from wire_contracts.sealed import (
    MAX_SEALED_BYTES,
    SEALED_PATH,
    dump_sealed_answer,
    parse_sealed,
)
from wire_contracts.sync import (
    CONTENT_TYPE,
    FIRST_PROTOCOL,
    PROTOCOL,
    PROTOCOL_HEADER,
    PULL_PATH,
    PUSH_PATH,
)

LONGEST_TOKEN = 64 * 1024

ANY_SIZE = 2**50
"""The application's limit of bodies answers in its own words, which a tablet takes for a network's
log-in page; `_body` stops far earlier and says what a tablet understands."""

GZIP_ABOVE_BYTES = 600
"""Shorter answers grow or stay."""


async def _push_body(request: Request) -> bytes:
    return await _body(request, MAX_ACTION_BYTES, "send fewer operations at once")


async def _sealed_body(request: Request) -> bytes:
    return await _body(request, MAX_SEALED_BYTES, "send fewer envelopes at once")


async def _body(request: Request, most_bytes: int, remedy: str) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise too_large(request.url.path, most_bytes, remedy)
    return bytes(body)


def sync_router(engine: Engine, clock: Clock, terms: SyncTerms | None = None) -> APIRouter:
    """Return the routes by which tablets pull and push; each needs a tablet's token."""
    service = SyncService(engine, clock, terms)
    router = APIRouter()

    def pull(
        request: Request, tablet: Annotated[TabletIdentity, Depends(require_tablet)]
    ) -> Response:
        """Answer the changes after the token, in columns."""
        asked = _parse_asked(request)
        protocol = _protocol_of(request)
        if asked.seen is not None and asked.token is None:
            return _response(
                dump_poll(service.poll(tablet, asked.seen, protocol)), is_gzipped=False
            )
        answer = service.pull_written(tablet, asked.token, asked.limit, protocol)
        if _takes_gzip(request) and answer.byte_count > GZIP_ABOVE_BYTES:
            return _response(answer.gzipped(), is_gzipped=True)
        return _response(answer.plain(), is_gzipped=False)

    router.add_api_route(PULL_PATH, pull, methods=["GET"], route_class_override=OneTurnRoute)

    def push(
        request: Request,
        tablet: Annotated[TabletIdentity, Depends(require_tablet)],
        body: Annotated[bytes, Depends(_push_body)],
    ) -> Response:
        """Answer one permanent outcome per operation, in the order sent."""
        read = open_push(f"push of tablet {tablet.tablet_id}", body)
        return _answer(request, orjson.dumps(push_answer_json(service.push(tablet, read))))

    router.add_api_route(
        PUSH_PATH,
        push,
        methods=["POST"],
        max_body_size=ANY_SIZE,
        route_class_override=OneTurnRoute,
    )

    @router.post(SEALED_PATH, max_body_size=ANY_SIZE)
    def sealed(
        request: Request,
        holder: Annotated[TokenHolder, Depends(require_token_holder)],
        body: Annotated[bytes, Depends(_sealed_body)],
    ) -> Response:
        """Answer that every envelope is safe; also for a tablet that was revoked."""
        read = parse_sealed(read_json(f"sealed of tablet {holder.tablet.tablet_id}", body))
        is_revoked = holder.revoked_at_utc is not None
        answer = service.take_sealed(holder.tablet, read, is_revoked=is_revoked)
        return _answer(request, dump_sealed_answer(answer))

    return router


_LONG = 10
"""Digits; Python refuses to read numbers of thousands of them."""


def _protocol_of(request: Request) -> int:
    text = request.headers.get(PROTOCOL_HEADER, str(FIRST_PROTOCOL))
    return int(text) if _is_number(text) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONG


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """From where a tablet pulls, and at most about how many rows; or what it has seen."""

    token: str | None
    seen: str | None
    limit: int


def _parse_asked(request: Request) -> _Asked:
    query = request.query_params
    limit = query.get("limit", str(MAX_ROWS))
    values = {
        "token": query.get("token"),
        "seen": query.get("seen"),
        "limit": int(limit) if _is_number(limit) else limit,
    }
    reader = FieldReader(place="pull", values=values)
    return _Asked(
        token=reader.text("token", longest=LONGEST_TOKEN) if values["token"] else None,
        seen=reader.text("seen", longest=LONGEST_SEEN) if values["seen"] else None,
        limit=reader.integer("limit", low=1, high=MAX_ROWS),
    )


def _answer(request: Request, body: bytes) -> Response:
    if _takes_gzip(request) and len(body) > GZIP_ABOVE_BYTES:
        return _response(gzipped(body), is_gzipped=True)
    return _response(body, is_gzipped=False)


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _response(body: bytes, *, is_gzipped: bool) -> Response:
    """Return the answer under few headers: an idle tablet polls all day and may pay by the byte.

    No cache that others share may keep an answer to a request with a token (RFC 9111 section 3.5).
    """
    headers = {PROTOCOL_HEADER: str(PROTOCOL)}
    if is_gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=CONTENT_TYPE, headers=headers)
