"""The desk over real HTTP: a call becomes an order, a request its reply, in both languages."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from sync_server.access.audit_store import list_audit
from sync_server.customers.customer import Customer
from sync_server.customers.customer_store import put_customers
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.db.engine_io import reading
from sync_server.service_desk.request import RequestClass, RequestRecord
from sync_server.service_desk.request_rows_store import caller_of, get_request, newest_page
from sync_server.work_orders.order_store import get_order
from sync_server.work_orders.policy_store import policy_at
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_people import Enter
from tests.sync_server.web.intake_town import PHONE
from wire_contracts.request_states import RequestState
from wire_contracts.work_order_states import WorkOrderState

HOSTILE = "<script>alert('x')</script>\"'&"
_S = RequestState


def newest(engine: Engine) -> RequestRecord:
    with reading(engine) as connection:
        return newest_page(connection, frozenset(_S), None, 1)[0]


def words_of(engine: Engine, record: RequestRecord) -> str:
    with reading(engine) as connection:
        caller = caller_of(connection, record.request_id)
    return caller.words if caller else ""


def count(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(SERVICE_REQUEST.c.request_id)).all())


def test_one_line_sends_a_crew_to_a_gas_leak(enter: Enter, sqlite_engine: Engine) -> None:
    agent = enter("liu")

    answer = agent.take("leak smell in the kitchen", phone="15501012890")
    record = newest(sqlite_engine)
    with reading(sqlite_engine) as connection:
        order = get_order(connection, record.order_id or "")
    page = agent.client.get(answer.headers["location"]).text

    assert answer.status_code == 303
    assert (record.premises_id, record.meter_id) == ("p-1", "GM-031207")
    assert order.state is WorkOrderState.RELEASED
    assert order.document.due_at_utc == NOON + timedelta(minutes=60)
    assert f"{record.number} is recorded, Crew" in page


def test_a_door_that_is_not_in_the_register_never_leads_to_the_callers_own_home(
    enter: Enter, sqlite_engine: Engine
) -> None:
    agent = enter("liu")
    line = "leak 88-9-999 @binhe mother smells gas"

    shown = agent.look(line, phone=PHONE)
    answer = agent.take(line, phone=PHONE)
    record = newest(sqlite_engine)

    assert "88-9-999 is not in the register" in shown
    assert 'name="home" value=' not in shown
    assert (answer.status_code, record.premises_id) == (303, None)
    assert record.address == "binhe 88-9-999"
    assert words_of(sqlite_engine, record) == "88-9-999 @binhe mother smells gas"


def test_the_door_is_the_one_that_the_register_has(enter: Enter, sqlite_engine: Engine) -> None:
    agent = enter("liu")

    agent.take("nowater 9-9-999 3-2-1102 dry", phone=PHONE)
    known = newest(sqlite_engine)
    part_of_a_number = agent.look("leak 2-110")

    assert (known.premises_id, words_of(sqlite_engine, known)) == ("p-2", "9-9-999 dry")
    assert "2-110 is not in the register" in part_of_a_number


def test_a_home_chosen_for_one_door_is_not_kept_for_another(
    enter: Enter, sqlite_engine: Engine
) -> None:
    agent = enter("liu")
    shown = agent.look("nowater @滨河东路")
    key = re.search(r'name="home_for" value="([^"]*)"', shown)
    chosen = {"home": "p-3", "home_for": key.group(1) if key else ""}

    agent.take("nowater @滨河东路 dry since noon", **chosen)
    agent.take("nogas 3-2-1102", **chosen)
    with reading(sqlite_engine) as connection:
        taken = newest_page(connection, frozenset(_S), None, 2)

    assert {each.request_class: each.premises_id for each in taken} == {
        RequestClass.NO_WATER: "p-3",
        RequestClass.NO_GAS: "p-2",
    }


def test_what_may_be_a_danger_is_asked_before_anything_else_is_sent(
    enter: Enter, sqlite_engine: Engine
) -> None:
    agent = enter("liu")

    shown = agent.look("nogas 3-2-1102 odd smell")
    refused = agent.take("nogas 3-2-1102 odd smell")
    before = count(sqlite_engine)
    asked = agent.take("nogas 3-2-1102 odd smell", no_danger="smell")

    assert "“smell” may be a danger" in shown
    assert (refused.status_code, before) == (400, 0)
    assert (asked.status_code, count(sqlite_engine)) == (303, 1)


@pytest.mark.parametrize("sending", ["solved", "hold"])
def test_no_telephone_call_ends_or_holds_a_danger(
    enter: Enter, sqlite_engine: Engine, sending: str
) -> None:
    agent = enter("liu")

    shown = agent.look("leak 3-2-1102")
    refused = agent.take("leak 3-2-1102", send=sending, answer="windows are open")

    assert f'value="{sending}"' not in shown
    assert refused.status_code == 400
    assert "no telephone call ends a danger" in refused.text
    assert count(sqlite_engine) == 0


def test_while_one_types_the_page_says_what_it_knows(enter: Enter) -> None:
    """Rule D-23: what to say, whose side, the same moment."""
    agent = enter("liu")

    text = agent.look("leak", phone=PHONE)
    flagged = agent.look("cold", phone=PHONE)
    unknown = agent.look("", phone="")

    assert "陈桂芳" in text
    assert "155 **** 2890" in text
    assert PHONE not in text
    assert "GM-031207" in text
    assert "Send a crew now" in text
    assert "elderly, alone" in flagged
    assert re.search(r'name="prio" value="2" checked', flagged)
    assert "Nothing is recognised yet." in unknown


def test_homes_that_fit_are_offered_and_none_is_guessed(
    enter: Enter, sqlite_engine: Engine
) -> None:
    agent = enter("liu")

    refused = agent.take("nogas @滨河东路")
    kept = count(sqlite_engine)
    taken = agent.take("nogas @滨河东路", home="p-3")

    assert refused.status_code == 400
    assert "4 homes fit" in refused.text
    assert kept == 0
    assert (taken.status_code, newest(sqlite_engine).premises_id) == (303, "p-3")


def test_a_second_call_joins_and_a_flood_is_one_group(
    enter: Enter, sqlite_engine: Engine, clock: HandClock
) -> None:
    """Rule C-39: linked while it is typed."""
    agent = enter("liu")
    taken = []
    for line in ("cold 3-2-1101", "cold 3-2-1101 again", "cold 3-2-1102"):
        agent.take(line)
        taken.append(newest(sqlite_engine))
        clock.advance(minutes=1)
    first, again, _ = taken
    shown = agent.look("cold 3-2-1103")
    agent.take("cold 3-2-1103")
    third = newest(sqlite_engine)

    assert (again.state, again.duplicate_of) == (_S.DUPLICATE, first.request_id)
    assert "Likely one matter" in shown
    assert third.group_id is not None
    with reading(sqlite_engine) as connection:
        assert get_request(connection, first.request_id).group_id == third.group_id


def test_two_gas_leaks_in_one_house_get_a_crew_each(
    enter: Enter, sqlite_engine: Engine, clock: HandClock
) -> None:
    agent = enter("liu")
    agent.take("leak 3-2-1101")
    first = newest(sqlite_engine)
    clock.advance(minutes=1)
    agent.take("leak 3-2-1102")
    second = newest(sqlite_engine)

    assert None not in {first.order_id, second.order_id}
    assert first.order_id != second.order_id
    assert (first.group_id, second.group_id) == (None, None)


def test_a_request_goes_from_slip_to_closed_over_the_pages(
    enter: Enter, sqlite_engine: Engine, clock: HandClock
) -> None:
    """Rules A-03, A-10, B-05."""
    agent, lead, quality = (enter(each) for each in ("liu", "wei", "he"))
    agent.take("nowater 3-2-1101 kitchen dry")
    request_id = newest(sqlite_engine).request_id
    clock.advance(minutes=5)
    answers = [
        lead.step(request_id, "accept"),
        lead.step(request_id, "start"),
        lead.step(request_id, "finish", "valve opened"),
        lead.step(request_id, "reply", "water is back"),
        agent.step(request_id, "confirm", "all fine", satisfied="yes"),
        quality.step(request_id, "close"),
    ]
    page = agent.client.get(f"/requests/{request_id}").text

    assert [each.status_code for each in answers] == [303] * 6
    assert newest(sqlite_engine).state is _S.CLOSED
    assert "valve opened" in page
    assert "155 **** 2890" in page or "masked" in page


def test_what_a_step_lacks_is_said_on_the_page(enter: Enter, sqlite_engine: Engine) -> None:
    agent, lead = enter("liu"), enter("wei")
    agent.take("nowater 3-2-1101")
    request_id = newest(sqlite_engine).request_id

    empty = lead.step(request_id, "bounce")
    early = lead.step(request_id, "finish", "done")
    forbidden = agent.step(request_id, "close")
    unknown = lead.step(request_id, "explode")

    assert (empty.status_code, early.status_code) == (409, 409)
    assert "write why it is not yours" in empty.text
    assert "possible now: accept, bounce" in early.text
    assert (forbidden.status_code, unknown.status_code) == (403, 400)


def test_only_the_desk_sees_a_whole_contact_and_each_reading_is_audited(
    enter: Enter, sqlite_engine: Engine, town: dict[str, str]
) -> None:
    """Privacy rules 1, 2 and 4 (rules A-17, C-02)."""
    agent, lead, auditor = (enter(each) for each in ("liu", "wei", "audit"))
    agent.take("nowater 3-2-1101", phone=PHONE)
    path = f"/requests/{newest(sqlite_engine).request_id}"

    seen = {
        who: PHONE in each.client.get(path).text
        for who, each in (("agent", agent), ("lead", lead), ("auditor", auditor))
    }
    with reading(sqlite_engine) as connection:
        read_by = [each.actor for each in list_audit(connection) if each.action == "contact.read"]

    assert seen == {"agent": True, "lead": False, "auditor": False}
    assert read_by == [town["liu"]]


def test_a_confidential_address_is_kept_from_slips_and_the_crew_has_it(
    enter: Enter, sqlite_engine: Engine
) -> None:
    """Rule D-02, privacy rule 7."""
    secret = Customer(customer_id="c-1", name="陈桂芳", phone=PHONE, is_confidential=True)
    with sqlite_engine.begin() as connection:
        put_customers(connection, [secret], NOON)
    agent, lead = enter("liu"), enter("wei")
    agent.take("leak 3-2-1101")
    record = newest(sqlite_engine)
    page = f"/requests/{record.request_id}"
    seen = [
        "1101" in each
        for each in (
            lead.client.get("/requests").text,
            lead.client.get(page).text,
            agent.client.get(page).text,
        )
    ]
    with reading(sqlite_engine) as connection:
        order = get_order(connection, record.order_id or "")

    assert seen == [False, False, True]
    assert "1101" in order.document.address


def test_hostile_words_stay_words(enter: Enter, sqlite_engine: Engine) -> None:
    agent = enter("liu")
    agent.take(f"conduct {HOSTILE}", name=HOSTILE, address=HOSTILE)
    record = newest(sqlite_engine)
    pages = [
        agent.client.get(f"/requests/{record.request_id}").text,
        agent.client.get("/requests").text,
        agent.look(HOSTILE),
        agent.take(HOSTILE).text,
    ]

    assert all("<script>alert" not in each for each in pages)


@pytest.mark.parametrize(
    "data",
    [
        {"line": "x" * 2001},
        {"line": "leak", "send": "everything"},
        {"line": "leak", "triage": "nobody"},
        {"line": "leak", "channel": "smoke"},
        {"line": "", "send": "auto"},
        {"line": "leak", "phone": "1" * 81},
    ],
    ids=lambda each: next(iter(each)),
)
def test_what_is_out_of_bounds_is_refused_and_nothing_is_kept(
    enter: Enter, sqlite_engine: Engine, data: dict[str, str]
) -> None:
    agent = enter("liu")

    answer = agent.client.post("/intake", data=data)

    assert (answer.status_code, count(sqlite_engine)) == (400, 0)


def test_every_desk_page_is_whole_in_both_languages(enter: Enter, sqlite_engine: Engine) -> None:
    boss, agent = enter("boss"), enter("liu")
    agent.take("leak 3-2-1101")
    paths = [
        "/intake",
        "/requests",
        "/requests?tab=slips",
        "/requests?tab=all",
        f"/requests/{newest(sqlite_engine).request_id}",
        "/shift",
        "/shift?desk=service_desk",
        "/policies",
        "/map",
        "/board",
        "/gateways/orders",
    ]
    found = {}
    for language in ("en", "zh"):
        boss.client.post("/me/language", data={"language": language, "back": "/"})
        for path in paths:
            answer = boss.client.get(path)
            found[language, path] = (answer.status_code, 'lang="zh-CN" data' in answer.text)

    assert found == {
        (language, path): (200, language == "zh") for language in ("en", "zh") for path in paths
    }


def test_one_shift_leaves_the_next_what_is_open(enter: Enter) -> None:
    """Rule D-20: a hand-over that somebody takes."""
    first, second = enter("liu"), enter("he")
    boss = enter("boss")
    first.take("leak 3-2-1101")
    first.client.post("/shift/service_desk/entry", data={"text": "crew 3 asks for a digger"})
    first.client.post("/shift/service_desk/offer", data={"note": "leak in building 3"})
    own = first.client.get("/shift").text
    refused = second.client.post("/shift/handover/1/take")
    offered = boss.client.get("/shift?desk=service_desk").text
    taken = boss.client.post("/shift/handover/1/take")
    again = boss.client.post("/shift/handover/1/take")
    after = first.client.get("/shift").text

    assert "Waits for the next shift" in own
    assert "leak in building 3" in offered
    assert "I have read it" in offered
    assert (refused.status_code, taken.status_code, again.status_code) == (403, 303, 409)
    assert "crew 3 asks for a digger" in after
    assert "I have read it" not in after


def test_a_director_gives_a_clock_another_limit_from_a_moment_on(
    enter: Enter, sqlite_engine: Engine
) -> None:
    """Rule C-54: versions with valid-from, source and approver."""
    boss, agent = enter("boss"), enter("wei")
    new = {"name": "sla.CL13", "value": "45", "source": "order 7/2026"}

    done = boss.client.post("/policies", data={**new, "valid_from": "2026-12-01 00:00"})
    twice = boss.client.post("/policies", data={**new, "valid_from": "2026-12-01 00:00"})
    past = boss.client.post("/policies", data={**new, "valid_from": "2020-01-01"})
    strange = boss.client.post("/policies", data={**new, "name": "sla.CL99"})
    endless = boss.client.post("/policies", data={**new, "value": "inf"})
    forbidden = agent.client.post("/policies", data=new)

    with reading(sqlite_engine) as connection:
        held = [policy_at(connection, "sla.CL13", NOON + timedelta(days=each)) for each in (0, 60)]
    assert [each.status_code for each in (done, twice, past, strange, endless, forbidden)] == [
        303,
        400,
        400,
        400,
        400,
        403,
    ]
    assert held == [60.0, 45.0]


def test_the_map_gives_what_is_open_where_it_is(enter: Enter) -> None:
    boss = enter("boss")

    still = boss.client.get("/map/still").json()
    live = boss.client.get("/map/live").json()

    assert still["bounds"] is None
    assert still["meters"] == {"ids": [], "at": []}
    assert set(live) == {"meters", "alerts", "crews", "calls", "stops"}
