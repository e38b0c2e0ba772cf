"""Speaks the blobs' part of the protocol over HTTP: tus 1.0 core with the server's own header."""

import io
from collections.abc import Mapping
from contextlib import closing
from typing import Final

import requests

from field_app.sync.client_io import CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from field_app.sync.reasons import Reason, SyncProblem
from field_app.sync.trust_io import trusted
from field_app.sync.uploading import BlobRefused, Standing
from wire_contracts.blobs import (
    BLOBS_PATH,
    CHUNK_TYPE,
    OFFSET_HEADER,
    STATE_HEADER,
    TUS_HEADER,
    TUS_VERSION,
    BlobAnswer,
    BlobOffer,
    blob_path,
    dump_offer,
    parse_blob_answer,
)
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.payloads import read_json
from wire_contracts.refusals import Refusal, parse_refusal
from wire_contracts.sync import CONTENT_TYPE, PROTOCOL, PROTOCOL_HEADER

_LONGEST_ANSWER_BYTES: Final = 64 * 1024
_LOGIN: Final = frozenset({401, 403})
_NOT_FOUND: Final = 404
_TOO_OLD: Final = 426
_WELL: Final = frozenset({200, 204})
_SERVER_ERROR: Final = 500
_VERDICTS: Final = frozenset({400, 413, 422})
"""What says something of the blob, without a code too; every other refusal may pass."""
_LONG: Final = 12
"""Digits of an offset; Python refuses to read numbers of thousands of them."""


class HttpBlobApi:
    """The tablet's side of the blobs' conversation; one connection, kept open."""

    def __init__(self, base_url: str, token: str) -> None:
        """Speak to the server at `base_url` with the tablet's bearer token."""
        self._base_url = base_url.rstrip("/")
        self._session = requests.Session()
        # a .netrc entry would replace our token, a proxy would read it
        self._session.trust_env = False
        self._session.verify = trusted()
        self._session.headers[PROTOCOL_HEADER] = str(PROTOCOL)
        self._session.headers["Accept"] = CONTENT_TYPE
        self._session.headers["Authorization"] = f"Bearer {token}"

    def offer(self, offer: BlobOffer) -> BlobAnswer:
        """Return whether the server has the blob, else from which byte on it wants it."""
        headers = {"Content-Type": CONTENT_TYPE}
        with closing(self._ask("POST", BLOBS_PATH, headers, dump_offer(offer))) as response:
            _demand_success(response, BLOBS_PATH)
            try:
                return parse_blob_answer(read_json("answer to an offer", _content(response)))
            except ContractError as error:
                raise SyncProblem(Reason.SERVER, str(error)) from error

    def standing(self, sha256: str) -> Standing | None:
        """Return where the upload stands, None when it must be offered first."""
        with closing(self._ask("HEAD", blob_path(sha256), _TUS)) as response:
            _demand_our_server(response, "HEAD of a blob")
            if response.status_code == _NOT_FOUND:
                return None
            _demand_success(response, "HEAD of a blob")
            return _standing(response)

    def append(self, sha256: str, offset: int, data: bytes) -> Standing:
        """Send bytes from an offset on; return where the upload stands then."""
        headers = {**_TUS, OFFSET_HEADER: str(offset), "Content-Type": CHUNK_TYPE}
        with closing(self._ask("PATCH", blob_path(sha256), headers, data)) as response:
            _demand_success(response, "PATCH of a blob")
            return _standing(response)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                self._base_url + path,
                # read block by block: the time-out is then that of a block, not of the whole body
                data=None if body is None else io.BytesIO(body),
                headers=headers,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            detail = f"{path[:40]}: {type(error).__name__}: {str(error)[:200]}"
            raise SyncProblem(Reason.NO_NETWORK, detail) from error


_TUS: Final = {TUS_HEADER: TUS_VERSION}


def _demand_our_server(response: requests.Response, place: str) -> None:
    """Refuse an answer without our header: it comes from something in between (trap T24)."""
    status = response.status_code
    if response.headers.get(PROTOCOL_HEADER, "").isdecimal():
        return
    if status >= _SERVER_ERROR:
        detail = f"{place}: status {status} from the server or what stands before it"
        raise SyncProblem(Reason.SERVER, detail)
    detail = f"{place}: status {status} without our header: this is not the server"
    raise SyncProblem(Reason.CAPTIVE_PORTAL, detail)


def _demand_success(response: requests.Response, place: str) -> None:
    _demand_our_server(response, place)
    status = response.status_code
    if status in _WELL:
        return
    refusal = _refusal(response)
    detail = f"{place}: status {status}: {refusal.text[:500]}"
    if status in _LOGIN:
        raise SyncProblem(Reason.LOGIN, detail)
    if status == _TOO_OLD:
        raise SyncProblem(Reason.TOO_OLD, detail)
    if refusal.code is None and status not in _VERDICTS:
        raise SyncProblem(Reason.SERVER, detail)
    raise BlobRefused(refusal.code or Code.OPERATION_FAILED, detail, _offset(response))


def _refusal(response: requests.Response) -> Refusal:
    try:
        return parse_refusal(read_json("refusal of a blob", _content(response)))
    except ContractError:  # a HEAD has no body
        return Refusal(code=None, text="")


def _content(response: requests.Response) -> bytes:
    try:
        content = bytearray()
        for chunk in response.iter_content(_LONGEST_ANSWER_BYTES):
            content += chunk
            if len(content) > _LONGEST_ANSWER_BYTES:
                raise SyncProblem(Reason.SERVER, "the answer about a blob is longer than 64 kB")
    except requests.RequestException as error:
        raise SyncProblem(Reason.NO_NETWORK, f"{type(error).__name__}") from error
    return bytes(content)


def _standing(response: requests.Response) -> Standing:
    offset = _offset(response)
    state = response.headers.get(STATE_HEADER)
    if offset is None or state is None or response.headers.get(TUS_HEADER) != TUS_VERSION:
        raise SyncProblem(Reason.SERVER, "the answer about a blob says not where it stands")
    return Standing(is_had=state == "have", offset=offset)


def _offset(response: requests.Response) -> int | None:
    text = response.headers.get(OFFSET_HEADER, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONG else None
