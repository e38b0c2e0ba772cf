"""How much a stranger may send before anybody asks who it is."""

from collections.abc import Iterator

import pytest
from httpx import Client, Response
from sqlalchemy import Engine

from sync_server.access.account_store import Crew, create_crew
from sync_server.access.tablet_store import enrol_tablet, issue_enrolment_code
from sync_server.web.app_io import MOST_BODY_BYTES
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import Served, served
from wire_contracts.enrolment import EnrolRequest
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER, PUSH_PATH

FORMS = {
    "application/x-www-form-urlencoded": b"a=",
    "multipart/form-data; boundary=B": (
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
    ),
}


@pytest.fixture
def server(sqlite_engine: Engine, clock: HandClock) -> Iterator[Served]:
    with served(sqlite_engine, clock) as found:
        yield found


def send(server: Served, kind: str, *, has_length: bool) -> Response:
    body = FORMS[kind] + b"x" * (MOST_BODY_BYTES + 1)
    headers = {"Content-Type": kind, "Origin": server.base_url}
    with Client(base_url=server.base_url, headers=headers) as client:
        return client.post("/login", content=body if has_length else iter([body]))


@pytest.mark.parametrize("has_length", [True, False])
@pytest.mark.parametrize("kind", sorted(FORMS))
def test_a_stranger_cannot_fill_the_memory_or_the_disk_with_a_form(
    server: Served, kind: str, *, has_length: bool
) -> None:
    assert send(server, kind, has_length=has_length).status_code == 413


def test_a_push_of_any_size_is_answered_in_words_that_a_tablet_understands(
    server: Served, sqlite_engine: Engine
) -> None:
    with sqlite_engine.begin() as connection:
        create_crew(connection, Crew(crew_id="crew-1", name="Repair 1"), NOON)
        code = issue_enrolment_code(connection, "crew-1", "test", NOON)
        token = enrol_tablet(connection, EnrolRequest(code=code.code, name="t"), NOON).token
    with Client(base_url=server.base_url, timeout=30) as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.post(PUSH_PATH, content=b"{" * (2 * MOST_BODY_BYTES), headers=headers)

    assert answer.status_code == 413
    assert answer.headers[PROTOCOL_HEADER] == str(PROTOCOL)
    assert answer.json()["code"] == "payload.too_large"
