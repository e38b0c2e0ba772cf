"""Verdicts and reports over real HTTP: every action of the pages, in both languages."""

import csv
import io
from collections.abc import Callable, Iterator

import pytest
from httpx import Client, Response
from openpyxl import load_workbook
from sqlalchemy import Engine

from sync_server.access.audit_store import list_audit
from sync_server.complaints.complaint_store import get_complaint, measures_of
from sync_server.complaints.escalation_store import open_escalations
from sync_server.complaints.penalty_store import list_penalties
from sync_server.db.engine_io import reading
from sync_server.service_desk.request_rows_store import newest_page
from tests.sync_server.real_parts import HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served
from tests.sync_server.web.intake_town import seed_homes
from wire_contracts.request_states import RequestState

Enter = Callable[[str], Client]
HOSTILE = "=1+1<script>alert(1)</script>"


@pytest.fixture
def people(sqlite_engine: Engine, alert_ids: dict[str, str]) -> dict[str, str]:
    """The people of the desk on top of a desk's morning; login -> account id."""
    assert alert_ids
    with sqlite_engine.begin() as connection:
        return seed_homes(connection)


@pytest.fixture
def enter(desk: Served, people: dict[str, str]) -> Iterator[Enter]:  # noqa: ARG001  # seeded first
    opened: list[Client] = []

    def come_in(login: str) -> Client:
        headers = {"Origin": desk.base_url, "Accept": "text/html"}
        client = Client(base_url=desk.base_url, headers=headers, timeout=60)
        opened.append(client)
        answer = client.post("/login", data={"login": login, "password": PASSWORD})
        assert answer.status_code == 303
        return client

    yield come_in
    for each in opened:
        each.close()


def newest(engine: Engine) -> str:
    with reading(engine) as connection:
        return newest_page(connection, frozenset(RequestState), None, 1)[0].request_id


def in_both_languages(client: Client, paths: list[str]) -> dict[str, tuple[int, int]]:
    """Return path -> status in English and in Chinese."""
    found: dict[str, dict[str, Response]] = {}
    for language in ("en", "zh"):
        client.post("/me/language", data={"language": language, "back": "/"})
        found[language] = {path: client.get(path) for path in paths}
    client.post("/me/language", data={"language": "en", "back": "/"})
    assert all('lang="zh-CN" data' in each.text for each in found["zh"].values())
    return {path: (found["en"][path].status_code, found["zh"][path].status_code) for path in paths}


def test_a_complaint_goes_from_facts_over_verdict_and_appeal_to_its_case(
    enter: Enter, sqlite_engine: Engine, people: dict[str, str]
) -> None:
    agent, quality, lead, boss = (enter(each) for each in ("liu", "he", "wei", "boss"))
    agent.post("/intake", data={"line": f"conduct {HOSTILE}", "media": "yes"})
    request_id = newest(sqlite_engine)
    path = f"/complaints/{request_id}"
    early = quality.post(f"{path}/verdict", data={"is_responsible": "yes", "reason": "r"})
    answers = [
        agent.post(f"{path}/facts", data={"text": HOSTILE}),
        lead.post(f"{path}/dispute", data={"text": "not ours"}),
        quality.post(f"{path}/assign", data={"owner": people["wei"]}),
        lead.post(
            f"{path}/measures",
            data={"text": "train", "owner": people["liu"], "due_on": "2026-11-20"},
        ),
    ]
    bare = quality.post(f"{path}/verdict", data={"is_responsible": "yes", "reason": "tape"})
    verdict = {"is_responsible": "yes", "reason": "tape", "violation": "rude", "cause": "people"}
    answers += [
        quality.post(f"{path}/verdict", data=verdict),
        lead.post(f"{path}/appeal", data={"text": "another crew"}),
        boss.post(f"{path}/decide", data={"event": "uphold", "text": "it is on the tape"}),
    ]
    with reading(sqlite_engine) as connection:
        measure = measures_of(connection, request_id)[0].measure_id
        penalty = list_penalties(connection)[0].penalty_id
    answers += [
        lead.post(f"/measures/{measure}/done"),
        boss.post(f"/penalties/{penalty}", data={"state": "approved", "reason": "clear"}),
    ]
    case = {"problem": "p", "cause": "c", "solution": "s", "tags": "t"}
    still_open = agent.post(f"{path}/case", data=case)
    forbidden = agent.post(f"/penalties/{penalty}", data={"state": "waived", "reason": "no"})
    tabs = ["open", "judged", "measures", "asked", "penalties", "cases"]
    seen = in_both_languages(boss, [path, *(f"/complaints?tab={each}" for each in tabs)])
    page = boss.get(path).text
    with reading(sqlite_engine) as connection:
        found = get_complaint(connection, request_id)

    assert (early.status_code, bare.status_code, still_open.status_code) == (404, 409, 409)
    assert "choose which of the nine it was" in bare.text
    assert [each.status_code for each in answers] == [303] * len(answers)
    assert (forbidden.status_code, found.state) == (403, "upheld")
    assert set(seen.values()) == {(200, 200)}
    assert "<script>alert" not in page


