"""Every life cycle of the desk, pressed in a real browser; half in Chinese, half in English.

What an alert, an order, a request and a visit go through speaks both languages in the suite; each
other test speaks one there and the other one by night, and some come by night alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from sync_server.access.roles import Role
from sync_server.access.tablet_store import TabletIdentity, enrol_tablet
from sync_server.aftercare.opinion_store import newest_opinions
from sync_server.alerts.alert import AlertFinding
from sync_server.alerts.alert_list_store import alert_history, get_alert
from sync_server.alerts.alert_store import raise_alert, return_alert, show_suppressed
from sync_server.complaints.complaint_store import get_complaint
from sync_server.complaints.penalty_store import list_penalties
from sync_server.customers.customer_store import get_household
from sync_server.db.engine_io import open_engine, reading
from sync_server.outages.interruption_store import newest_interruptions
from sync_server.sales.sale_rows import parse_sale
from sync_server.sales.sale_store import put_sales
from sync_server.service_desk.request import RequestRecord
from sync_server.service_desk.request_rows_store import get_request
from sync_server.sync.review_store import list_reviews
from sync_server.sync.service import SyncService
from sync_server.work_orders.order_store import get_order
from tests.sync_server.people_parts import Pen, enrol
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.browser_parts import Colleague
from tests.sync_server.web.desk_parts import SPOTS, Served, add_person, evidence_for, served
from tests.sync_server.web.intake_town import seed_homes
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.enrolment import EnrolRequest
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium
from wire_contracts.request_states import RequestState
from wire_contracts.work_order_states import WorkOrderState

_S = RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A served town of its own for one turn of the languages."""

    engine: Engine
    site: Served
    clock: HandClock
    alerts: dict[str, str]
    people: dict[str, str]
    turn: int

    def language(self, first: str) -> str:
        """Return the language of a test: its first one in the suite, the other by night."""
        return first if self.turn == 0 else {"zh": "en", "en": "zh"}[first]

    def request(self, request_id: str) -> RequestRecord:
        with reading(self.engine) as connection:
            return get_request(connection, request_id)


both_languages = pytest.mark.parametrize("town", [0, 1], indirect=True)
"""Of a life cycle on which somebody's safety or answer hangs: it waits for no night."""

Enter = Callable[[str, str], Colleague]
"""Login and the test's language in the suite -> who sits at a page."""


