"""Audit, stand-ins, incidents and paper over real HTTP, in both languages."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.db.engine_io import reading
from sync_server.service_desk.paper_store import open_slips
from sync_server.service_desk.request_rows_store import newest_page
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served
from tests.sync_server.web.intake_town import seed_homes
from wire_contracts.request_states import RequestState

Enter = Callable[[str], Client]


@pytest.fixture
def people(sqlite_engine: Engine, alert_ids: dict[str, str]) -> dict[str, str]:
    assert alert_ids
    with sqlite_engine.begin() as connection:
        return seed_homes(connection)


@pytest.fixture
def enter(desk: Served, people: dict[str, str]) -> Iterator[Enter]:
    assert people
    opened: list[Client] = []

    def come_in(login: str) -> Client:
        headers = {"Origin": desk.base_url, "Accept": "text/html"}
        opened.append(Client(base_url=desk.base_url, headers=headers, timeout=60))
        opened[-1].post("/login", data={"login": login, "password": PASSWORD})
        return opened[-1]

    yield come_in
    for each in opened:
        each.close()


def in_both(client: Client, paths: list[str]) -> list[tuple[int, int]]:
    found = []
    for path in paths:
        statuses = []
        for language in ("en", "zh"):
            client.post("/me/language", data={"language": language, "back": "/"})
            statuses.append(client.get(path).status_code)
        found.append((statuses[0], statuses[1]))
    client.post("/me/language", data={"language": "en", "back": "/"})
    return found


def test_the_audit_is_read_verified_and_taken_away_by_who_may(enter: Enter) -> None:
    auditor, agent = enter("audit"), enter("liu")
    agent.post("/intake", data={"line": "nowater 3-2-1101"})
    page = auditor.get("/audit?what=request.").text
    whole = auditor.get("/audit?verify=yes").text
    file = auditor.get("/audit.csv?what=request.").content.decode("utf-8-sig").splitlines()
    after = auditor.get("/audit?what=audit.export").text
    strange = auditor.get("/audit?before=x").status_code

    assert "request.take" in page
    assert re.search(r"<b>R-\d{6}</b><div[^>]*>[0-9a-f-]{36}<", page)
    assert "The chain is whole" in whole
    assert (file[0].split(",")[0], len(file) > 1, "audit.export" in after) == (
        "position",
        True,
        True,
    )
    assert (agent.get("/audit").status_code, strange) == (403, 400)
    assert in_both(auditor, ["/audit", "/audit?who=nobody"]) == [(200, 200)] * 2


def test_a_stand_in_is_shown_beside_the_owner(
    enter: Enter, sqlite_engine: Engine, people: dict[str, str]
) -> None:
    agent, boss = enter("liu"), enter("boss")
    agent.post("/intake", data={"line": "nowater 3-2-1101"})
    with reading(sqlite_engine) as connection:
        request_id = newest_page(connection, frozenset(RequestState), None, 1)[0].request_id
    form = {"to": people["he"], "contact": "8812", "from_at": "2026-11-02T12:00"}
    wrong = agent.post("/delegations", data={**form, "to_at": "soon"})
    done = agent.post("/delegations", data={**form, "to_at": "2026-11-03T12:00"})
    page = boss.get(f"/requests/{request_id}").text
    seen = in_both(boss, ["/delegations"])
    back = agent.post("/delegations/1/end")

    assert [each.status_code for each in (wrong, done, back)] == [409, 303, 303]
    assert "He 8812" in page
    assert seen == [(200, 200)]


def test_an_incident_joins_what_came_since_it_began(enter: Enter) -> None:
    boss, agent = enter("boss"), enter("liu")
    path = boss.post("/incidents", data={"title": "<b>burst</b>"}).headers["location"]
    agent.post("/intake", data={"line": "leak 3-2-1102 smell"})
    entry = agent.post(f"{path}/entry", data={"text": "valve closed"})
    early = boss.post(f"{path}/end", data={"text": "done"})
    told = boss.post(f"{path}/report", data={"to": "mayor"})
    running = boss.get(path).text
    ended = boss.post(f"{path}/end", data={"text": "one more valve"})
    forbidden = agent.post("/incidents", data={"title": "x"})

    assert [each.status_code for each in (entry, early, told, ended, forbidden)] == [
        303,
        409,
        303,
        303,
        403,
    ]
    shown = {each: each in running for each in ("valve closed", "Gas leak", "WO-000003", "mayor")}
    assert shown == dict.fromkeys(shown, True)
    assert "<b>burst" not in running
    assert in_both(boss, [path, "/incidents"]) == [(200, 200)] * 2


def test_a_paper_slip_is_printed_and_entered_with_its_own_time(
    enter: Enter, sqlite_engine: Engine, clock: HandClock
) -> None:
    agent = enter("liu")
    clock.advance(hours=5)
    printed = agent.post("/paper/print", data={"count": "3"})
    sheet = agent.get(printed.headers["location"]).text
    slip = {"slip": "2", "happened_at": "2026-11-02T12:30", "request_class": "no_water"}
    future = agent.post("/paper", data={**slip, "happened_at": "2026-12-01T12:30", "address": "x"})
    nowhere = agent.post("/paper", data=slip)
    done = agent.post("/paper", data={**slip, "address": "46 Binhe", "words": "dry"})
    twice = agent.post("/paper", data={**slip, "address": "46 Binhe", "words": "dry"})
    void = agent.post("/paper/3/void", data={"reason": "spoilt"})
    with reading(sqlite_engine) as connection:
        records = newest_page(connection, frozenset(RequestState), None, 10)
        left = [each.slip_number for each in open_slips(connection)]

    assert "Slip 3" in sheet
    assert [each.status_code for each in (printed, future, nowhere, done, twice, void)] == [
        303,
        409,
        409,
        303,
        409,
        303,
    ]
    assert [(each.received_at_utc, each.state) for each in records] == [
        (NOON + timedelta(minutes=30), RequestState.DISPATCHED)
    ]
    assert left == [1]
    assert in_both(agent, ["/paper", "/paper?printed=1-3"]) == [(200, 200)] * 2
