"""Work on site: gates, valves, parts, readings, steps and their clocks, hand-over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands
from tests.field_app_ui.scenes import choose
from tests.field_app_ui.site_flow_parts import facts, open_tool, site_hands, write
from tests.field_app_ui.test_crew_flows import FIRST, begin_work, state_of
from tests.field_app_ui.town_office import (
    make_order,
    order_id,
)
from tests.field_app_ui.town_van import van
from wire_contracts.orders import OrderType
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import Handover, IsolationEvent, SafetyStep, ValveAction
from wire_contracts.texts import BilingualText
from wire_contracts.van import VanPart
from wire_contracts.work_order_states import WorkOrderState


@pytest.fixture
def hands(crew: Field) -> Hands:
    """Return the ports of the tablet; its orders and the network have their places."""
    return site_hands(crew)


def gate_tile(ui: harness.Driver) -> tuple[str, str]:
    """Return what the order's tile of the gas test says, and its tone."""
    tool = next(each for each in ui.get("OrderScreen").view.tools if each.key == "gate")
    return tool.detail, str(tool.tone)


WATCHED_NEXT = {
    SafetyStep.ISOLATE: {"how": "valve_closed"},
    SafetyStep.VENTILATE: {"how": "fan", "minutes": "10"},
    SafetyStep.MEASURE: {"gas_lel_pct": "15"},
    SafetyStep.REPAIR: {"how": "repaired"},
}
"""The steps of a gas leak before the joint is watched."""


@pytest.mark.both_languages
def test_a_well_is_entered_only_in_good_air_and_with_a_detector_to_trust(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "gate")
    write(ui, "oxygen_pct", "20,8")
    write(ui, "lel_pct", "0")
    write(ui, "detector_id", "GX-7")
    write(ui, "place", "VW-031")
    write(ui, "calibrated_until", "2026-11-20")
    assert ui.get("SureBtn", hint="primary").disabled, "its calibration ended yesterday"
    write(ui, "calibrated_until", "2026-12-31")
    write(ui, "oxygen_pct", "18.9")
    assert ui.get("SheetScreen").view.primary.key == "deny", "nobody goes in without air"
    write(ui, "oxygen_pct", "20.8")
    write(ui, "place", "")
    assert ui.get("SureBtn", hint="primary").disabled, "good air is that of one well"
    write(ui, "place", "VW-031")
    ui.tap_hint("primary")
    ui.settle()

    assert ui.all("OrderScreen"), "the gate is open: back to the order"
    told = facts(crew, "gas_measurement")
    assert [(each["oxygen_pct"], each["is_entry_allowed"]) for each in told] == [(20.8, True)]
    assert gate_tile(ui) == ("VW-031 · " + crew.says("Entry allowed"), "ok")
    crew.clock.moment_utc += timedelta(minutes=31)
    ui.app.navigator.tick()
    ui.settle()
    assert gate_tile(ui) == ("VW-031 · " + crew.says("Measure again"), "warn")
    open_tool(ui, "gate")
    assert ui.get("Field", hint="detector_id", anywhere=True).text == "GX-7", "asked once a shift"
    write(ui, "oxygen_pct", "18")
    write(ui, "lel_pct", "0")
    ui.tap_hint("primary")
    ui.settle()
    ui.back()
    ui.settle()
    assert gate_tile(ui) == (crew.says("Nobody went in"), "danger")


def test_a_detector_of_the_office_is_chosen_and_an_overdue_one_blocks(
    crew: Field, hands: Hands
) -> None:
    del hands
    crew.office.extra = [van()]
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "gate")
    write(ui, "oxygen_pct", "20.8")
    write(ui, "lel_pct", "0")
    ui.tap_hint("GX-7")
    ui.settle()
    assert ui.get("SureBtn", hint="primary").disabled, "its calibration ended yesterday"
    assert not ui.all("Field", hint="carbon_monoxide_ppm"), "it does not show that"
    ui.tap_hint("other")
    ui.settle()
    write(ui, "detector_id", "gx-7")
    write(ui, "calibrated_until", "2027-12-31")
    assert ui.get("SureBtn", hint="primary").disabled, "the office knows better"
    ui.tap_hint("GX-9")
    ui.settle()
    write(ui, "place", "VW-031")
    ui.tap_hint("primary")
    ui.settle()

    assert [each["detector_id"] for each in facts(crew, "gas_measurement")] == ["GX-9"]


