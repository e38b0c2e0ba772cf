"""The page of the rounds, and the code that a tablet scans."""

import html
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import zxingcpp
from httpx import Client
from PIL import Image
from segno import make
from sqlalchemy import Engine

from sync_server.access.account_store import Crew, create_crew
from sync_server.access.roles import Role
from sync_server.patrols.inspection_store import (
    CHECKPOINTS,
    HOUSEHOLDS,
    PLANS,
    Inspected,
    put,
)
from sync_server.patrols.outcomes import household_after
from sync_server.web.qr_io import qr_svg
from sync_server.work_orders.fact_store import insert_fact
from sync_server.work_orders.order import Fact
from tests.sync_server.patrols.test_outcomes import HOME, PLAN, WELL
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served, add_person, served
from wire_contracts.enrolment import Invitation, invitation_text, parse_invitation
from wire_contracts.fields import JsonObject
from wire_contracts.home_checks import (
    CheckItem,
    Hazard,
    NoticeOutcome,
    SafetyCheck,
    safety_check_json,
)
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import (
    BegunPoint,
    CheckIn,
    CheckInWay,
    Defect,
    PatrolPoint,
    PatrolRun,
    PointOutcome,
    RunPhase,
    WellEntry,
    check_in_json,
    point_json,
    run_json,
)
from wire_contracts.patrols import Measure
from wire_contracts.site_facts import GasMeasurement, GasPurpose, gas_json

AIR = GasMeasurement(
    purpose=GasPurpose.ENTRY,
    place="Valve well 31",
    detector_id="GX-7",
    calibration_due_ms=None,
    lel_pct=0.0,
    oxygen_pct=20.8,
    is_entry_allowed=True,
    run_id="run-1",
    checkpoint_id="w",
)
INVITATION = Invitation(server_url="https://lamp.example.com:8443", code="7KQ2-M4XP-9RTD")


def test_a_scanner_reads_what_the_code_says() -> None:
    text = invitation_text(INVITATION)
    stream = io.BytesIO()
    make(text, error="m", micro=False).save(stream, kind="png", scale=6, border=4)

    found = zxingcpp.read_barcodes(Image.open(stream).convert("L"))

    assert [parse_invitation(each.text) for each in found] == [INVITATION]


def test_the_picture_needs_no_script_and_no_inline_style() -> None:
    svg = qr_svg(invitation_text(INVITATION))

    assert svg.startswith("<svg")
    assert not re.search(r"<script|style=|on[a-z]+=", svg)


def test_another_code_is_no_invitation() -> None:
    texts = [
        "",
        "https://example.com",
        "lamplighter://other?server=a&code=b",
        "04a2b3",
        "http://[::",
    ]

    assert [parse_invitation(text) for text in texts] == [None] * len(texts)


@pytest.fixture
def server(sqlite_engine: Engine, clock: HandClock) -> Iterator[Served]:
    with sqlite_engine.begin() as connection:
        create_crew(connection, Crew(crew_id="crew-1", name="巡线一班", area_ids=()), NOON)
        add_person(connection, "dispatch", Role.DISPATCHER)
        well = Inspected(entity_id="w", crew_id="crew-1", thing=WELL)
        put(connection, CHECKPOINTS, [well], NOON)
        put(connection, PLANS, [Inspected(entity_id="p", crew_id="crew-1", thing=PLAN)], NOON)
        put(connection, HOUSEHOLDS, [Inspected(entity_id="h", crew_id="crew-1", thing=HOME)], NOON)
    with served(sqlite_engine, clock) as found:
        yield found


@pytest.fixture
def dispatcher(server: Served) -> Iterator[Client]:
    headers = {"Origin": server.base_url, "Accept": "text/html"}
    with Client(base_url=server.base_url, headers=headers) as client:
        client.post("/login", data={"login": "dispatch", "password": PASSWORD})
        yield client


def test_routes_and_homes_are_on_the_page_in_both_languages(dispatcher: Client) -> None:
    english = dispatcher.get("/rounds")
    dispatcher.post("/me/language", data={"language": "zh", "back": "/rounds"})
    chinese = dispatcher.get("/rounds")

    assert english.status_code == chinese.status_code == 200
    assert "Valve well 31" in english.text
    assert "巡线一班" in english.text
    assert "31 号阀门井" in chinese.text
    assert "入户安检" in chinese.text


