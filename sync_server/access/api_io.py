"""The one route without a log-in that tablets use: the one-time code is the proof."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from sync_server.access.guards_io import access_desk, client_address
from wire_contracts.codes import Code
from wire_contracts.enrolment import ENROL_PATH, dump_enrol_answer, parse_enrol
from wire_contracts.errors import ContractError
from wire_contracts.payloads import read_json
from wire_contracts.sync import CONTENT_TYPE, PROTOCOL, PROTOCOL_HEADER

MAX_ENROL_BYTES = 4096


async def _small_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_ENROL_BYTES:
            raise ContractError(
                place=ENROL_PATH,
                field="body",
                problem=f"is larger than {MAX_ENROL_BYTES} bytes",
                remedy="send the code and the tablet's name only",
                code=Code.PAYLOAD_TOO_LARGE,
            )
    return bytes(body)


def enrolment_router() -> APIRouter:
    """Return the route by which a tablet turns a one-time code into a token."""
    router = APIRouter()

    @router.post(ENROL_PATH)
    def enrol(request: Request, body: Annotated[bytes, Depends(_small_body)]) -> Response:
        """Answer a code with a token, once."""
        asked = parse_enrol(read_json(ENROL_PATH, body))
        answer = access_desk(request).enrol(asked, client_address(request))
        headers = {PROTOCOL_HEADER: str(PROTOCOL), "Cache-Control": "no-store"}
        return Response(dump_enrol_answer(answer), media_type=CONTENT_TYPE, headers=headers)

    return router
