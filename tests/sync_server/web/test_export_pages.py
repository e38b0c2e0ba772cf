"""Files that wait for a director, over real HTTP and in both languages."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from httpx import Client
from sqlalchemy import Connection, Engine

from sync_server.access.audit_store import list_audit
from sync_server.db.engine_io import reading
from sync_server.work_orders.policy_store import PolicyRow, set_policy
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served
from tests.sync_server.web.intake_town import PHONE, seed_homes

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


def nothing_is_small(connection: Connection) -> None:
    """Let every file wait that has a row."""
    row = PolicyRow(
        name="export.bulk.rows",
        valid_from_utc=NOON - timedelta(days=1),
        value=0,
        source="test",
        approved_by="test",
    )
    set_policy(connection, row, NOON)


def test_a_customers_copy_is_handed_out_after_a_director_said_so(
    enter: Enter, sqlite_engine: Engine
) -> None:
    agent, boss, auditor = enter("liu"), enter("boss"), enter("audit")
    path = "/homes/p-1/held"
    held = agent.get(path)
    silent = agent.post("/exports/1/ask", data={"reason": ""})
    asked = agent.post("/exports/1/ask", data={"reason": "asked for by the customer"})
    waiting = agent.get(path)
    listed = boss.get("/exports").text
    own = agent.post("/exports/1/decide", data={"state": "approved"})
    decided = boss.post("/exports/1/decide", data={"state": "approved", "decision": "as law says"})
    late = boss.post("/exports/1/decide", data={"state": "refused", "decision": "no"})
    english = agent.get(path).text
    agent.post("/me/language", data={"language": "zh"})
    chinese, page = agent.get(path).text, agent.get("/exports").text
    taken = agent.get(f"{path}.json")
    others = [auditor.get(path).status_code, agent.get("/homes/p-2/held").status_code]
    with reading(sqlite_engine) as connection:
        acts = [e.action for e in list_audit(connection) if e.action == "person.export"]

    assert (held.status_code, held.headers["location"]) == (303, "/exports#e1")
    assert (silent.status_code, asked.status_code, waiting.status_code) == (409, 303, 303)
    assert "asked for by the customer" in listed
    assert (own.status_code, decided.status_code, late.status_code) == (403, 303, 409)
    assert PHONE in english
    assert "elderly_alone" not in english
    assert "用户全部资料副本" in chinese
    assert path in page
    assert json.loads(taken.content)["sections"]["customer"][0]["phone"] == PHONE
    assert others == [403, 404]
    assert acts == ["person.export"] * 3


def test_each_number_of_a_ledger_leads_to_its_lines_in_both_languages(enter: Enter) -> None:
    boss = enter("boss")
    ledger = boss.get("/reports/customers").text
    way = ledger.partition('href="/reports/customers?')[2].partition('"')[0].replace("&amp;", "&")
    english = boss.get(f"/reports/customers?{way}").text
    boss.post("/me/language", data={"language": "zh"})
    chinese = boss.get(f"/reports/customers?{way}").text

    assert "row=binhe" in way
    assert all('href="/homes/p-1"' in each for each in (english, chinese))
    assert PHONE not in english
    assert "滨河" in chinese


def test_every_kind_of_file_passes_the_same_guard(
    enter: Enter, sqlite_engine: Engine, clock: HandClock
) -> None:
    with sqlite_engine.begin() as connection:
        nothing_is_small(connection)
    agent, auditor, boss = enter("liu"), enter("audit"), enter("boss")
    agent.post("/intake", data={"line": "ask 3-2-1101 price", "act": "solve", "reply": "2.6"})
    paths = ["/audit.csv", "/reports/customers.csv", "/reports/customers.xlsx"]
    paths += ["/reports/customers.pdf", "/audit.csv?what=session."]

    held = [auditor.get(each).headers.get("location") for each in paths]
    of_boss = [boss.get(each).status_code for each in paths]
    for number in range(1, len(paths) + 1):
        auditor.post(f"/exports/{number}/ask", data={"reason": "yearly"})
        boss.post(f"/exports/{number}/decide", data={"state": "approved"})
    page = auditor.get("/exports").text
    free = [auditor.get(each).status_code for each in paths]
    clock.advance(hours=25)
    auditor.post("/login", data={"login": "audit", "password": PASSWORD})
    over = [auditor.get(each).status_code for each in paths[:1]]

    assert held == [f"/exports#e{number}" for number in range(1, len(paths) + 1)]
    assert of_boss == [200] * len(paths)
    assert page.count("Take it away") == len(paths)
    assert free == [200] * len(paths)
    assert over == [303]