def test_the_gas_test_before_a_well_of_a_round_is_told_to_the_office(
    sqlite_engine: Engine, dispatcher: Client
) -> None:
    beside = replace(AIR, place="chamber 2")
    shut = replace(AIR, is_entry_allowed=False, lel_pct=22.0)
    unreadable: JsonObject = {**gas_json(AIR), "purpose": "unheard-of"}
    with sqlite_engine.begin() as connection:
        for number, payload in enumerate((gas_json(beside), gas_json(shut), unreadable)):
            insert_fact(connection, air_fact(number, payload))
    english = told_rows(dispatcher.get("/rounds").text)
    dispatcher.post("/me/language", data={"language": "zh", "back": "/rounds"})
    chinese = told_rows(dispatcher.get("/rounds").text)

    assert english == [
        ("Gas test", "Valve well 31", "cannot be read"),
        ("Nobody went in", "Valve well 31", "O₂ 20.8 % · 22 % LEL · GX-7"),
        ("Entry allowed", "Valve well 31", "O₂ 20.8 % · 0 % LEL · chamber 2 · GX-7"),
    ]
    assert [what for what, _, _ in chinese] == ["气体检测", "未进入", "允许进入"]


def air_fact(number: int, payload: JsonObject, kind: FactType = FactType.GAS_MEASUREMENT) -> Fact:
    return Fact(
        fact_id=f"fact-{number}",
        order_id=None,
        fact_type=kind,
        payload=payload,
        actor="a-1",
        tablet_id="t-1",
        op_id=f"op-{number}",
        happened_at_utc=NOON + timedelta(minutes=number),
        received_at_utc=NOON + timedelta(minutes=number),
    )


