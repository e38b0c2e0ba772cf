"""Open311 GeoReport v2 and the public page of interruptions over real HTTP."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx import Client
from sqlalchemy import Engine, insert

from sync_server.db.engine_io import reading
from sync_server.db.outage_tables import INTERRUPTION, INTERRUPTION_HOME
from sync_server.db.outside_tables import OUTSIDE_REQUEST
from sync_server.outside.geo_report import MOST_PER_HOUR
from sync_server.service_desk.catalogue import RULES
from sync_server.service_desk.request import Caller, Channel, NewRequest, RequestClass
from sync_server.service_desk.request_rows_store import caller_of, get_request, insert_request
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import SITE, served
from tests.sync_server.web.intake_town import seed_homes
from wire_contracts.frames import ms_from_utc
from wire_contracts.request_states import RequestState

KEYS = {"city-app": "k" * 32, "portal": "p" * 32}
LEAK = {
    "api_key": KEYS["city-app"],
    "service_code": "no_water",
    "address_string": "46 Binhe <Rd>",
    "description": "no water & no news",
    "first_name": "桂芳",
    "last_name": "陈",
    "phone": "155 0101 2890",
}


@pytest.fixture
def people(sqlite_engine: Engine, alert_ids: dict[str, str]) -> dict[str, str]:
    assert alert_ids
    with sqlite_engine.begin() as connection:
        return seed_homes(connection)


@pytest.fixture
def outside(sqlite_engine: Engine, clock: HandClock, people: dict[str, str]) -> Iterator[Client]:
    assert people
    settings = replace(SITE, open311_keys=KEYS)
    with (
        served(sqlite_engine, clock, settings) as server,
        Client(base_url=f"{server.base_url}", timeout=60) as client,
    ):
        yield client


def test_services_are_listed_as_json_and_xml_in_both_languages(outside: Client) -> None:
    found = outside.get("/open311/v2/services.json", headers={"Accept-Language": "en"}).json()
    chinese = outside.get("/open311/v2/services.json", headers={"Accept-Language": "zh"}).json()
    root = ET.fromstring(outside.get("/open311/v2/services.xml").content)  # noqa: S314  # ours

    codes = [each["service_code"] for each in found]
    assert "gas_leak" in codes
    assert "misconduct_report" not in codes
    assert {each["service_name"] for each in found} & {"Gas leak"}
    assert chinese[0]["service_name"] != found[0]["service_name"]
    assert [each.findtext("service_code") for each in root.findall("service")] == codes
    assert set(found[0]) >= {"metadata", "type", "keywords", "group", "description"}


def test_a_request_from_outside_is_a_slip_of_the_desk_and_tells_its_state_to_its_id(
    outside: Client, sqlite_engine: Engine, people: dict[str, str]
) -> None:
    taken = outside.post("/open311/v2/requests.json", data=LEAK)
    request_id = taken.json()[0]["service_request_id"]
    shown = outside.get(f"/open311/v2/requests/{request_id}.json").json()[0]
    as_xml = outside.get(f"/open311/v2/requests/{request_id}.xml")
    with reading(sqlite_engine) as connection:
        record = get_request(connection, request_id)
        caller = caller_of(connection, request_id)

    assert taken.status_code == 200
    assert (record.state, record.channel) == (RequestState.DISPATCHED, Channel.WEB)
    assert record.owner == people["liu"]
    assert caller is not None
    assert (caller.name, caller.words) == ("桂芳 陈", "no water & no news")
    assert (shown["status"], shown["service_code"]) == ("open", "no_water")
    assert shown["requested_datetime"] == "2026-11-02T04:00:00Z"
    assert (shown["address"], shown["description"]) == (None, None)
    assert "Binhe" not in as_xml.text
    assert ET.fromstring(as_xml.content)[0].findtext("status") == "open"  # noqa: S314  # ours


def test_a_key_lists_its_own_requests_and_nobody_elses(outside: Client) -> None:
    first = outside.post("/open311/v2/requests.json", data=LEAK).json()[0]["service_request_id"]
    other = {**LEAK, "api_key": KEYS["portal"], "service_code": "how_to"}
    outside.post("/open311/v2/requests.json", data=other)
    listing = "/open311/v2/requests.json"

    def ids(**asked: str) -> list[str]:
        answer = outside.get(listing, params={"api_key": KEYS["city-app"], **asked}).json()
        return [each["service_request_id"] for each in answer]

    assert ids() == ids(status="open") == ids(service_code="no_water") == [first]
    assert ids(status="closed") == ids(service_code="gas_leak") == ids(end_date="2020-01-01") == []
    assert ids(start_date="2026-11-02T00:00:00Z", service_request_id=first) == [first]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"api_key": "wrong"}, 403),
        ({"api_key": ""}, 403),
        ({"service_code": "x"}, 404),
        ({"service_code": ""}, 400),
        ({"service_code": "misconduct_report"}, 404),
        ({"address_string": ""}, 400),
        ({"address_string": "", "lat": "north", "long": "1"}, 400),
        ({"address_string": "", "lat": "91", "long": "1"}, 400),
        ({"description": "x" * 4001}, 400),
    ],
)
def test_what_cannot_be_taken_is_refused_in_the_form_of_the_specification(
    outside: Client, changes: dict[str, str], status: int
) -> None:
    answer = outside.post("/open311/v2/requests.json", data={**LEAK, **changes})
    as_xml = outside.post("/open311/v2/requests.xml", data={**LEAK, **changes})
    error = ET.fromstring(as_xml.content).find("error")  # noqa: S314  # ours

    assert answer.status_code == as_xml.status_code == status
    assert answer.json()[0]["code"] == str(status)
    assert error is not None
    assert error.findtext("description")


def test_a_danger_from_outside_is_told_to_call(outside: Client) -> None:
    leak = {**LEAK, "service_code": "gas_leak", "address_string": "", "lat": "38.04", "long": "114"}
    taken = outside.post("/open311/v2/requests.json", data=leak).json()[0]

    assert "call the hotline now" in taken["service_notice"]


def wanted(request_class: RequestClass) -> NewRequest:
    rule = RULES[request_class]
    return NewRequest(
        kind=rule.kind,
        request_class=request_class,
        medium=rule.medium,
        safety_class=rule.safety_class,
        priority=rule.priority,
        caller=Caller(),
        received_at_utc=NOON,
    )


def test_a_key_that_sends_too_many_is_held(
    outside: Client, sqlite_engine: Engine, people: dict[str, str]
) -> None:
    with sqlite_engine.begin() as connection:
        for _ in range(MOST_PER_HOUR):
            record = insert_request(connection, wanted(RequestClass.HOW_TO), people["liu"], NOON)
            row = {"request_id": record.request_id, "key_name": "city-app"}
            connection.execute(insert(OUTSIDE_REQUEST).values(**row, at_ms=ms_from_utc(NOON)))
    held = outside.post("/open311/v2/requests.json", data=LEAK)
    other = outside.post("/open311/v2/requests.json", data={**LEAK, "api_key": KEYS["portal"]})

    assert (held.status_code, other.status_code) == (403, 200)
    assert "within an hour" in held.text


def test_the_public_page_says_what_where_when_and_nobodys_name(
    outside: Client, sqlite_engine: Engine
) -> None:
    with sqlite_engine.begin() as connection:
        for number, (state, hours) in enumerate(
            (("announced", 5), ("running", 1), ("planned", 9), ("announced", -1)), 1
        ):
            connection.execute(
                insert(INTERRUPTION).values(
                    interruption_id=number,
                    medium="water",
                    reason=f"works {number}",
                    valves="V-1",
                    from_ms=ms_from_utc(NOON + timedelta(hours=hours - 3)),
                    to_ms=ms_from_utc(NOON + timedelta(hours=hours)),
                    state=state,
                    is_urgent=False,
                    changed_by="boss",
                    changed_at_ms=ms_from_utc(NOON),
                )
            )
        connection.execute(
            insert(INTERRUPTION_HOME).values(interruption_id=1, premises_id="p-1", why="lost")
        )
    page = outside.get("/outages")
    outside.cookies.set("lamplighter_language", "zh")
    chinese = outside.get("/outages").text

    assert page.status_code == 200
    shown = [f"works {number}" in page.text for number in (1, 2, 3, 4)]
    assert shown == [True, True, False, False]
    assert "Binhe East" in page.text
    assert "滨河东区" in chinese
    assert [each for each in ("陈桂芳", "p-1", "V-1", "46号") if each in chinese] == []
