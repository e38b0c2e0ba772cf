"""The review page: who must decide until when, both values, and the way to settle them."""

from collections.abc import Iterator
from html import unescape

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.db.engine_io import reading
from sync_server.sync.order_copy_store import keep_copies
from sync_server.sync.review_store import list_reviews
from sync_server.sync.self_check import Finding, raise_alarm
from sync_server.work_orders.order_store import create_from_alert, get_order
from tests.sync_server.people_parts import PASSWORD, Pen, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import SITE, served
from tests.wire_contracts.wire_samples_rows import ORDER
from wire_contracts.codes import Code
from wire_contracts.fields import JsonObject
from wire_contracts.findings import CAUSE_TEXT, Cause
from wire_contracts.operations import OperationKind
from wire_contracts.order_copies import OrderCopy
from wire_contracts.orders import FactType, order_json
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


@pytest.fixture
def utility(sqlite_engine: Engine, clock: HandClock) -> Utility:
    return found_utility(sqlite_engine, clock)


@pytest.fixture
def order_id(utility: Utility) -> str:
    with utility.engine.begin() as connection:
        actor, alert_id = utility.dispatcher.account_id, raise_leak(connection)
        return create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id


@pytest.fixture
def dispatcher(utility: Utility, clock: HandClock) -> Iterator[Client]:
    with (
        served(utility.engine, clock, SITE) as web,
        Client(base_url=web.base_url, headers={"Origin": web.base_url}) as client,
    ):
        client.post("/login", data={"login": "dispatch", "password": PASSWORD})
        client.post("/me/language", data={"language": "en"})
        yield client


def wish_for_priority(utility: Utility, order_id: str) -> str:
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    pen.push(utility.sync(), pen.set(order_id, "priority", 3, 1))
    with reading(utility.engine) as connection:
        [item] = list_reviews(connection)
    return item.review_id


def test_both_values_their_author_and_the_due_time_are_shown(
    utility: Utility, order_id: str, dispatcher: Client
) -> None:
    wish_for_priority(utility, order_id)
    fresh = unescape(dispatcher.get("/review").text)
    utility.clock.advance(days=3)
    late = unescape(dispatcher.get("/review").text)

    for words in ("Wang · tablet 1", "Priority", "The office decides this field.", "Take the crew"):
        assert words in fresh
    assert "overdue" not in fresh
    assert "overdue by 2 d" in late


def test_the_crews_value_is_taken_and_the_item_shows_what_was_decided(
    utility: Utility, order_id: str, dispatcher: Client
) -> None:
    review_id = wish_for_priority(utility, order_id)
    form = {"choice": "crew", "reason": "they are right", "seen": "3"}

    answer = dispatcher.post(f"/review/{review_id}/resolve", data=form)
    page = unescape(dispatcher.get("/review").text)

    with reading(utility.engine) as connection:
        assert get_order(connection, order_id).document.priority == 1
    assert answer.status_code == 303
    assert "crew’s value taken · Dispatch" in page


def test_two_causes_are_read_as_people_say_them_and_a_third_is_chosen_from_the_list(
    utility: Utility, order_id: str, dispatcher: Client
) -> None:
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    pen.push(utility.sync(), pen.set(order_id, "cause", "", "joint"))
    pen.push(utility.sync(), pen.set(order_id, "cause", "", "power_supply"))
    english = unescape(dispatcher.get("/review").text)
    dispatcher.post("/me/language", data={"language": "zh"})
    chinese = unescape(dispatcher.get("/review").text)

    for language, page in (("en", english), ("zh", chinese)):
        for cause in (Cause.JOINT, Cause.POWER_SUPPLY):
            words = CAUSE_TEXT[cause].in_language(language)
            assert f'<span class="v pre">{words}</span>' in page
    assert f'<option value="joint">{CAUSE_TEXT[Cause.JOINT].zh}</option>' in chinese


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"choice": "other", "value": "soon", "reason": "x"}, "does not take 'soon'"),
        ({"choice": "crew", "reason": "x", "seen": "4"}, "was changed meanwhile to 3"),
        ({"choice": "crew", "reason": " "}, "A reason is needed"),
    ],
)
def test_a_decision_that_cannot_be_written_leaves_the_item_open_and_says_why(
    utility: Utility, order_id: str, dispatcher: Client, form: dict[str, str], words: str
) -> None:
    review_id = wish_for_priority(utility, order_id)

    answer = dispatcher.post(f"/review/{review_id}/resolve", data=form)

    assert answer.status_code == 400
    assert words in unescape(answer.text)
    with reading(utility.engine) as connection:
        assert len(list_reviews(connection)) == 1
        assert get_order(connection, order_id).document.priority == 3


def facts_of_a_crew_that_came_late(utility: Utility, order_id: str) -> None:
    """Push what a tablet may send of an order that is gone, of a step that is too late."""
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    gas: JsonObject = {
        "order_id": "not-here",
        "purpose": "entry",
        "is_entry_allowed": False,
        "lel_pct": 12.0,
        "place": "cellar",
        "detector_id": "GD-01A",
    }
    check_in: JsonObject = {
        "order_id": "not-here",
        "place": "gate 3",
        "flow_m3h": 0.4,
    }
    pen.push(
        utility.sync(),
        pen.go(order_id, WorkOrderEvent.FINISH),
        pen.operation(
            OperationKind.FACT, next(pen.ids), str(FactType.GAS_MEASUREMENT), payload=gas
        ),
        pen.operation(OperationKind.FACT, next(pen.ids), str(FactType.CHECK_IN), payload=check_in),
    )


