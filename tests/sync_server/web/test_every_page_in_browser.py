"""Every page of the rail in a real browser: axe-core, both languages, nothing from elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Connection, Engine, select

from demo.screenshots_web_io import VIEWPORT
from sync_server.access.roles import Role
from sync_server.aftercare.visit_store import book
from sync_server.aftercare.visits import PREPARATIONS, SLOTS
from sync_server.db.alert_tables import ALERT
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.engine_io import open_engine
from sync_server.db.order_tables import WORK_ORDER
from sync_server.db.outage_tables import INTERRUPTION
from sync_server.db.standin_tables import INCIDENT
from sync_server.detection.watch.fleet_store import put_children
from sync_server.outages.interruption import NewInterruption
from sync_server.outages.interruption_store import plan
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.request_store import Office, record_request
from sync_server.shifts.incident_store import begin
from sync_server.work_orders.fact_store import insert_fact
from sync_server.work_orders.order import Fact
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.service_desk.desk_town import wanted
from tests.sync_server.web.axe_core import serious_violations
from tests.sync_server.web.desk_parts import PASSWORD, SITE, Served, add_person, served
from tests.sync_server.web.intake_town import seed_homes
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import PartUsed, part_json

CONTROL_ROOM = (
    "/alerts",
    "/map",
    "/intake",
    "/requests",
    "/complaints",
    "/callbacks",
    "/hall",
    "/board",
    "/orders",
    "/orders/{order}",
    "/rounds",
    "/vans",
    "/interruptions",
    "/meters",
    "/meters/WM-204418",
    "/meters/WM-204418/raw",
    "/suspects",
    "/balances",
    "/balances/DMA-03",
    "/figures",
    "/figures?period=2026",
    "/gateways",
    "/gateways/orders",
    "/review",
    "/shift",
    "/incidents",
    "/delegations",
    "/paper",
    "/forms",
    "/policies",
    "/tablets",
)
PARTS = 12
"""Used for one order: more than a screen holds beside its chart."""
_OVER = """() => {
  const rail = document.querySelector('.rail');
  return rail.scrollHeight - rail.clientHeight;
}"""
_CUT_OFF = """() => [...document.querySelectorAll('.panel')]
  .filter((each) => each.scrollHeight > each.clientHeight + 1)
  .filter((each) => getComputedStyle(each).overflowY === 'hidden')
  .map((each) => each.querySelector('h2')?.textContent ?? each.className)"""
"""Panels that hide what is below their edge: there is no bar to bring it up."""
DIRECTOR = (
    "/homes",
    "/reports/clocks",
    "/plant",
    "/staff",
    "/imports",
    "/exports",
    "/audit",
    "/accounts",
)


@pytest.fixture(scope="module")
def town(
    seeded_desk: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("pages") / "pages.sqlite3"
    path.write_bytes(seeded_desk[0].read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        add_person(connection, "the director", Role.DIRECTOR)
        put_children(connection, [("DMA-03", "WM-204418"), ("DMA-03", "WM-208220")])
        for number in range(PARTS):
            insert_fact(connection, part_of(order_of(connection), number))
        add_details(connection)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def site(town: Engine) -> Iterator[Served]:
    with served(town, HandClock(NOON)) as found:
        yield found


def order_of(connection: Connection) -> str:
    query = select(ALERT.c.work_order_id).where(ALERT.c.work_order_id.is_not(None))
    return str(connection.execute(query.limit(1)).scalar_one())


def part_of(order_id: str, number: int) -> Fact:
    return Fact(
        fact_id=f"part-{number}",
        order_id=order_id,
        fact_type=FactType.PART_USED,
        payload=part_json(PartUsed(part_id="tape", name="tape", quantity=number + 1, unit="pcs")),
        actor="a-1",
        tablet_id="t-1",
        op_id=f"op-{number}",
        happened_at_utc=NOON,
        received_at_utc=NOON,
    )


def add_details(connection: Connection) -> None:
    """Add one of each thing that has a page of its own, as people at the desk make them."""
    people = seed_homes(connection)
    add_person(connection, "wu", Role.WINDOW_CLERK)
    agent = Office(actor=people["liu"], now_utc=NOON, zone=SITE.zone)
    for request_class in _TAKEN:
        new = replace(wanted(request_class), community_id="binhe")
        record = record_request(connection, new, (), agent)
        if request_class is RequestClass.NO_GAS:
            day = NOON.date() + timedelta(days=1)
            book(connection, record.request_id, day, SLOTS[0], frozenset(PREPARATIONS), agent)
    begin(connection, "gas in the stairs of house 3", people["boss"], NOON)
    new_outage = NewInterruption(
        medium=Medium.WATER,
        reason="a valve is exchanged",
        valves=(),
        from_utc=NOON + timedelta(days=4),
        to_utc=NOON + timedelta(days=4, hours=3),
    )
    plan(connection, new_outage, replace(agent, actor=people["boss"]))


_TAKEN = (
    RequestClass.GAS_LEAK,
    RequestClass.NO_GAS,
    RequestClass.CONDUCT,
    RequestClass.OPEN_ACCOUNT,
)


def details_of(connection: Connection) -> Sequence[tuple[str, str]]:
    """Return who looks at which page of one thing."""
    query = select(SERVICE_REQUEST.c.request_class, SERVICE_REQUEST.c.request_id)
    ids: dict[str, str] = {row.request_class: row.request_id for row in connection.execute(query)}
    incident = connection.execute(select(INCIDENT.c.incident_id)).scalar_one()
    outage = connection.execute(select(INTERRUPTION.c.interruption_id)).scalar_one()
    return [
        ("liu", f"/requests/{ids['gas_leak']}"),
        ("liu", "/homes/p-1"),
        ("liu", f"/visits/{ids['no_gas']}"),
        ("liu", f"/applications/{ids['open_account']}"),
        ("liu", "/me/second-factor"),
        ("he", f"/complaints/{ids['conduct']}"),
        ("he", f"/requests/{ids['conduct']}"),
        ("zhou min", f"/incidents/{incident}"),
        ("zhou min", f"/interruptions/{outage}"),
        ("wu", "/cash"),
        (NOBODY, "/login"),
    ]


NOBODY = ""
"""Whoever has not logged in: the page speaks the site's own language."""