def test_a_question_above_is_answered_on_the_page(enter: Enter, sqlite_engine: Engine) -> None:
    agent, boss = enter("liu"), enter("boss")
    agent.post("/intake", data={"line": "nowater 3-2-1101"})
    request_id = newest(sqlite_engine)
    asked = agent.post(f"/requests/{request_id}/ask", data={"question": "may we dig?"})
    with reading(sqlite_engine) as connection:
        number = open_escalations(connection)[0].escalation_id
    wrong = agent.post(f"/asked/{number}", data={"text": "yes"})
    told = boss.post(f"/asked/{number}", data={"text": "yes, by hand"})
    page = agent.get(f"/requests/{request_id}").text

    assert [each.status_code for each in (asked, wrong, told)] == [303, 409, 303]
    assert "yes, by hand" in page


def test_every_report_is_a_page_a_csv_and_a_sheet_and_its_export_is_audited(
    enter: Enter, sqlite_engine: Engine, clock: HandClock, people: dict[str, str]
) -> None:
    agent, boss = enter("liu"), enter("boss")
    agent.post("/intake", data={"line": "conduct rude", "address": HOSTILE})
    agent.post("/intake", data={"line": "nowater 3-2-1101"})
    clock.advance(hours=3)
    books = ["clocks", "calls", "numbers", "requests", "slips", "teams", "people"]
    books += ["complaints", "causes", "internal", "customers", "late"]
    seen = in_both_languages(boss, [f"/reports/{each}" for each in books])
    file = boss.get("/reports/requests.csv?period=2026-11")
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(boss.get("/reports/clocks.xlsx?period=2026-W45").content))
    paper = boss.get("/reports/slips.pdf?period=2026-W45").content
    figure = boss.get("/reports/slips?period=2026-W45&row=total&column=1").text
    slips = boss.get("/reports/slips?period=2026-W45").text
    refused = [
        boss.get("/reports/nothing").status_code,
        boss.get("/reports/clocks?period=soon").status_code,
        agent.get("/reports/clocks").status_code,
    ]
    rail = [("/reports" in each.get("/requests").text) for each in (boss, agent)]
    with reading(sqlite_engine) as connection:
        taken = [each for each in list_audit(connection) if each.action == "ledger.export"]

    assert set(seen.values()) == {(200, 200)}
    assert rows[0][:3] == ["Request", "Received", "Entered"]
    assert len(rows) == 4
    assert "Boss" in rows[3][0]
    assert [cell.value for cell in sheet.worksheets[0][3]][:4] == [
        "Clock",
        "Until",
        "Started",
        "Kept",
    ]
    assert refused == [404, 400, 403]
    assert rail == [True, False]
    assert [(each.actor, each.subject) for each in taken] == [
        (people["boss"], "slips"),
        (people["boss"], "clocks"),
        (people["boss"], "requests"),
    ]
    assert paper.startswith(b"%PDF")
    assert "/reports/slips?period=2026-W45&amp;row=total&amp;column=1" in slips
    assert "No water" in figure