def told_rows(page: str) -> list[tuple[str, str, str]]:
    """Return what, where and in which words of each row of what inspectors found."""
    rows = re.findall(r"<tr><td class=\"num nw\">.*?</tr>", page)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row)[1:] for row in rows]
    bare = [[html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in cells]
    return [(what, where, words) for what, where, words, _who in bare]


VISITED = replace(HOME, community="Binhe", building="12", room="3-902", meter_id="GM-000001")
BUBBLES = Hazard(
    item=CheckItem.PIPE_TIGHTNESS, severity=2, note="bubbles", due_at_utc=NOON - timedelta(days=1)
)
NO_FLUE = Hazard(item=CheckItem.WATER_HEATER_FLUE, severity=1)


def test_the_office_reads_which_home_has_which_hazard_and_what_was_no_danger(
    sqlite_engine: Engine, dispatcher: Client
) -> None:
    found = SafetyCheck(
        household_id="h",
        is_no_access=False,
        answers={},
        hazards=(BUBBLES, NO_FLUE),
        notice=NoticeOutcome.REFUSED,
    )
    calmed = SafetyCheck(
        household_id="h", is_no_access=False, answers={}, taken_back={CheckItem.HOSE: "wrong home"}
    )
    nobody = SafetyCheck(household_id="h", is_no_access=True, answers={})
    home = replace(household_after(VISITED, found, NOON), meter_id="GM-000001")
    with sqlite_engine.begin() as connection:
        put(connection, HOUSEHOLDS, [Inspected(entity_id="h", crew_id="crew-1", thing=home)], NOON)
        for number, check in enumerate((found, calmed, nobody)):
            payload = safety_check_json(check)
            insert_fact(connection, air_fact(number, payload, FactType.SAFETY_CHECK))
    english = html.unescape(dispatcher.get("/rounds").text)
    dispatcher.post("/me/language", data={"language": "zh", "back": "/rounds"})
    chinese = html.unescape(dispatcher.get("/rounds").text)

    due = "until 2026-11-01"
    hazards = ("Water heater and flue", f"Tightness of the pipes: bubbles ({due})")
    assert told_rows(english) == [
        ("no access", "Binhe 12 3-902", ""),
        ("home in order", "Binhe 12 3-902", "no danger any more: Hose (wrong home)"),
        ("hazard: shut off", "Binhe 12 3-902", " · ".join((*hazards, "notice refused"))),
    ]
    card = english[english.index("<b>Binhe 12 3-902</b>") :]
    for words in ("GM-000001", "shut off at once", *hazards, "overdue"):
        assert words in card
    for words in (
        "隐患：须停气",
        "管道严密性：bubbles",
        "通知书拒签",
        "险情解除：软管（wrong home）",
    ):
        assert words in chinese


def test_what_was_measured_at_a_checkpoint_is_said_with_name_and_unit(
    sqlite_engine: Engine, dispatcher: Client
) -> None:
    point = PatrolPoint(
        run_id="run-1",
        plan_id="p",
        checkpoint_id="w",
        outcome=PointOutcome.OK,
        values={Measure.GAS_LEL_PCT: 4.0, Measure.WELL_WATER_CM: 62.5},
        beyond=(Measure.WELL_WATER_CM,),
        entry=WellEntry.WENT_IN,
    )
    seen = CheckIn(run_id="run-1", plan_id="p", checkpoint_id="w", way=CheckInWay.BY_HAND)
    odd: JsonObject = {**point_json(point), "outcome": "unheard-of"}
    told = (
        (FactType.PATROL_POINT, point_json(point)),
        (FactType.CHECK_IN, check_in_json(seen)),
        (FactType.PATROL_POINT, odd),
    )
    with sqlite_engine.begin() as connection:
        for number, (kind, payload) in enumerate(told):
            insert_fact(connection, air_fact(number, payload, kind))

    measured = "went in · Gas in air 4 % LEL · Water in the well 62.5 cm (beyond the limit)"
    assert told_rows(dispatcher.get("/rounds").text) == [
        ("Checkpoint", "Valve well 31", "cannot be read"),
        (
            "all well",
            "Valve well 31",
            f"{measured} · by the inspector’s word",
        ),
    ]


def test_what_is_wrong_at_a_stop_is_told_first_and_being_there_alone_is_a_row(
    sqlite_engine: Engine, dispatcher: Client
) -> None:
    hinge = PatrolPoint(
        run_id="run-1",
        plan_id="p",
        checkpoint_id="w",
        outcome=PointOutcome.DEFECT,
        values={Measure.GAS_LEL_PCT: 0.0},
        defect=Defect(severity=3, note="hinge is loose"),
    )
    later = CheckIn(run_id="run-2", plan_id="p", checkpoint_id="w", way=CheckInWay.NFC)
    with sqlite_engine.begin() as connection:
        insert_fact(connection, air_fact(1, point_json(hinge), FactType.PATROL_POINT))
        insert_fact(connection, air_fact(2, check_in_json(later), FactType.CHECK_IN))

    assert told_rows(dispatcher.get("/rounds").text) == [
        ("there", "Valve well 31", "tag read"),
        ("defect", "Valve well 31", "severity 3 · hinge is loose · Gas in air 0 % LEL"),
    ]


def test_what_was_begun_at_a_stop_and_kept_by_nobody_stands_with_the_end_of_the_route(
    sqlite_engine: Engine, dispatcher: Client
) -> None:
    begun = BegunPoint(
        checkpoint_id="w",
        author="dispatch",
        at_ms=1_793_592_000_000,
        severity=2,
        note="cover is loose",
        values={Measure.GAS_LEL_PCT: "15", Measure.WELL_WATER_CM: "3"},
        beyond=(Measure.GAS_LEL_PCT,),
    )
    run = PatrolRun(
        run_id="run-1", plan_id="p", phase=RunPhase.SUBMITTED, stops=("w",), begun=(begun,)
    )
    with sqlite_engine.begin() as connection:
        insert_fact(connection, air_fact(1, run_json(run), FactType.PATROL_RUN))

    english = html.unescape(dispatcher.get("/rounds").text)
    dispatcher.post("/me/language", data={"language": "zh", "back": "/rounds"})
    chinese = html.unescape(dispatcher.get("/rounds").text)

    assert (
        "begun and not kept at Valve well 31 (dispatch): severity 2, cover is loose, "
        "Gas in air 15 % LEL (beyond the limit), Water in the well 3 cm"
    ) in english
    assert "填写但未保存" in chinese


def test_a_route_that_should_have_been_walked_says_so(
    sqlite_engine: Engine, dispatcher: Client, clock: HandClock
) -> None:
    due = replace(PLAN, due_at_utc=NOON)
    with sqlite_engine.begin() as connection:
        put(connection, PLANS, [Inspected(entity_id="p", crew_id="crew-1", thing=due)], NOON)
    in_time = dispatcher.get("/rounds").text
    clock.advance(minutes=1)

    assert "overdue" not in in_time
    assert '<span class="danger b">due 12:00 · overdue</span>' in dispatcher.get("/rounds").text


def test_the_code_of_a_tablet_is_shown_to_be_scanned(dispatcher: Client) -> None:
    page = dispatcher.post("/tablets/code", data={"crew": "crew-1"}).text
    code = re.search(r'<output class="secret">([^<]+)</output>', page)
    picture = re.search(r'<div class="qr"[^>]*>(<svg.*?</svg>)', page, re.DOTALL)

    assert code is not None
    assert picture is not None
    wanted = Invitation(
        server_url=str(dispatcher.base_url).rstrip("/"), code=html.unescape(code[1])
    )
    assert picture[1] == qr_svg(invitation_text(wanted))
