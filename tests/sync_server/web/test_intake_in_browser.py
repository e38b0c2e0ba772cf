"""A call is taken in a real browser without the mouse, and nothing leaves this machine."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from demo.screenshots_web_io import VIEWPORT
from sync_server.access.account_store import account_of_login
from sync_server.db.engine_io import reading
from sync_server.service_desk.request import RequestClass, RequestRecord
from sync_server.service_desk.request_rows_store import newest_page
from sync_server.work_orders.order_store import create_from_alert, get_order, list_orders
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import PASSWORD, Served
from tests.sync_server.web.intake_town import PHONE, seed_homes
from tests.sync_server.web.test_desk_in_browser import policy_problems
from wire_contracts.request_states import RequestState
from wire_contracts.work_order_states import WorkOrderState

MOST_KEYS = 25
"""Keystrokes for a request to be taken, classified and dispatched, the caller's words aside."""


@pytest.fixture
def page(browser: Browser, desk: Served, sqlite_engine: Engine) -> Iterator[Page]:
    with sqlite_engine.begin() as connection:
        seed_homes(connection)
    context = browser.new_context(viewport=VIEWPORT, locale="en-GB")
    found = context.new_page()
    problems: list[str] = []
    hosts: set[str] = set()
    found.on("pageerror", lambda error: problems.append(str(error)))
    found.on("console", lambda message: problems.extend(policy_problems(message.text)))
    found.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    log_in(found, desk, "liu")
    found.goto(f"{desk.base_url}/intake")
    expect(found.locator("#line")).to_be_focused()
    yield found
    context.close()
    assert problems == []
    assert hosts - {""} == {urlsplit(desk.base_url).netloc}


def log_in(page: Page, desk: Served, login: str) -> None:
    page.context.request.post(
        f"{desk.base_url}/login",
        form={"login": login, "password": PASSWORD},
        headers={"Origin": desk.base_url},
    )


def newest(engine: Engine) -> RequestRecord:
    with reading(engine) as connection:
        return newest_page(connection, frozenset(RequestState), None, 1)[0]


def test_a_gas_leak_is_dispatched_with_few_keys_and_no_mouse(
    page: Page, sqlite_engine: Engine
) -> None:
    """Rule A-20: an intake made for who types fast."""
    expect(page.locator("#line")).to_be_focused()
    keys = [*"leak 3-2-1101 "]

    page.keyboard.type("".join(keys))
    page.keyboard.type("smell of gas in the kitchen")
    expect(page.locator(".parts")).to_contain_text("Gas leak")
    expect(page.locator(".guide.safety")).to_be_visible()
    expect(page.locator(".sendbar .btn.d")).to_be_in_viewport()
    page.keyboard.press("Enter")
    keys.append("Enter")
    expect(page.locator(".banner.ok").first).to_contain_text("is recorded, Crew")
    record = newest(sqlite_engine)
    with reading(sqlite_engine) as connection:
        order = get_order(connection, record.order_id or "")

    assert len(keys) <= MOST_KEYS
    assert record.request_class is RequestClass.GAS_LEAK
    assert order.state is WorkOrderState.RELEASED


def test_the_line_decides_until_a_hand_does(page: Page, sqlite_engine: Engine) -> None:
    page.keyboard.press("F3")
    page.keyboard.type(PHONE)
    page.keyboard.press("F2")
    with page.expect_response(lambda answer: "what+it+is" in answer.url) as looked_up:
        page.keyboard.type("no idea what it is")
    looked_up.value.finished()
    expect(page.locator(".homerow")).to_contain_text("陈桂芳")
    page.locator('input[name="cls"][value="no_gas"]').check(force=True)
    expect(page.locator(".parts")).to_contain_text("No gas")
    page.keyboard.press("F2")
    page.keyboard.type(" and more words")
    page.keyboard.press("Enter")
    expect(page.locator(".banner.ok").first).to_contain_text("is recorded")

    assert newest(sqlite_engine).request_class is RequestClass.NO_GAS


def test_arrows_choose_among_the_homes_that_fit(page: Page, sqlite_engine: Engine) -> None:
    page.keyboard.type("nowater @滨河东路")
    expect(page.locator(".homerow")).to_have_count(4)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator('input[name="home"][value="p-2"]')).to_be_checked()
    expect(page.locator("#line")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".banner.ok").first).to_contain_text("is recorded")

    assert newest(sqlite_engine).premises_id == "p-2"


def test_a_home_chosen_by_an_arrow_goes_when_another_door_is_typed(
    page: Page, sqlite_engine: Engine
) -> None:
    page.keyboard.type("nowater @滨河东路")
    expect(page.locator(".homerow")).to_have_count(4)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator('input[name="home"][value="p-2"]')).to_be_checked()
    page.keyboard.type(" 3-2-1104")
    page.keyboard.press("Enter")
    expect(page.locator(".banner.ok").first).to_contain_text("is recorded")

    assert newest(sqlite_engine).premises_id == "p-4"


def test_the_map_draws_from_this_server_alone(page: Page, desk: Served) -> None:
    log_in(page, desk, "boss")
    page.goto(f"{desk.base_url}/map")

    expect(page.locator("#map")).to_have_attribute("data-ready", "1", timeout=60_000)
    expect(page.locator("#mapnote")).to_contain_text("No network")


def test_a_request_page_follows_the_crew_without_reloading(
    page: Page, desk: Served, sqlite_engine: Engine
) -> None:
    page.keyboard.type("nogas 3-2-1101")
    page.keyboard.press("Enter")
    expect(page.locator(".banner.ok").first).to_contain_text("is recorded")
    request_id = newest(sqlite_engine).request_id
    page.goto(f"{desk.base_url}/requests/{request_id}")
    expect(page.locator("#live")).to_have_class("it live ")

    page.context.request.post(
        f"{desk.base_url}/requests/{request_id}/step",
        form={"event": "accept"},
        headers={"Origin": desk.base_url},
    )

    expect(page.locator(".path li.now")).to_contain_text("accepted")


def test_a_card_goes_to_a_crew_by_the_key_of_its_lane(
    page: Page, desk: Served, sqlite_engine: Engine, alert_ids: dict[str, str]
) -> None:
    """The board, without the mouse, while a colleague's new order comes to it."""
    with reading(sqlite_engine) as connection:
        order = next(each for each in list_orders(connection) if each.document.crew_id == "crew-5")
    log_in(page, desk, "wei")
    page.goto(f"{desk.base_url}/board")
    expect(page.locator("#live")).to_have_class("it live ")
    card = page.locator(f'[data-order="{order.order_id}"]')
    lane = page.locator('.lane[data-crew="crew-3"]')

    card.focus()
    page.locator("#live-region").evaluate("region => { region.dataset.former = '1'; }")
    with sqlite_engine.begin() as connection:
        colleague = account_of_login(connection, "zhou min")
        create_from_alert(connection, alert_ids["WM-204418"], colleague, "crew-5", NOON)
    expect(page.locator("#live-region[data-former]")).to_have_count(0)
    expect(card).to_be_focused()
    page.keyboard.press(str(lane.get_attribute("data-lane-key")))

    expect(lane.locator(f'[data-order="{order.order_id}"]')).to_be_visible()
    with reading(sqlite_engine) as connection:
        assert get_order(connection, order.order_id).document.crew_id == "crew-3"
