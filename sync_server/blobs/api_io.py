"""The blobs' conversation over HTTP: an offer, then tus 1.0 core: where it stands, more bytes."""

import errno
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from sync_server.access.error_answers_io import error_answer
from sync_server.access.guards_io import require_tablet
from sync_server.access.tablet_store import TabletIdentity
from sync_server.blobs.intake import Intake, MisplacedError, Standing, Upload
from wire_contracts.blobs import (
    BLOBS_PATH,
    CHUNK_TYPE,
    LENGTH_HEADER,
    MAX_PHOTO_BYTES,
    OFFSET_HEADER,
    STATE_HEADER,
    TUS_HEADER,
    TUS_VERSION,
    TUS_VERSIONS_HEADER,
    BlobOffer,
    dump_blob_answer,
    is_sha256,
    parse_offer,
)
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.payloads import read_json
from wire_contracts.sync import CONTENT_TYPE, PROTOCOL, PROTOCOL_HEADER

MAX_OFFER_BYTES = 4096

ANY_SIZE = 2**50
"""The application's own limit of bodies does not hold here: `_offer_body` stops at MAX_OFFER_BYTES,
an upload at the size that was offered."""

_PRECONDITION_FAILED = 412
_WRONG_TYPE = 415
_NO_CONTENT = 204
_LONG = 12
"""Digits of an offset; Python refuses to read numbers of thousands of them."""


async def _offer_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_OFFER_BYTES:
            raise _refused(
                "body", f"is larger than {MAX_OFFER_BYTES} bytes", Code.PAYLOAD_TOO_LARGE
            )
    return bytes(body)


def blobs_router(intake: Intake) -> APIRouter:
    """Return the routes by which tablets send photos; each needs a tablet's token."""
    router = APIRouter()

    @router.post(BLOBS_PATH, max_body_size=ANY_SIZE)
    def offer(
        tablet: Annotated[TabletIdentity, Depends(require_tablet)],
        body: Annotated[bytes, Depends(_offer_body)],
    ) -> Response:
        """Answer whether the blob is here, else from which byte on it is wanted."""
        wanted = _read_offer(intake, read_json(f"offer of tablet {tablet.tablet_id}", body))
        answer = intake.offer(tablet, wanted)
        content = dump_blob_answer(answer, wanted.sha256)
        return Response(content, media_type=CONTENT_TYPE, headers=_headers())

    @router.head(BLOBS_PATH + "/{sha256}")
    def standing(
        request: Request, sha256: str, tablet: Annotated[TabletIdentity, Depends(require_tablet)]
    ) -> Response:
        """Answer where the tablet's upload stands."""
        return _stand(intake, request, tablet, sha256)

    @router.patch(BLOBS_PATH + "/{sha256}", max_body_size=ANY_SIZE)
    async def append(
        request: Request, sha256: str, tablet: Annotated[TabletIdentity, Depends(require_tablet)]
    ) -> Response:
        """Take the bytes from an offset on; what came of a torn request counts."""
        return await _append(intake, request, tablet, sha256)

    return router


def _read_offer(intake: Intake, root: FieldReader) -> BlobOffer:
    """Return the offer; one that only is too large is somebody's business."""
    try:
        return parse_offer(root)
    except ContractError as error:
        sha256 = root.values.get("sha256")
        if error.field == "size" and isinstance(sha256, str) and is_sha256(sha256):
            intake.refuse_offer(sha256)
        raise


def _stand(intake: Intake, request: Request, tablet: TabletIdentity, sha256: str) -> Response:
    if (wrong := _wrong_version(request)) is not None:
        return wrong
    found = intake.standing(tablet, _name(sha256))
    if found is None:
        raise _unknown(sha256)
    return Response(headers={**_standing_headers(found), LENGTH_HEADER: str(found.size_bytes)})


