"""Gas that is found where it is not repaired: an order of class A, once, also offline."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from field_app.crew import HeadlessCrew
from field_app.i18n import CatalogueWords
from field_app.orders.completion import Evidence, Lack
from field_app.orders.gas_since_air import gas_since_air
from field_app.orders.order_desk import FindingIncompleteError
from field_app.orders.site_desk import StepRefusedError
from field_app.patrols.values import is_explosive
from field_app.presenters.leave_page import LeavePage
from field_app.presenters.order_tools import order_tools
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import Answers, SheetPresenter
from field_app.presenters.sheet_views import NoticeBlock
from field_app.presenters.site_words import gas_order_text
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from sync_server.work_orders.order_store import list_orders
from tests.field_app.office_parts import Office
from tests.field_app.site_parts import (
    COMM,
    LEAK,
    TO_WORK,
    WATER,
    told,
)
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.fields import FieldReader
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.patrol_facts import parse_order_request
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import (
    GasMeasurement,
    GasPurpose,
    IsolationEvent,
    PartUsed,
    SafetyStep,
    ValveAction,
    VisitEnd,
    VisitEndReason,
)
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


def air(lel_pct: float, place: str = "VW-031") -> GasMeasurement:
    return GasMeasurement(
        purpose=GasPurpose.ENTRY,
        place=place,
        detector_id="GX-7",
        calibration_due_ms=None,
        oxygen_pct=20.8,
        lel_pct=lel_pct,
        is_entry_allowed=lel_pct <= 10,
    )


def state_of(tablet: Tablet, which: str) -> WorkOrderState:
    seen = tablet.desk.order(which)
    assert seen is not None
    assert seen.document is not None
    return seen.document.state


@pytest.mark.parametrize(
    "answers",
    [{"result": "leak"}, {"measured.gas_lel_pct": "4"}, {"result": "normal", "note": "x"}],
)
def test_gas_found_at_a_silent_meter_orders_a_crew_and_ends_the_visit(
    tablet: Tablet, town: TownOffice, answers: dict[str, str]
) -> None:
    town.is_reachable = False
    tablet.desk.save_answers(COMM, {"measured.gas_lel_pct": "4", **answers})
    tablet.desk.report_gas(COMM)

    assert state_of(tablet, COMM) is WorkOrderState.CANNOT_FINISH
    asked = tablet.site.sheet(COMM).record.gas_order
    assert asked is not None
    assert (asked.is_told, asked.is_over) == (False, True)
    (request,) = told(tablet, town, "order_request")
    order = parse_order_request(FieldReader(place="test", values=request))
    assert (order.medium, order.order_type) == (Medium.GAS, OrderType.LEAK_CHECK)
    assert order.safety_class is SafetyClass.A
    assert order.order_id == asked.order_id
    assert order.note.startswith("WO-000101  ·  4 % LEL")
    assert [each["reason"] for each in told(tablet, town, "visit_end")] == ["dangerous"]
    (sealed,) = told(tablet, town, "form_answerset")
    assert sealed["is_unfinished"] is True
    assert tablet.site.numbers(0).finished == 0, "nothing was finished"


def test_nothing_is_ordered_where_nothing_says_gas(tablet: Tablet, town: TownOffice) -> None:
    tablet.desk.save_answers(COMM, {"result": "other", "measured.gas_lel_pct": "0,5"})
    with pytest.raises(FindingIncompleteError):
        tablet.desk.report_gas(COMM)
    tablet.desk.save_answers(LEAK, {"result": "leak", "measured.gas_lel_pct": "40"})
    with pytest.raises(FindingIncompleteError):
        tablet.desk.report_gas(LEAK)

    assert told(tablet, town, "order_request") == []


def test_the_air_of_a_well_orders_a_crew_once_in_a_visit(tablet: Tablet, town: TownOffice) -> None:
    tablet.site.measure_gas(WATER, air(9))
    assert tablet.site.sheet(WATER).record.gas_order is None, "sewers give off as much"
    tablet.site.measure_gas(WATER, air(45))
    tablet.site.measure_gas(WATER, air(60))
    tablet.site.measure_gas(COMM, air(2))
    tablet.desk.save_answers(COMM, {"result": "leak"})
    tablet.desk.report_gas(COMM)
    tablet.site.measure_gas(LEAK, air(45))

    abouts = [each["about"] for each in told(tablet, town, "order_request")]
    assert abouts == [WATER, COMM], "the leak check is the order over which gas is repaired"
    groups = [each.group for each in town.pushed if each.field == "order_request"]
    assert len(set(groups)) == 2


def test_gas_in_a_checklist_of_water_orders_a_crew_and_the_visit_goes_on(
    tablet: Tablet, town: TownOffice
) -> None:
    told_by_form = Evidence(forms_lel_pct=45.0)
    tablet.desk.save_answers(WATER, {"note": "well WW-3"})
    sheet = tablet.desk.finding(WATER)
    assert sheet.is_gas_for_others(sheet.answers, told_by_form)
    tablet.desk.call_gas(WATER, told_by_form)
    called = tablet.desk.finding(WATER)
    assert not called.is_gas_for_others(called.answers, told_by_form)
    with pytest.raises(FindingIncompleteError):
        tablet.desk.call_gas(WATER, told_by_form)

    assert state_of(tablet, WATER) is WorkOrderState.WORKING
    (request,) = told(tablet, town, "order_request")
    assert (request["about"], request["note"]) == (WATER, "WO-000102  ·  45 % LEL  ·  well WW-3")


def test_that_the_office_took_no_order_for_gas_is_said_until_one_is_taken(
    tablet: Tablet, town: TownOffice
) -> None:
    t = CatalogueWords("en")
    town.refuses = frozenset({"order_request"})
    tablet.site.measure_gas(WATER, air(45))
    tablet.sync_now()
    tablet.desk.mark_seen(WATER)
    refused = tablet.site.sheet(WATER).record.gas_order
    town.refuses = frozenset()
    tablet.site.measure_gas(WATER, air(46))
    tablet.sync_now()
    taken = tablet.site.sheet(WATER).record.gas_order

    assert "Call the control room now" in gas_order_text(t, refused)
    assert gas_order_text(t, taken) == "Gas: an order of class A was made; the office has it."


Tile = Callable[[], tuple[str, Tone]]


@pytest.fixture
def gate_tile(tablet: Tablet, town: TownOffice) -> Tile:
    context = PresenterContext(
        worker=InlineWorker(),
        words=CatalogueWords("en"),
        clock=town.clock,
        zone=ZoneInfo("UTC"),
    )

    def read() -> tuple[str, Tone]:
        tools = order_tools(tablet.site.sheet(LEAK), context)
        return next((each.detail, each.tone) for each in tools if each.key == "gate")

    return read


def test_a_place_that_nobody_may_enter_stands_before_good_air_in_another(
    tablet: Tablet, gate_tile: Tile
) -> None:
    tablet.site.measure_gas(LEAK, air(14, place="W-1"))
    tablet.site.measure_gas(LEAK, air(0, place="W-2"))
    assert gate_tile() == ("W-1 · Nobody went in", Tone.DANGER)
    tablet.site.measure_gas(LEAK, air(0, place="w-1"))
    assert gate_tile() == ("w-1 · Entry allowed", Tone.OK)


@pytest.mark.parametrize(("lel_pct", "is_kept_unsafe"), [("45", True), ("15", False)])
def test_good_air_of_before_gas_that_a_step_found_lets_nobody_in(
    tablet: Tablet, gate_tile: Tile, lel_pct: str, *, is_kept_unsafe: bool
) -> None:
    tablet.site.measure_gas(LEAK, air(0, place="W-1"))
    for step, typed in (
        (SafetyStep.ISOLATE, {"how": "not_needed"}),
        (SafetyStep.VENTILATE, {"how": "fan", "minutes": "10"}),
    ):
        tablet.site.keep(LEAK, str(step), typed)
        tablet.site.do_step(LEAK, step)
    tablet.site.keep(LEAK, "measure", {"gas_lel_pct": lel_pct})
    if is_kept_unsafe:
        tablet.site.keep_unsafe(LEAK, SafetyStep.MEASURE)
    else:
        tablet.site.do_step(LEAK, SafetyStep.MEASURE)

    assert gate_tile() == (f"{lel_pct} % LEL: again", Tone.DANGER)
    tablet.site.measure_gas(LEAK, air(0, place="W-1"))
    assert gate_tile() == ("W-1 · Entry allowed", Tone.OK)


def test_the_server_makes_the_order_that_gas_asked_for(crew: HeadlessCrew, office: Office) -> None:
    water = office.new_order(Medium.WATER)
    crew.sync_now()
    crew.go_to_work(water)
    crew.tablet.site.measure_gas(water, air(45))
    crew.sync_now()

    asked = crew.tablet.site.sheet(water).record.gas_order
    assert asked is not None
    assert asked.is_told
    with office.engine.begin() as connection:
        made = {each.order_id: each.document for each in list_orders(connection)}[asked.order_id]
    assert (made.medium, made.safety_class) == (Medium.GAS, SafetyClass.A)
    assert made.state is WorkOrderState.RELEASED


def test_gas_at_another_well_is_not_wiped_by_a_good_test(tablet: Tablet) -> None:
    tablet.site.measure_gas(LEAK, air(14, place="W-1"))
    tablet.site.measure_gas(LEAK, air(0, place="W-2"))
    answers = {"result": "normal", "cause": "nothing_found", "measured.gas_lel_pct": "0"}
    tablet.desk.save_answers(LEAK, answers)

    with pytest.raises(FindingIncompleteError) as refused:
        tablet.desk.finish(LEAK, Evidence())
    lacks = [each.lack for each in refused.value.lacking]
    assert Lack.GAS_MEASURED in lacks
    assert Lack.STEP in lacks


def test_a_water_crew_says_in_the_note_where_the_gas_was(tablet: Tablet) -> None:
    tablet.site.measure_gas(WATER, air(5))
    answers = {"result": "normal", "cause": "changed_use", "measured.flow_m3h": "0.1"}
    tablet.desk.save_answers(WATER, answers)
    with pytest.raises(FindingIncompleteError) as refused:
        tablet.desk.finish(WATER, Evidence())
    tablet.desk.save_answers(WATER, {"note": "well WW-3, sewer beside it"})
    tablet.desk.finish(WATER, Evidence())

    assert [each.lack for each in refused.value.lacking] == [Lack.GAS_NOTE]


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_value_that_is_not_safe_leaves_a_trace(
    tablet: Tablet, town: TownOffice, *, is_kept: bool
) -> None:
    tablet.site.keep(LEAK, "isolate", {"how": "valve_closed"})
    tablet.site.do_step(LEAK, SafetyStep.ISOLATE)
    tablet.site.keep(LEAK, "ventilate", {"how": "fan", "minutes": "10"})
    tablet.site.do_step(LEAK, SafetyStep.VENTILATE)
    tablet.site.keep(LEAK, "measure", {"gas_lel_pct": "45"})
    if is_kept:
        tablet.site.keep_unsafe(LEAK, SafetyStep.MEASURE)
        assert tablet.site.sheet(LEAK).values_of("measure") == {}, "it is measured anew"
        last = told(tablet, town, "safety_step")[-1]
        assert (last["values"], last["is_unsafe"]) == ({"gas_lel_pct": "45"}, True)

    with pytest.raises(StepRefusedError):
        tablet.site.do_step(LEAK, SafetyStep.MEASURE)
    assert tablet.site.sheet(LEAK).record.lel_pct == 45
    answers = {"result": "normal", "cause": "nothing_found", "measured.gas_lel_pct": "0"}
    tablet.desk.save_answers(LEAK, answers)
    with pytest.raises(FindingIncompleteError):
        tablet.desk.finish(LEAK, Evidence())


@pytest.mark.parametrize(
    ("stood", "taken_back", "most"),
    [
        (timedelta(seconds=30), SafetyStep.MEASURE, None),
        (timedelta(minutes=5), SafetyStep.MEASURE, 15),
        (timedelta(seconds=30), SafetyStep.ISOLATE, 15),
        (timedelta(minutes=40), None, 15),
    ],
)
def test_gas_that_a_step_measured_outlives_the_step(
    tablet: Tablet, town: TownOffice, stood: timedelta, taken_back: SafetyStep | None, most: float
) -> None:
    site = tablet.site
    for step, typed in (
        (SafetyStep.ISOLATE, {"how": "not_needed"}),
        (SafetyStep.VENTILATE, {"how": "fan", "minutes": "10"}),
        (SafetyStep.MEASURE, {"gas_lel_pct": "15"}),
    ):
        site.keep(LEAK, str(step), typed)
        site.do_step(LEAK, step)
    town.clock.moment_utc += stood
    if taken_back is None:
        site.keep(LEAK, "measure", {"gas_lel_pct": "0"})
        site.do_step(LEAK, SafetyStep.MEASURE)
    else:
        site.undo_step(LEAK, taken_back)

    assert site.sheet(LEAK).record.lel_pct == most


def test_a_slip_of_the_finger_is_not_kept_as_not_safe(tablet: Tablet) -> None:
    with pytest.raises(StepRefusedError):
        tablet.site.keep_unsafe(LEAK, SafetyStep.ISOLATE)
    tablet.site.keep(LEAK, "measure", {"gas_lel_pct": "450"})
    with pytest.raises(StepRefusedError):
        tablet.site.keep_unsafe(LEAK, SafetyStep.MEASURE)


def test_the_next_crew_hears_how_much_gas_there_was(tablet: Tablet, town: TownOffice) -> None:
    tablet.site.measure_gas(LEAK, air(15))
    tablet.site.hand_over(LEAK, "key is with the neighbour", "李伟")

    assert [each["lel_pct"] for each in told(tablet, town, "handover")] == [15]


def test_that_no_valve_is_closed_any_more_is_handed_over_as_well(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order(Medium.GAS)
    tablet = crew.tablet
    closed = IsolationEvent(valve_id="v-1", action=ValveAction.CLOSED, may_reopen="Wang")
    end = VisitEnd(reason=VisitEndReason.PARTS_MISSING)
    handed: list[list[str]] = []
    for event in (closed, replace(closed, action=ValveAction.REOPENED, word_from="Wang")):
        crew.sync_now()
        for step in TO_WORK:
            tablet.desk.tap(order_id, step)
        tablet.site.turn_valve(order_id, event)
        tablet.site.leave(order_id, WorkOrderEvent.CANNOT_FINISH, end, "Li Wei")
        crew.sync_now()
        handover = office.order(order_id).document.handover
        assert handover is not None
        assert handover.at_ms == ms_from_utc(office.clock.now_utc())
        handed.append([each.valve_id for each in handover.valves])
        office.clock.advance(hours=1)
        office.act(order_id, WorkOrderEvent.RELEASE)

    assert handed == [["v-1"], []]


@pytest.mark.parametrize(
    ("found", "most"),
    [("air", 45), ("finding", 12.5), ("nothing", None)],
)
def test_a_visit_that_ends_over_gas_hands_it_over(
    tablet: Tablet, town: TownOffice, found: str, most: float | None
) -> None:
    if found == "air":
        tablet.site.measure_gas(LEAK, air(45, "cellar"))
    tablet.desk.save_answers(LEAK, {"measured.gas_lel_pct": "12.5" if found == "finding" else "0"})
    end = VisitEnd(reason=VisitEndReason.WEATHER)
    tablet.site.leave(LEAK, WorkOrderEvent.CANNOT_FINISH, end, "李伟")

    handed = [each["lel_pct"] for each in told(tablet, town, "handover")]
    assert handed == ([] if most is None else [most])


def test_the_page_of_leaving_says_that_there_was_gas(tablet: Tablet, town: TownOffice) -> None:
    context = PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("zh_CN"), clock=town.clock, zone=ZoneInfo("UTC")
    )
    page = LeavePage(tablet, context, LEAK, "cannot_finish")

    def shown() -> list[str]:
        sheet = page.read()
        assert sheet is not None
        view = page.view(sheet, Answers(typed={}))
        return [each.text for each in view.blocks if isinstance(each, NoticeBlock)]

    assert shown() == []
    tablet.site.measure_gas(LEAK, air(45, "cellar"))
    assert [text.startswith("此处曾测得 45 % LEL") for text in shown()] == [True]


def test_over_gas_that_may_burn_a_visit_ends_as_too_dangerous_alone(
    tablet: Tablet, town: TownOffice
) -> None:
    context = PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("en"), clock=town.clock, zone=ZoneInfo("UTC")
    )
    page = SheetPresenter(LeavePage(tablet, context, LEAK, "cannot_finish"), context)
    page.attach(lambda _view: None)

    def offered() -> list[str]:
        page.refresh()
        block = next(each for each in page.view.blocks if each.key == "reason")
        return [str(line.value) for line in block.lines]  # type: ignore[union-attr] # choices

    everything = offered()
    page.choose("reason", "weather")
    tablet.site.measure_gas(LEAK, air(45, "cellar"))
    tablet.site.measure_gas(LEAK, air(0, "hall"))
    assert offered() == ["dangerous"], "the air of the hall says nothing of the cellar"
    page.tap("leave")
    assert told(tablet, town, "visit_end") == []
    tablet.site.measure_gas(LEAK, air(2, "Cellar"))
    assert offered() == everything
    tablet.desk.save_answers(LEAK, {"measured.gas_lel_pct": "20"})
    assert offered() == ["dangerous"]
    page.choose("reason", "dangerous")
    page.tap("leave")
    assert [each["reason"] for each in told(tablet, town, "visit_end")] == ["dangerous"]


LONG = "VW-031 on the corner of Nordring and Ringstrasse, second lid from the left, red paint " * 9


def test_what_is_typed_too_long_hides_neither_a_closed_valve_nor_gas(tablet: Tablet) -> None:
    closed = IsolationEvent(valve_id=LONG, action=ValveAction.CLOSED, tag_number=LONG)
    tablet.site.turn_valve(LEAK, closed)
    tablet.site.measure_gas(LEAK, replace(air(45, LONG), detector_id=LONG))
    tablet.site.use_part(LEAK, PartUsed(part_id=LONG, name=LONG, quantity=1, unit="pcs"))
    record = tablet.site.sheet(LEAK).record

    assert [LONG.startswith(each.valve_id) for each in record.valves] == [True]
    assert record.lel_pct == 45
    assert [each.quantity for each in record.parts] == [1]
    opened = IsolationEvent(valve_id=LONG, action=ValveAction.REOPENED, word_from=LONG)
    tablet.site.turn_valve(LEAK, opened)
    assert tablet.site.sheet(LEAK).record.valves == ()


@pytest.mark.parametrize(("stood_s", "most"), [(30, None), (45 * 60, 12.5)])
def test_gas_that_stood_in_the_finding_is_not_typed_away(
    tablet: Tablet, town: TownOffice, stood_s: int, most: float | None
) -> None:
    tablet.desk.save_answers(LEAK, {"result": "leak", "measured.gas_lel_pct": "12.5"})
    town.clock.moment_utc += timedelta(seconds=stood_s)
    well = {"result": "normal", "cause": "nothing_found", "measured.gas_lel_pct": "0"}
    tablet.desk.save_answers(LEAK, well)
    sheet = tablet.desk.finding(LEAK)

    assert sheet.record.lel_pct == most
    lacks = {each.lack for each in sheet.lacking(sheet.answers, Evidence())}
    assert (Lack.GAS_MEASURED in lacks) is (most is not None)


@pytest.mark.parametrize(("lel_pct", "is_work"), [("19.9", 1), ("20", 0), ("20.1", 0)])
def test_from_20_percent_on_nobody_works_wherever_the_gas_stands(
    tablet: Tablet, town: TownOffice, lel_pct: str, is_work: int
) -> None:
    steps = {
        SafetyStep.ISOLATE: {"how": "not_needed"},
        SafetyStep.VENTILATE: {"how": "fan", "minutes": "10"},
    }
    for step, values in steps.items():
        tablet.site.keep(LEAK, str(step), values)
        tablet.site.do_step(LEAK, step)
    tablet.site.keep(LEAK, "measure", {"gas_lel_pct": lel_pct})
    if is_work:
        tablet.site.do_step(LEAK, SafetyStep.MEASURE)
    else:
        with pytest.raises(StepRefusedError):
            tablet.site.do_step(LEAK, SafetyStep.MEASURE)
        tablet.site.keep(LEAK, "measure", {"gas_lel_pct": "5"})
        tablet.site.do_step(LEAK, SafetyStep.MEASURE)
    town.clock.moment_utc += timedelta(minutes=2)
    tablet.desk.save_answers(LEAK, {"measured.gas_lel_pct": lel_pct})
    told = gas_since_air(tablet.site.sheet(LEAK), SafetyStep.REPAIR)
    tablet.site.keep(LEAK, "gate", {"lel_pct": lel_pct})
    done = tablet.site.sheet(LEAK).record.done

    assert (told is None, SafetyStep.MEASURE in done, is_explosive(float(lel_pct))) == (
        bool(is_work),
        bool(is_work),
        not is_work,
    )
