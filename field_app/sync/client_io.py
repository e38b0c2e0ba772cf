"""Speaks the sync protocol over HTTP; what lacks our header is never taken for an answer."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Final

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.util import SKIP_HEADER

from field_app.store.quick_json import quick_answers
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from field_app.sync.trust_io import trusted
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.operations import (
    PushAnswer,
    WrittenPush,
    dump_written,
    parse_push_answer,
)
from wire_contracts.payloads import read_json
from wire_contracts.pokes import BEAT_S, POKE_CONTENT_TYPE, POKE_PATH
from wire_contracts.pulls import MAX_ROWS, PullAnswer, has_news, parse_pull
from wire_contracts.refusals import parse_refusal
from wire_contracts.sealed import (
    SEALED_PATH,
    SealedAnswer,
    SealedRequest,
    dump_sealed,
    parse_sealed_answer,
)
from wire_contracts.sync import CONTENT_TYPE, PROTOCOL, PROTOCOL_HEADER, PULL_PATH, PUSH_PATH

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
"""Wall seconds; a page of 1 MB takes 8 s at 1 Mbit/s."""

STREAM_TIMEOUT_S: Final = 2.5 * BEAT_S
"""Wall seconds without a beat after which a stream is given up."""

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""A page is 1 MB by agreement; one indivisible transaction may be longer, an endless one not."""

_CHUNK_BYTES: Final = 64 * 1024
_OK: Final = 200
_LOGIN: Final = frozenset({401, 403})
_TOO_OLD: Final = 426
_REFUSED: Final = frozenset({400, 413, 422})
_SERVER_ERROR: Final = 500
_NETWORK_LOGIN: Final = 511
"""RFC 6585 section 6: a captive portal that says so."""


_HEADERS: Final = {
    PROTOCOL_HEADER: str(PROTOCOL),
    "Accept-Encoding": "gzip",
    "User-Agent": SKIP_HEADER,
}
"""What every request carries, and no more: an idle tablet polls all day and may pay by the byte."""


class TellingBody:
    """A body that is sent in one piece and tells when it is out."""

    def __init__(self, content: bytes, when_sent: Callable[[], None]) -> None:
        """Keep what is sent and whom to tell."""
        self._pieces = iter((content,))
        self._length = len(content)
        self._when_sent = when_sent

    def __len__(self) -> int:
        """Return the bytes of the whole, for the header."""
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        """Return the rest; requests takes for a stream only what has this."""
        return self._pieces

    def read(self, _size: int = -1) -> bytes:
        """Return everything, then nothing: whoever asks again has sent it."""
        piece = next(self._pieces, b"")
        if not piece:
            self._when_sent()
        return piece


def _tell_nobody() -> None:
    """Nobody wants to know when a push is out."""


class HttpSession:
    """One connection to the server, without the machine's proxies and saved log-ins."""

    def __init__(self, base_url: str) -> None:
        """Remember where the server answers; nothing is sent yet."""
        self._base_url = base_url.rstrip("/")
        self._session = requests.Session()
        # a .netrc entry would replace our token, a proxy would read it
        self._session.trust_env = False
        self._session.verify = trusted()
        self._session.headers = CaseInsensitiveDict(_HEADERS)
        self.received_bytes = 0

    def set_token(self, token: str) -> None:
        """Send this bearer token from now on."""
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: "bytes | TellingBody | None" = None,
    ) -> FieldReader:
        """Return the JSON object that the server answered.

        Raises:
            SyncProblem: No contact, with the reason; nothing can be said about the request.
            RequestRefused: The server refuses this very request.
        """
        headers = {} if body is None else {"Content-Type": CONTENT_TYPE}
        try:
            with closing(
                self._session.request(
                    method,
                    self._base_url + path,
                    params=query,
                    data=body,
                    headers=headers,
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                    allow_redirects=False,
                    stream=True,
                )
            ) as response:
                return self._read(response, path)
        except requests.RequestException as error:
            raise SyncProblem(Reason.NO_NETWORK, f"{path}: {_first_words(error)}") from error

    def listen(self, path: str) -> "HttpStream":
        """Return the endless answer of the server; close it.

        Raises:
            SyncProblem: There is none, with the reason.
        """
        try:
            return self._open_stream(path)
        except requests.RequestException as error:
            raise SyncProblem(Reason.NO_NETWORK, f"{path}: {_first_words(error)}") from error

    def _open_stream(self, path: str) -> "HttpStream":
        response = self._session.get(
            self._base_url + path,
            headers={"Accept-Encoding": "identity"},
            timeout=(CONNECT_TIMEOUT_S, STREAM_TIMEOUT_S),
            allow_redirects=False,
            stream=True,
        )
        if _is_ours(response, POKE_CONTENT_TYPE) and response.status_code == _OK:
            return HttpStream(self, response, path)
        with closing(response):
            self._read(response, path)
        detail = f"{path}: status {response.status_code}, but no stream"
        raise SyncProblem(Reason.SERVER, detail)

    def _read(self, response: requests.Response, path: str) -> FieldReader:
        _demand_our_server(response, path)
        plain = _content(response, path)
        self.received_bytes += int(response.raw.tell())  # as they came, before they were inflated
        place = f"answer to {path}"
        try:
            root = read_json(place, plain, quick_answers())
        except ContractError as error:
            raise SyncProblem(Reason.SERVER, str(error)) from error
        _demand_success(response.status_code, root, path)
        return root

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


