"""The tablet over real HTTP: enrolment, log-in, captive portals, servers that answer nonsense."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from field_app.__main__ import main
from field_app.crew import HeadlessCrew
from field_app.store.identity_io import IDENTITY_FILE, load_identity, save_identity
from field_app.sync.client_io import HttpSyncApi
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from tests.field_app.office_parts import Office, office_app, serving
from tests.free_ports import free_port
from tests.sync_server.real_parts import HandClock, wait_until
from wire_contracts.errors import ContractError
from wire_contracts.operations import WrittenPush
from wire_contracts.work_order_states import WorkOrderState

LOGIN_PAGE = b"<html><title>Hotel WLAN</title>Please accept our terms</html>"


@pytest.fixture
def server(office: Office) -> Iterator[str]:
    with serving(office_app(office)) as url:
        yield url


@pytest.fixture
def headless(tmp_path: Path, hand_clock: HandClock) -> Iterator[HeadlessCrew]:
    found = HeadlessCrew(tmp_path / "tablet", hand_clock)
    yield found
    found.close()


class Canned(BaseHTTPRequestHandler):
    """Answers every request alike."""

    status: ClassVar[int] = 200
    headers_out: ClassVar[dict[str, str]] = {}
    body: ClassVar[bytes] = b""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        for name, value in {**self.headers_out, "Content-Length": str(len(self.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.body)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    @override
    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def canned(status: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    answers = {"status": status, "headers_out": headers, "body": body}
    handler = type("Answer", (Canned,), answers)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join(10)


def problem_of(url: str) -> SyncProblem:
    api = HttpSyncApi(url, "token")
    try:
        with pytest.raises(SyncProblem) as caught:
            api.pull(None, 500)
    finally:
        api.close()
    return caught.value


def test_a_code_and_a_cable_are_all_a_crew_needs(
    headless: HeadlessCrew, office: Office, server: str
) -> None:
    order_id = office.new_order()

    headless.enrol(server, office.code(), device_name="tablet 7")
    verdict = headless.sync_now()

    assert verdict.reason is Reason.NONE
    assert [line.order_id for line in headless.open_orders()] == [order_id]
    assert [person.name for person in headless.tablet.people()] == ["Wang"]
    headless.accept(order_id)
    assert headless.sync_now().settled == 1
    assert office.order(order_id).state is WorkOrderState.ACCEPTED


def test_a_used_code_is_refused_and_nothing_is_kept(
    headless: HeadlessCrew, office: Office, server: str, tmp_path: Path
) -> None:
    code = office.code()
    headless.enrol(server, code)
    (tmp_path / "tablet" / IDENTITY_FILE).unlink()

    with pytest.raises(SyncProblem) as caught:
        headless.enrol(server, code)

    assert caught.value.reason is Reason.LOGIN
    assert load_identity(tmp_path / "tablet") is None


def test_the_secret_can_be_read_by_the_app_alone(
    headless: HeadlessCrew, office: Office, server: str, tmp_path: Path
) -> None:
    headless.enrol(server, office.code())

    mode = (tmp_path / "tablet" / IDENTITY_FILE).stat().st_mode & 0o777

    assert mode == 0o600


def test_an_expired_token_stops_the_queue_and_a_new_code_starts_it_again(
    headless: HeadlessCrew, office: Office, server: str
) -> None:
    order_id = office.new_order()
    headless.enrol(server, office.code())
    headless.sync_now()
    headless.accept(order_id)
    office.clock.advance(days=4000)

    verdict = headless.sync_now()

    status = headless.status()
    assert verdict.reason is Reason.LOGIN
    assert "expired" in verdict.detail
    assert (status.outbox.waiting, status.outbox.held) == (1, 0)
    headless.enrol(server, office.code())
    assert headless.sync_now().reason is Reason.NONE
    assert headless.status().outbox.waiting == 0
    assert office.order(order_id).state is WorkOrderState.ACCEPTED


def test_an_app_that_is_too_old_keeps_its_queue(office: Office, tmp_path: Path) -> None:
    body = b'{"code":"app.too_old","text":"sync: protocol: 1 is older than 3; update the app"}'
    headers = {"Lamp-Sync-Protocol": "3", "Content-Type": "application/json"}
    with canned(426, headers, body) as url:
        save_identity(tmp_path, replace(office.identity(), server_url=url))
        crew = HeadlessCrew(tmp_path, office.clock)
        verdict = crew.sync_now()
        crew.close()

    assert verdict.reason is Reason.TOO_OLD
    assert "update the app" in verdict.detail


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, LOGIN_PAGE),
        (200, {"Content-Type": "application/json"}, b'{"v":1}'),
        (302, {"Location": "http://127.0.0.1:9/login"}, b""),
        (401, {"Content-Type": "text/html"}, LOGIN_PAGE),
        (511, {"Content-Type": "text/html"}, LOGIN_PAGE),
        (200, {"Content-Type": "text/html", "Lamp-Sync-Protocol": "1"}, LOGIN_PAGE),
    ],
)
def test_a_captive_portal_is_never_an_answer(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    with canned(status, headers, body) as url:
        problem = problem_of(url)

    assert problem.reason is Reason.CAPTIVE_PORTAL
    assert "sign in" in problem.detail


OURS = {"Lamp-Sync-Protocol": "1", "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, OURS, b""),
        (200, OURS, b"[1, 2]"),
        (200, OURS, b'{"v":1,"se":1}'),
        (200, OURS, b'{"v":1,"se":1,"now":1795292648000,"token":"t","more":false'),
        (500, OURS, b'{"code":"conflict","text":"disk full"}'),
        (502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"),
    ],
)
def test_a_torn_or_broken_answer_is_the_servers_problem(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    with canned(status, headers, body) as url:
        problem = problem_of(url)

    assert problem.reason is Reason.SERVER


def test_a_refused_request_is_told_apart_from_no_contact() -> None:
    with canned(400, OURS, b'{"code":"field.type","text":"ops[0].n: is text"}') as url:
        api = HttpSyncApi(url, "token")
        with pytest.raises(RequestRefused, match="is text"):
            api.push(WrittenPush(replica_id="r", bodies=()))
        api.close()


def test_a_closed_port_is_no_network() -> None:
    assert problem_of(f"http://127.0.0.1:{free_port()}").reason is Reason.NO_NETWORK


def test_a_portal_leaves_outbox_rows_and_token_alone(
    headless: HeadlessCrew, office: Office, server: str, tmp_path: Path
) -> None:
    order_id = office.new_order()
    headless.enrol(server, office.code())
    headless.sync_now()
    headless.accept(order_id)
    identity = load_identity(tmp_path / "tablet")
    assert identity is not None
    headless.close()
    with canned(200, {"Content-Type": "text/html"}, LOGIN_PAGE) as url:
        save_identity(tmp_path / "tablet", replace(identity, server_url=url))
        behind = HeadlessCrew(tmp_path / "tablet", office.clock)
        verdict = behind.sync_now()
        waiting = behind.status().outbox.waiting
        lines = behind.open_orders()
        behind.close()
    save_identity(tmp_path / "tablet", identity)
    outside = HeadlessCrew(tmp_path / "tablet", office.clock)

    assert (verdict.reason, waiting) == (Reason.CAPTIVE_PORTAL, 1)
    assert [line.state for line in lines] == [WorkOrderState.ACCEPTED]
    assert outside.sync_now().settled == 1
    outside.close()


def test_the_background_sync_sends_a_tap_without_being_asked(
    headless: HeadlessCrew, office: Office, server: str
) -> None:
    order_id = office.new_order()
    headless.enrol(server, office.code())
    headless.tablet.start_background_sync()
    wait_until(lambda: len(headless.open_orders()) == 1)

    headless.accept(order_id)

    wait_until(lambda: office.order(order_id).state is WorkOrderState.ACCEPTED)
    wait_until(lambda: headless.status().outbox.waiting == 0)
    wait_until(lambda: headless.status().reason is Reason.NONE)
    assert headless.status().last_contact_ms is not None


def test_the_command_enrols_syncs_and_lists(
    office: Office, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = office.order(office.new_order()).document.number
    where = ["--data", str(tmp_path / "cli"), "--server", server]

    enrolled = main([*where, "--headless", "enrol", "--code", office.code()])
    listed = main([*where, "--headless", "orders"])
    told = main([*where, "--headless", "status"])

    out = capsys.readouterr().out
    assert (enrolled, listed, told) == (0, 0, 0)
    assert number in out
    assert "waiting: 0" in out


def test_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["--data", str(tmp_path), "--headless", "enrol"])

    assert status == 2
    assert "--server: is missing" in capsys.readouterr().err


def test_an_identity_that_cannot_be_read_names_its_field(tmp_path: Path) -> None:
    (tmp_path / IDENTITY_FILE).write_text('{"server_url":"http://x"}')

    with pytest.raises(ContractError, match=r"identity.json: tablet_id: is missing"):
        load_identity(tmp_path)


def test_a_tablet_without_a_log_in_says_so(headless: HeadlessCrew) -> None:
    assert headless.sync_now().reason is Reason.NOT_ENROLLED
    assert headless.status().reason is Reason.NOT_ENROLLED


def test_an_expiry_far_away_is_kept(office: Office, tmp_path: Path) -> None:
    identity = office.identity()

    save_identity(tmp_path, identity)

    assert load_identity(tmp_path) == identity
    assert identity.expires_at_utc - office.clock.now_utc() == timedelta(days=365)
