"""An order that the office gives on in the middle of the work: what the next crew is told."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest

from field_app.i18n import CatalogueWords
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import RowsBlock
from field_app.presenters.shift_page import ShiftData, ShiftPage
from field_app.tablet import Tablet
from sync_server.sync.review_store import ReviewKind
from tests.field_app.office_parts import Office, office_app
from tests.field_app.restore_parts import TwoCrews, mate_of, sync_in_turn, take_steps, two_crews
from tests.field_app.test_left_orders import reviews, told
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import IsolationEvent, SafetyStep, ValveAction
from wire_contracts.work_order_states import WorkOrderEvent


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


def turn(tablet: Tablet, order_id: str, action: ValveAction, valve_id: str = "VW-1") -> None:
    keeper = "" if action is ValveAction.REOPENED else "Li Wei"
    event = IsolationEvent(valve_id=valve_id, action=action, may_reopen=keeper)
    tablet.site.turn_valve(order_id, event)


def begin(crews: TwoCrews, tablet: Tablet) -> str:
    """Go to work at a leak of gas: a valve is closed, the pipe isolated by it; nothing is sent."""
    order_id = crews.office.new_order(Medium.GAS)
    sync_in_turn(crews, tablet)
    take_steps(tablet, order_id, "accept", "depart", "arrive", "begin")
    turn(tablet, order_id, ValveAction.CLOSED)
    tablet.site.keep(order_id, "isolate", {"how": "valve_closed"})
    tablet.site.do_step(order_id, SafetyStep.ISOLATE)
    return order_id


def closed_at(tablet: Tablet, order_id: str) -> list[tuple[str, str]]:
    """Return the valves that a tablet lists at an order, with who may open them."""
    record = tablet.site.sheet(order_id).record
    return [(each.valve_id, each.may_reopen) for each in record.valves]


def test_the_next_crew_sees_what_a_dead_tablet_had_told(crews: TwoCrews) -> None:
    one, two = crews.one, crews.two
    order_id = begin(crews, one)
    one.site.keep(order_id, "ventilate", {"how": "fan", "minutes": "10"})
    one.site.do_step(order_id, SafetyStep.VENTILATE)
    one.site.keep(order_id, "measure", {"gas_lel_pct": "12"})
    one.site.do_step(order_id, SafetyStep.MEASURE)
    sync_in_turn(crews, one)
    crews.office.assign(order_id, "crew-2")  # and the tablet of crew 1 is never heard of again
    sync_in_turn(crews, two)

    record = two.site.sheet(order_id).record
    assert closed_at(two, order_id) == [("VW-1", "Li Wei")]
    assert record.done == {SafetyStep.ISOLATE}, "air is measured anew"
    assert record.lel_pct == 12
    take_steps(two, order_id, "accept", "depart", "arrive", "begin")
    assert two.site.sheet(order_id).record.done == {SafetyStep.ISOLATE}


def test_what_comes_after_the_order_was_given_on_reaches_the_next_crew(crews: TwoCrews) -> None:
    one, two = crews.one, crews.two
    order_id = begin(crews, one)
    crews.office.clock.advance(minutes=1)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, two)
    take_steps(two, order_id, "accept", "depart", "arrive", "begin")
    assert closed_at(two, order_id) == []
    sync_in_turn(crews, one, two)
    assert closed_at(two, order_id) == [("VW-1", "Li Wei")]

    turn(one, order_id, ValveAction.REOPENED)  # the order has left the tablet of crew 1
    sync_in_turn(crews, one, two)
    assert closed_at(two, order_id) == []


def test_a_colleagues_valve_that_comes_after_the_hand_over_is_not_lost(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order(Medium.GAS)
    mate = mate_of(crews, tmp_path, "crew-1")
    sync_in_turn(crews, crews.one, mate)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    turn(mate, order_id, ValveAction.CLOSED, "VW-9")
    crews.office.clock.advance(minutes=1)
    turn(crews.one, order_id, ValveAction.CLOSED)
    crews.one.site.hand_over(order_id, "joint is bare", "Wang")
    sync_in_turn(crews, crews.one, mate)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    mate.close()

    handover = crews.office.order(order_id).document.handover
    assert handover is not None
    assert (handover.note, handover.by) == ("joint is bare", "Wang")
    assert {valve for valve, _keeper in closed_at(crews.two, order_id)} == {"VW-1", "VW-9"}


def test_an_order_that_comes_back_brings_what_the_crew_between_has_opened(crews: TwoCrews) -> None:
    one, two = crews.one, crews.two
    order_id = begin(crews, one)
    sync_in_turn(crews, one)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, one, two)
    take_steps(two, order_id, "accept", "depart", "arrive", "begin")
    turn(two, order_id, ValveAction.REOPENED)
    turn(two, order_id, ValveAction.CLOSED, "VW-2")
    sync_in_turn(crews, two)
    crews.office.assign(order_id, "crew-1")
    sync_in_turn(crews, one)
    take_steps(one, order_id, "accept", "depart", "arrive")

    assert closed_at(one, order_id) == [("VW-2", "Li Wei")]


def test_a_reopened_order_tells_what_is_still_closed_and_no_more(crews: TwoCrews) -> None:
    order_id = crews.office.new_order(Medium.WATER)
    sync_in_turn(crews, crews.one)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    turn(crews.one, order_id, ValveAction.CLOSED)
    found = {"result": "normal", "cause": "nothing_found", "measured.flow_m3h": "2"}
    crews.one.desk.save_answers(order_id, {**found, "note": "dry"})
    crews.one.desk.finish(order_id)
    sync_in_turn(crews, crews.one)
    for event in (WorkOrderEvent.VERIFY, WorkOrderEvent.CLOSE, WorkOrderEvent.REOPEN):
        crews.office.act(order_id, event)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)

    handover = crews.office.order(order_id).document.handover
    assert handover is not None
    assert (handover.lel_pct, handover.steps) == (None, ())
    assert closed_at(crews.two, order_id) == [("VW-1", "Li Wei")]


def test_an_order_on_which_nobody_had_begun_is_given_on_without_a_hand_over(
    crews: TwoCrews,
) -> None:
    order_id = crews.office.new_order()
    sync_in_turn(crews, crews.one)
    crews.one.site.read_meter(order_id, {"reading": 12.5})
    sync_in_turn(crews, crews.one)
    crews.office.assign(order_id, "crew-2")

    assert crews.office.order(order_id).document.handover is None


def shift_of(crews: TwoCrews, tablet: Tablet) -> SheetPresenter[ShiftData]:
    context = PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("en"), clock=crews.office.clock, zone=UTC
    )
    page = SheetPresenter(ShiftPage(tablet, context), context)
    page.attach(lambda _view: None)
    return page


def actions_of(page: SheetPresenter[ShiftData]) -> list[str]:
    """Return the buttons at the rows of what is still open."""
    rows = (each for each in page.view.blocks if isinstance(each, RowsBlock) and each.key == "open")
    return [action.key for block in rows for line in block.lines for action in line.actions]


def test_the_former_crew_opens_its_valve_again_from_my_shift_with_somebodys_word(
    crews: TwoCrews,
) -> None:
    one, two = crews.one, crews.two
    order_id = begin(crews, one)
    sync_in_turn(crews, one)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, one, two)
    page = shift_of(crews, one)
    (key,) = actions_of(page)
    page.tap(key)
    assert page.view.title == "Who gave the word to open VW-1?"
    assert page.view.primary is not None
    assert page.view.primary.refusal == "Enter the name first."
    page.tap(key)
    assert page.view.title == "Who gave the word to open VW-1?", "nothing without a name"
    page.type("word_from", "Li Wei")
    page.flush()
    page.tap(key)
    page.refresh()

    assert actions_of(page) == []
    assert page.view.title == "My shift"
    page.tap(key)  # a touch that came twice
    page.tap("not-now")
    sync_in_turn(crews, one, two)
    assert closed_at(two, order_id) == []
    ((actor, payload),) = [
        each for each in told(crews.office, order_id, FactType.ISOLATION) if "word_from" in each[1]
    ]
    assert (actor, payload["word_from"]) == (crews.office.utility.member.account_id, "Li Wei")


def test_the_second_tablet_of_a_crew_sees_what_a_dead_one_had_told(
    crews: TwoCrews, tmp_path: Path
) -> None:
    one = crews.one
    order_id = begin(crews, one)
    one.site.keep(order_id, "ventilate", {"how": "fan", "minutes": "10"})
    one.site.do_step(order_id, SafetyStep.VENTILATE)
    one.site.keep(order_id, "measure", {"gas_lel_pct": "12"})
    one.site.do_step(order_id, SafetyStep.MEASURE)
    sync_in_turn(crews, one)  # and is never heard of again
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, mate)
        record = mate.site.sheet(order_id).record
        assert closed_at(mate, order_id) == [("VW-1", "Li Wei")]
        assert record.done == {SafetyStep.ISOLATE}, "air is measured anew"
        assert record.lel_pct == 12
        turn(mate, order_id, ValveAction.REOPENED)
        turn(mate, order_id, ValveAction.CLOSED, "VW-2")
        sync_in_turn(crews, mate)
        assert {valve for valve, _keeper in closed_at(mate, order_id)} == {"VW-2"}

    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    assert closed_at(crews.two, order_id) == [("VW-2", "Li Wei")]
    handover = crews.office.order(order_id).document.handover
    assert handover is not None
    assert not handover.is_so_far


def test_the_crews_live_tablets_neither_double_nor_lose_what_each_other_told(
    crews: TwoCrews, tmp_path: Path
) -> None:
    one = crews.one
    order_id = begin(crews, one)
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, one, mate)
        before = one.site.sheet(order_id).record
        turn(mate, order_id, ValveAction.CLOSED, "VW-2")
        sync_in_turn(crews, mate, one)
        record = one.site.sheet(order_id).record
        assert closed_at(one, order_id) == closed_at(mate, order_id)
        assert sorted(closed_at(one, order_id)) == [("VW-1", "Li Wei"), ("VW-2", "Li Wei")]
        assert (record.steps, record.step_facts) == (before.steps, before.step_facts)

        turn(one, order_id, ValveAction.REOPENED)  # the pipe is open: the step falls at once
        assert SafetyStep.ISOLATE not in one.site.sheet(order_id).record.done
        assert [valve for valve, _keeper in closed_at(one, order_id)] == ["VW-2"]
        sync_in_turn(crews, one, mate)
        assert closed_at(mate, order_id) == closed_at(one, order_id)
        assert mate.site.sheet(order_id).record.done == frozenset()


def test_a_crew_that_was_given_an_order_shares_the_valves_that_it_closes_itself(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = begin(crews, crews.one)
    sync_in_turn(crews, crews.one)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    take_steps(crews.two, order_id, "accept", "depart", "arrive", "begin")
    turn(crews.two, order_id, ValveAction.CLOSED, "VW-2")
    turn(crews.two, order_id, ValveAction.REOPENED)
    sync_in_turn(crews, crews.two)
    with closing(mate_of(crews, tmp_path, "crew-2")) as mate:
        sync_in_turn(crews, mate)
        assert closed_at(mate, order_id) == closed_at(crews.two, order_id) == [("VW-2", "Li Wei")]
        assert mate.site.sheet(order_id).record.done == frozenset()


def find_dry(tablet: Tablet, order_id: str) -> None:
    found = {"result": "normal", "cause": "nothing_found", "measured.flow_m3h": "2"}
    tablet.desk.save_answers(order_id, {**found, "note": "dry"})
    tablet.desk.finish(order_id)


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "finished by the next"])
def test_a_valve_that_is_told_late_at_an_order_that_is_over_asks_the_dispatcher_once(
    crews: TwoCrews, *, is_cancelled: bool
) -> None:
    one, two = crews.one, crews.two
    order_id = crews.office.new_order(Medium.WATER)
    sync_in_turn(crews, one)
    take_steps(one, order_id, "accept", "depart", "arrive", "begin")
    sync_in_turn(crews, one)
    turn(one, order_id, ValveAction.CLOSED, "VW-3")
    turn(one, order_id, ValveAction.REOPENED, "VW-3")
    turn(one, order_id, ValveAction.CLOSED)
    turn(one, order_id, ValveAction.CLOSED, "VW-2")
    crews.office.clock.advance(minutes=1)
    if is_cancelled:
        crews.office.act(order_id, WorkOrderEvent.CANCEL)
    else:
        crews.office.assign(order_id, "crew-2")
        sync_in_turn(crews, two)
        take_steps(two, order_id, "accept", "depart", "arrive", "begin")
        find_dry(two, order_id)
        sync_in_turn(crews, two)
    before = reviews(crews.office)
    sync_in_turn(crews, one)
    assert sorted(reviews(crews.office)) == sorted([*before, ReviewKind.LEFT_CLOSED])


def test_the_own_finish_with_a_closed_valve_asks_nobody(crews: TwoCrews) -> None:
    order_id = crews.office.new_order(Medium.WATER)
    sync_in_turn(crews, crews.one)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    turn(crews.one, order_id, ValveAction.CLOSED)
    find_dry(crews.one, order_id)
    sync_in_turn(crews, crews.one)
    assert reviews(crews.office) == []
