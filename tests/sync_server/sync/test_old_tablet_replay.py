"""A tablet of version 1 talks to today's server and hears nothing that it would not understand."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from fastapi import FastAPI

from sync_server.access.api_io import enrolment_router
from sync_server.access.desk import AccessDesk
from sync_server.access.error_answers_io import install_error_answers
from sync_server.access.tablet_store import issue_enrolment_code
from sync_server.sync.api_io import sync_router
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.people_parts import QUICK_HASHER, Utility, raise_leak
from tests.sync_server.real_parts import NOON
from tests.sync_server.served_app import served
from tests.wire_contracts.wire_samples_v1 import ACTOR, ORDER_ID

GOLDEN = Path(__file__).resolve().parent.parent.parent / "data" / "wire" / "v1"
JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
CONTENT = ("cells", "cols", "absent")
"""What a table holds is the server's business; its shape is the protocol's."""


@pytest.fixture
def old_tablet(utility: Utility) -> Iterator["OldTablet"]:
    app = FastAPI()
    app.state.access = AccessDesk(utility.engine, utility.clock, QUICK_HASHER)
    install_error_answers(app)
    app.include_router(enrolment_router())
    app.include_router(sync_router(utility.engine, utility.clock))
    with served(app) as url, requests.Session() as session:
        session.headers["Lamp-Sync-Protocol"] = "1"
        yield OldTablet(url, session)


class OldTablet:
    """Sends what version 1 sent."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self._url = url
        self._session = session

    def enrol(self, code: str) -> dict[str, JsonValue]:
        answer = self._post("/sync/v1/enrol", golden("enrol.json").replace("7KQ2-M9TX", code))
        self._session.headers["Authorization"] = f"Bearer {answer['token']}"
        return answer

    def pull(self, token: str | None) -> dict[str, JsonValue]:
        query = {"limit": "500"} | ({} if token is None else {"token": token})
        return self._read(self._session.get(f"{self._url}/sync/v1/pull", params=query, timeout=20))

    def push(self, body: str) -> dict[str, JsonValue]:
        return self._post("/sync/v1/push", body)

    def _post(self, path: str, body: str) -> dict[str, JsonValue]:
        return self._read(self._session.post(self._url + path, data=body.encode(), timeout=20))

    def _read(self, answer: requests.Response) -> dict[str, JsonValue]:
        assert answer.headers["Lamp-Sync-Protocol"].isdecimal()
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.status_code == 200, answer.text
        found: dict[str, JsonValue] = answer.json()
        return found


def golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def shape(value: JsonValue, path: str = "") -> set[str]:
    """Return the way to every field, whatever its value."""
    if isinstance(value, dict):
        return {
            way
            for name, inner in value.items()
            for way in {f"{path}.{name}"}
            | (set() if name in CONTENT else shape(inner, f"{path}.{name}"))
        }
    if isinstance(value, list):
        return {way for each in value for way in shape(each, f"{path}[]")}
    return set()


def test_a_whole_conversation_of_version_1_goes_as_it_did(
    utility: Utility, old_tablet: OldTablet
) -> None:
    with utility.engine.begin() as connection:
        actor = utility.dispatcher.account_id
        order = create_from_alert(connection, raise_leak(connection), actor, "crew-1", NOON)
        code = issue_enrolment_code(connection, "crew-1", "test", NOON).code
    enrolled = old_tablet.enrol(code)
    first = old_tablet.pull(None)
    token = str(first["token"])
    idle = old_tablet.pull(token)
    body = golden("push.json").replace(ORDER_ID, order.order_id)
    pushed = old_tablet.push(body.replace(ACTOR, utility.member.account_id))
    echo = old_tablet.pull(token)

    assert shape(enrolled) == shape(json.loads(golden("enrol_answer.json")))
    assert shape(first) | shape(echo) <= shape(json.loads(golden("pull_answer.json")))
    assert idle.keys() == json.loads(golden("pull_idle.json")).keys()
    assert shape(pushed) == shape(json.loads(golden("push_answer.json")))
    assert [answer["v"] for answer in (enrolled, first, idle, pushed, echo)] == [1] * 5
    results = pushed["results"]
    assert isinstance(results, list)
    assert [each["outcome"] for each in results if isinstance(each, dict)] == [
        "applied",
        "applied",
        "applied",
        "applied",
        "applied",
    ]
    assert order.order_id in json.dumps(echo)


def test_a_tablet_of_version_1_is_refused_in_words_that_it_knows(old_tablet: OldTablet) -> None:
    answer = old_tablet._session.get(f"{old_tablet._url}/sync/v1/pull", timeout=20)

    assert (answer.status_code, sorted(answer.json())) == (401, ["code", "text"])