class HttpStream:
    """An answer that goes on; one thread reads, any may close it."""

    def __init__(self, http: HttpSession, response: requests.Response, path: str) -> None:
        """Read from this answer; it is closed with its connection."""
        self._http = http
        self._response = response
        self._path = path

    def pieces(self) -> Iterator[str]:
        """Yield what comes, as it comes, until either side ends it.

        Raises:
            SyncProblem: The connection broke, or nothing came for longer than the server's beats.
        """
        try:
            for piece in self._response.iter_content(None):
                yield piece.decode(errors="replace")
        except (requests.RequestException, ValueError, OSError) as error:
            detail = f"{self._path}: {_first_words(error)}"
            raise SyncProblem(Reason.NO_NETWORK, detail) from error

    def close(self) -> None:
        """End it, also while another thread waits for the next piece."""
        with suppress(OSError, ValueError):
            self._response.raw.shutdown()
        self._response.close()
        self._http.close()


class HttpSyncApi:
    """The tablet's side of `wire_contracts.sync.SyncApi` over HTTP."""

    def __init__(self, base_url: str, token: str) -> None:
        """Speak to the server at `base_url` with the tablet's bearer token."""
        self._http = HttpSession(base_url)
        self._http.set_token(token)
        self._when_sent: Callable[[], None] = _tell_nobody
        self._seen = ("", "")  # (token, what names all that was seen with it)

    @property
    def received_bytes(self) -> int:
        """Return how many bytes of answers have come since this connection was made."""
        return self._http.received_bytes

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        """Return the next changes; raise SyncProblem when there is no usable answer."""
        query = {} if limit == MAX_ROWS else {"limit": str(limit)}
        query |= {} if token is None else {"token": token}
        try:
            root = self._poll(token)
            if root is None:
                root = self._http.ask("GET", PULL_PATH, query=query)
            answer = parse_pull(root, token)
        except ContractError as error:
            raise SyncProblem(Reason.SERVER, str(error)) from error
        if answer.seen:
            self._seen = (answer.token, answer.seen)
        return answer

    def _poll(self, token: str | None) -> FieldReader | None:
        """Ask in few words whether anything is new; return the answer when nothing is.

        None: it must be asked with the token, which names every bucket.
        """
        seen_with, seen = self._seen
        if token is None or token != seen_with:
            return None
        root = self._http.ask("GET", PULL_PATH, query={"seen": seen})
        if has_news(root) or root.has("token"):
            self._seen = ("", "")
            return None
        return root

    def call_when_sent(self, call: Callable[[], None]) -> None:
        """Call once, when the body of the next push has been handed to the network."""
        self._when_sent = call

    def push(self, push: WrittenPush) -> PushAnswer:
        """Return the permanent outcomes; raise SyncProblem when there is no usable answer."""
        body = TellingBody(dump_written(push), self._when_sent)
        self._when_sent = _tell_nobody
        root = self._http.ask("POST", PUSH_PATH, body=body)
        try:
            return parse_push_answer(root)
        except ContractError as error:
            raise SyncProblem(Reason.SERVER, str(error)) from error

    def send_sealed(self, request: SealedRequest) -> SealedAnswer:
        """Return what the server holds now; raise SyncProblem when there is no usable answer."""
        root = self._http.ask("POST", SEALED_PATH, body=dump_sealed(request))
        try:
            return parse_sealed_answer(root)
        except ContractError as error:
            raise SyncProblem(Reason.SERVER, str(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def open_pokes(base_url: str, token: str) -> HttpStream:
    """Return the server's stream of pokes; raise SyncProblem when there is none."""
    http = HttpSession(base_url)
    http.set_token(token)
    try:
        return http.listen(POKE_PATH)
    except BaseException:
        http.close()
        raise


def _demand_our_server(response: requests.Response, path: str) -> None:
    status = response.status_code
    if _is_ours(response, CONTENT_TYPE):
        return
    if status >= _SERVER_ERROR and status != _NETWORK_LOGIN:
        detail = f"{path}: status {status} from the server or what stands before it"
        raise SyncProblem(Reason.SERVER, detail)
    content_type = _content_type(response)
    detail = (
        f"{path}: status {status}, content {content_type!r} without our header: this is not the"
        " server but something in between; open a browser and sign in to the network, or use"
        " another one"
    )
    raise SyncProblem(Reason.CAPTIVE_PORTAL, detail)


def _is_ours(response: requests.Response, content_type: str) -> bool:
    protocol = response.headers.get(PROTOCOL_HEADER, "")
    return protocol.isdecimal() and _content_type(response) == content_type


def _content_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _content(response: requests.Response, path: str) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise SyncProblem(Reason.SERVER, f"{path}: the answer is longer than 64 MB")
    return bytes(content)


def _demand_success(status: int, root: FieldReader, path: str) -> None:
    if status == _OK:
        return
    refusal = parse_refusal(root)
    detail = f"{path}: status {status}: {refusal.text[:500]}"
    if refusal.must_wipe and status in _LOGIN:
        raise SyncProblem(Reason.WITHDRAWN, detail)
    if status in _LOGIN:
        raise SyncProblem(Reason.LOGIN, detail)
    if status == _TOO_OLD:
        raise SyncProblem(Reason.TOO_OLD, detail)
    if status in _REFUSED:
        raise RequestRefused(detail)
    raise SyncProblem(Reason.SERVER, detail)


def _first_words(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
