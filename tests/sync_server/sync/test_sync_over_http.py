"""The conversation over real loopback sockets."""

import gzip
from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from requests import Response, Session

from sync_server.access.account_store import Person
from sync_server.access.api_io import MAX_ENROL_BYTES, enrolment_router
from sync_server.access.desk import AccessDesk
from sync_server.access.error_answers_io import install_error_answers
from sync_server.access.guards_io import SESSION_COOKIE, require
from sync_server.access.roles import Action
from sync_server.access.tablet_store import (
    TOKEN_LIFE,
    issue_enrolment_code,
    revoke_tablet,
    tablet_of_token,
)
from sync_server.sync.api_io import sync_router
from sync_server.sync.service import SyncTerms
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.people_parts import (
    PASSWORD,
    QUICK_HASHER,
    Pen,
    Utility,
    raise_leak,
)
from tests.sync_server.real_parts import NOON
from tests.sync_server.served_app import served
from wire_contracts.enrolment import ENROL_PATH, EnrolRequest, dump_enrol, parse_enrol_answer
from wire_contracts.operations import (
    MAX_ACTION_BYTES,
    MAX_PUSH_BYTES,
    OperationKind,
    Outcome,
    PushRequest,
    dump_push,
    parse_push_answer,
)
from wire_contracts.payloads import read_json
from wire_contracts.pulls import parse_pull
from wire_contracts.sync import CONTENT_TYPE, PROTOCOL, PROTOCOL_HEADER, PULL_PATH, PUSH_PATH