def test_an_item_says_why_it_is_here_what_to_do_and_how_the_order_stands(
    utility: Utility, order_id: str, dispatcher: Client
) -> None:
    facts_of_a_crew_that_came_late(utility, order_id)
    dispatcher.post("/me/language", data={"language": "zh"})
    with reading(utility.engine) as connection:
        items = list_reviews(connection)
    pages = {
        str(each.code): unescape(dispatcher.get("/review", params={"item": each.review_id}).text)
        for each in items
    }

    step = pages[Code.STATE]
    for words in ("为何在此", "如何处理", "打开工单核对", "工单现状", "已下发 · Repair 1"):
        assert words in step


def test_what_a_crew_sent_is_shown_in_words_and_to_the_letter(
    utility: Utility, order_id: str, dispatcher: Client
) -> None:
    facts_of_a_crew_that_came_late(utility, order_id)
    dispatcher.post("/me/language", data={"language": "zh"})
    with reading(utility.engine) as connection:
        items = list_reviews(connection)
    pages = "".join(
        unescape(dispatcher.get("/review", params={"item": each.review_id}).text) for each in items
    )

    for words in (
        ">未进入<",
        "12 % LEL",
        "瞬时流量：0.4 m³/h",
        "地点：gate 3",
        '"place": "gate 3"',
    ):
        assert words in pages


def test_an_order_that_is_not_known_here_is_called_so_with_the_tablet_that_named_it(
    utility: Utility, order_id: str, dispatcher: Client
) -> None:
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    lost = "01900000-0000-7000-8000-00000000dead"
    pen.push(
        utility.sync(), pen.go(lost, WorkOrderEvent.ACCEPT), pen.set(order_id, "priority", 3, 1)
    )
    english = unescape(dispatcher.get("/review").text)
    dispatcher.post("/me/language", data={"language": "zh"})
    chinese = unescape(dispatcher.get("/review").text)

    assert "an order that is not known here · tablet 1" in english
    assert "WO-000001" in english
    assert "本机未登记的工单 · tablet 1" in chinese
    assert lost[:8] not in english + chinese


def test_an_item_of_the_servers_own_check_says_what_was_found_and_asks_for_no_choice(
    utility: Utility, dispatcher: Client
) -> None:
    with utility.engine.begin() as connection:
        raise_alarm(connection, [Finding(rule="bucket sums", subject="crew-1")], NOON)

    page = unescape(dispatcher.get("/review").text)

    assert "sums of what tablets were given" in page
    assert "`sync-server check-sync` names each record" in page
    assert "Choose the value that stands" not in page


LOST = "0190c1d2-0000-7000-8000-0000000000ff"


def tell_of(utility: Utility, document: JsonObject) -> str:
    """A tablet tells of an order that this server does not know; return what is asked."""
    copy = OrderCopy(order_id=LOST, as_of_ms=1_795_000_000_000, document=document)
    with utility.engine.begin() as connection:
        keep_copies(connection, utility.tablet, [copy], NOON)
        [item] = list_reviews(connection)
    return item.review_id


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Make this order again", "working", "found at night")), ("zh", ("重新建立该工单",))],
)
def test_an_order_that_only_tablets_remember_is_shown_and_made_again(
    utility: Utility, dispatcher: Client, language: str, words: tuple[str, ...]
) -> None:
    review_id = tell_of(utility, order_json(ORDER))
    dispatcher.post("/me/language", data={"language": language})

    page = unescape(dispatcher.get("/review").text)
    silent = dispatcher.post(f"/review/{review_id}/make-order", data={"reason": " "})
    made = dispatcher.post(f"/review/{review_id}/make-order", data={"reason": "disk lost"})
    again = dispatcher.post(f"/review/{review_id}/make-order", data={"reason": "disk lost"})

    for each in (*words, ORDER.number, ORDER.address):
        assert each in page
    assert (silent.status_code, again.status_code) == (400, 400)
    assert (made.status_code, made.headers["location"]) == (303, f"/orders/{LOST}")
    assert dispatcher.get(f"/orders/{LOST}").status_code == 200
    with reading(utility.engine) as connection:
        order = get_order(connection, LOST)
    assert (order.state, order.document.number) == (WorkOrderState.RELEASED, ORDER.number)


def test_a_copy_that_cannot_be_read_is_shown_as_it_came_and_makes_nothing(
    utility: Utility, dispatcher: Client
) -> None:
    review_id = tell_of(utility, {"number": 7, "title": "no text"})

    page = unescape(dispatcher.get("/review").text)
    answer = dispatcher.post(f"/review/{review_id}/make-order", data={"reason": "disk lost"})

    assert '"number": 7' in page
    assert answer.status_code == 400
    assert "cannot be read" in unescape(answer.text)