def test_what_is_taken_from_the_van_is_counted_before_the_office_knows(
    crew: Field, hands: Hands
) -> None:
    del hands
    tape = VanPart(
        part_id="tape",
        name=BilingualText(en="Sealing tape", zh="生料带"),
        media=frozenset(Medium),
        unit="pcs",
        quantity=2,
        least=1,
    )
    crew.office.extra = [van(tape)]
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    crew.office.is_reachable = False
    open_tool(ui, "parts")
    for _ in range(2):
        ui.tap_hint("more:tape")
        ui.settle()
    assert crew.says("None left in the van") in ui.texts()
    ui.tap_hint("less:tape")
    ui.settle()
    assert crew.says("{count} left in the van", count=1) in ui.texts()
    crew.office.is_reachable = True

    told = [(each["part_id"], each["quantity"]) for each in facts(crew, "part_used")]
    assert told == [("tape", 1.0), ("tape", 1.0), ("tape", -1.0)]


def test_the_map_offers_the_valve_that_closes_the_section(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "valves")
    write(ui, "may_reopen", "control room")
    ui.tap_hint("close:vw-014")
    ui.settle()
    assert ui.get("RowBtn", hint="open:vw-014", anywhere=True)
    assert not ui.all("RowBtn", hint="name:vw-014", anywhere=True), "somebody is named"

    told = [(each["valve_id"], each["action"]) for each in facts(crew, "isolation")]
    assert told == [("vw-014", "closed")]
    assert facts(crew, "isolation")[0]["may_reopen"] == "control room"


@pytest.mark.both_languages
def test_a_valve_is_opened_only_with_the_name_of_who_gave_the_word(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "valves")
    write(ui, "may_reopen", "control room")
    ui.tap_hint("close:vw-014")
    ui.settle()
    ui.tap_hint("open:vw-014")
    ui.settle()
    screen = ui.get("SheetScreen")
    asked = crew.says("Who gave the word to open {valve}?", valve="vw-014")
    assert screen.view.title == asked
    assert ui.get("SureBtn", hint="primary").disabled
    ui.screenshot(f"valve-open-{crew.language}")
    ui.tap_hint("secondary")
    ui.settle()
    assert screen.view.title == crew.says("Valves closed here"), "it stays closed"
    ui.tap_hint("open:vw-014")
    ui.settle()
    write(ui, "word_from", "Wang Fang")
    ui.tap_hint("primary")
    ui.settle()

    assert not ui.all("RowBtn", hint="open:vw-014", anywhere=True)
    assert [
        (each["action"], each["may_reopen"], each.get("word_from", ""))
        for each in facts(crew, "isolation")
    ] == [("closed", "control room", ""), ("reopened", "", "Wang Fang")]


def test_a_valve_is_closed_with_a_name_and_one_without_gets_it_later(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.site.turn_valve(
        order_id(0), IsolationEvent(valve_id="vw-9", action=ValveAction.CLOSED)
    )
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "valves")
    ui.screenshot(f"valve-nameless-{crew.language}")
    ui.tap_hint("close:vw-014")
    ui.settle()
    screen = ui.get("SheetScreen")
    assert screen.view.title == crew.says("Who may open {valve} again?", valve="vw-014")
    assert ui.get("SureBtn", hint="primary").disabled
    write(ui, "may_reopen", "Anna")
    ui.tap_hint("primary")
    ui.settle()
    ui.tap_hint("name:vw-9")
    ui.settle()
    ui.screenshot(f"valve-naming-{crew.language}")
    write(ui, "may_reopen", "control room")
    ui.tap_hint("primary")
    ui.settle()

    assert [
        (each["valve_id"], each["action"], each["may_reopen"]) for each in facts(crew, "isolation")
    ] == [
        ("vw-9", "closed", ""),
        ("vw-014", "closed", "Anna"),
        ("vw-9", "named", "control room"),
    ]
    assert not ui.all("RowBtn", hint="name:vw-9", anywhere=True)
    assert [each.may_reopen for each in crew.tablet.site.sheet(order_id(0)).record.valves] == [
        "control room",
        "Anna",
    ]


