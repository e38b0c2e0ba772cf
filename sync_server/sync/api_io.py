"""The sync conversation over HTTP: two routes, one header in every answer, gzip when asked."""

import zlib
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Engine

from sync_server.access.guards_io import require_tablet, require_token_holder
from sync_server.access.tablet_store import TabletIdentity, TokenHolder
from sync_server.sync.inbox import quick_json, read_push
from sync_server.sync.service import SyncService, SyncTerms
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.operations import MAX_PUSH_BYTES, push_answer_json
from wire_contracts.payloads import read_json
from wire_contracts.pulls import MAX_ROWS, pull_json
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

GZIP_LEVEL = 4
GZIP_MEMORY = 5
"""Columns deflate to less than objects do (sync spec 3). Smaller memory makes shorter blocks, whose
codes fit one column each: 10,000 orders take 1.79 MB in 0.10 s; level 5 with zlib's own memory of 8
takes 1.78 MB in 0.18 s, level 4 with it 1.83 MB; benchmarks/results/sync.txt."""

_GZIP_WINDOW = 31
"""zlib's word for the largest window in a gzip frame."""


async def _push_body(request: Request) -> bytes:
    return await _body(request, MAX_PUSH_BYTES, "send fewer operations at once")


async def _sealed_body(request: Request) -> bytes:
    return await _body(request, MAX_SEALED_BYTES, "send fewer envelopes at once")


async def _body(request: Request, most_bytes: int, remedy: str) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise ContractError(
                place=request.url.path,
                field="body",
                problem=f"is larger than {most_bytes} bytes",
                remedy=remedy,
                code=Code.PAYLOAD_TOO_LARGE,
            )
    return bytes(body)


def sync_router(engine: Engine, clock: Clock, terms: SyncTerms | None = None) -> APIRouter:
    """Return the routes by which tablets pull and push; each needs a tablet's token."""
    service = SyncService(engine, clock, terms)
    router = APIRouter()

    @router.get(PULL_PATH)
    def pull(
        request: Request,
        tablet: Annotated[TabletIdentity, Depends(require_tablet)],
        token: Annotated[str | None, Query(max_length=LONGEST_TOKEN)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = MAX_ROWS,
    ) -> Response:
        """Answer the changes after the token, in columns."""
        answer = service.pull(tablet, token or None, limit, _protocol_of(request))
        return _answer(request, orjson.dumps(pull_json(answer, token)))

    @router.post(PUSH_PATH, max_body_size=ANY_SIZE)
    def push(
        request: Request,
        tablet: Annotated[TabletIdentity, Depends(require_tablet)],
        body: Annotated[bytes, Depends(_push_body)],
    ) -> Response:
        """Answer one permanent outcome per operation, in the order sent."""
        read = read_push(read_json(f"push of tablet {tablet.tablet_id}", body, quick_json))
        return _answer(request, orjson.dumps(push_answer_json(service.push(tablet, read))))

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
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONG else 0


def _answer(request: Request, body: bytes) -> Response:
    """Return the answer under few headers: an idle tablet polls all day and may pay by the byte.

    No cache that others share may keep an answer to a request with a token (RFC 9111 section 3.5).
    """
    headers = {PROTOCOL_HEADER: str(PROTOCOL)}
    is_asked = "gzip" in request.headers.get("accept-encoding", "")
    if is_asked and len(body) > GZIP_ABOVE_BYTES:
        headers["Content-Encoding"] = "gzip"
        body = _packed(body)
    return Response(body, media_type=CONTENT_TYPE, headers=headers)


def _packed(body: bytes) -> bytes:
    deflater = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW, GZIP_MEMORY)
    return deflater.compress(body) + deflater.flush()
