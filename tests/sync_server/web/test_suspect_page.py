"""The monthly list over real HTTP: made, shown, ordered, taken away as sheet and paper."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.access.roles import Role
from tests.sync_server.real_parts import HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served, add_person, served


@pytest.fixture
def server(
    alert_ids: dict[str, str],  # noqa: ARG001  # a desk's morning is in the database
    sqlite_engine: Engine,
    clock: HandClock,
) -> Iterator[Served]:
    with served(sqlite_engine, clock) as found:
        yield found


@contextmanager
def _client(server: Served, engine: Engine, role: Role, language: str = "en") -> Iterator[Client]:
    login = f"{role}-{language}"
    with engine.begin() as connection:
        add_person(connection, login, role)
    headers = {"Origin": server.base_url, "Accept": "text/html"}
    with Client(base_url=server.base_url, headers=headers, timeout=30) as client:
        client.post("/login", data={"login": login, "password": PASSWORD})
        client.post("/me/language", data={"language": language})
        yield client


def _month(clock: HandClock) -> str:
    return clock.now_utc().strftime("%Y-%m")


def test_the_list_is_made_ordered_and_taken_away(
    server: Served, sqlite_engine: Engine, clock: HandClock
) -> None:
    month = _month(clock)
    with _client(server, sqlite_engine, Role.DISPATCHER) as client:
        assert "No list" in client.get("/suspects").text
        made = client.post("/suspects/make", data={"month": month}, follow_redirects=True)
        assert 'name="meter"' in made.text
        meter_id = made.text.split('name="meter" value="')[1].split('"')[0]
        data = {"month": month, "meter": meter_id}
        ordered = client.post("/suspects/orders", data=data, follow_redirects=True)
        sheet, paper = (client.get(f"/suspects/{month}.{kind}") for kind in ("xlsx", "pdf"))

    assert "WO-" in ordered.text
    assert sheet.content.startswith(b"PK")
    assert paper.content.startswith(b"%PDF-")
    assert paper.headers["content-disposition"].endswith(f'suspect-meters-{month}.pdf"')


def test_who_may_not_dispatch_sees_the_list_and_orders_nothing(
    server: Served, sqlite_engine: Engine, clock: HandClock
) -> None:
    with _client(server, sqlite_engine, Role.AUDITOR) as client:
        page = client.get("/suspects")
        refused = client.post("/suspects/make", data={"month": _month(clock)})
        missing = client.get("/suspects/2020-01.xlsx")

    assert page.status_code == 200
    assert "/suspects/make" not in page.text
    assert (refused.status_code, missing.status_code) == (403, 404)


@pytest.mark.parametrize("month", ["2026-13", "soon", "2026-1"])
def test_what_is_no_month_is_refused(server: Served, sqlite_engine: Engine, month: str) -> None:
    with _client(server, sqlite_engine, Role.DISPATCHER) as client:
        answer = client.post("/suspects/make", data={"month": month})

    assert answer.status_code == 400
