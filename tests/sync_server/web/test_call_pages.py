"""Calls over real HTTP: what the telephone system tells, and how a caller is greeted."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx import Client, Response
from sqlalchemy import Engine

from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import SITE, Served, served
from tests.sync_server.web.desk_people import Desk, Enter
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.payloads import dump_json

SECRET = b"0123456789abcdef0123456789abcdef"


def ring(base_url: str, event: str, minute: float = 0, **more: JsonValue) -> Response:
    at_ms = ms_from_utc(NOON + timedelta(minutes=minute))
    body = dump_json({"v": 1, "call": "call-1", "event": event, "at": at_ms, **more})
    signature = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    headers = {"X-Lamplighter-Signature": signature}
    with Client(base_url=base_url) as telephone:
        return telephone.post("/calls/events", content=body, headers=headers)


@pytest.fixture
def switchboard(
    sqlite_engine: Engine, clock: HandClock, town: dict[str, str]
) -> Iterator[Served]:  # the town is seeded before it is served
    assert town
    with served(sqlite_engine, clock, replace(SITE, telephone_secret=SECRET)) as server:
        yield server


def test_a_ringing_number_is_a_caller_and_a_missed_one_is_called_back(
    switchboard: Served, clock: HandClock
) -> None:
    """Rules A-23, C-12, C-30: every call has a record and a call-back state."""
    agent = Desk(switchboard, "liu")
    rung = ring(switchboard.base_url, "ringing", caller="15501012890", number="400")
    strip = agent.client.get("/intake").text
    taken = agent.client.get("/intake?call=call-1").text
    missed = ring(switchboard.base_url, "missed", 0.5)
    late = ring(switchboard.base_url, "ringing", 0.1)
    clock.advance(minutes=121)
    overdue = agent.client.get("/intake").text
    back = agent.client.post("/calls/call-1/back")
    twice = agent.client.post("/calls/call-1/back")
    done = agent.client.get("/intake").text
    agent.client.close()

    assert rung.json() == {"state": "ringing", "language": "zh", "seats": []}
    assert (missed.json(), late.json()) == ({"state": "missed"}, {"state": "missed"})
    assert "155 **** 2890" in strip
    assert 'value="15501012890"' in taken
    assert "late" in overdue
    assert (back.status_code, twice.status_code) == (303, 409)
    assert "155 **** 2890" not in done


def test_the_page_says_how_a_caller_is_greeted(enter: Enter) -> None:
    """Rule A-13: company, name and title."""
    agent = enter("liu")

    english = agent.client.get("/intake").text
    agent.client.post("/me/language", data={"language": "zh", "back": "/"})
    chinese = agent.client.get("/intake").text

    assert "Beicheng Utilities, Hotline agent Liu speaking" in english
    assert "您好，Beicheng Utilities，" in chinese


def test_nobody_but_the_telephone_system_tells_of_calls(switchboard: Served) -> None:
    body = b'{"v":1,"call":"x","event":"ringing","at":1795292648000}'
    with Client(base_url=switchboard.base_url) as stranger:
        unsigned = stranger.post("/calls/events", content=body)
        forged = stranger.post(
            "/calls/events", content=body, headers={"X-Lamplighter-Signature": "sha256=00"}
        )
    strange = ring(switchboard.base_url, "exploded")
    huge = ring(switchboard.base_url, "ringing", caller="1" * 5000)

    assert (unsigned.status_code, forged.status_code) == (401, 401)
    assert (strange.status_code, huge.status_code) == (400, 413)
