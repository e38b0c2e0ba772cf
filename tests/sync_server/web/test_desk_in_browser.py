"""The alert desk in a real browser: live rows, keys alone, stale pages, narrow screens."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import Engine

from demo.screenshots_web_io import VIEWPORT
from sync_server.access.account_store import account_of_login
from sync_server.alerts.alert_list_store import get_alert
from sync_server.alerts.alert_store import acknowledge
from sync_server.db import engine_io
from sync_server.db.engine_io import reading
from sync_server.detection.watch.round_store import note_good_round
from sync_server.web.app_io import build_app
from sync_server.web.desk import ROWS_AT_ONCE
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import (
    PASSWORD,
    SITE,
    SPOTS,
    Served,
    Spot,
    add_spot,
    quick_hasher,
)
from wire_contracts.alert_states import Condition, Disposition, Visibility
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium


@pytest.fixture
def page(browser: Browser, desk: Served) -> Iterator[Page]:
    context = browser.new_context(viewport=VIEWPORT, locale="en-GB")
    found = context.new_page()
    problems: list[str] = []
    found.on("pageerror", lambda error: problems.append(str(error)))
    found.on("console", lambda message: problems.extend(policy_problems(message.text)))
    context.request.post(  # the log-in page itself would be one more page to load in every test
        f"{desk.base_url}/login",
        form={"login": "zhou min", "password": PASSWORD},
        headers={"Origin": desk.base_url},
    )
    found.goto(f"{desk.base_url}/alerts")
    yield found
    context.close()
    assert problems == []


def policy_problems(text: str) -> list[str]:
    return [text] if "Content Security" in text else []


def log_in(page: Page, base_url: str) -> None:
    page.goto(f"{base_url}/login")
    page.fill("#login", "zhou min")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("nav.rail")


def is_live(page: Page) -> None:
    expect(page.locator("#live")).to_have_class("it live ")


def new_spot(meter_id: str, medium: Medium = Medium.WATER) -> Spot:
    return Spot(
        meter_id=meter_id,
        medium=medium,
        kind=Kind.BURST,
        rule="continuous_flow",
        place=("Xinhua Garden", "新华花园"),
        address="1 New Lane",
        value=9.5,
        limit=4.0,
        unit="m³/h",
        hours_ago=0.0,
    )


def select_by_keys(page: Page, alert_id: str) -> None:
    is_live(page)
    for _ in range(len(SPOTS) + 2):
        row = page.locator(f"#alert-{alert_id}")
        if row.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("j")
    expect(page.locator(f"#evidence [data-alert='{alert_id}']")).to_be_visible()


def test_an_alert_committed_to_the_database_appears_without_reloading(
    page: Page, sqlite_engine: Engine
) -> None:
    is_live(page)
    page.evaluate("window.sameDocument = true")

    with sqlite_engine.begin() as connection:
        alert_id = add_spot(connection, new_spot("WM-777001"), NOON)

    row = page.locator(f"#alert-{alert_id}")
    expect(row).to_be_visible()
    expect(row).to_contain_text("Burst flow WM-777001")
    expect(row).to_contain_text("9.5 > 4 m³/h")
    expect(row).to_have_class("arow P2 un new")
    expect(page).to_have_title("(8) Alert desk · Lamplighter")
    assert page.evaluate("window.sameDocument") is True


def test_a_gas_safety_alert_is_pinned_and_spoken_at_once(page: Page, sqlite_engine: Engine) -> None:
    is_live(page)

    with sqlite_engine.begin() as connection:
        alert_id = add_spot(connection, new_spot("GM-900001", Medium.GAS), NOON)

    expect(page.locator(f"#pins #alert-{alert_id}")).to_be_visible()
    expect(page.locator("#shout")).to_contain_text("GM-900001")
    expect(page.locator("#safety-pill")).to_contain_text("2")


def test_in_a_night_of_gas_the_pins_have_most_of_the_list_and_say_how_many_wait_below(
    page: Page, sqlite_engine: Engine
) -> None:
    is_live(page)
    with sqlite_engine.begin() as connection:
        for number in range(22):
            add_spot(connection, new_spot(f"GM-9100{number:02}", Medium.GAS), NOON)
    line = page.locator("#pins .pinmore")
    expect(page.locator("#pins .pinh .num")).to_have_text("23")
    expect(line).to_be_visible()

    seen = page.evaluate(_PINS_SEEN)
    told = line.inner_text()
    for _each in range(23):
        if not line.is_visible():
            break
        line.click()

    assert seen["share"] > 0.55
    assert seen["rows"] >= 7
    assert told == f"{23 - seen['rows']} more safety alerts below: show"
    expect(line).to_be_hidden()
    assert page.evaluate(_PINS_SEEN)["last"] is True


_PINS_SEEN = """() => {
  const list = document.querySelector("#pins .pinlist"), end = list.getBoundingClientRect().bottom;
  const isSeen = (row) => row.getBoundingClientRect().bottom <= end + 8;
  const rows = [...list.querySelectorAll(".arow")].map(isSeen);
  const pins = document.getElementById("pins").getBoundingClientRect().height;
  return {
    rows: rows.filter(Boolean).length, last: rows.at(-1),
    share: pins / document.getElementById("list").getBoundingClientRect().height,
  };
}"""


def test_the_alert_is_acknowledged_by_its_key(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    alert_id = alert_ids["WM-204418"]
    select_by_keys(page, alert_id)

    page.keyboard.press("a")

    expect(page.locator(f"#alert-{alert_id} .chip")).to_have_text("Ack’d")
    expect(page.locator("#evidence button[data-key='a']")).to_have_count(0)
    with reading(sqlite_engine) as connection:
        assert get_alert(connection, alert_id).condition is Condition.ACKNOWLEDGED


def test_what_a_busy_database_did_not_do_is_said_and_done_at_the_next_press(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    select_by_keys(page, alert_ids["WM-204418"])
    monkeypatch.setattr(engine_io, "BUSY_TIMEOUT_S", 0.02)
    sqlite_engine.dispose()
    with sqlite_engine.begin():
        page.keyboard.press("a")
        expect(page.locator("#evidence .busy")).to_have_text(
            "This was not done: the database was busy. Press again."
        )
        page.keyboard.press("a")

    expect(page.locator("#evidence button[data-key='a']")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(f"#alert-{alert_ids['WM-204418']} .chip")).to_have_text("Ack’d")
    expect(page.locator("#evidence .busy")).to_have_count(0)


def test_an_alert_is_dispatched_by_keys_alone(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    alert_id = alert_ids["HM-100214"]
    select_by_keys(page, alert_id)

    page.keyboard.press("d")
    expect(page.locator("#dispatch-title")).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("Enter")

    expect(page.locator(f"#alert-{alert_id} .ord")).to_contain_text("WO-000003")
    expect(page.locator(f"#alert-{alert_id} .ord")).to_contain_text("Crew 5")
    with reading(sqlite_engine) as connection:
        assert get_alert(connection, alert_id).disposition is Disposition.ORDERED


def test_the_key_of_dispatch_says_that_there_is_an_order_already(
    page: Page, alert_ids: dict[str, str]
) -> None:
    select_by_keys(page, alert_ids["DMA-03"])
    expect(page.locator("#evidence [data-told-key]")).to_be_hidden()

    page.keyboard.press("d")

    expect(page.locator("#evidence [data-told-key]")).to_have_text(
        "WO-000001 was made of it already: w opens it"
    )


def test_a_night_at_the_desk_needs_no_mouse_from_an_alert_to_its_order(
    page: Page, alert_ids: dict[str, str], sqlite_engine: Engine
) -> None:
    alert_id = alert_ids["GM-031207"]
    with sqlite_engine.begin() as connection:
        who = account_of_login(connection, "zhou min")
        order = create_from_alert(connection, alert_id, who, "crew-3", NOON)
    page.reload()
    is_live(page)
    page.keyboard.press("j")
    page.keyboard.press("k")
    row = page.locator(f"#pins #alert-{alert_id}")
    expect(row).to_be_focused()
    expect(page.locator(f"#evidence:not([inert]) [data-alert='{alert_id}']")).to_be_visible()
    page.keyboard.press("a")
    expect(row.locator(".chip use[href='#i-check']")).to_have_count(1)
    expect(row).to_be_focused()
    expect(page.locator("#evidence [data-key='w']")).to_contain_text(order.document.number)
    page.keyboard.press("w")
    expect(page).to_have_url(re.compile(f"/orders/{order.order_id}$"))
    page.goto(re.sub("/orders/.*", "/orders", page.url))
    first, second = page.locator("main tbody tr a").nth(0), page.locator("main tbody tr a").nth(1)
    expect(page.locator("[data-rowkeys]")).to_be_visible()
    for key, link in (("j", first), ("j", second), ("k", first)):
        page.keyboard.press(key)
        expect(link).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/orders/[0-9a-f-]{36}$"))


def test_shelving_asks_for_a_reason_and_then_moves_the_alert_to_the_tray(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    alert_id = alert_ids["WM-208220"]
    select_by_keys(page, alert_id)

    page.keyboard.press("s")
    expect(page.locator("#shelve-title")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.type("valve work until noon")
    page.keyboard.press("Enter")

    expect(page.locator("#tray")).to_contain_text("WM-208220")
    expect(page.locator("#tray")).to_contain_text("valve work until noon")
    expect(page.locator(f"#alert-{alert_id}")).to_have_count(0)
    with reading(sqlite_engine) as connection:
        kept = get_alert(connection, alert_id)
    assert kept.visibility is Visibility.SHELVED
    assert kept.shelved_until_utc == NOON + timedelta(minutes=30)


def hold_panels(page: Page) -> list[Route]:
    """Let no evidence through until the test does; return what is held, as it comes."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/alerts/*/panel", hold)
    return held


