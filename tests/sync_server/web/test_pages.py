"""Every page over real HTTP: whole in both languages, safe with hostile text."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import escape, unescape

import pytest
from httpx import Client, Response
from sqlalchemy import Engine, event

from sync_server.access.account_store import Crew, create_crew, get_person, list_people
from sync_server.access.bootstrap import first_start_link
from sync_server.access.roles import Role
from sync_server.alerts.alert_list_store import get_alert
from sync_server.assets.asset_store import get_meter
from sync_server.db import engine_io
from sync_server.db.engine_io import reading
from sync_server.readings.arrivals import FrameKey, Refused
from sync_server.readings.quarantine_store import keep_refused
from sync_server.sync.review_store import NewReview, ReviewKind, add_review
from sync_server.web import live_io
from sync_server.web.desk import ROWS_AT_ONCE
from sync_server.web.orders_io import ROWS_ON_PAGE
from sync_server.web.page_queries_store import open_review_count
from sync_server.work_orders.order_store import create_from_alert, get_order, list_orders
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import (
    PASSWORD,
    SITE,
    SPOTS,
    Served,
    Spot,
    add_person,
    add_spot,
    seed_desk,
    served,
)
from wire_contracts.alert_states import Condition, Disposition, Visibility
from wire_contracts.codes import Code
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

HOSTILE = "<script>alert('x')</script>\"'&"
MOST_ROW_BYTES = 1600
"""A row of the desk with its share of the page; 2000 were half a megabyte with 300 open alerts."""

PAGES = ("/alerts", "/orders", "/meters", "/meters/WM-204418", "/gateways", "/review", "/tablets")


@pytest.fixture
def server(sqlite_engine: Engine, clock: HandClock) -> Iterator[Served]:
    with served(sqlite_engine, clock) as found:
        yield found


def client_of(server: Served) -> Client:
    return Client(
        base_url=server.base_url, headers={"Origin": server.base_url, "Accept": "text/html"}
    )


@pytest.fixture
def visitor(server: Served) -> Iterator[Client]:
    with client_of(server) as found:
        yield found


def log_in(client: Client, login: str) -> Response:
    return client.post("/login", data={"login": login, "password": PASSWORD})


@pytest.fixture
def operator(visitor: Client, alert_ids: dict[str, str]) -> Client:  # noqa: ARG001  # a desk's morning
    assert log_in(visitor, "zhou min").status_code == 303
    return visitor


def alert_of(engine: Engine, meter_id: str) -> str:
    with reading(engine) as connection:
        rows = connection.exec_driver_sql(
            f"SELECT alert_id FROM alert WHERE meter_id = '{meter_id}'"  # noqa: S608  # a test's own text
        )
        found: str = rows.scalar_one()
        return found


@pytest.mark.parametrize(("language", "word"), [("en", "Orders"), ("zh", "工单")])
def test_every_page_is_whole_in_both_languages(operator: Client, language: str, word: str) -> None:
    operator.post("/me/language", data={"language": language})

    answers = {path: operator.get(path) for path in PAGES}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(
        PAGES, 200
    )
    wanted = "zh-CN" if language == "zh" else "en"
    assert all(f'<html lang="{wanted}"' in answer.text for answer in answers.values())
    assert all(word in answer.text for answer in answers.values())


def test_hostile_text_is_shown_and_never_run(operator: Client, sqlite_engine: Engine) -> None:
    spot = Spot(
        meter_id="WM-1<b>",
        medium=Medium.WATER,
        kind=Kind.BURST,
        rule="continuous_flow",
        place=(HOSTILE, HOSTILE),
        address=HOSTILE,
        value=9.0,
        limit=4.0,
        unit="m³/h",
        hours_ago=0.0,
    )
    with sqlite_engine.begin() as connection:
        alert_id = add_spot(connection, spot, NOON)

    shown = [
        operator.get(path).text
        for path in (f"/alerts?alert={alert_id}&q={'%3Cscript%3E'}", "/meters?q=WM-1", "/meters")
    ]

    assert all(
        "<script>alert" not in text and "<b>" not in text.split("WM-1")[1][:9] for text in shown
    )
    assert any(escape("<script>alert(", quote=False) in text for text in shown)


def test_language_and_theme_are_the_persons_and_survive_a_new_log_in(
    operator: Client, server: Served
) -> None:
    operator.post("/me/language", data={"language": "zh"})
    operator.post("/me/theme", data={"theme": "dark"})

    with client_of(server) as elsewhere:
        log_in(elsewhere, "zhou min")
        page = elsewhere.get("/alerts").text

    assert '<html lang="zh-CN" data-theme="dark">' in page


def test_the_one_time_link_sets_the_administrator_once(
    visitor: Client, sqlite_engine: Engine
) -> None:
    with sqlite_engine.begin() as connection:
        path = first_start_link(connection, NOON)
    assert path is not None
    form = {"login": "root", "display_name": "Root", "password": PASSWORD}

    shown = visitor.get(path).status_code
    weak = visitor.post(path, data={**form, "password": "short"}).status_code
    made = visitor.post(path, data=form)
    again = visitor.post(path, data=form).status_code
    log_in(visitor, "root")

    assert (shown, weak, made.status_code, again) == (200, 400, 303, 410)
    assert visitor.get("/", follow_redirects=True).url.path == "/gateways"


def test_a_wrong_password_is_answered_without_saying_which_part_was_wrong(
    visitor: Client, sqlite_engine: Engine
) -> None:
    with sqlite_engine.begin() as connection:
        add_person(connection, "known", Role.DISPATCHER)

    wrong = [
        visitor.post("/login", data={"login": login, "password": "not this one"})
        for login in ("known", "unknown")
    ]

    texts = [answer.text.replace("unknown", "known") for answer in wrong]
    assert [answer.status_code for answer in wrong] == [401, 401]
    assert texts[0] == texts[1]
    assert "set-cookie" not in wrong[0].headers


def test_a_page_without_a_session_leads_to_the_log_in_and_back(
    visitor: Client, sqlite_engine: Engine
) -> None:
    seed_desk(sqlite_engine, NOON)

    sent = visitor.get("/orders?tab=done")
    visitor.post("/login", data={"login": "zhou min", "password": PASSWORD})

    assert sent.headers["location"] == "/login?back=%2Forders%3Ftab%3Ddone"
    assert visitor.get("/orders?tab=done").status_code == 200


def test_after_log_out_the_old_cookie_opens_nothing(operator: Client) -> None:
    cookie = dict(operator.cookies)

    operator.post("/logout")
    operator.cookies.update(cookie)

    assert operator.get("/alerts").status_code == 303


def test_acting_works_without_any_script(operator: Client, sqlite_engine: Engine) -> None:
    leak, burst = alert_of(sqlite_engine, "WM-204418"), alert_of(sqlite_engine, "HM-100214")

    seen = operator.post(f"/alerts/{leak}/acknowledge")
    sent = operator.post(f"/alerts/{burst}/dispatch", data={"crew": "crew-3"})

    with reading(sqlite_engine) as connection:
        assert get_alert(connection, leak).condition is Condition.ACKNOWLEDGED
        assert get_alert(connection, burst).disposition is Disposition.ORDERED
    assert (seen.status_code, sent.status_code) == (303, 303)


def test_a_refused_action_says_what_is_possible(operator: Client, sqlite_engine: Engine) -> None:
    alert_id = alert_of(sqlite_engine, "HM-100877")

    again = operator.post(f"/alerts/{alert_id}/acknowledge")

    assert again.status_code == 409
    assert "possible now" in again.text


def test_a_gas_safety_alert_cannot_be_shelved(operator: Client, sqlite_engine: Engine) -> None:
    alert_id = alert_of(sqlite_engine, "GM-031207")

    answer = operator.post(f"/alerts/{alert_id}/shelve", data={"minutes": "30", "reason": "never"})

    with reading(sqlite_engine) as connection:
        assert get_alert(connection, alert_id).visibility is Visibility.SHOWN
    assert answer.status_code == 409
    assert "cannot be shelved" in answer.text


def test_an_order_is_cancelled_and_the_alert_waits_again(
    operator: Client, sqlite_engine: Engine
) -> None:
    with reading(sqlite_engine) as connection:
        order = next(each for each in list_orders(connection) if each.document.meter_id == "DMA-03")

    shown = operator.get(f"/orders/{order.order_id}").text
    done = operator.post(f"/orders/{order.order_id}/act", data={"event": "cancel"})
    refused = operator.post(f"/orders/{order.order_id}/act", data={"event": "verify"})

    with reading(sqlite_engine) as connection:
        alert = get_alert(connection, str(order.document.alert_id))
    assert "Cancel order" in shown
    assert (done.status_code, refused.status_code) == (303, 409)
    assert alert.disposition is Disposition.NONE


def test_an_order_is_given_to_another_crew(operator: Client, sqlite_engine: Engine) -> None:
    with reading(sqlite_engine) as connection:
        order = next(each for each in list_orders(connection) if each.document.meter_id == "DMA-03")

    shown = operator.get(f"/orders/{order.order_id}").text
    sent = operator.post(f"/orders/{order.order_id}/assign", data={"crew": "crew-3"})
    unknown = operator.post(f"/orders/{order.order_id}/assign", data={"crew": "crew-99"})

    with reading(sqlite_engine) as connection:
        crew_id = get_order(connection, order.order_id).document.crew_id
    assert "Give to another crew" in shown
    assert (sent.status_code, unknown.status_code, crew_id) == (303, 404, "crew-3")


def test_the_help_shows_the_keys_of_its_own_page(operator: Client) -> None:
    helps = [operator.get(each).text.split('id="help"')[1] for each in ("/alerts", "/board")]

    assert ["acknowledge" in each for each in helps] == [True, False]
    assert ["send to that crew" in each for each in helps] == [False, True]
    assert all("this page of keys" in each for each in helps)


def test_a_long_list_of_orders_is_shown_in_pages(operator: Client, sqlite_engine: Engine) -> None:
    spots = [replace(SPOTS[3], meter_id=f"WM-{number:06d}") for number in range(ROWS_ON_PAGE)]
    with sqlite_engine.begin() as connection:
        who = next(each for each in list_people(connection) if each.login == "zhou min")
        for spot in spots:
            alert_id = add_spot(connection, spot, NOON)
            create_from_alert(connection, alert_id, who.account_id, "crew-3", NOON)

    first = operator.get("/orders?tab=open").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    second = operator.get(unescape(older[1])).text

    numbers = [re.findall("WO-[0-9]{6}", page) for page in (first, second)]
    total = ROWS_ON_PAGE + 2
    assert sorted(numbers[0] + numbers[1]) == [f"WO-{each + 1:06d}" for each in range(total)]
    assert len(numbers[1]) == 2
    assert 'rel="next"' not in second
    assert 'href="/orders?tab=open" data-key="["' in second


def test_a_flood_shows_the_first_rows_and_counts_the_rest(
    operator: Client, sqlite_engine: Engine
) -> None:
    with sqlite_engine.begin() as connection:
        for number in range(ROWS_AT_ONCE + 20):
            add_spot(connection, replace(SPOTS[3], meter_id=f"WM-{number:06d}"), NOON)

    folded = operator.get("/alerts/list").text
    key = "slow_leak~Xinhua Garden"
    short = operator.get("/alerts/list", params={"group": key}).text
    whole = operator.get("/alerts/list", params={"group": key, "rows": "all"}).text

    assert folded.count('role="row" id="alert-') < len(SPOTS)
    assert f"+{ROWS_AT_ONCE + 20}</a>" in folded
    listed = len(SPOTS) + 20 - 2  # one is pinned, one shelved
    assert short.count('role="row" id="alert-') == ROWS_AT_ONCE + 1
    assert f"{listed} more: show the next" in short
    assert whole.count('role="row" id="alert-') == ROWS_AT_ONCE + listed + 1


def test_many_safety_alerts_are_pinned_from_the_newest_and_the_rest_is_counted(
    operator: Client, sqlite_engine: Engine
) -> None:
    pinned = next(each for each in SPOTS if each.medium is Medium.GAS)
    with sqlite_engine.begin() as connection:
        ids = [
            add_spot(
                connection,
                replace(pinned, meter_id=f"GM-{number:06d}"),
                NOON + timedelta(seconds=number),
            )
            for number in range(ROWS_AT_ONCE + 5)
        ]

    answer = operator.get("/alerts/list?q=nothing-is-called-so")
    pins = answer.text.split('id="rows"')[0]
    whole = operator.get("/alerts/list?rows=all").text.split('id="rows"')[0]

    assert pins.count('role="row" id="alert-') == ROWS_AT_ONCE
    assert "6 more: show the next" in pins  # five, and the desk's own
    assert f'id="alert-{ids[-1]}"' in pins
    assert all(f'id="alert-{each}"' in whole for each in ids)
    assert len(answer.content) / ROWS_AT_ONCE < MOST_ROW_BYTES


def test_a_device_in_quarantine_is_adopted_with_one_action(
    operator: Client, sqlite_engine: Engine
) -> None:
    refused = Refused(
        key=FrameKey(gateway_id="gw-07", epoch=3, seq=9),
        payload_hash=77,
        code=Code.METER_UNKNOWN,
        reason="frame: d: 'SN-NEW/1' is not known; adopt it",
        body=b'{"d":"SN-NEW/1"}',
        device_serial="SN-NEW/1",
        measured_at_ms=None,
    )
    with sqlite_engine.begin() as connection:
        keep_refused(connection, [refused], NOON)

    shown = operator.get("/gateways").text
    answer = operator.post(
        "/quarantine/device/SN-NEW%2F1/adopt",
        data={"meter_id": "WM-555", "medium": "water", "meter_class": "household"},
    )

    assert "SN-NEW/1" in shown
    assert (
        "/quarantine/device/SN-NEW%2F1/adopt" in shown
        or "/quarantine/device/SN-NEW/1/adopt" in shown
    )
    with reading(sqlite_engine) as connection:
        record = get_meter(connection, "WM-555")
    assert answer.status_code == 200
    assert record is not None
    assert record.device_serial == "SN-NEW/1"


def test_a_review_item_needs_a_reason_and_is_then_resolved(
    operator: Client, sqlite_engine: Engine
) -> None:
    new = NewReview(
        kind=ReviewKind.REFUSED, op_id=None, entity="work_order", entity_id="x", code=Code.STATE
    )
    with sqlite_engine.begin() as connection:
        review_id = add_review(connection, new, NOON)

    empty = operator.post(f"/review/{review_id}/resolve", data={"reason": " "})
    done = operator.post(f"/review/{review_id}/resolve", data={"reason": "crew told"})

    with reading(sqlite_engine) as connection:
        assert open_review_count(connection) == 0
    assert (empty.status_code, done.status_code) == (400, 303)


def test_an_administrator_makes_a_crew_an_account_and_a_code_that_is_shown_once(
    visitor: Client, sqlite_engine: Engine
) -> None:
    seed_desk(sqlite_engine, NOON)
    log_in(visitor, "root")

    visitor.post("/crews", data={"crew_id": "crew-9", "name": "Crew 9"})
    again = visitor.post("/crews", data={"crew_id": " crew-9 ", "name": "Crew 9"})
    made = visitor.post(
        "/accounts",
        data={
            "login": "li wei",
            "display_name": "Li Wei",
            "role": "crew_member",
            "crew_id": "crew-9",
            "language": "zh",
            "password": PASSWORD,
        },
    )
    taken = visitor.post("/accounts", data={"login": "li wei", "password": PASSWORD})
    code = visitor.post("/tablets/code", data={"crew": "crew-9"}).text
    later = visitor.get("/tablets").text

    assert (made.status_code, taken.status_code, again.status_code) == (200, 400, 400)
    assert "Li Wei" in made.text
    assert PASSWORD not in taken.text
    assert '<output class="secret">' in code
    assert '<output class="secret">' not in later


def test_an_administrator_ends_anothers_access_but_not_their_own(
    visitor: Client, server: Served, sqlite_engine: Engine
) -> None:
    seed_desk(sqlite_engine, NOON)
    log_in(visitor, "root")
    with reading(sqlite_engine) as connection:
        ids = {each.login: each.account_id for each in list_people(connection)}
    with client_of(server) as other:
        log_in(other, "zhou min")

        ended = visitor.post(f"/accounts/{ids['zhou min']}/deactivate")
        own = visitor.post(f"/accounts/{ids['root']}/deactivate")

        assert (ended.status_code, own.status_code) == (303, 400)
        assert other.get("/alerts").status_code == 303
        assert log_in(other, "zhou min").status_code == 401
    assert visitor.get("/accounts").text.count("Yes, end it") == 0


def test_an_administrator_moves_a_person_to_another_crew_and_back(
    visitor: Client, sqlite_engine: Engine
) -> None:
    seed_desk(sqlite_engine, NOON)
    with sqlite_engine.begin() as connection:
        create_crew(connection, Crew(crew_id="crew-8", name="Night crew", area_ids=()), NOON)
        wang = person(connection, "wang", Role.CREW_MEMBER)
    log_in(visitor, "root")

    moved = visitor.post(f"/accounts/{wang.account_id}/crew", data={"crew_id": "crew-8"})
    unknown = visitor.post(f"/accounts/{wang.account_id}/crew", data={"crew_id": "crew-0"})
    page = visitor.get("/accounts").text
    with reading(sqlite_engine) as connection:
        crew_id = get_person(connection, wang.account_id).crew_id
    visitor.post(f"/accounts/{wang.account_id}/crew", data={"crew_id": ""})

    assert (moved.status_code, unknown.status_code, crew_id) == (303, 404, "crew-8")
    assert '<option value="crew-8" selected>Night crew</option>' in page
    with reading(sqlite_engine) as connection:
        assert get_person(connection, wang.account_id).crew_id is None


def test_every_answer_carries_the_security_headers_and_pages_are_never_cached(
    operator: Client,
) -> None:
    answers = [
        operator.get(path)
        for path in ("/alerts", "/login", "/health/live", "/static/css/app.css", "/nothing-here")
    ]

    assert all("default-src 'none'" in each.headers["content-security-policy"] for each in answers)
    assert all(each.headers["x-content-type-options"] == "nosniff" for each in answers)
    assert [each.headers.get("cache-control") for each in answers[:3]] == ["no-store"] * 3


def test_the_server_says_that_it_lives_and_is_ready(visitor: Client) -> None:
    assert [visitor.get(f"/health/{name}").status_code for name in ("live", "ready")] == [200, 200]


def heard(client: Client, last_event_id: str) -> tuple[int, list[str]]:
    """Return the first place to resume from, and the topics that came before it."""
    topics: list[str] = []
    place = 0
    headers = {"Last-Event-ID": last_event_id, "Accept": "text/event-stream"}
    with client.stream("GET", "/live?after=0", headers=headers, timeout=60) as answer:
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                place = int(value)
            elif name == "data" and not value.isdigit():
                topics.append(value)
                if place:
                    return place, topics
    raise AssertionError(topics)


def test_the_stream_resumes_after_the_last_event_that_was_seen(
    operator: Client, sqlite_engine: Engine
) -> None:
    place, topics = heard(operator, "0")
    operator.post(f"/alerts/{alert_of(sqlite_engine, 'WM-204418')}/acknowledge")

    resumed = heard(operator, str(place))

    assert topics == ["alert", "gateway", "order"]
    assert resumed == (place + 1, ["alert"])


def test_a_place_beyond_the_end_of_the_feed_hides_nothing_that_comes(
    operator: Client, sqlite_engine: Engine
) -> None:
    headers = {"Last-Event-ID": str(2**61), "Accept": "text/event-stream"}
    with operator.stream("GET", "/live", headers=headers, timeout=60) as answer:
        lines = answer.iter_lines()
        next(line for line in lines if line == "event: beat")
        operator.post(f"/alerts/{alert_of(sqlite_engine, 'WM-204418')}/acknowledge")
        told = next(line for line in lines if line == "event: feed")

    assert told == "event: feed"


def test_a_busy_database_is_told_in_the_readers_language_and_nothing_is_done(
    operator: Client, sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.post("/me/language", data={"language": "zh"})
    path = f"/alerts/{alert_of(sqlite_engine, 'WM-204418')}/acknowledge"
    monkeypatch.setattr(engine_io, "BUSY_TIMEOUT_S", 0.02)
    sqlite_engine.dispose()
    with sqlite_engine.begin():
        page = operator.post(path)
        part = operator.post(path, headers={"HX-Request": "true"})
    done = operator.post(path)

    assert (page.status_code, part.status_code, done.status_code) == (503, 503, 303)
    assert all("未执行：数据库正忙，请再按一次。" in each.text for each in (page, part))
    assert part.headers["HX-Reswap"] == "afterbegin"


def test_a_turn_to_write_is_asked_for_twice(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_io, "BUSY_TIMEOUT_S", 0.0)
    sqlite_engine.dispose()
    holder = sqlite_engine.connect()
    asked: list[str] = []

    def give_way(*_error: object) -> None:
        asked.append("refused")
        holder.close()

    holder.begin()
    event.listen(sqlite_engine, "handle_error", give_way)
    with engine_io.writing(sqlite_engine) as connection:
        connection.exec_driver_sql("SELECT 1")

    assert asked == ["refused"]


def test_an_account_with_too_many_open_pages_is_told_so(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_io, "MOST_STREAMS", 1)
    with operator.stream("GET", "/live", timeout=60) as first:
        lines = first.iter_lines()
        next(line for line in lines if line == "event: beat")
        second = operator.get("/live", timeout=60)

    assert (second.status_code, second.json()["code"]) == (429, "login.limited")


def test_behind_tls_a_page_that_was_loaded_without_it_changes_nothing(
    sqlite_engine: Engine, clock: HandClock
) -> None:
    with served(sqlite_engine, clock, replace(SITE, is_https=True)) as web:
        host = web.base_url.removeprefix("http://")
        with Client(base_url=web.base_url) as client:
            answers = [
                client.post("/login", data={}, headers={"Origin": f"{scheme}://{host}"}).status_code
                for scheme in ("http", "https")
            ]

    assert answers[0] == 403
    assert answers[1] != 403


def test_an_order_number_in_the_search_leads_straight_to_the_order(operator: Client) -> None:
    answer = operator.get("/meters", params={"q": "wo-000001"})

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/orders/")


def test_sessions_follow_the_wall_when_the_sites_clock_runs_ahead(
    operator: Client, clock: HandClock
) -> None:
    clock.at_utc += timedelta(days=30)

    assert operator.get("/alerts").status_code == 200
