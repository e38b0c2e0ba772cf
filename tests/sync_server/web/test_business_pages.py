"""Hall, cash, staff, parts of the network, imports and recordings over real HTTP."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.access.roles import Role
from sync_server.assets.network_store import save_network
from sync_server.db.engine_io import reading
from sync_server.sales.sale_rows import parse_sale
from sync_server.sales.sale_store import put_sales
from sync_server.service_desk.call_store import note_call
from sync_server.service_desk.calls import CallEvent, CallNotice
from sync_server.service_desk.request_rows_store import newest_page
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import PASSWORD, Served, add_person
from tests.sync_server.web.intake_town import seed_homes
from wire_contracts.network import NetworkPart, NetworkPoint, PipeLevel, Plane, PointKind
from wire_contracts.quantities import Medium
from wire_contracts.request_states import RequestState

Enter = Callable[[str], Client]


@pytest.fixture
def people(sqlite_engine: Engine, alert_ids: dict[str, str]) -> dict[str, str]:
    assert alert_ids
    with sqlite_engine.begin() as connection:
        found = seed_homes(connection)
        found["wu"] = add_person(connection, "wu", Role.WINDOW_CLERK)
        return found


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


def in_both(client: Client, *paths: str) -> set[int]:
    found = set()
    for language in ("zh", "en"):
        client.post("/me/language", data={"language": language, "back": "/"})
        found |= {client.get(path).status_code for path in paths}
    return found


def test_the_hall_gives_numbers_and_calls_them(enter: Enter) -> None:
    """Rule B-01."""
    clerk, boss = enter("wu"), enter("boss")
    given = clerk.post("/hall/numbers", data={"need": "pay", "counter": "2"})
    called = clerk.post("/hall/next", data={"counter": "2"})
    page = clerk.get("/hall?counter=2").text
    wrong = clerk.post("/hall/1", data={"event": "call", "counter": "2"})
    served = clerk.post("/hall/1", data={"event": "serve"})
    twice = clerk.post("/hall/1", data={"event": "serve"})
    missing = clerk.post("/hall/99", data={"event": "serve"})

    assert [each.status_code for each in (given, called, wrong, served, twice, missing)] == [
        303,
        303,
        303,
        303,
        409,
        404,
    ]
    assert "At a window 1" in page
    assert in_both(clerk, "/hall", "/hall?counter=0") == {200}
    assert in_both(boss, "/reports/hall") == {200}


def test_the_cash_of_a_day_is_closed_and_banked(
    enter: Enter, sqlite_engine: Engine, people: dict[str, str]
) -> None:
    """Rule E-08."""
    sale = {
        "sale_id": "S-1",
        "day": "2026-11-02",
        "medium": "gas",
        "customer_class": "resident",
        "volume_m3": "20",
        "amount_yuan": "56.5",
        "paid_by": "cash",
        "seller": "wu",
    }
    with sqlite_engine.begin() as connection:
        put_sales(connection, [parse_sale(sale)])
    clerk, agent = enter("wu"), enter("liu")
    shown = clerk.get("/cash").text
    differs = clerk.post("/cash", data={"day": "2026-11-02", "counted": "50"})
    odd = clerk.post("/cash", data={"day": "today", "counted": "50"})
    nan = clerk.post("/cash", data={"day": "2026-11-02", "counted": "NaN"})
    closed = clerk.post("/cash", data={"day": "2026-11-02", "counted": "56.50"})
    banked = clerk.post(f"/cash/2026-11-02/{people['wu']}/bank", data={"bank_slip": "ICBC 1"})

    assert "56.50" in shown
    assert [each.status_code for each in (differs, odd, nan, closed, banked)] == [
        409,
        409,
        409,
        303,
        303,
    ]
    assert "-6.50 yuan" in differs.text
    assert agent.get("/cash").status_code == 403
    assert in_both(clerk, "/cash", "/cash?day=x") == {200}
    assert in_both(enter("boss"), "/reports/cash", "/reports/sales", "/reports/rates") == {200}


def test_skills_teams_and_messages_are_kept_on_one_page(
    enter: Enter, people: dict[str, str]
) -> None:
    """Rules A-44, D-07, E-01."""
    boss, agent = enter("boss"), enter("liu")
    skill = {"account_id": people["liu"], "skill": "speaks_yue", "ends_on": "2026-12-01"}
    noted = boss.post("/staff/skills", data=skill)
    wrong = boss.post("/staff/skills", data={**skill, "ends_on": "soon"})
    team = boss.post(f"/staff/{people['liu']}/team", data={"team": "收费班"})
    named = boss.post("/staff/teams/patrol", data={"aliases": "巡查班\n"})
    taken = boss.post("/staff/teams/patrol", data={"aliases": "客服班"})
    left = boss.post("/staff/messages", data={"to": people["liu"], "text": "call <b>me</b>"})
    empty = boss.post("/staff/messages", data={"to": people["liu"], "text": " "})
    forbidden = agent.post("/staff/skills", data=skill)
    page = agent.get("/staff").text
    stranger = boss.post("/staff/messages/1/read")
    read = agent.post("/staff/messages/1/read")

    answers = (noted, wrong, team, named, taken, left, empty, forbidden, stranger, read)
    assert [each.status_code for each in answers] == [
        303,
        409,
        303,
        303,
        409,
        303,
        409,
        403,
        404,
        303,
    ]
    assert "call &lt;b&gt;me" in page
    assert "Speaks Cantonese · 2026-12-01" in page
    assert "Service team" in page
    assert in_both(agent, "/staff") | in_both(boss, "/staff") == {200}


def test_a_defect_of_the_network_is_reported_and_has_its_order(
    enter: Enter, sqlite_engine: Engine
) -> None:
    """Rule E-02."""
    well = NetworkPoint(
        point_id="W-1",
        kind=PointKind.VALVE_WELL,
        medium=Medium.GAS,
        level=PipeLevel.MEDIUM,
        x_m=0.0,
        y_m=0.0,
        name="Well <1>",
    )
    plane = Plane(latitude_deg=39.9, longitude_deg=116.4)
    with sqlite_engine.begin() as connection:
        save_network(connection, NetworkPart(area_id="binhe", plane=plane, points=(well,)), NOON)
    dispatcher, agent = enter("wei"), enter("liu")
    found = dispatcher.post(
        "/plant/W-1", data={"event": "find_defect", "text": "leaks", "severity": "2"}
    )
    again = dispatcher.post("/plant/W-1", data={"event": "find_defect", "text": "leaks"})
    page = dispatcher.get("/plant?part=W-1").text
    forbidden = agent.post("/plant/W-1", data={"event": "isolate", "text": "x"})

    assert [each.status_code for each in (found, again, forbidden)] == [303, 409, 403]
    assert "Well &lt;1&gt;" in page
    assert "/orders/" in page
    assert dispatcher.get("/plant?part=none").status_code == 404
    assert in_both(dispatcher, "/plant", "/plant?part=W-1", "/plant?q=zz&state=defect") == {200}
    assert in_both(enter("boss"), "/reports/plant") == {200}


HOMES = (
    "premises_id,address,community_id,customer_id,name,phone,customer_class,flags,language,"
    "contact_window,is_confidential,is_heated,meter_ids\n"
)


def test_a_file_is_shown_before_it_is_taken(enter: Enter) -> None:
    boss, agent = enter("boss"), enter("liu")
    good = f"{HOMES}p-70,1 <b>St</b>,binhe,c-70,王,13800001111,,,,,,,\n".encode()
    bad = f"{HOMES}p-71,,binhe,,,,,,,,,,\np-72,x,nowhere,,,,,,,,,,\n".encode()

    def bring(client: Client, content: bytes, kind: str = "homes") -> tuple[int, str, str]:
        answer = client.post(
            "/imports", data={"kind": kind}, files={"file": ("h.csv", content, "text/csv")}
        )
        _, _, rest = answer.text.partition('action="/imports/')
        return answer.status_code, answer.text, rest.partition('"')[0]

    wrong = bring(boss, bad)
    refused = boss.post(f"/imports/{wrong[2]}", data={"answer": "take"})
    shown = bring(boss, good)
    before = boss.get("/homes?q=13800001111").text
    taken = boss.post(f"/imports/{shown[2]}", data={"answer": "take"})
    twice = boss.post(f"/imports/{shown[2]}", data={"answer": "take"})
    third = bring(boss, good)
    dropped = boss.post(f"/imports/{third[2]}", data={"answer": "drop"})

    assert (wrong[0], "address: &#39;&#39; cannot be used; fill it in" in wrong[1]) == (422, True)
    assert "&#39;nowhere&#39; is not known" in wrong[1]
    assert (shown[0], "1 &lt;b&gt;St" in shown[1], "p-70" in before) == (200, True, False)
    assert [each.status_code for each in (refused, taken, twice, dropped)] == [422, 303, 404, 303]
    assert bring(boss, b"PK\x03\x04 torn")[0] == 422
    assert bring(boss, good, "sales")[0] == 422
    assert bring(agent, good)[0] == 403
    assert in_both(boss, "/imports", "/imports?taken=2") == {200}


def test_a_recording_is_named_to_who_gives_a_reason(enter: Enter, sqlite_engine: Engine) -> None:
    """Rule C-13."""
    with sqlite_engine.begin() as connection:
        for minutes, event in enumerate((CallEvent.RINGING, CallEvent.ANSWERED, CallEvent.ENDED)):
            notice = CallNotice(
                call_id="c-1",
                event=event,
                at_utc=NOON + timedelta(minutes=minutes),
                number="400",
                caller="155",
                seat="liu" if event is CallEvent.ANSWERED else "",
                hung_up_by="",
                recording="pbx://c-1" if event is CallEvent.ENDED else "",
            )
            note_call(connection, notice, NOON)
    agent, quality, dispatcher = enter("liu"), enter("he"), enter("wei")
    agent.post("/intake", data={"line": "nowater 3-2-1101", "call": "c-1"})
    with reading(sqlite_engine) as connection:
        request_id = newest_page(connection, frozenset(RequestState), None, 1)[0].request_id
    shown = [
        "/calls/c-1/recording" in each.get(f"/requests/{request_id}").text
        for each in (agent, quality, dispatcher)
    ]
    answers = [
        each.post("/calls/c-1/recording", data={"reason": reason})
        for each, reason in ((agent, "complaint"), (quality, ""), (dispatcher, "x"))
    ]

    assert shown == [True, True, False]
    assert [each.status_code for each in answers] == [200, 400, 403]
    assert "pbx://c-1" in answers[0].text
