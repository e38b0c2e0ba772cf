"""Planned interruptions over real HTTP, in both languages."""

from contextlib import closing

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.db.engine_io import reading
from sync_server.messages.message_store import has_consent, states_of
from sync_server.messages.templates import MessageState, Template
from tests.sync_server.web.desk_parts import PASSWORD, Served
from tests.sync_server.web.intake_town import seed_homes


@pytest.fixture
def people(sqlite_engine: Engine, alert_ids: dict[str, str]) -> dict[str, str]:
    assert alert_ids
    with sqlite_engine.begin() as connection:
        return seed_homes(connection)


def enter(desk: Served, login: str) -> Client:
    headers = {"Origin": desk.base_url, "Accept": "text/html"}
    client = Client(base_url=desk.base_url, headers=headers, timeout=60)
    client.post("/login", data={"login": login, "password": PASSWORD})
    return client


def test_an_interruption_is_planned_announced_and_cancelled_on_the_pages(
    desk: Served, people: dict[str, str], sqlite_engine: Engine
) -> None:
    assert people
    with closing(enter(desk, "boss")) as boss, closing(enter(desk, "liu")) as agent:
        form = {"medium": "gas", "reason": "<b>works</b>", "from_at": "2026-12-01T08:00"}
        wrong = boss.post("/interruptions", data={**form, "to_at": "soon"})
        late = {**form, "from_at": "2026-11-02T14:00", "to_at": "2026-11-02T16:00"}
        too_late = boss.post("/interruptions", data=late).headers["location"]
        refused = boss.post(too_late, data={"event": "announce"})
        path = boss.post("/interruptions", data={**form, "to_at": "2026-12-01T18:00"}).headers[
            "location"
        ]
        answers = [
            boss.post(f"{path}/homes", data={"community": "binhe"}),
            boss.post(path, data={"event": "announce"}),
            boss.post(path, data={"event": "cancel"}),
            agent.post("/homes/p-1/consent", data={"wants": "yes"}),
        ]
        forbidden = agent.post(path, data={"event": "begin"})
        texts = []
        for language in ("en", "zh"):
            boss.post("/me/language", data={"language": language, "back": "/"})
            texts += [boss.get(each).text for each in (path, "/interruptions?medium=gas")]
    with reading(sqlite_engine) as connection:
        told = states_of(connection, Template.INTERRUPTION, path.rsplit("/", 1)[1])
        wants = has_consent(connection, "c-1")

    assert (wrong.status_code, refused.status_code, forbidden.status_code) == (409, 409, 403)
    assert "is less than 48 h ahead" in refused.text
    assert [each.status_code for each in answers] == [303] * 4
    assert (told, wants) == ({MessageState.WAITING: 1}, True)
    assert all("<b>works" not in each for each in texts)
    assert "Homes concerned 4" in texts[0]
    assert "受影响用户 4" in texts[2]