def first_of(page: Page, held: list[Route]) -> Route:
    while not held:
        page.evaluate("0")  # a round trip to the browser, in which it tells what it asks for
    return held[0]


def test_a_reason_that_is_being_written_outlives_a_panel_that_comes_late(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    alert_id = alert_ids["WM-208220"]
    select_by_keys(page, alert_id)
    late = hold_panels(page)
    with page.expect_request(f"**/alerts/{alert_id}/panel"), sqlite_engine.begin() as connection:
        acknowledge(connection, alert_id, "zhou min", NOON)

    page.keyboard.press("o")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("on the ben")
    with page.expect_response(f"**/alerts/{alert_id}/panel") as answer:
        first_of(page, late).continue_()
    answer.value.finished()
    page.keyboard.type("ch")
    page.keyboard.press("Enter")

    expect(page.locator("#hidden")).to_contain_text("on the bench")


def test_a_key_never_acts_on_the_alert_that_was_chosen_before(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    before = alert_ids["WM-208220"]
    select_by_keys(page, before)
    late = hold_panels(page)
    with page.expect_request("**/alerts/*/panel"):
        page.keyboard.press("j")
        page.keyboard.press("a")
    chosen = page.locator('.arow[aria-selected="true"]').get_attribute("data-id")
    first_of(page, late).continue_()
    expect(page.locator(f"#evidence [data-alert='{chosen}']")).to_be_visible()
    page.keyboard.press("a")

    expect(page.locator(f"#alert-{chosen} .chip use[href='#i-check']")).to_have_count(1)
    with reading(sqlite_engine) as connection:
        assert get_alert(connection, before).condition is Condition.UNACKNOWLEDGED
        assert get_alert(connection, chosen or "").condition is Condition.ACKNOWLEDGED


def test_a_new_row_waits_in_a_strip_while_the_hand_is_on_the_list(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    is_live(page)
    select_by_keys(page, alert_ids["WM-208220"])
    page.keyboard.press("s")
    expect(page.locator("#shelve-title")).to_be_visible()
    before = page.locator("#rows .arow[data-id]").evaluate_all("rows => rows.map(row => row.id)")

    with sqlite_engine.begin() as connection:
        alert_id = add_spot(connection, new_spot("WM-777002"), NOON)

    expect(page.locator("#newstrip")).to_have_text("1 new: show")
    during = page.locator("#rows .arow[data-id]").evaluate_all("rows => rows.map(row => row.id)")
    page.keyboard.press("Escape")
    expect(page.locator(f"#alert-{alert_id}")).to_be_visible()
    assert during == before


def test_what_came_under_the_hand_is_still_there_when_the_hand_is_gone(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    is_live(page)
    select_by_keys(page, alert_ids["WM-208220"])
    page.keyboard.press("s")
    expect(page.locator("#shelve-title")).to_be_visible()
    waits = page.locator("#newstrip")

    with sqlite_engine.begin() as connection:
        safety_id = add_spot(connection, new_spot("GM-900002", Medium.GAS), NOON)
        water_id = add_spot(connection, new_spot("WM-777004"), NOON)
        acknowledge(connection, alert_ids["WM-204418"], "someone", NOON)
    expect(page.locator(f"#pins #alert-{safety_id}")).to_be_visible()
    expect(page.locator(f"#alert-{alert_ids['WM-204418']} .chip")).to_have_text("Ack’d")
    expect(waits).to_have_text("1 new: show")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Escape")
    expect(page.locator(f"#alert-{water_id}")).to_be_visible()

    expect(page.locator(f"#pins #alert-{safety_id}")).to_be_visible()
    expect(page.locator(f"#alert-{alert_ids['WM-204418']}")).to_be_visible()
    assert [each for each in asked if "/alerts/list" in each] == []


def test_the_list_grows_by_its_own_key_at_its_end(page: Page, sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        for number in range(ROWS_AT_ONCE + 1):
            add_spot(connection, new_spot(f"GM-{number:06d}", Medium.GAS), NOON)
    page.reload()
    is_live(page)
    more = page.locator("#pins .more")
    expect(more).to_have_text("2 more: show the next")
    rows = page.locator("#pins .arow[data-id]")
    rows.last.click()

    page.keyboard.press("j")
    expect(more).to_have_count(0)
    expect(rows).to_have_count(ROWS_AT_ONCE + 2)
    page.keyboard.press("j")

    expect(rows.nth(ROWS_AT_ONCE)).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile("rows="))


def test_the_page_says_that_it_is_stale_and_catches_up_when_the_server_is_back(
    page: Page, desk: Served, sqlite_engine: Engine, clock: HandClock
) -> None:
    is_live(page)
    port = int(desk.base_url.rsplit(":", 1)[1])
    desk.stop()

    expect(page.locator("#lost")).to_be_visible(timeout=60_000)
    expect(page.locator("#live")).to_have_text("Link lost")
    with sqlite_engine.begin() as connection:
        alert_id = add_spot(connection, new_spot("WM-777003"), NOON)
    again = Served(build_app(sqlite_engine, clock, SITE, quick_hasher()), port)
    again.start()
    try:
        expect(page.locator(f"#alert-{alert_id}")).to_be_visible(timeout=60_000)
        expect(page.locator("#lost")).to_be_hidden()
    finally:
        again.stop()


def test_detection_that_stands_still_is_said_on_an_open_page_and_taken_back(
    page: Page, sqlite_engine: Engine, clock: HandClock
) -> None:
    is_live(page)
    with sqlite_engine.begin() as connection:
        note_good_round(connection, NOON)
    clock.advance(hours=2, minutes=15)

    expect(page.locator("#undetected")).to_contain_text("was at 11-02 12:00")
    expect(page.locator("#live")).to_have_text("No detection")
    with sqlite_engine.begin() as connection:
        note_good_round(connection, clock.now_utc())
    expect(page.locator("#undetected")).to_be_hidden()
    expect(page.locator("#live")).to_have_text("Live")


def test_the_chart_turns_into_a_table_and_back(page: Page, alert_ids: dict[str, str]) -> None:
    select_by_keys(page, alert_ids["WM-204418"])
    expect(page.locator("#evidence .chart canvas")).to_be_visible()

    page.click("#evidence [data-table]")

    expect(page.locator("#evidence .charttable tbody tr")).to_have_count(4 * 96)
    expect(page.locator("#evidence .chart")).to_be_hidden()


def test_single_keys_can_be_switched_off(
    page: Page, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    alert_id = alert_ids["WM-204418"]
    is_live(page)
    page.locator(f"#alert-{alert_id}").click()
    expect(page.locator(f"#evidence [data-alert='{alert_id}']")).to_be_visible()
    page.keyboard.press("?")
    page.uncheck("#single-keys")
    page.keyboard.press("Escape")

    page.keyboard.press("a")
    page.keyboard.press("s")

    expect(page.locator("#shelve-title")).to_have_count(0)
    with reading(sqlite_engine) as connection:
        assert get_alert(connection, alert_id).condition is Condition.UNACKNOWLEDGED


def test_nothing_is_cut_off_at_narrow_widths_and_double_zoom(page: Page, desk: Served) -> None:
    page.context.clear_cookies()
    log_in(page, desk.base_url)
    overflow = {}
    for width, path in (
        (1280, "/alerts"),
        (720, "/alerts"),
        (720, "/orders"),
        (720, "/gateways"),
        (720, "/meters"),
        (390, "/alerts"),
        (390, "/orders"),
        (390, "/board"),
    ):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(desk.base_url + path)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        overflow[width, path] = max(0, too_wide)

    assert overflow == dict.fromkeys(overflow, 0)