def test_a_strange_reading_is_questioned_at_once(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "reading")
    write(ui, "value", "18420")
    assert ui.get("SureBtn", hint="primary").disabled
    ui.tap_hint("read_twice:18420")
    ui.settle()
    write(ui, "value", "12")
    assert ui.get("SureBtn", hint="primary").disabled, "that was said of another value"
    write(ui, "value", "99999999999999999999")
    assert not ui.all("ChoicePart", anywhere=True), "no reason makes that right"
    write(ui, "value", "18420")
    ui.tap_hint("primary")
    ui.settle()

    told = facts(crew, "meter_reading")
    assert [(each["value"], each["doubt"], each["sure_because"]) for each in told] == [
        (18420.0, "much_more", "read_twice")
    ]


@pytest.mark.both_languages
def test_a_half_done_order_goes_to_the_next_crew_with_its_steps(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "work")
    ui.tap_hint("not_needed")
    ui.tap_hint("primary")
    ui.settle()
    ui.back()
    open_tool(ui, "handover")
    write(ui, "note", "Gasket DN 50 comes at six")
    ui.tap_hint("primary")
    ui.tap_hint("primary")
    ui.settle()
    told = facts(crew, "handover")[0]
    assert state_of(crew) is WorkOrderState.CANNOT_FINISH
    assert told["note"] == "Gasket DN 50 comes at six"
    assert [step["step"] for step in told["steps"]] == ["isolate"]  # type: ignore[index,union-attr,call-overload] # JSON of our own writer


def test_the_next_crew_sees_what_was_left_and_goes_on_from_there(crew: Field) -> None:
    left = Handover(note="Gasket comes at six", by="Anna", at_ms=1_795_000_000_000)
    number, document = make_order(0)
    crew.office.orders = [(number, replace(document, handover=left))]
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()

    assert "Gasket comes at six" in [fact.text for fact in ui.get("OrderScreen").view.handover]


def test_a_step_that_was_taken_back_must_be_taken_again(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "work")
    ui.tap_hint("not_needed")
    ui.tap_hint("primary")
    ui.settle()
    assert ui.get("SheetScreen").view.primary.key == "ventilate"
    ui.tap_hint("undo-isolate")
    ui.settle()

    assert ui.get("SheetScreen").view.primary.key == "isolate"
    told = facts(crew, "safety_step")
    assert [each["is_undone"] for each in told] == [False, True]
    assert "supersedes" in told[1]


def test_ventilation_has_a_clock_whose_minutes_go_with_the_step(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "work")
    ui.tap(ui.get("Choice", key="not_needed", anywhere=True))
    ui.settle()
    ui.tap_hint("primary")
    ui.settle()
    ui.tap_hint("timer:ventilate")
    ui.settle()
    crew.clock.moment_utc += timedelta(minutes=12, seconds=5)
    ui.pump(70)
    ui.settle()

    assert ui.get("TimerPart", anywhere=True).block.text == "12:05"
    assert ui.get("Field", hint="ventilate.minutes", anywhere=True).text == "12"
    ui.tap(ui.get("Choice", key="doors_windows", anywhere=True))
    ui.settle()
    ui.tap_hint("primary")
    ui.settle()
    told = facts(crew, "safety_step")[-1]
    assert (told["step"], told["values"]) == (
        "ventilate",
        {"how": "doors_windows", "minutes": "12", "watched_s": 725},
    )