class Visitor:
    """Somebody logged in, who notes what the browser asks of other hosts and what breaks."""

    def __init__(self, browser: Browser, base_url: str, login: str) -> None:
        self._context = browser.new_context(viewport=VIEWPORT)
        self.base_url = base_url
        self.problems: list[str] = []
        self.page = self._context.new_page()
        self.page.on("request", lambda request: self._look_at(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        if login != NOBODY:
            self._post("/login", {"login": login, "password": PASSWORD})

    def _look_at(self, url: str) -> None:
        if not url.startswith((self.base_url, "blob:", "data:")):
            self.problems.append(f"asks {url}")

    def _post(self, path: str, form: dict[str, str]) -> None:
        headers = {"Origin": self.base_url}
        self._context.request.post(self.base_url + path, form={**form}, headers=headers)

    def choose(self, language: str, theme: str) -> None:
        self._post("/me/language", {"language": language})
        self._post("/me/theme", {"theme": theme})

    def judged(self, path: str, language: str) -> Sequence[str]:
        """Return what is wrong with a page: its answer, its language, axe-core's violations."""
        answer = self.page.goto(self.base_url + path)
        wrong = [] if answer is not None and answer.ok else [f"{path}: does not answer"]
        if self.page.get_attribute("html", "lang") != {"zh": "zh-CN"}.get(language, language):
            wrong.append(f"{path}: is not in {language}")
        wrong += [f"{path}: cuts off {each}" for each in self.page.evaluate(_CUT_OFF)]
        return [*wrong, *(f"{path}: {each}" for each in serious_violations(self.page))]

    def close(self) -> None:
        self._context.close()


def paths_of(town: Engine) -> Sequence[tuple[str, str]]:
    with town.connect() as connection:
        order, details = order_of(connection), details_of(connection)
    ours = [("zhou min", each.replace("{order}", order)) for each in CONTROL_ROOM]
    return [*ours, *(("the director", each) for each in DIRECTOR), *details]


def judged(
    browser: Browser, site: Served, pages: Sequence[tuple[str, str]], look: tuple[str, str]
) -> Sequence[str]:
    wrong: list[str] = []
    for login in dict.fromkeys(login for login, _ in pages):
        with closing(Visitor(browser, site.base_url, login)) as visitor:
            language = SITE.language if login == NOBODY else look[0]
            if login != NOBODY:
                visitor.choose(*look)
            for path in (path for who, path in pages if who == login):
                wrong += visitor.judged(path, language)
            wrong += visitor.problems
    return wrong


@pytest.mark.parametrize("turn", [0, 1])
def test_every_page_has_no_serious_violation_and_asks_no_other_host(
    browser: Browser, site: Served, town: Engine, turn: int
) -> None:
    look = ("en", "light") if turn == 0 else ("zh", "dark")
    pages = paths_of(town)[turn::2]

    assert judged(browser, site, pages, look) == []


@pytest.mark.nightly
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_in_every_look(
    browser: Browser, site: Served, town: Engine, language: str, theme: str
) -> None:
    assert judged(browser, site, paths_of(town), (language, theme)) == []


def test_a_crooked_page_is_found_out(browser: Browser, vendor: None) -> None:  # noqa: ARG001
    context = browser.new_context()
    page: Page = context.new_page()
    page.set_content('<html lang="en"><title>x</title><img src="data:,"><button></button></html>')

    found = serious_violations(page)
    context.close()

    assert {each.split(":")[0] for each in found} == {"image-alt", "button-name"}


def test_a_card_of_the_board_goes_to_a_crew_by_keys_alone(
    browser: Browser, site: Served, town: Engine
) -> None:
    with closing(Visitor(browser, site.base_url, "zhou min")) as visitor:
        visitor.choose("en", "light")
        page = visitor.page
        page.goto(f"{site.base_url}/board")
        expect(page.locator("#live")).to_have_class("it live ")
        page.keyboard.press("j")
        order_id = page.evaluate("document.activeElement.dataset.order")
        lane = page.locator(".lane", has=page.locator(f"[data-order='{order_id}']"))
        wanted = "2" if lane.get_attribute("data-lane-key") == "1" else "1"
        page.keyboard.press(wanted)

        there = page.locator(f".lane[data-lane-key='{wanted}'] [data-order='{order_id}']")
        expect(there).to_be_visible()
        crew = page.locator(f".lane[data-lane-key='{wanted}']").get_attribute("data-crew")
        assert visitor.problems == []
    with town.connect() as connection:
        query = select(WORK_ORDER.c.crew_id).where(WORK_ORDER.c.order_id == order_id)
        assert connection.execute(query).scalar_one() == crew


def test_the_maps_keys_hold_on_the_page_as_it_opens(browser: Browser, site: Served) -> None:
    with closing(Visitor(browser, site.base_url, "zhou min")) as visitor:
        page = visitor.page
        page.goto(f"{site.base_url}/map")
        town_map = page.locator("#map[data-ready]")
        expect(town_map).to_be_visible()
        west, zoom = (
            float(town_map.get_attribute(f"data-{name}") or 0) for name in ("west", "zoom")
        )

        page.keyboard.press("ArrowLeft")
        expect(town_map).not_to_have_attribute("data-west", f"{west:.5f}")
        moved = float(town_map.get_attribute("data-west") or 0)
        page.keyboard.press("+")
        expect(town_map).to_have_attribute("data-zoom", f"{zoom + 1:.2f}")

    assert moved < west


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_longest_rail_fits_into_the_window_without_scrolling(
    browser: Browser, site: Served, language: str
) -> None:
    with closing(Visitor(browser, site.base_url, "the director")) as visitor:
        visitor.choose(language, "light")
        visitor.page.goto(f"{site.base_url}/staff")
        found = []
        for height in (1080, 900, 890, 760):
            visitor.page.set_viewport_size({"width": 1440, "height": height})
            found.append(visitor.page.evaluate(_OVER))

    assert found == [0, 0, 0, 0]