class Client:
    """Asks one served application."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def get(
        self, path: str, headers: dict[str, str], params: dict[str, str] | None = None
    ) -> Response:
        with Session() as session:
            return session.get(self.base_url + path, headers=headers, params=params, timeout=20)

    def post(
        self, path: str, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> Response:
        with Session() as session:
            return session.post(self.base_url + path, data=content, headers=headers, timeout=20)


def app_of(utility: Utility, oldest_protocol: int = 0) -> FastAPI:
    app = FastAPI()
    app.state.access = AccessDesk(utility.engine, utility.clock, QUICK_HASHER)
    install_error_answers(app)
    app.include_router(enrolment_router())
    app.include_router(
        sync_router(utility.engine, utility.clock, SyncTerms(oldest_protocol=oldest_protocol))
    )

    @app.post("/cancel")
    def cancel(person: Annotated[Person, Depends(require(Action.CANCEL_ORDER))]) -> str:
        return person.login

    return app


@pytest.fixture
def client(utility: Utility) -> Iterator[Client]:
    with served(app_of(utility)) as base_url:
        yield Client(base_url)


@pytest.fixture
def token(utility: Utility, client: Client) -> str:
    with utility.engine.begin() as connection:
        code = issue_enrolment_code(connection, "crew-1", "test", NOON).code
    body = dump_enrol(EnrolRequest(code=code, name="tablet 7"))
    answer = client.post(ENROL_PATH, content=body)
    return parse_enrol_answer(read_json("enrol", answer.content)).token


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_an_idle_poll_asks_in_few_words_and_hears_only_of_its_own_news(
    utility: Utility, client: Client, token: str
) -> None:
    actor = utility.dispatcher.account_id

    def poll(seen: str) -> list[str]:
        answer = client.get(PULL_PATH, {**headers, PROTOCOL_HEADER: "2"}, params={"seen": seen})
        return sorted(answer.json())

    def order_for(crew_id: str, meter_id: str) -> None:
        with utility.engine.begin() as connection:
            alert_id = raise_leak(connection, meter_id)
            create_from_alert(connection, alert_id, actor, crew_id, NOON)

    headers = bearer(token)
    pulled = client.get(PULL_PATH, {**headers, PROTOCOL_HEADER: "2"}).json()
    first = client.get(PULL_PATH, {**headers, PROTOCOL_HEADER: "1"}).json()
    idle = poll(pulled["seen"])
    order_for("crew-2", "M-1")
    others = poll(pulled["seen"])
    order_for("crew-1", "M-3")
    own = poll(pulled["seen"])

    assert "seen" not in first
    assert idle == others == ["lease_until", "now", "v"]
    assert own == ["lease_until", "more", "now", "v"]


def test_the_whole_conversation_works_over_http(
    utility: Utility, client: Client, token: str
) -> None:
    with utility.engine.begin() as connection:
        actor = utility.dispatcher.account_id
        order = create_from_alert(connection, raise_leak(connection), actor, "crew-1", NOON)
    answer = client.get(PULL_PATH, headers=bearer(token))
    pulled = parse_pull(read_json("pull", answer.content))
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    operations = [*pen.steps_to_work(order.order_id), *pen.finding(order.order_id)]
    body = dump_push(PushRequest(replica_id="r", operations=operations))
    pushed = client.post(PUSH_PATH, headers=bearer(token), content=body)

    results = parse_push_answer(read_json("push", pushed.content)).results
    assert order.order_id in [row.entity_id for page in pulled.buckets for row in page.rows]
    assert [result.outcome for result in results] == [Outcome.APPLIED] * len(operations)
    for each in (answer, pushed):
        assert each.headers[PROTOCOL_HEADER] == str(PROTOCOL)
        assert each.headers["content-type"] == CONTENT_TYPE


def test_an_answer_is_deflated_when_asked(utility: Utility, client: Client, token: str) -> None:
    with utility.engine.begin() as connection:
        actor = utility.dispatcher.account_id
        create_from_alert(connection, raise_leak(connection), actor, "crew-1", NOON)
    asked = client.get(PULL_PATH, headers={**bearer(token), "Accept-Encoding": "gzip"})
    plain = client.get(PULL_PATH, headers={**bearer(token), "Accept-Encoding": "identity"})

    assert asked.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert len(gzip.compress(plain.content, 1)) < len(plain.content)
    assert parse_pull(read_json("a", asked.content)).buckets == (
        parse_pull(read_json("b", plain.content)).buckets
    )


@pytest.mark.parametrize(
    ("headers", "code", "text"),
    [
        ({}, "token.missing", "tablet token: token: is missing; send the header Authorization"),
        ({"Authorization": "Basic x"}, "token.missing", "tablet token: token: is missing"),
        (bearer("made-up"), "token.invalid", "is not one that this server issued; ask the office"),
    ],
)
def test_a_request_without_a_good_token_is_told_what_is_wrong(
    client: Client, headers: dict[str, str], code: str, text: str
) -> None:
    answer = client.get(PULL_PATH, headers=headers)

    assert answer.status_code == 401
    assert answer.json()["code"] == code
    assert text in answer.json()["text"]
    assert answer.headers[PROTOCOL_HEADER] == str(PROTOCOL)


def test_an_expired_and_a_revoked_token_have_their_own_codes(
    utility: Utility, client: Client, token: str
) -> None:
    with utility.engine.begin() as connection:
        tablet = tablet_of_token(connection, token, NOON)
    utility.clock.at_utc += TOKEN_LIFE
    expired = client.get(PULL_PATH, headers=bearer(token)).json()
    with utility.engine.begin() as connection:
        revoke_tablet(connection, tablet.tablet_id, "test", NOON)
    revoked = client.get(PULL_PATH, headers=bearer(token)).json()

    assert (expired["code"], revoked["code"]) == ("token.expired", "token.revoked")
    assert "enrol the tablet again; unsent work is kept" in expired["text"]


def test_a_push_that_is_too_large_and_one_that_is_no_json_are_refused(
    client: Client, token: str
) -> None:
    large = client.post(PUSH_PATH, headers=bearer(token), content=b"x" * (MAX_ACTION_BYTES + 1))
    broken = client.post(PUSH_PATH, headers=bearer(token), content=b"{")
    strange = client.get(PULL_PATH, params={"token": "junk"}, headers=bearer(token))

    assert (large.status_code, large.json()["code"]) == (413, "payload.too_large")
    assert (broken.status_code, broken.json()["code"]) == (400, "json.syntax")
    assert (strange.status_code, strange.json()["code"]) == (400, "pull.reset")


def test_one_action_may_be_larger_than_several_together(
    utility: Utility, client: Client, token: str
) -> None:
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    long = "水" * (MAX_PUSH_BYTES // 3)
    one = pen.operation(OperationKind.SET, "o-1", "note", new=long)
    with_one = dump_push(PushRequest(replica_id="r", operations=[one]))
    two = [one, pen.set("o-2", "note", "", "short")]
    with_two = dump_push(PushRequest(replica_id="r", operations=two))

    several = client.post(PUSH_PATH, headers=bearer(token), content=with_two)
    alone = client.post(PUSH_PATH, headers=bearer(token), content=with_one)

    assert MAX_PUSH_BYTES < len(with_one) < len(with_two) < MAX_ACTION_BYTES
    assert (several.status_code, several.json()["code"]) == (413, "payload.too_large")
    assert [each["op_id"] for each in alone.json()["results"]] == [one.op_id]


def test_an_app_that_is_too_old_gets_426(utility: Utility, token: str) -> None:
    with served(app_of(utility, oldest_protocol=5)) as base_url:
        answer = Client(base_url).get(PULL_PATH, headers={**bearer(token), PROTOCOL_HEADER: "4"})

    assert (answer.status_code, answer.json()["code"]) == (426, "app.too_old")


def test_an_enrolment_that_is_too_large_is_refused(client: Client) -> None:
    answer = client.post(ENROL_PATH, content=b"x" * (MAX_ENROL_BYTES + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "payload.too_large")


def test_a_person_needs_a_session_the_role_and_our_own_page(
    utility: Utility, client: Client
) -> None:
    desk = AccessDesk(utility.engine, utility.clock, QUICK_HASHER)
    dispatcher = desk.log_in("dispatch", PASSWORD, "10.0.0.1").token
    member = desk.log_in("wang", PASSWORD, "10.0.0.1").token

    def cancel(session: str | None, origin: str | None) -> tuple[int, str]:
        headers = {} if session is None else {"Cookie": f"{SESSION_COOKIE}={session}"}
        headers |= {} if origin is None else {"Origin": origin}
        answer = client.post("/cancel", headers=headers)
        body = answer.json()
        return answer.status_code, body if isinstance(body, str) else body["code"]

    assert cancel(dispatcher, client.base_url) == (200, "dispatch")
    assert cancel(member, client.base_url) == (403, "role.refused")
    assert cancel(None, client.base_url) == (401, "token.missing")
    assert cancel(dispatcher, "http://evil.example") == (403, "origin.refused")
    assert cancel(dispatcher, None) == (403, "origin.refused")
