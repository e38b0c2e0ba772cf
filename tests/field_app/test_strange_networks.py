"""Whatever answers in the server's place: it is named, and never taken for the server."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from field_app.crew import HeadlessCrew
from field_app.store.identity_io import load_identity, save_identity
from field_app.sync.client_io import HttpSyncApi, open_pokes
from field_app.sync.reasons import Reason, SyncProblem
from tests.field_app.office_parts import Office, office_app, serving
from tests.sync_server.real_parts import HandClock
from wire_contracts.codes import Code
from wire_contracts.operations import (
    OperationResult,
    Outcome,
    PushAnswer,
    dump_push_answer,
    parse_push,
)
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.pulls import (
    BucketEnd,
    BucketPage,
    EntityRow,
    PullAnswer,
    dump_pull,
)
from wire_contracts.refusals import Refusal, refusal_json
from wire_contracts.work_order_states import WorkOrderState

Answer = Callable[[str, bytes], bytes]
"""(request line, body) -> the bytes to send back, whatever they are."""

OURS = b"Lamp-Sync-Protocol: 2\r\nContent-Type: application/json\r\n"
PAGE = dump_pull(PullAnswer(server_epoch=1, server_now_ms=5, token="t", has_more=False))  # noqa: S106  # a position
LOGIN = b"<html><title>Hotel</title>accept our terms</html>"


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Serve bytes on a loopback port, one connection after the other, each closed after one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _serve(listener: socket.socket, answer: Answer) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            with near, suppress(OSError, ValueError):
                head, body = _request(near)
                near.sendall(answer(head.split("\r\n", 1)[0], body))


def _request(near: socket.socket) -> tuple[str, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += near.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
    while len(body) < int(fields.get("content-length", "0")):
        body += near.recv(65536)
    return head.decode(), body


def http(status: str, headers: bytes, body: bytes) -> bytes:
    length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    return f"HTTP/1.1 {status}\r\n".encode() + headers + length + body


BOMB = gzip.compress(bytes(80 * 1024 * 1024), 9)
PACKED = b"Content-Encoding: gzip\r\n"

ODD: dict[str, tuple[bytes, Reason]] = {
    "a login page": (http("200 OK", b"Content-Type: text/html\r\n", LOGIN), Reason.CAPTIVE_PORTAL),
    "a redirect to one": (
        http("302 Found", b"Location: http://127.0.0.1:9/\r\n", b""),
        Reason.CAPTIVE_PORTAL,
    ),
    "a permanent redirect of the method": (
        http("308 Permanent Redirect", b"Location: http://127.0.0.1:9/\r\n", b""),
        Reason.CAPTIVE_PORTAL,
    ),
    "network authentication required": (
        http("511 Network Authentication Required", b"Content-Type: text/html\r\n", LOGIN),
        Reason.CAPTIVE_PORTAL,
    ),
    "proxy authentication required": (
        http("407 Proxy Authentication Required", b"Content-Type: text/html\r\n", LOGIN),
        Reason.CAPTIVE_PORTAL,
    ),
    "JSON that is not ours": (
        http("200 OK", b"Content-Type: application/json\r\n", PAGE),
        Reason.CAPTIVE_PORTAL,
    ),
    "our header with words for a number": (
        http("200 OK", OURS.replace(b": 2", b": two"), PAGE),
        Reason.CAPTIVE_PORTAL,
    ),
    "our header over a page": (
        http("200 OK", b"Lamp-Sync-Protocol: 2\r\nContent-Type: text/html\r\n", LOGIN),
        Reason.CAPTIVE_PORTAL,
    ),
    "no content": (http("204 No Content", b"", b""), Reason.CAPTIVE_PORTAL),
    "a proxy that cannot reach the server": (
        http("502 Bad Gateway", b"Content-Type: text/html\r\n", LOGIN),
        Reason.SERVER,
    ),
    "a proxy that waited too long": (http("504 Gateway Timeout", b"", b""), Reason.SERVER),
    "JSON that was cut": (http("200 OK", OURS, PAGE[:-9]), Reason.SERVER),
    "a gzip bomb": (http("200 OK", OURS + PACKED, BOMB), Reason.SERVER),
    "gzip that is none": (http("200 OK", OURS + PACKED, PAGE), Reason.NO_NETWORK),
    "gzip that was cut": (
        http("200 OK", OURS + PACKED, gzip.compress(PAGE)[:-12]),
        Reason.SERVER,
    ),
    "fewer bytes than announced": (
        b"HTTP/1.1 200 OK\r\n" + OURS + b"Content-Length: 500\r\n\r\n" + PAGE[:80],
        Reason.NO_NETWORK,
    ),
    "no HTTP at all": (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.NO_NETWORK),
    "nothing": (b"", Reason.NO_NETWORK),
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_an_odd_answer_is_never_the_servers_and_says_what_it_is(name: str) -> None:
    raw, reason = ODD[name]
    with answering(lambda _line, _body: raw) as url:
        api = HttpSyncApi(url, "token")
        with pytest.raises(SyncProblem) as pulled:
            api.pull(None, 500)
        with pytest.raises(SyncProblem) as listened:
            open_pokes(url, "token")
        api.close()

    assert pulled.value.reason is reason
    assert pulled.value.detail
    assert listened.value.reason is not Reason.NONE


@pytest.mark.parametrize("name", ["a login page", "JSON that was cut", "a gzip bomb", "nothing"])
def test_an_odd_network_leaves_words_rows_and_token_alone(
    name: str, crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.accept(order_id)
    crew.close()
    raw, reason = ODD[name]
    with answering(lambda _line, _body: raw) as url:
        behind = _moved(tmp_path / "tablet", url, office.clock)
        verdict, status = behind.sync_now(), behind.status()
        orders = [line.order_id for line in behind.open_orders()]
        behind.close()

    assert (verdict.reason, status.reason, status.failed_tries) == (reason, reason, 1)
    assert (status.outbox.waiting, status.outbox.held, orders) == (1, 0, [order_id])


def _moved(folder: Path, url: str, clock: HandClock) -> HeadlessCrew:
    """Return the tablet of a folder as it talks to another address."""
    identity = load_identity(folder)
    assert identity is not None
    save_identity(folder, replace(identity, server_url=url))
    return HeadlessCrew(folder, clock)


class ServerOfVersion1:
    """Answers as the first released server did, and remembers what it was asked."""

    def __init__(self, row: EntityRow) -> None:
        self.asked: list[str] = []
        self.pushed: list[str] = []
        self.has_withdrawn_it = False
        self._row = row

    def answer(self, line: str, body: bytes) -> bytes:
        method, target, _ = line.split(" ")
        self.asked.append(f"{method} {target.partition('?')[0]}")
        head = OURS.replace(b": 2", b": 1")
        if self.has_withdrawn_it:
            refusal = Refusal(code=Code.TOKEN_REVOKED, text="tablet: token: was revoked; enrol it")
            return http("403 Forbidden", head, dump_json(refusal_json(refusal)))
        if target.startswith("/sync/v1/push"):
            return http("200 OK", head, self._push(body))
        if target.startswith("/sync/v1/pull"):
            return http("200 OK", head, self._pull(has_token="token=" in target))
        return http("404 Not Found", head, b'{"code":"not_found","text":"no such page"}')

    def _pull(self, *, has_token: bool) -> bytes:
        end = BucketEnd(count=1, checksum=self._row.row_hash)
        page = BucketPage(bucket="crew:crew-1", is_reset=True, rows=(self._row,), end=end)
        pages = () if has_token else (page,)
        return dump_pull(
            PullAnswer(server_epoch=7, server_now_ms=5, token="t", has_more=False, buckets=pages)  # noqa: S106  # a position
        )

    def _push(self, body: bytes) -> bytes:
        push = parse_push(read_json("push", body))
        self.pushed += [operation.op_id for operation in push.operations]
        results = [
            OperationResult(op_id=each.op_id, outcome=Outcome.APPLIED) for each in push.operations
        ]
        return dump_push_answer(PushAnswer(server_epoch=7, server_now_ms=5, results=results))


def test_a_tablet_of_today_works_with_a_server_of_version_1(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    pulled = office.api().pull(None, 500)
    (found,) = [row for page in pulled.buckets for row in page.rows if row.entity_id == order_id]
    crew.close()
    server = ServerOfVersion1(found)
    with answering(server.answer) as url:
        tablet = _moved(tmp_path / "tablet", url, office.clock)
        verdict = tablet.sync_now()
        tablet.accept(order_id)
        settled = tablet.sync_now().settled
        idle = tablet.sync_now()
        status = tablet.status()
        tablet.close()

    assert (verdict.reason, settled, idle.reason) == (Reason.NONE, 1, Reason.NONE)
    assert len(server.pushed) == 1
    assert status.protocol == 1
    assert set(server.asked) == {"GET /sync/v1/pull", "POST /sync/v1/push"}


def test_a_tablet_withdrawn_by_a_server_of_version_1_keeps_its_words_for_the_next_enrolment(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    pulled = office.api().pull(None, 500)
    (found,) = [row for page in pulled.buckets for row in page.rows if row.entity_id == order_id]
    crew.close()
    server = ServerOfVersion1(found)
    with answering(server.answer) as url:
        tablet = _moved(tmp_path / "tablet", url, office.clock)
        tablet.sync_now()
        tablet.accept(order_id)
        server.has_withdrawn_it = True
        verdict = tablet.sync_now()
        waiting, withdrawal = len(tablet.tablet.waiting()), tablet.tablet.withdrawal()
    with serving(office_app(office)) as url:
        tablet.enrol(url, office.code())
        after = tablet.sync_now()
    tablet.close()

    assert (verdict.reason, waiting) == (Reason.LOGIN, 1)
    assert not withdrawal.is_withdrawn, "version 1 has no word for it: nothing is wiped, or sealed"
    assert (after.reason, after.settled) == (Reason.NONE, 1)
    assert office.order(order_id).state is WorkOrderState.ACCEPTED