async def _append(
    intake: Intake, request: Request, tablet: TabletIdentity, sha256: str
) -> Response:
    if (wrong := _wrong_version(request) or _wrong_type(request)) is not None:
        return wrong
    offset = _offset_of(request)
    try:
        upload = await run_in_threadpool(intake.upload, tablet, _name(sha256), offset)
        if upload is None:
            raise _unknown(sha256)
        return await _take(request, upload)
    except MisplacedError as error:
        return _misplaced(sha256, error.offset)
    except OSError as error:
        raise _disk_full(error) from error


async def _take(request: Request, upload: Upload) -> Response:
    is_torn = False
    try:
        async for piece in request.stream():
            if piece:
                await run_in_threadpool(upload.add, piece)
    except ClientDisconnect:
        is_torn = True
    standing = await run_in_threadpool(upload.finish)
    status = 400 if is_torn else _NO_CONTENT  # nobody reads the answer to a torn request
    return Response(status_code=status, headers=_standing_headers(standing))


def _headers() -> dict[str, str]:
    return {
        PROTOCOL_HEADER: str(PROTOCOL),
        TUS_HEADER: TUS_VERSION,
        "Cache-Control": "no-store",
    }


def _standing_headers(standing: Standing) -> dict[str, str]:
    return {
        **_headers(),
        OFFSET_HEADER: str(standing.offset),
        STATE_HEADER: "have" if standing.is_had else "upload",
    }


def _wrong_version(request: Request) -> Response | None:
    if request.headers.get(TUS_HEADER) == TUS_VERSION:
        return None
    answer = error_answer(
        Code.VERSION_UNSUPPORTED,
        f"blobs: {TUS_HEADER}: is {request.headers.get(TUS_HEADER)!r}; send {TUS_VERSION}",
    )
    answer.status_code = _PRECONDITION_FAILED
    answer.headers[TUS_VERSIONS_HEADER] = TUS_VERSION
    return answer


def _wrong_type(request: Request) -> Response | None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == CHUNK_TYPE:
        return None
    answer = error_answer(Code.PAYLOAD_FORM, f"blobs: Content-Type: is another; send {CHUNK_TYPE}")
    answer.status_code = _WRONG_TYPE
    return answer


def _offset_of(request: Request) -> int:
    text = request.headers.get(OFFSET_HEADER, "")
    if not (text.isascii() and text.isdigit() and len(text) < _LONG):
        raise _refused(OFFSET_HEADER, f"is {text[:20]!r}, not a number", Code.FIELD_RANGE)
    offset = int(text)
    if offset > MAX_PHOTO_BYTES:
        raise _refused(OFFSET_HEADER, f"{offset} is beyond every blob", Code.FIELD_RANGE)
    return offset


def _name(sha256: str) -> str:
    if not is_sha256(sha256):
        raise _refused("sha256", f"is {sha256[:64]!r}, not a SHA-256", Code.FIELD_RANGE)
    return sha256


def _misplaced(sha256: str, offset: int) -> Response:
    text = f"blob {sha256[:12]}: {OFFSET_HEADER}: the upload stands at {offset}; go on from there"
    answer = error_answer(Code.BLOB_OFFSET, text)
    answer.headers[OFFSET_HEADER] = str(offset)
    answer.headers[TUS_HEADER] = TUS_VERSION
    return answer


def _unknown(sha256: str) -> ContractError:
    return ContractError(
        place=f"blob {sha256[:12]}",
        field="upload",
        problem="is not begun here",
        remedy=f"offer it first: POST {BLOBS_PATH}",
        code=Code.NOT_FOUND,
    )


def _refused(field: str, problem: str, code: Code) -> ContractError:
    return ContractError(
        place="blobs", field=field, problem=problem, remedy="correct the sender", code=code
    )


def _disk_full(error: OSError) -> Exception:
    if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return error
    return ContractError(
        place="blobs",
        field="disk",
        problem="is full",
        remedy="make room on the server's disk; the tablet keeps the photo meanwhile",
        code=Code.DISK_FULL,
    )
