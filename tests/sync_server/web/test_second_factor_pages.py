"""The pages of the second factor: set up, asked at the log-in, and where it is required."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import segno
from httpx import Client
from sqlalchemy import Engine

from sync_server.access.one_time_codes import code_at, step_at
from sync_server.access.roles import Role
from sync_server.clock_io import SystemClock
from sync_server.config import FactorRule
from sync_server.config_io import parse_config
from sync_server.web.qr_io import qr_svg
from tests.sync_server.real_parts import HandClock
from tests.sync_server.web.desk_parts import PASSWORD, SITE, add_person, served

STRICT = replace(SITE, factor_rule=FactorRule.EXPORTS)


@pytest.fixture
def client(sqlite_engine: Engine, clock: HandClock) -> Iterator[Client]:
    with sqlite_engine.begin() as connection:
        for role in (Role.ADMINISTRATOR, Role.DIRECTOR):
            add_person(connection, str(role), role)
    with served(sqlite_engine, clock, STRICT) as server:
        headers = {"Origin": server.base_url, "Accept": "text/html"}
        with Client(base_url=server.base_url, headers=headers) as client:
            yield client


def log_in(client: Client, role: Role, back: str = "/") -> str:
    client.cookies.delete("lamplighter_session")
    told = {"login": str(role), "password": PASSWORD, "back": back}
    return client.post("/login", data=told).headers["location"]


def code_now(client: Client, *, later: int = 0) -> str:
    """Return what the app shows; `later` steps on, for a code that is not used up yet."""
    text = re.search(r'class="secret small">([A-Z2-7 ]+)<', client.get("/me/second-factor").text)
    assert text is not None
    plain = text[1].replace(" ", "")
    secret = base64.b32decode(plain + "=" * (-len(plain) % 8))
    return code_at(secret, step_at(int(SystemClock().now_utc().timestamp())) + later)


def test_an_administrator_is_led_to_set_a_factor_up_and_asked_for_it_from_then_on(
    client: Client,
) -> None:
    log_in(client, Role.ADMINISTRATOR)
    led = client.get("/accounts").headers["location"]
    next_code = code_now(client, later=1)
    wrong = client.post("/me/second-factor", data={"code": "12345"})
    made = client.post("/me/second-factor", data={"code": code_now(client)})
    opened = client.get("/accounts")
    asked = log_in(client, Role.ADMINISTRATOR, "/accounts")
    shut = client.get("/accounts")
    proved = client.post("/login/code", data={"code": next_code, "back": "/accounts"})

    assert led == "/me/second-factor?back=%2Faccounts"
    assert wrong.status_code == 400
    assert "does not fit" in wrong.text
    assert len(re.findall(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", made.text)) == 10
    assert opened.status_code == 200
    assert asked == "/login/code?back=%2Faccounts"
    assert shut.headers["location"] == asked
    assert proved.headers["location"] == "/accounts"
    assert client.get("/accounts").status_code == 200


def test_a_file_of_people_is_taken_away_with_a_second_factor_only(client: Client) -> None:
    log_in(client, Role.DIRECTOR)
    seen = client.get("/audit").status_code
    files = [client.get(path) for path in ("/audit.csv", "/reports/hotline.xlsx")]
    made = client.post("/me/second-factor", data={"code": code_now(client)}).status_code

    assert seen == 200
    assert {each.headers["location"].partition("?")[0] for each in files} == {"/me/second-factor"}
    assert made == 200
    assert client.get("/audit.csv").status_code == 200


def test_a_wrong_code_is_said_and_the_own_factor_goes_for_one_more_code(client: Client) -> None:
    log_in(client, Role.DIRECTOR)
    next_code = code_now(client, later=1)
    client.post("/me/second-factor", data={"code": code_now(client)})

    wrong = client.post("/me/second-factor/off", data={"code": "no code"})
    right = client.post("/me/second-factor/off", data={"code": next_code})

    assert wrong.status_code == 400
    assert right.headers["location"] == "/login"
    assert client.get("/alerts").headers["location"].startswith("/login?")
    assert log_in(client, Role.DIRECTOR) == "/"


def test_an_administrator_takes_the_factor_of_a_lost_device_away(
    client: Client,
) -> None:
    log_in(client, Role.DIRECTOR)
    client.post("/me/second-factor", data={"code": code_now(client)})
    log_in(client, Role.ADMINISTRATOR)
    client.post("/me/second-factor", data={"code": code_now(client)})

    found = re.findall(r"/accounts/[^/]+/second-factor/off", client.get("/accounts").text)
    for path in found:
        client.post(path)

    assert len(found) == 1
    assert log_in(client, Role.DIRECTOR) == "/"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", FactorRule.NOBODY),
        ('[server]\npublic_url = "https://lamp.example.com"', FactorRule.EXPORTS),
        ('[access]\nsecond_factor = "administrators"', FactorRule.ADMINISTRATORS),
    ],
)
def test_the_rule_is_strict_where_tls_is_in_front(text: str, rule: FactorRule) -> None:
    assert parse_config(text, place="server.toml", folder=Path()).second_factor is rule


def test_a_long_code_is_drawn_whole_whatever_room_the_page_gives_it() -> None:
    code = segno.make("x" * 400, error="m", micro=False)
    side = code.symbol_size(scale=6, border=4)[0]

    svg = qr_svg("x" * 400)

    assert f'viewBox="0 0 {side} {side}"' in svg
    assert not re.search(r"<svg[^>]* (width|height)=", svg)