@pytest.mark.both_languages
def test_ten_minutes_are_watched_and_a_clock_of_yesterday_is_started_anew(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    assert crew.tablet is not None
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    for step, values in WATCHED_NEXT.items():
        crew.tablet.site.keep(order_id(0), str(step), values)
        crew.tablet.site.do_step(order_id(0), step)
    open_tool(ui, "work")
    write(ui, "remeasure.gas_lel_pct", "0")
    choose(ui, "remeasure.tight", "holds")
    assert not ui.all("Field", hint="remeasure.minutes", anywhere=True), "nobody types them"
    watch = crew.says("Watch it for {minutes} min", minutes=10)
    ui.tap_hint("timer:remeasure")
    ui.settle()
    crew.clock.moment_utc += timedelta(minutes=4)
    ui.app.navigator.tick()
    ui.settle()
    assert ui.get("SheetScreen").view.primary.refusal == crew.says(
        "Still needed: {what}", what=watch
    )
    crew.clock.moment_utc += timedelta(hours=12)
    ui.app.navigator.tick()
    ui.settle()
    old = crew.says("Measured more than {minutes} minutes ago: measure again.", minutes=30)
    assert old in ui.get("SheetScreen").view.primary.refusal, "the air of yesterday"
    write(ui, "remeasure.gas_lel_pct", "0")
    assert ui.get("TimerPart", anywhere=True).block.label == crew.says("Too long ago: start anew")
    ui.screenshot(f"clock-anew-{crew.language}")
    ui.tap_hint("timer:remeasure")
    ui.settle()
    crew.clock.moment_utc += timedelta(minutes=10)
    ui.app.navigator.tick()
    ui.settle()
    assert ui.get("SheetScreen").view.primary.refusal == ""
    ui.tap_hint("primary")
    ui.settle()

    told = facts(crew, "safety_step")[-1]
    assert told["values"] == {
        "gas_lel_pct": "0",
        "tight": "holds",
        "minutes": "10",
        "watched_s": 600,
    }


def test_a_leak_without_its_steps_cannot_be_closed_and_says_so(
    crew: Field, open_order: Callable[[str], None]
) -> None:
    ui = crew.ui
    assert ui is not None
    open_order(FIRST)
    begin_work(ui)
    ui.tap_hint("next-step")
    ui.settle()
    ui.tap_hint("secondary")
    ui.settle()
    for answer in ("leak", "joint"):
        ui.tap_hint(answer)
    write(ui, "gas_lel_pct", "12")
    missing = ui.get("FindingScreen").view.missing
    ui.tap_hint("finish")
    ui.settle()

    assert [line for line in missing if crew.says("Isolate") in line]
    assert state_of(crew) is WorkOrderState.WORKING


def test_air_that_was_measured_long_ago_lets_nobody_in(crew: Field, hands: Hands) -> None:
    del hands
    crew.office.extra = [van()]
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "gate")
    ui.tap_hint("GX-9")
    ui.settle()
    write(ui, "oxygen_pct", "20.8")
    write(ui, "lel_pct", "0")
    write(ui, "place", "VW-031")
    assert not ui.get("SureBtn", hint="primary").disabled
    ui.back()
    ui.settle()
    crew.clock.moment_utc += timedelta(minutes=31)
    open_tool(ui, "gate")
    assert ui.get("SureBtn", hint="primary").disabled, "it says nothing of the air now"
    write(ui, "oxygen_pct", "20.8")
    assert ui.get("SureBtn", hint="primary").disabled, "one of two was measured again"
    write(ui, "lel_pct", "0")
    ui.tap_hint("primary")
    ui.settle()

    assert [each["is_entry_allowed"] for each in facts(crew, "gas_measurement")] == [True]


def test_gas_at_a_silent_meter_is_one_red_button(crew: Field, hands: Hands) -> None:
    del hands
    crew.office.orders = [make_order(0, order_type=OrderType.COMM_CHECK)]
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    crew.office.is_reachable = False
    ui.app.navigator.open_finding()
    ui.settle()
    write(ui, "gas_lel_pct", ">100")
    button = ui.get("Btn", hint="finish")
    assert (button.kind, button.text) == ("danger", crew.says("Gas escapes: order a crew now"))
    ui.screenshot(f"gas-here-{crew.language}")
    ui.tap_hint("finish")
    ui.settle()

    assert state_of(crew) is WorkOrderState.CANNOT_FINISH
    unsent = "Gas: an order of class A was made, not sent yet: call the control room now."
    assert ui.get("OrderScreen").view.message == crew.says(unsent)
    ui.screenshot(f"gas-ordered-{crew.language}")
    crew.office.is_reachable = True
    assert [each["safety_class"] for each in facts(crew, "order_request")] == ["A"]
