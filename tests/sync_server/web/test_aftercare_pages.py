"""Callbacks, visits, opinions, surveys and quality over real HTTP, in both languages."""

from collections.abc import Callable, Iterator

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.aftercare.opinion_store import newest_opinions
from sync_server.aftercare.quality_store import to_check
from sync_server.aftercare.survey_store import list_surveys
from sync_server.aftercare.visit_store import visits_of
from sync_server.db.engine_io import reading
from sync_server.service_desk.request_rows_store import get_request, newest_page
from sync_server.service_desk.request_store import Office
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import PASSWORD, SITE, Served
from tests.sync_server.web.intake_town import seed_homes
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


def newest(engine: Engine) -> str:
    with reading(engine) as connection:
        return newest_page(connection, frozenset(RequestState), None, 1)[0].request_id


def test_everything_that_follows_a_request_is_done_on_the_pages(
    enter: Enter, sqlite_engine: Engine
) -> None:
    agent, lead, quality = (enter(each) for each in ("liu", "wei", "he"))
    agent.post("/intake", data={"line": "idea more benches"})
    agent.post("/intake", data={"line": "nowater 3-2-1101"})
    request_id = newest(sqlite_engine)
    book = {"day": "2026-11-03", "slot": "08:00-10:00", "told": ["adult"]}
    early = agent.post(f"/visits/{request_id}", data={**book, "told": ["card"]})
    answers = [agent.post(f"/visits/{request_id}", data=book)]
    with reading(sqlite_engine) as connection:
        visit = visits_of(connection, request_id)[0].visit_id
    answers += [
        agent.post(f"/visit/{visit}", data={"event": "confirm"}),
        lead.post(f"/visit/{visit}", data={"event": "no_access", "result": "nobody"}),
    ]
    for event in ("accept", "start", "finish", "reply"):
        lead.post(f"/requests/{request_id}/step", data={"event": event, "text": "x"})
    missing = agent.post(f"/callbacks/{request_id}", data={"finished": "yes"})
    call = {"finished": "yes", "kept": "yes", "score": "4", "opinion": "bells please"}
    answers.append(agent.post(f"/callbacks/{request_id}", data=call))
    agent.get("/callbacks?tab=opinions")
    with reading(sqlite_engine) as connection:
        opinions = {each.text: each.opinion_id for each in newest_opinions(connection)}
        office = Office(actor="x", now_utc=NOON, zone=SITE.zone)
        drawn = to_check(connection, office)[0]
        state = get_request(connection, request_id).state
    answers += [
        agent.post(
            f"/opinions/{opinions['bells please']}",
            data={"event": "hand_on", "department": "metering"},
        ),
        quality.post("/surveys", data={"name": "winter", "until_on": "2026-12-01", "size": "5"}),
        agent.post("/surveys/1/answers", data={"home": "p-1", "score": "5"}),
        quality.post("/surveys/1/close", data={"action": "nothing to do"}),
        quality.post(f"/quality/{drawn}", data={"kept": ["greeting"], "remark": "say when"}),
    ]
    forbidden = [
        agent.post("/surveys", data={"name": "x", "until_on": "2026-12-01", "size": "5"}),
        agent.post(f"/quality/{drawn}", data={"remark": "x"}),
        lead.post(f"/callbacks/{request_id}", data=call),
    ]
    with reading(sqlite_engine) as connection:
        surveys = list_surveys(connection)

    assert [each.status_code for each in (early, missing)] == [409, 409]
    assert "an adult must be at home" in early.text
    assert [each.status_code for each in answers] == [303] * len(answers)
    assert [each.status_code for each in forbidden] == [403] * 3
    assert (state, set(opinions)) == (RequestState.CONFIRMED, {"more benches", "bells please"})
    assert [(each.answered, each.is_closed) for each in surveys] == [(1, True)]


def test_the_pages_of_aftercare_are_whole_in_both_languages(
    enter: Enter, sqlite_engine: Engine
) -> None:
    boss = enter("boss")
    boss.post("/intake", data={"line": "nowater 3-2-1101"})
    tabs = ["calls", "visits", "opinions", "surveys", "quality"]
    paths = [f"/callbacks?tab={each}" for each in tabs] + [f"/visits/{newest(sqlite_engine)}"]
    found = []
    for language in ("en", "zh"):
        boss.post("/me/language", data={"language": language, "back": "/"})
        for path in paths:
            answer = boss.get(path)
            found.append((answer.status_code, 'lang="zh-CN" data' in answer.text))

    assert found == [(200, False)] * 6 + [(200, True)] * 6
    assert boss.get(f"{paths[-1]}?day=soon").status_code == 400
