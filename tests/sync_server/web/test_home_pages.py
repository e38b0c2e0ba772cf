"""Homes and applications over real HTTP, in both languages."""

from collections.abc import Callable, Iterator

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.access.audit_store import list_audit
from sync_server.customers.customer_store import get_household
from sync_server.db.engine_io import reading
from sync_server.households.application_store import get_application
from sync_server.households.change_store import changes_of
from sync_server.households.file_store import contents_of, open_issues
from sync_server.service_desk.request_rows_store import newest_page
from tests.sync_server.web.desk_parts import PASSWORD, Served
from tests.sync_server.web.intake_town import PHONE, seed_homes
from wire_contracts.request_states import RequestState

Enter = Callable[[str], Client]


@pytest.fixture
def enter(desk: Served, sqlite_engine: Engine, alert_ids: dict[str, str]) -> Iterator[Enter]:
    assert alert_ids
    with sqlite_engine.begin() as connection:
        seed_homes(connection)
    opened: list[Client] = []

    def come_in(login: str) -> Client:
        headers = {"Origin": desk.base_url, "Accept": "text/html"}
        opened.append(Client(base_url=desk.base_url, headers=headers, timeout=60))
        opened[-1].post("/login", data={"login": login, "password": PASSWORD})
        return opened[-1]

    yield come_in
    for each in opened:
        each.close()


def test_a_file_is_kept_and_read_in_full_for_a_reason_that_is_audited(
    enter: Enter, sqlite_engine: Engine
) -> None:
    agent, boss, auditor = enter("liu"), enter("boss"), enter("audit")
    found = agent.get("/homes?q=3-2-1101").text
    masked = agent.get("/homes/p-1").text
    whole = agent.get("/homes/p-1?why=call").text
    strange = agent.get("/homes/p-1?why=curious").text
    forbidden = auditor.get("/homes/p-1?why=call").text
    new = {"medium": "gas", "kind": "contract", "reference": "C-7", "dated_on": "2026-01-02"}
    answers = [
        agent.post("/homes/p-1/documents", data={**new, "valid_to": "2026-12-01"}),
        agent.post("/homes/p-1/issues", data={"kind": "wrong_area", "text": "86"}),
        agent.post("/homes/p-1/review"),
        agent.post(
            "/homes/p-1/changes",
            data={"kind": "resume_heating", "evidence": "valve open", "figure": ""},
        ),
        agent.post(
            "/buildings", data={"name": "B 8", "home_count": "9", "season_on": "2026-11-15"}
        ),
        agent.post("/buildings/1", data={"event": "verify"}),
    ]
    wrong = [
        agent.post("/homes/p-1/documents", data={**new, "valid_to": "soon"}),
        agent.post(
            "/homes/p-1/changes", data={"kind": "area_m2", "figure": "1e400", "evidence": "x"}
        ),
        agent.post("/homes/p-1/changes", data={"kind": "area_m2", "figure": "", "evidence": "x"}),
        agent.post("/homes/p-9/review"),
    ]
    with reading(sqlite_engine) as connection:
        issue = open_issues(connection)[0].issue_id
        change = changes_of(connection, "p-1")[0].change_id
    answers += [
        agent.post(f"/archive-errors/{issue}", data={"result": "68"}),
        boss.post(f"/home-changes/{change}", data={"state": "approved"}),
    ]
    with reading(sqlite_engine) as connection:
        reads = [
            (each.action, each.detail_text)
            for each in list_audit(connection)
            if each.action == "home.read"
        ]
        is_heated = get_household(connection, "p-1").premises.is_heated

    assert 'href="/homes/p-1"' in found
    assert [PHONE in each for each in (found, masked, whole, strange, forbidden)] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert [each.status_code for each in answers] == [303] * len(answers)
    assert [each.status_code for each in wrong] == [400, 400, 409, 404]
    assert (reads, is_heated) == ([("home.read", '{"why":"call"}')], True)


def test_an_account_is_opened_over_the_pages_in_both_languages(
    enter: Enter, sqlite_engine: Engine
) -> None:
    agent, boss = enter("liu"), enter("boss")
    agent.post("/intake", data={"line": "open 3-2-1101"})
    with reading(sqlite_engine) as connection:
        request_id = newest_page(connection, frozenset(RequestState), None, 1)[0].request_id
    path = f"/applications/{request_id}"
    papers = ["identity", "property", "invoice", "registration"]
    told = agent.post(f"{path}/told")
    some = agent.post(f"{path}/papers", data={"shown": papers})
    early = agent.post(f"{path}/decide", data={"is_accepted": "yes"})
    agent.post(f"{path}/papers", data={"shown": [*papers, "signature"]})
    taken = agent.post(f"{path}/decide", data={"is_accepted": "yes"})
    account = {"invoice_number": "I-1", "contract_number": "C-1", "card_number": "K-1"}
    done = agent.post(f"{path}/account", data={**account, "initial_m3": "50"})
    statuses = []
    for language in ("en", "zh"):
        boss.post("/me/language", data={"language": language, "back": "/"})
        tabs = ["find", "issues", "changes", "contracts", "buildings"]
        pages = [path, "/homes/p-1", *(f"/homes?tab={each}" for each in tabs)]
        statuses += [boss.get(each).status_code for each in pages]
    with reading(sqlite_engine) as connection:
        found = get_application(connection, request_id)
        documents = contents_of(connection, "p-1").documents

    assert [each.status_code for each in (told, some, early, taken, done)] == [
        303,
        303,
        409,
        303,
        303,
    ]
    assert "lack: Signatures, and seals" in early.text
    assert (found.slip_number, len(documents)) == ("S-000001", 4)
    assert statuses == [200] * 14
