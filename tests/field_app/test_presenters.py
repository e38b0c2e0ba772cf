"""What the presenters show: words, marks, the one next step, and why not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from field_app.config import TabletConfig
from field_app.crew import HeadlessCrew
from field_app.i18n import CatalogueWords, ChosenWords
from field_app.orders.site_desk import StepRefusedError
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.enrol import EnrolPresenter
from field_app.presenters.order import OrderPresenter
from field_app.presenters.order_tools import OPENS_WORK
from field_app.presenters.orders import OrdersPresenter
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import VerdictBlock
from field_app.presenters.sync import SyncPresenter
from field_app.presenters.views import FindingView, OrdersView, OrderView, SyncView, Tone
from field_app.presenters.wording import due_text, duration_text
from field_app.presenters.work_page import WorkPage
from field_app.store.identity_io import save_identity
from field_app.store.record_states import RecordState
from field_app.tablet import Tablet, open_tablet
from sync_server.sync.review_store import ReviewKind, list_reviews
from tests.field_app.office_parts import BadNetwork, Fate, Office, office_app, serving
from tests.field_app.presenter_parts import GAS_STEPS, order_of, take_gas_steps, watch_for
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import (
    HelpCall,
    HelpReason,
    IsolationEvent,
    SafetyStep,
    ValveAction,
)
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

ENGLISH = CatalogueWords("en")


@pytest.fixture
def tablet(crew: HeadlessCrew) -> Tablet:
    return crew.tablet


@pytest.fixture
def context(office: Office) -> PresenterContext:
    return PresenterContext(worker=InlineWorker(), words=ENGLISH, clock=office.clock, zone=UTC)


def test_the_list_shows_what_endangers_people_first(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    water, heat = office.new_order(Medium.WATER), office.new_order(Medium.HEAT)
    tablet.sync_now()
    views: list[OrdersView] = []
    presenter = OrdersPresenter(tablet, context)

    presenter.attach(views.append)

    assert [row.order_id for row in views[-1].rows] == [heat, water]
    assert [row.safety_class for row in views[-1].rows] == ["A", "C"]
    assert views[-1].rows[1].state_text == "New"
    assert views[-1].crew_text == "crew-1 · Wang"
    chips = {chip.key: chip.count for chip in views[-1].filters}
    assert chips == {"open": 2, "urgent": 1, "heat": 1, "water": 1, "done": 0}


def test_searching_finds_by_meter_street_and_number(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    office.new_order(Medium.GAS)
    number = office.order(order_id).document.number
    tablet.sync_now()
    presenter = OrdersPresenter(tablet, context)
    presenter.attach(lambda _view: None)

    presenter.search(f"street {number.lower()}")
    found = [row.order_id for row in presenter.view.rows]
    presenter.search("100%_nothing")

    assert found == [order_id]
    assert presenter.view.empty_text == "No order contains these words."


def test_a_meter_is_found_by_both_its_numbers_however_they_are_typed(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    office.new_order(Medium.GAS)
    document = office.order(order_id).document
    tablet.sync_now()
    presenter = OrdersPresenter(tablet, context)
    presenter.attach(lambda _view: None)
    full_width = {ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    found = []
    for number in (document.meter_id, document.device_serial, document.number):
        assert number
        for typed in (number, number.lower(), number.translate(full_width)):
            presenter.search(typed)
            found.append([row.order_id for row in presenter.view.rows])

    assert found == [[order_id]] * 9


def test_more_rows_come_page_by_page(
    tablet: Tablet, office: Office, context: PresenterContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("field_app.presenters.orders.PAGE_ROWS", 1)
    office.new_order()
    office.new_order(Medium.GAS)
    tablet.sync_now()
    presenter = OrdersPresenter(tablet, context)
    presenter.attach(lambda _view: None)
    presenter.choose_filter("open")
    first = (len(presenter.view.rows), presenter.view.total_count, presenter.view.has_more)

    presenter.show_more()

    assert first == (1, 2, True)
    assert (len(presenter.view.rows), presenter.view.has_more) == (2, False)


def test_an_order_offers_exactly_its_next_step(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    presenter = order_of(tablet, context, order_id)
    steps = []
    for _ in range(4):
        action = presenter.view.next_action
        assert action is not None
        steps.append(action.text)
        presenter.act(action.event)

    last = presenter.view.next_action
    assert steps == ["Accept", "Set off", "I am on site", "Begin work"]
    assert last is not None
    assert (last.text, last.event) == ("Next: Isolate", OPENS_WORK)
    assert [each.text for each in presenter.view.other_actions] == [
        "Cannot finish",
        "Nobody lets us in",
    ]
    assert presenter.view.mark.state is RecordState.QUEUED


def test_an_order_brings_its_evidence(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()

    evidence = order_of(tablet, context, order_id).view.evidence

    assert evidence is not None
    assert evidence.sentence == "0.4 m³/h all night, limit 0.1"
    assert (evidence.top, evidence.unit) == (0.4, "m³/h")


def test_a_step_that_came_too_late_says_why(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    presenter = order_of(tablet, context, order_id)
    presenter.act("accept")

    presenter.act("accept")

    assert presenter.view.message == "Not possible now: the order is “Accepted”."
    assert presenter.view.state is WorkOrderState.ACCEPTED


def test_a_refusal_is_explained_until_it_was_seen(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    office.act(order_id, WorkOrderEvent.CANCEL)
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    tablet.sync_now()
    presenter = order_of(tablet, context, order_id)
    (shown,) = presenter.view.look_here

    presenter.mark_seen()

    assert shown.text == "Accept"
    assert shown.reason in {
        "The order has moved on meanwhile.",
        "The order was cancelled or is gone.",
    }
    assert presenter.view.look_here == ()


def test_an_order_that_nobody_knows_is_gone(tablet: Tablet, context: PresenterContext) -> None:
    view = order_of(tablet, context, "no such order").view

    assert (view.is_gone, view.problem) == (True, "This order is not on this tablet any more.")


"""What a crew answers for a gas leak, step by step."""


def test_a_joint_counts_as_watched_only_by_its_clock(tablet: Tablet, office: Office) -> None:
    order_id = office.new_order(Medium.GAS)
    tablet.sync_now()
    steps = list(GAS_STEPS)
    for step in steps[: steps.index(SafetyStep.REMEASURE)]:
        tablet.site.keep(order_id, str(step), GAS_STEPS[step])
        tablet.site.do_step(order_id, step)
    typed = {**GAS_STEPS[SafetyStep.REMEASURE], "minutes": "10"}
    tablet.site.keep(order_id, "remeasure", typed)
    with pytest.raises(StepRefusedError):
        tablet.site.do_step(order_id, SafetyStep.REMEASURE)
    for minutes in (4, 12 * 60):
        watch_for(tablet, order_id, minutes=minutes)
        with pytest.raises(StepRefusedError):
            tablet.site.do_step(order_id, SafetyStep.REMEASURE)
    watch_for(tablet, order_id, minutes=11)
    tablet.site.do_step(order_id, SafetyStep.REMEASURE)

    assert SafetyStep.REMEASURE in tablet.site.sheet(order_id).record.done


def test_a_step_out_of_turn_or_without_its_value_is_refused(tablet: Tablet, office: Office) -> None:
    order_id = office.new_order(Medium.GAS)
    tablet.sync_now()
    tablet.site.keep(order_id, "repair", {"how": "repaired"})

    for step in (SafetyStep.REPAIR, SafetyStep.ISOLATE):
        with pytest.raises(StepRefusedError):
            tablet.site.do_step(order_id, step)
    assert tablet.site.sheet(order_id).record.steps == ()


def test_the_facts_of_the_site_reach_the_office_as_they_were_made(
    tablet: Tablet, office: Office
) -> None:
    order_id = office.new_order(Medium.GAS)
    tablet.sync_now()
    for event in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(event))
    tablet.site.turn_valve(
        order_id, IsolationEvent(valve_id="v-1", action=ValveAction.CLOSED, may_reopen="Anna")
    )
    take_gas_steps(tablet, order_id)
    tablet.site.hand_over(order_id, "the gasket comes at six", "Li Wei")
    tablet.calls.call_help(HelpCall(reason=HelpReason.CREW, place="cellar"))
    tablet.sync_now()

    kept = office.order(order_id).document
    assert kept.state is WorkOrderState.CANNOT_FINISH
    assert kept.handover is not None
    assert [each.step for each in kept.handover.steps] == list(GAS_STEPS)
    assert [each.valve_id for each in kept.handover.valves] == ["v-1"]
    with office.engine.connect() as connection:
        kinds = [item.kind for item in list_reviews(connection)]
    assert sorted(kinds) == [ReviewKind.CREW_DANGER, ReviewKind.HANDED_OVER]


def test_the_line_says_contact_waiting_oldest_and_reason(
    tablet: Tablet, office: Office, context: PresenterContext, network: BadNetwork
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    presenter = SyncPresenter(tablet, context, desktop_hardware(tablet.vault))
    presenter.attach(lambda _view: None)
    online = presenter.view
    tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    office.clock.advance(minutes=22)
    network.fates = iter((Fate.REQUEST_LOST,))

    presenter.sync_now()

    assert (online.pill_text, online.pill_tone) == ("Online", Tone.OK)
    assert presenter.view.pill_text == "Offline · 1 waiting"
    assert presenter.view.line_text == (
        "last contact 04:00, 1 waiting, oldest 22 min, reason: no network"
    )
    assert [row.text for row in presenter.view.waiting] == ["Accept"]
    assert presenter.view.capabilities[0].text == "This machine has no camera."


def test_the_switch_stands_before_every_other_reason(
    tablet: Tablet, context: PresenterContext
) -> None:
    presenter = SyncPresenter(tablet, context, desktop_hardware(tablet.vault))
    presenter.attach(lambda _view: None)

    presenter.set_online(is_online=False)
    off = (presenter.view.is_switched_off, presenter.view.reason_text)
    presenter.set_online(is_online=True)

    assert off == (True, "switched to offline")
    assert not presenter.view.is_switched_off


@pytest.fixture
def fresh(tmp_path: Path, hand_clock: HandClock) -> Iterator[Tablet]:
    found = open_tablet(tmp_path / "fresh", hand_clock)
    yield found
    found.close()


def test_a_new_tablet_is_enrolled_on_its_first_page(
    fresh: Tablet, office: Office, context: PresenterContext
) -> None:
    with serving(office_app(office)) as url:
        presenter = EnrolPresenter(fresh, context, TabletConfig(server_url=url))
        presenter.attach(lambda _view: None)
        presenter.type_code("WRONG-CODE")
        presenter.enrol()
        refused = presenter.view.message
        presenter.type_code(office.code())
        presenter.enrol()

    view = presenter.view
    assert refused == "The code is wrong, used or too old; ask the office for a new one."
    assert (view.is_enrolled, view.crew_text) == (True, "Repair 1 · Wang")
    presenter.choose_person(view.people[0].account_id)
    assert presenter.view.people[0].is_selected


@pytest.mark.parametrize("typed", ["lamp.example.com", "http://[fe80::1", "http://lamp:99999"])
def test_an_address_that_is_none_is_refused_before_it_is_asked(
    fresh: Tablet, context: PresenterContext, typed: str
) -> None:
    presenter = EnrolPresenter(fresh, context, TabletConfig())
    presenter.attach(lambda _view: None)
    presenter.type_server(typed)
    presenter.type_code("abc")

    presenter.enrol()

    assert presenter.view.message == "This is not an address of a server."


def test_the_same_tablet_speaks_chinese(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    words = ChosenWords("en")
    chinese = PresenterContext(
        worker=context.worker, words=words, clock=context.clock, zone=context.zone
    )
    presenter = order_of(tablet, chinese, order_id)
    english = presenter.view.state_text

    words.choose("zh-Hans-CN")
    presenter.refresh()

    assert (english, presenter.view.state_text) == ("New", "\u5f85\u63a5\u5355")


def test_an_answer_that_comes_after_the_screen_left_is_dropped(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    views: list[OrderView | FindingView | SyncView] = []
    presenter = OrderPresenter(tablet, context, order_id)
    presenter.attach(views.append)
    presenter.detach()
    seen = len(views)

    presenter.refresh()

    assert len(views) == seen


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "under 1 min"), (59, "59 min"), (65, "1 h 5 min"), (1445, "1 d 0 h"), (-5, "under 1 min")],
)
def test_a_duration_reads_in_its_two_largest_units(minutes: int, text: str) -> None:
    assert duration_text(ENGLISH, timedelta(minutes=minutes)) == text


def test_due_times_turn_into_overdue() -> None:
    due_at_ms = ms_from_utc(NOON)

    before = due_text(ENGLISH, due_at_ms, NOON - timedelta(hours=1), UTC)
    after = due_text(ENGLISH, due_at_ms, NOON + timedelta(minutes=65), UTC)

    assert (before, after) == (("due 04:00", False), ("overdue 1 h 5 min", True))


def test_an_identity_without_people_still_has_a_crew(
    tmp_path: Path, office: Office, context: PresenterContext
) -> None:
    save_identity(tmp_path / "t", replace(office.identity(), people=(), actor="tablet-1"))
    tablet = open_tablet(tmp_path / "t", office.clock, connect=lambda _identity: office.api())
    presenter = OrdersPresenter(tablet, context)
    presenter.attach(lambda _view: None)
    tablet.close()

    assert presenter.view.crew_text == "crew-1"


def test_an_order_cancelled_over_a_closed_valve_says_so_and_the_valve_can_be_opened(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order(Medium.GAS)
    tablet.sync_now()
    for event in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(event))
    closed = IsolationEvent(valve_id="v-1", action=ValveAction.CLOSED, may_reopen="Anna")
    tablet.site.turn_valve(order_id, closed)
    tablet.sync_now()
    office.act(order_id, WorkOrderEvent.CANCEL)
    tablet.sync_now()
    page = SheetPresenter(WorkPage(tablet, context, order_id), context)
    page.attach(lambda _view: None)

    view = order_of(tablet, context, order_id).view
    assert view.problem == ("Cancelled by the office. Still closed: v-1. Open it, or name who may.")
    assert [each.key for each in view.tools] == ["valves"]
    assert not view.is_overdue
    assert [each.title for each in page.view.blocks if isinstance(each, VerdictBlock)] == [
        "Cancelled by the office"
    ]
    page.tap("isolate")
    assert tablet.site.sheet(order_id).record.steps == ()
    opened = IsolationEvent(valve_id="v-1", action=ValveAction.REOPENED, word_from="Anna")
    tablet.site.turn_valve(order_id, opened)
    calm = order_of(tablet, context, order_id).view
    assert (calm.problem, calm.tools) == ("", ())


@pytest.mark.parametrize("calls", [True, False], ids=["help", "note"])
def test_a_call_for_help_goes_out_of_a_tablet_that_works_offline(
    crew: HeadlessCrew, office: Office, *, calls: bool
) -> None:
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_offline()
    if calls:
        crew.tablet.calls.call_help(HelpCall(reason=HelpReason.CREW, place="well 7"))
    else:
        crew.tablet.desk.add_note(order_id, "later")
    crew.sync_now()

    with office.engine.connect() as connection:
        kinds = [item.kind for item in list_reviews(connection)]
    assert kinds == ([ReviewKind.CREW_DANGER] if calls else [])
    assert crew.status().is_switched_off is not calls
