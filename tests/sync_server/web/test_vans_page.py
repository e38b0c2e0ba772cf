"""The page of the vans: counted, filled up, calibrated, in both languages."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.access.account_store import Crew, create_crew
from sync_server.access.roles import Role
from sync_server.db.engine_io import reading
from sync_server.vans.van_store import load_vans
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served, add_person, served

CREW = {"crew_id": "crew-1"}


@pytest.fixture
def server(sqlite_engine: Engine, clock: HandClock) -> Iterator[Served]:
    with sqlite_engine.begin() as connection:
        create_crew(connection, Crew(crew_id="crew-1", name="抢修一班", area_ids=()), NOON)
        add_person(connection, "dispatch", Role.DISPATCHER)
    with served(sqlite_engine, clock) as found:
        yield found


@pytest.fixture
def dispatcher(server: Served) -> Iterator[Client]:
    headers = {"Origin": server.base_url, "Accept": "text/html"}
    with Client(base_url=server.base_url, headers=headers) as client:
        client.post("/login", data={"login": "dispatch", "password": PASSWORD})
        yield client


def test_a_van_is_filled_counted_and_its_detectors_are_watched(
    dispatcher: Client, sqlite_engine: Engine
) -> None:
    yesterday = (NOON - timedelta(days=1)).date()
    detector = {**CREW, "detector_id": "GX-7", "shows": ["oxygen_pct", "lel_pct"]}
    posts = (
        ("/vans/standard", CREW),
        ("/vans/parts", {**CREW, "part_id": "ptfe-tape", "quantity": "2", "least": "3"}),
        ("/vans/parts", {**CREW, "part_id": "float-valve", "change": "remove"}),
        (
            "/vans/parts",
            {**CREW, "part_id": "rope", "name_zh": "绳", "medium": "", "quantity": "5"},
        ),
        ("/vans/detectors", {**detector, "calibrated_until": yesterday.isoformat()}),
    )
    statuses = [dispatcher.post(path, data=data).status_code for path, data in posts]
    english = dispatcher.get("/vans?crew=crew-1").text
    dispatcher.post("/me/language", data={"language": "zh", "back": "/vans"})
    chinese = dispatcher.get("/vans").text

    assert statuses == [303] * len(posts)
    assert f"{yesterday} · overdue" in english
    assert "Sealing tape" in english
    assert "生料带" in chinese
    assert "绳" in chinese
    with reading(sqlite_engine) as connection:
        van = load_vans(connection)["crew-1"]
    left = {part.part_id: part.quantity for part in van.parts}
    assert (left["ptfe-tape"], left["rope"], "float-valve" in left) == (2, 5, False)
    tape = next(part for part in van.parts if part.part_id == "ptfe-tape")
    assert tape.name.en == "Sealing tape", "a count leaves the name as it is"


def test_a_calibrated_detector_keeps_what_it_shows(
    dispatcher: Client, sqlite_engine: Engine
) -> None:
    new = {**CREW, "detector_id": "GX-7", "shows": "oxygen_pct", "calibrated_until": "2026-11-01"}
    dispatcher.post("/vans/detectors", data=new)
    again = {**CREW, "detector_id": "GX-7", "calibrated_until": "2027-05-01"}
    dispatcher.post("/vans/detectors", data=again)
    with reading(sqlite_engine) as connection:
        (detector,) = load_vans(connection)["crew-1"].detectors

    assert detector.calibrated_until == date(2027, 5, 1)
    assert detector.values == {"oxygen_pct"}


def test_a_new_part_without_a_name_is_refused_in_words(dispatcher: Client) -> None:
    answer = dispatcher.post("/vans/parts", data={**CREW, "part_id": "rope", "quantity": "5"})

    assert answer.status_code == 400
    assert "give the part a name" in answer.text