@pytest.fixture(scope="module", params=[0, pytest.param(1, marks=pytest.mark.nightly)])
def town(
    request: pytest.FixtureRequest,
    seeded_desk: tuple[Path, dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    path = tmp_path_factory.mktemp("cycles") / "cycles.sqlite3"
    path.write_bytes(seeded_desk[0].read_bytes())
    engine, clock = open_engine(f"sqlite:///{path}"), HandClock(NOON)
    with engine.begin() as connection:
        people = seed_homes(connection)
        people["wu"] = add_person(connection, "wu", Role.WINDOW_CLERK)
        people["wang"] = add_person(connection, "wang", Role.CREW_MEMBER, "crew-3")
    with served(engine, clock) as site:
        turn: int = request.param
        yield Town(
            engine=engine, site=site, clock=clock, alerts=seeded_desk[1], people=people, turn=turn
        )
    engine.dispose()


@pytest.fixture(scope="module")
def office(browser: Browser, town: Town) -> Iterator[Enter]:
    """Whoever came in once stays at the page: the browser keeps what it has loaded."""
    inside: dict[tuple[str, str], Colleague] = {}

    def come_in(login: str, first: str) -> Colleague:
        language = town.language(first)
        if (login, language) not in inside:
            inside[login, language] = Colleague(browser, town.site, login, language)
        inside[login, language].speak(language)
        return inside[login, language]

    yield come_in
    for each in inside.values():
        each.close()


@pytest.fixture
def enter(office: Enter) -> Iterator[Enter]:
    inside: list[Colleague] = []

    def come_in(login: str, first: str) -> Colleague:
        inside.append(office(login, first))
        return inside[-1]

    yield come_in
    assert [problem for each in inside for problem in each.taken_problems()] == []


def is_live(who: Colleague) -> None:
    expect(who.see("#live")).to_have_class("it live ")


def choose_alert(who: Colleague, alert_id: str) -> None:
    who.go(f"/alerts?alert={alert_id}")
    is_live(who)
    expect(who.see(f"#evidence [data-alert='{alert_id}']")).to_be_visible()


def press_shown(who: Colleague, key: str, action: str) -> None:
    """Press a key of the panel once the panel offers what it is pressed for."""
    leads_there = f"[data-key='{key}']:is([href$='{action}'], form[action$='{action}'] *)"
    expect(who.see(f"#evidence {leads_there}")).to_be_visible()
    who.page.keyboard.press(key)


def write_why(who: Colleague, key: str, action: str, reason: str) -> None:
    press_shown(who, key, action)
    expect(who.see("#reason")).to_be_focused()
    who.page.keyboard.type(reason)
    who.page.keyboard.press("Enter")


@both_languages
def test_a_safety_alert_is_acknowledged_latches_and_is_reset(enter: Enter, town: Town) -> None:
    room, alert_id = enter("zhou min", "zh"), town.alerts["GM-031207"]
    choose_alert(room, alert_id)
    row = room.see(f"#pins #alert-{alert_id}")
    room.page.keyboard.press("a")
    expect(row.locator(".chip use[href='#i-check']")).to_have_count(1)
    with town.engine.begin() as connection:
        return_alert(connection, alert_id, town.clock.now_utc())
    expect(row.locator(".chip use[href='#i-lock']")).to_have_count(1)
    room.go(f"/alerts?alert={alert_id}")
    expect(room.see("#evidence [data-key='s'], #evidence [data-key='o']")).to_have_count(0)
    write_why(room, "x", "/reset", "aired, 0 % LEL")

    expect(row).to_have_count(0)
    expect(room.see("#evidence .tl")).to_contain_text("aired, 0 % LEL")
    with reading(town.engine) as connection:
        assert get_alert(connection, alert_id).condition is Condition.NORMAL
        assert alert_history(connection, alert_id)[-1].actor != "system"


@both_languages
def test_a_returned_alert_is_cleared_by_who_saw_it(enter: Enter, town: Town) -> None:
    room, alert_id = enter("zhou min", "en"), town.alerts["WM-201733"]
    choose_alert(room, alert_id)
    room.page.keyboard.press("a")

    expect(room.see(f"#alert-{alert_id}")).to_have_count(0)
    with reading(town.engine) as connection:
        assert get_alert(connection, alert_id).condition is Condition.NORMAL


@both_languages
def test_an_alert_is_shelved_brought_back_taken_out_and_put_back(enter: Enter, town: Town) -> None:
    room, alert_id = enter("zhou min", "zh"), town.alerts["WM-204418"]
    choose_alert(room, alert_id)
    room.page.keyboard.press("s")
    expect(room.see("#shelve-title")).to_be_visible()
    room.page.keyboard.press("1")
    room.page.keyboard.type("valve work")
    room.page.keyboard.press("Enter")
    expect(room.see("#tray")).to_contain_text("valve work")
    press_shown(room, "s", "/unshelve")
    expect(room.see(f"#rows #alert-{alert_id}")).to_be_visible()
    write_why(room, "o", "/out-of-service", "on the bench")
    expect(room.see("#hidden")).to_contain_text("on the bench")
    expect(room.see(f"#alert-{alert_id}")).to_have_count(0)
    with reading(town.engine) as connection:
        hidden = get_alert(connection, alert_id).visibility
    room.see("#hidden summary").click()
    room.send(f"#hidden form[action='/alerts/{alert_id}/into-service'] button")
    expect(room.see(f"#rows #alert-{alert_id}")).to_be_visible()

    assert hidden is Visibility.OUT_OF_SERVICE
    with reading(town.engine) as connection:
        assert get_alert(connection, alert_id).visibility is Visibility.SHOWN


def write_line(agent: Colleague, line: str) -> None:
    """Open the intake and write its one line, once the page has put the cursor there."""
    agent.go("/intake")
    expect(agent.see("#line")).to_be_focused()
    agent.page.keyboard.type(line)


def take(agent: Colleague, line: str) -> str:
    """Take a call in one line; return the id of its request."""
    write_line(agent, line)
    expect(agent.see(".sendbar button:not([disabled])").first).to_be_visible()
    agent.press("Enter")
    return str(agent.see(".banner.ok a").first.get_attribute("href")).rsplit("/", 1)[1]


@both_languages
def test_a_request_is_bounced_sent_again_done_refused_by_the_caller_and_closed(
    enter: Enter, town: Town
) -> None:
    agent, lead, quality = (enter(each, "en") for each in ("liu", "wei", "he"))
    request_id = take(agent, "nowater 3-2-1102 kitchen dry")
    path = f"/requests/{request_id}"
    lead.go(path)
    lead.step("bounce", text="not ours: the house valve")
    agent.go(path)
    expect(agent.see(".tl")).to_contain_text("not ours: the house valve")
    agent.step("dispatch")
    lead.go(path)
    for event, text in (("accept", ""), ("start", ""), ("finish", "opened"), ("reply", "runs")):
        lead.step(event, text=text)
    agent.go(path)
    agent.step("reopen", text="still dry")
    reopened = town.request(request_id).state
    lead.go(path)
    for event, text in (("start", ""), ("finish", "pump"), ("reply", "runs now")):
        lead.step(event, text=text)
    agent.go(path)
    agent.see("input[name=satisfied][value=yes]").check()
    agent.step("confirm", text="fine")
    quality.go(path)
    quality.step("close")

    expect(quality.see(".tl")).to_contain_text("still dry")
    assert (reopened, town.request(request_id).state) == (_S.ASSIGNED, _S.CLOSED)


@both_languages
def test_what_a_step_lacks_is_said_and_nothing_that_was_typed_is_lost(
    enter: Enter, town: Town, browser: Browser
) -> None:
    agent = enter("liu", "zh")
    lead = Colleague(browser, town.site, "wei", town.language("zh"))
    request_id = take(agent, "nogas 3-2-1103")
    path = f"/requests/{request_id}"
    lead.page.clock.install()
    lead.go(path)
    is_live(lead)
    lead.fill("#step-text", "half a sentence")
    lead.see("h1").click()
    agent.go(path)
    agent.fill("#note", "the caller is told")
    with lead.page.expect_response("**/badges"):  # the page knows that something changed
        agent.send("form[action$='/note'] button")
    lead.page.clock.fast_forward(2_000)
    expect(lead.see("#step-text")).to_have_value("half a sentence")
    lead.fill("#step-text", "")
    lead.see("h1").click()
    lead.page.clock.fast_forward(6_000)
    expect(lead.see(".tl")).to_contain_text("the caller is told")
    lead.step("bounce")

    expect(lead.see(".err")).to_be_visible()
    lead.close()
    assert town.request(request_id).state is _S.DISPATCHED


def test_a_complaint_has_facts_a_verdict_an_appeal_and_a_penalty(enter: Enter, town: Town) -> None:
    agent, quality, lead, boss = (enter(each, "zh") for each in ("liu", "he", "wei", "boss"))
    request_id = take(agent, "conduct 3-2-1104 rude at the door")
    path = f"/complaints/{request_id}"
    agent.go(path)
    agent.fill("#facts", "on the tape at 12:04")
    agent.send("form[action$='/facts'] button")
    lead.go(path)
    lead.fill("#m-text", "train the crew")
    lead.fill("#m-due", "2026-11-20")
    lead.send("form[action$='/measures'] button")
    lead.send("form[action^='/measures/'] button")
    quality.go(path)
    quality.fill("#reason", "the tape")
    quality.choose("#violation", "rude")
    quality.choose("#cause", "people")
    quality.send("button[name=is_responsible][value=yes]")
    lead.go(path)
    lead.fill("#appeal", "it was another crew")
    lead.send("form[action$='/appeal'] button")
    boss.go(path)
    boss.fill("#decide", "the tape is clear")
    boss.step("uphold")
    boss.go("/complaints?tab=penalties")
    boss.fill("input[name=reason]", "agreed")
    boss.send("button[name=state][value=approved]")

    with reading(town.engine) as connection:
        complaint = get_complaint(connection, request_id)
        penalties = [each.reason for each in list_penalties(connection)]
    assert complaint.reason == "the tape"
    assert penalties == ["agreed"]


def test_a_complaint_is_called_back_by_somebody_else_and_comes_again(
    enter: Enter, town: Town
) -> None:
    agent, lead, quality = (enter(each, "zh") for each in ("liu", "wei", "he"))
    said = "conduct 3-2-1102 hung up on me"
    first = take(agent, said)
    lead.go(f"/requests/{first}")
    lead.step("accept")
    lead.step("start")
    agent.go(f"/requests/{first}")
    agent.step("finish", text="listened to the tape")
    agent.step("reply", text="we are sorry")
    answers = f"form[action='/callbacks/{first}']"
    for who in (agent, quality):
        who.go("/callbacks")
        who.choose(f"{answers} [name=finished]", "yes")
        who.choose(f"{answers} [name=kept]", "yes")
        who.choose(f"{answers} [name=score]", "4")
        who.send(f"{answers} button")
        if who is agent:
            expect(agent.see(".err")).to_be_visible()
    quality.go(f"/requests/{first}")
    quality.step("close")
    write_line(agent, said)
    expect(agent.see(f"a[href='/requests/{first}']").first).to_be_visible()
    second = take(agent, said)
    agent.go(f"/requests/{second}")

    expect(agent.see("main use[href='#i-ret']").first).to_be_visible()
    assert town.request(first).state is _S.CLOSED
    assert town.request(second).repeat_of == first


def test_a_suppressed_alert_stands_below_the_list_until_its_cause_is_over(
    enter: Enter, town: Town
) -> None:
    room = enter("zhou min", "en")
    finding = AlertFinding(
        meter_id="HM-100877",
        medium=Medium.HEAT,
        kind=Kind.COMM_GAP,
        rule="silence",
        started_at_utc=NOON,
        detected_at_utc=NOON,
        score=1.0,
        evidence=evidence_for(SPOTS[0], NOON),
        is_suppressed=True,
    )
    with town.engine.begin() as connection:
        alert_id = raise_alert(connection, finding, NOON)
    room.go("/alerts")
    is_live(room)
    expect(room.see("#hidden")).to_contain_text("HM-100877")
    expect(room.see(f"#alert-{alert_id}")).to_have_count(0)
    with town.engine.begin() as connection:
        show_suppressed(connection, alert_id, NOON)

    expect(room.see(f"#alert-{alert_id}")).to_be_visible()


def test_a_copy_of_what_is_held_is_asked_approved_and_taken(enter: Enter) -> None:
    agent, boss = enter("liu", "zh"), enter("boss", "zh")
    agent.go("/homes/p-1")
    agent.send("a[href$='/held']")
    agent.fill("input[name=reason]", "the customer wants it")
    agent.send("form[action$='/ask'] button")
    boss.go("/exports")
    expect(boss.see("main")).to_contain_text("the customer wants it")
    boss.send("button[name=state][value=approved]")
    agent.go("/exports")
    agent.send("a[href='/homes/p-1/held']")

    expect(agent.see("a[href='/homes/p-1/held.json']")).to_be_visible()


@pytest.mark.nightly
def test_a_suggestion_is_handed_on_and_answered(enter: Enter, town: Town) -> None:
    agent = enter("liu", "en")
    take(agent, "idea more benches in the hall")
    agent.go("/callbacks?tab=opinions")
    agent.step("hand_on", department="hall")
    agent.step("adopt", response="ordered for May")

    with reading(town.engine) as connection:
        [opinion] = newest_opinions(connection)
    assert (opinion.state, opinion.department) == ("adopted", "hall")
    expect(agent.see("main")).to_contain_text("ordered for May")


@both_languages
def test_a_visit_is_agreed_confirmed_and_nobody_opens(enter: Enter) -> None:
    agent, lead = enter("liu", "zh"), enter("wei", "zh")
    path = f"/visits/{take(agent, 'dispute 3-2-1101 runs fast')}"
    agent.go(f"{path}?day=2026-11-04")
    agent.send("button[data-key=b]")
    expect(agent.see(".err")).to_be_visible()
    agent.go(f"{path}?day=2026-11-04")
    agent.see("input[name=told][value=adult]").check()
    agent.press("b")
    agent.step("confirm")
    lead.go(path)
    lead.step("no_access", result="nobody opened, card left")
    lead.go("/callbacks?tab=visits")

    expect(lead.see("main")).to_contain_text("nobody opened, card left")


@both_languages
def test_an_order_is_cancelled_sent_again_done_by_the_crew_and_closed(
    enter: Enter, town: Town
) -> None:
    room, alert_id = enter("zhou min", "en"), town.alerts["HM-100214"]
    order_ids = []
    for last in ("cancel", ""):
        choose_alert(room, alert_id)
        room.page.keyboard.press("d")
        expect(room.see("#dispatch-title")).to_be_visible()
        room.page.keyboard.press("1")
        room.page.keyboard.press("Enter")
        link = room.see("#evidence .acts a[href^='/orders/']")
        expect(link).to_be_visible()
        order_ids.append(str(link.get_attribute("href")).rsplit("/", 1)[1])
        room.go(f"/orders/{order_ids[-1]}")
        if last:
            room.step(last)
    is_live(room)
    crew = tablet_of(town)
    pen = Pen(actor=town.people["wang"], clock=town.clock, replica_id="cycle")
    service = SyncService(town.engine, town.clock).for_tablet(crew)
    pen.push(service, *pen.steps_to_work(order_ids[1]), *pen.finding(order_ids[1]))
    expect(room.see("#record .tl > li")).to_have_count(6)
    expect(room.see("#foot kbd").filter(has_text="v")).to_have_count(1)
    room.step("verify")
    room.step("close")

    with reading(town.engine) as connection:
        states = [get_order(connection, each).state for each in order_ids]
        alert = get_alert(connection, alert_id)
    assert states == [WorkOrderState.CANCELLED, WorkOrderState.CLOSED]
    assert (alert.condition, alert.finding_result) == (Condition.NORMAL, "leak")
    expect(room.see("main")).to_contain_text("漏气")


def tablet_of(town: Town) -> TabletIdentity:
    with town.engine.begin() as connection:
        return enrol(connection, "crew-3", "cycle tablet")


@both_languages
def test_two_values_of_one_field_are_settled_with_a_reason(enter: Enter, town: Town) -> None:
    room, alert_id = enter("zhou min", "zh"), town.alerts["DMA-03"]
    with reading(town.engine) as connection:
        order_id = str(get_alert(connection, alert_id).work_order_id)
        seen = get_order(connection, order_id).document.priority
    with town.engine.begin() as connection:
        crew = enrol(connection, "crew-5", "review tablet")
        actor = add_person(connection, "li", Role.CREW_MEMBER, "crew-5")
    pen = Pen(actor=actor, clock=town.clock, replica_id="review")
    sync = SyncService(town.engine, town.clock).for_tablet(crew)
    pen.push(sync, pen.set(order_id, "priority", seen, 4))
    room.go("/review")
    room.page.keyboard.press("2")
    room.fill("#why", "they stand before it")
    room.send("form[action$='/resolve'] button.p")

    with reading(town.engine) as connection:
        assert list_reviews(connection) == []
        assert get_order(connection, order_id).document.priority == 4


def test_an_area_is_changed_by_two_people_and_never_by_one(enter: Enter, town: Town) -> None:
    agent, boss = enter("liu", "zh"), enter("boss", "zh")
    agent.go("/homes/p-2")
    agent.choose("#c-kind", "area_m2")
    agent.fill("#c-figure", "86")
    agent.fill("#c-evidence", "measured twice")
    agent.send("form[action$='/changes'] button")
    own = agent.see("form[action^='/home-changes/']").count()
    agent.choose("#c-kind", "stop_heating")
    agent.fill("#c-evidence", "seal 7")
    agent.send("form[action$='/changes'] button")
    for _ in range(2):
        boss.go("/homes/p-2")
        boss.send("form[action^='/home-changes/'] button[value=approved]")
    with reading(town.engine) as connection:
        household = get_household(connection, "p-2")

    assert own == 0
    assert household.premises.is_heated is False
    boss.go("/homes?tab=changes")
    expect(boss.see("form[action^='/home-changes/']")).to_have_count(0)


def test_an_interruption_is_announced_runs_and_ends(enter: Enter, town: Town) -> None:
    boss = enter("boss", "en")
    boss.go("/interruptions?medium=gas")
    boss.fill("#reason", "new valve")
    boss.fill("#from_at", "2026-12-01T08:00")
    boss.fill("#to_at", "2026-12-01T18:00")
    boss.send("form[action='/interruptions'] button.p")
    boss.choose("#community", "binhe")
    boss.send("form[action$='/homes'] button")
    for event in ("announce", "begin", "end"):
        boss.step(event)

    with reading(town.engine) as connection:
        [found] = [each for each in newest_interruptions(connection) if each.reason == "new valve"]
    assert found.state == "ended"


HOMES = (
    "premises_id,address,community_id,customer_id,name,phone,customer_class,flags,language,"
    "contact_window,is_confidential,is_heated,meter_ids\n"
)


def test_a_file_is_shown_with_its_wrong_rows_mended_and_taken(enter: Enter, tmp_path: Path) -> None:
    boss, file = enter("boss", "zh"), tmp_path / "homes.csv"
    for row in ("p-70,,nowhere,,,,,,,,,,", "p-70,1 New St,binhe,c-70,Wang,13800001111,,,,,,,"):
        file.write_text(f"{HOMES}{row}\n")
        boss.go("/imports")
        boss.choose("#i-kind", "homes")
        boss.see("#i-file").set_input_files(file)
        boss.send("form[enctype] button")
        if not row.startswith("p-70,1"):
            expect(boss.see("form[action^='/imports/'] button[value=take]")).to_have_count(0)
            expect(boss.see("main")).to_contain_text("nowhere")
    boss.press("y")
    boss.go("/homes?q=13800001111")

    expect(boss.see("a[href='/homes/p-70']")).to_be_visible()


@pytest.mark.nightly
def test_the_hall_calls_a_number_and_the_clerk_closes_the_cash(enter: Enter, town: Town) -> None:
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
    with town.engine.begin() as connection:
        put_sales(connection, [parse_sale(sale)])
    clerk = enter("wu", "en")
    clerk.go("/hall")
    clerk.press("1")
    clerk.press("c")
    clerk.step("serve")
    expect(clerk.see("button[value=serve]")).to_have_count(0)
    clerk.press("k")
    clerk.fill("#counted", "50")
    clerk.send("form[action='/cash'] button.p")
    expect(clerk.see(".err")).to_contain_text("6.50")
    clerk.go("/cash")
    clerk.fill("#counted", "56.50")
    clerk.send("form[action='/cash'] button.p")
    clerk.fill("input[name=bank_slip]", "ICBC 1")
    clerk.send("form[action$='/bank'] button")
    expect(clerk.see("main")).to_contain_text("ICBC 1")


@pytest.mark.nightly
def test_skills_are_noted_and_a_message_is_read(enter: Enter, town: Town) -> None:
    boss, agent = enter("boss", "zh"), enter("liu", "zh")
    boss.go("/staff")
    boss.choose("#k-who", town.people["liu"])
    boss.choose("#k-skill", "speaks_yue")
    boss.fill("#k-end", "2026-12-01")
    boss.send("form[action='/staff/skills'] button[value=save]")
    boss.choose("#m-to", town.people["liu"])
    boss.fill("#m-text", "call the mayor")
    boss.send("form[action='/staff/messages'] button")
    agent.go("/staff")
    expect(agent.see("main")).to_contain_text("call the mayor")
    expect(agent.see("main")).to_contain_text("2026-12-01")
    agent.send("form[action$='/read'] button")

    expect(agent.see("form[action$='/read']")).to_have_count(0)


def test_a_tablet_is_enrolled_by_its_code_once_and_revoked(enter: Enter, town: Town) -> None:
    boss = enter("boss", "en")
    boss.go("/tablets")
    boss.choose("#crew", "crew-5")
    boss.send("form[action='/tablets/code'] button")
    expect(boss.see(".qr svg")).to_be_visible()
    code = boss.see("output.secret").inner_text()
    with town.engine.begin() as connection:
        answer = enrol_tablet(connection, EnrolRequest(code=code, name="page tablet"), NOON)
    boss.go("/tablets")
    row = boss.row("page tablet")
    with boss.page.expect_navigation(wait_until="domcontentloaded"):
        row.locator("form[action$='/revoke'] button").click()

    assert answer.token
    expect(row.locator("form")).to_have_count(0)
    expect(boss.see("output.secret")).to_have_count(0)


@pytest.mark.nightly
def test_an_account_is_made_given_a_crew_and_ended(enter: Enter) -> None:
    root = enter("root", "zh")
    root.go("/accounts")
    for name, text in (("login", "xin"), ("display_name", "Xin"), ("password", "one more lamp")):
        root.fill(f"#{name}", text)
    root.choose("#role", "crew_member")
    root.choose("#crew_id", "crew-3")
    root.send("form[action='/accounts'] button")
    row = root.row("xin")
    row.locator("details", has=root.see("form[action$='/deactivate']")).locator("summary").click()
    with root.page.expect_navigation(wait_until="domcontentloaded"):
        row.locator("form[action$='/deactivate'] button").click()

    expect(row.locator("form[action$='/deactivate']")).to_have_count(0)


@pytest.mark.nightly
def test_a_shift_is_handed_over_and_an_incident_begins_and_ends(enter: Enter) -> None:
    first, boss = enter("liu", "en"), enter("boss", "en")
    first.go("/shift?desk=service_desk")
    first.fill("#entry", "crew 3 asks for a digger")
    first.send("form[action$='/entry'] button")
    first.fill("#handover-note", "watch building 3")
    first.send("form[action$='/offer'] button")
    boss.go("/shift?desk=service_desk")
    expect(boss.see(".guide")).to_contain_text("watch building 3")
    boss.press("t")
    expect(boss.see(".guide")).to_have_count(0)
    boss.go("/incidents")
    boss.fill("#title", "burst in Binhe East")
    boss.send("form[action='/incidents'] button")
    boss.fill("#to", "city government")
    boss.send("form[action$='/report'] button")
    boss.fill("#lessons", "close valve 4 first")
    boss.send("form[action$='/end'] button")
    expect(boss.see("main")).to_contain_text("close valve 4 first")


@pytest.mark.nightly
def test_an_application_is_told_accepted_and_handed_over(enter: Enter) -> None:
    agent = enter("liu", "en")
    agent.go(f"/applications/{take(agent, 'open 3-2-1103')}")
    agent.press("t")
    for box in agent.see("input[name=shown]").all():
        box.check()
    agent.press("k")
    agent.press("a")
    for name, text in (
        ("invoice_number", "I-1"),
        ("contract_number", "C-1"),
        ("card_number", "K-1"),
        ("initial_m3", "50"),
    ):
        agent.fill(f"#{name}", text)
    agent.send("form[action$='/account'] button")
    expect(agent.see("main")).to_contain_text("K-1")


@pytest.mark.nightly
def test_a_policy_has_a_next_version_and_its_approver(enter: Enter) -> None:
    boss = enter("boss", "zh")
    boss.go("/policies?q=sla.CL13")
    boss.see("details summary").first.click()
    boss.fill("input[name=value]", "45")
    boss.fill("input[name=valid_from]", "2026-12-01 00:00")
    boss.fill("input[name=source]", "order 7/2026")
    boss.send("form[action='/policies'] button")
    boss.go("/policies?q=sla.CL13")
    boss.see("details summary").first.click()
    expect(boss.see("details[open]")).to_contain_text("order 7/2026")
    expect(boss.see("details[open]")).to_contain_text("Boss")
