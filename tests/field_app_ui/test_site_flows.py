"""Work on site: gates, valves, readings, hand-over, alarms, the watch, the map, photos."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from field_app.platform.ports import Fix, Sound
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands, picture
from tests.field_app_ui.scenes import choose
from tests.field_app_ui.test_crew_flows import FIRST, begin_work, state_of, take_steps
from tests.field_app_ui.town_office import (
    PLANE,
    make_order,
    make_site,
    order_id,
    small_network,
)
from tests.field_app_ui.town_van import van
from wire_contracts.blobs import BlobRole
from wire_contracts.fields import JsonObject
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import Handover, IsolationEvent, SafetyStep, ValveAction
from wire_contracts.texts import BilingualText
from wire_contracts.van import VanPart
from wire_contracts.work_order_states import WorkOrderState


@pytest.fixture
def hands(crew: Field) -> Hands:
    """Return the ports of the tablet; its orders and the network have their places."""
    hands = Hands()
    crew.hardware = hands.hardware()
    crew.office.orders = [make_order(number, site=make_site(number)) for number in range(9)]
    crew.office.network = [small_network()]
    return hands


def facts(crew: Field, field: str) -> list[JsonObject]:
    """Return the payloads of one type of fact that the office has been told."""
    assert crew.tablet is not None
    crew.tablet.sync_now()
    return [each.payload or {} for each in crew.office.pushed if each.field == field]


def open_tool(ui: harness.Driver, key: str) -> None:
    ui.tap_hint(f"tool-{key}")
    ui.settle()


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


def write(ui: harness.Driver, hint: str, text: str) -> None:
    """Write into a field, instead of what stands there."""
    field = ui.get("Field", hint=hint, anywhere=True)
    ui.tap(field)
    field.text = ""
    ui.type(text)
    ui.settle()


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
    assert gate_tile(ui) == (crew.says("Entry allowed"), "ok")
    crew.clock.moment_utc += timedelta(minutes=31)
    ui.app.navigator.tick()
    ui.settle()
    assert gate_tile(ui) == (crew.says("Measure again"), "warn")
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


@pytest.mark.both_languages
def test_an_urgent_order_calls_until_somebody_has_seen_it(crew: Field, hands: Hands) -> None:
    crew.office.orders = [make_order(0), make_order(4, safety_class=SafetyClass.A)]
    ui = crew.switch_on()
    assert ui.get("AlarmBanner").view.order_id == order_id(4)
    assert hands.buzzer.sounds == [Sound.URGENT]
    ui.pump(300)
    assert len(hands.buzzer.sounds) > 1, "again, until somebody answers"
    ui.tap_hint("alarm-answer")
    ui.settle()
    heard = len(hands.buzzer.sounds)
    ui.pump(300)
    assert ui.all("AlarmBanner") == []
    assert len(hands.buzzer.sounds) == heard
    crew.switch_off()
    ui = crew.switch_on()

    assert ui.all("AlarmBanner") == [], "it was seen; a restart does not call again"


def test_who_works_alone_is_asked_and_the_control_room_is_told(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    ui.tap_hint("30")
    ui.tap_hint("primary")
    ui.settle()
    crew.clock.moment_utc += timedelta(minutes=31)
    ui.app.navigator.tick()
    ui.settle()
    assert ui.get("AlarmBanner").view.order_id == ""
    crew.clock.moment_utc += timedelta(minutes=4)
    ui.app.navigator.tick()
    ui.settle()
    ui.tap_hint("alarm-answer")
    ui.settle()

    events = [each["event"] for each in facts(crew, "lone_worker")]
    assert events == ["started", "overdue", "escalated", "confirmed"]
    assert ui.all("AlarmBanner") == []


def test_a_call_for_help_needs_two_taps_and_says_where(crew: Field, hands: Hands) -> None:
    hands.locator.here = Fix(latitude_deg=38.001, longitude_deg=114.502, accuracy_m=8.0)
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "reason", "gas")
    ui.tap_hint("primary")
    assert facts(crew, "help_call") == []
    ui.tap_hint("primary")
    ui.settle()

    told = facts(crew, "help_call")
    assert [(each["reason"], each["lat_deg"], each["is_over"]) for each in told] == [
        ("gas", 38.001, False)
    ]


@pytest.mark.both_languages
def test_a_call_that_nobody_has_heard_says_so(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    crew.office.is_reachable = False
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "reason", "gas")
    ui.tap_hint("primary")
    ui.tap_hint("primary")
    ui.settle()
    unheard = "Not sent yet: nobody knows. Call by telephone, or go where there is a network."
    heard = "The control room has your call for help."
    assert crew.says(unheard) in ui.texts(anywhere=True)
    assert crew.says(heard) not in ui.texts(anywhere=True)

    crew.office.is_reachable = True
    assert len(facts(crew, "help_call")) == 1
    ui.app.navigator.tick()
    ui.settle()
    assert crew.says(heard) in ui.texts(anywhere=True)


@pytest.mark.both_languages
def test_a_call_or_a_watch_that_the_server_refused_says_that_nobody_knows(
    crew: Field, hands: Hands
) -> None:
    del hands
    crew.office.refuses = frozenset({"help_call", "lone_worker"})
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "interval", "15")
    ui.tap_hint("primary")
    ui.settle()
    choose(ui, "reason", "gas")
    ui.tap_hint("primary")
    ui.tap_hint("primary")
    ui.settle()
    facts(crew, "help_call")
    ui.app.navigator.tick()
    ui.settle()
    ui.screenshot(f"help-refused-{crew.language}")

    call = "Not received: the server refused it, nobody knows. Call by telephone now."
    watch = "The server refused this watch: nobody watches. Tell somebody by telephone."
    assert {crew.says(call), crew.says(watch)} <= set(ui.texts(anywhere=True))
    crew.clock.moment_utc += timedelta(minutes=16)
    ui.app.navigator.tick()
    ui.settle()
    late = "Answer now. Not received: the control room does not know. Call by telephone."
    facts(crew, "lone_worker")
    ui.app.navigator.tick()
    ui.settle()
    assert ui.get("SheetScreen").view.primary.key == "confirm"
    assert crew.says(late) in ui.texts(anywhere=True)
    assert [each["event"] for each in facts(crew, "lone_worker")] == ["started", "overdue"]


@pytest.mark.both_languages
def test_the_page_of_help_says_whose_watch_it_is(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "interval", "15")
    ui.tap_hint("primary")
    ui.settle()
    ui.back()
    assert crew.tablet is not None
    assert crew.tablet.choose_person("anna")
    crew.clock.moment_utc += timedelta(minutes=14)
    ui.app.navigator.tick()
    ui.settle()
    ui.tap_hint("help")
    ui.settle()
    texts = ui.texts(anywhere=True)
    ui.screenshot(f"help-another-{crew.language}")

    assert crew.says("{person} works alone", person="李伟") in texts
    assert crew.says("Is {person} all right? Answer within", person="李伟") in texts
    assert crew.says("I work alone") not in texts
    primary = ui.get("SheetScreen").view.primary
    assert primary.text == crew.says("{person} is all right", person="李伟")


@pytest.mark.both_languages
def test_who_has_no_pin_is_told_how_to_come_in(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin("285170")
    crew.tablet.lock()
    ui.app.navigator.tick()
    ui.settle()
    ui.tap_hint("anna")
    ui.settle()
    ui.screenshot(f"no-pin-{crew.language}")

    view = ui.get("LogInScreen").view
    assert (view.step, view.message) == (
        "who",
        crew.says(
            "{name} has set no PIN. Somebody with a PIN opens the tablet first and then chooses"
            " {name} under “Me”.",
            name="Anna Kowalska",
        ),
    )


def test_a_signature_is_there_again_after_an_alarm_or_the_lock(crew: Field, hands: Hands) -> None:
    del hands
    urgent = make_order(20, safety_class=SafetyClass.A, site=make_site(1))
    crew.office.orders = [*crew.office.orders, urgent]
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin("285170")
    ui.app.navigator.open_order(order_id(0))
    ui.settle()
    begin_work(ui)
    open_tool(ui, "signature")
    x, y = ui.centre(ui.get("SignaturePad"))
    ui.stroke([(x - 60, y), (x + 60, y + 40)])
    drawn = [list(stroke) for stroke in ui.get("SignaturePad").strokes]
    assert drawn
    ui.app.navigator.open_order(order_id(20))
    ui.settle()
    ui.back()
    ui.app.navigator.open_order(order_id(0))
    ui.settle()
    open_tool(ui, "signature")
    assert ui.get("SignaturePad").strokes == drawn
    ui.back()
    ui.back()
    ui.settle()
    open_tool(ui, "signature")

    assert ui.get("SignaturePad").strokes == [], "wiped on purpose"


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


@pytest.mark.both_languages
def test_who_works_alone_is_asked_on_a_tablet_that_has_locked_itself(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin("285170")
    ui.tap_hint("help")
    ui.settle()
    ui.tap_hint("15")
    ui.tap_hint("primary")
    ui.settle()
    crew.tablet.lock()
    crew.clock.moment_utc += timedelta(minutes=13, seconds=30)
    ui.app.navigator.tick()
    ui.settle()
    assert ui.all("LogInScreen")
    assert ui.get("AlarmBanner").view.text == crew.says("Are you all right?")
    ui.tap_hint("help")
    ui.settle()
    assert ui.get("SheetScreen").view.primary.key == "confirm", "help is called without a PIN"
    assert ui.back()
    ui.settle()
    ui.tap_hint("alarm-answer")
    ui.settle()

    assert [each["event"] for each in facts(crew, "lone_worker")] == ["started", "confirmed"]
    assert not ui.all("AlarmBanner")
    assert ui.all("LogInScreen"), "everything else waits for the PIN"


def test_a_watch_is_over_the_person_who_began_it_whoever_holds_the_tablet(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    ui.tap_hint("30")
    ui.tap_hint("primary")
    ui.settle()
    assert crew.tablet is not None
    assert crew.tablet.choose_person("anna")
    crew.clock.moment_utc += timedelta(minutes=34)
    ui.app.navigator.tick()
    ui.settle()
    banner = ui.get("AlarmBanner").view
    ui.tap_hint("alarm-answer")
    ui.settle()

    assert banner.text == crew.says("Is {person} all right?", person="李伟")
    told = facts(crew, "lone_worker")
    assert [each["event"] for each in told] == ["started", "escalated", "confirmed"]
    assert {each["person"] for each in told} == {"李伟"}


def test_a_tablet_that_locked_itself_goes_on_where_it_was(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin("285170")
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "gate")
    write(ui, "oxygen_pct", "20.8")
    crew.tablet.lock()
    ui.app.navigator.tick()
    ui.settle()
    ui.tap_hint("li-wei")
    ui.settle()
    for digit in "285170":
        ui.tap_hint(f"pin-{digit}")
    ui.tap_hint("pin-ok")
    ui.settle()

    assert ui.get("SheetScreen").view.title == crew.says("Gas test before entry")
    assert ui.get("Field", hint="oxygen_pct", anywhere=True).text == "20.8"


def test_nobody_signs_what_could_not_be_kept(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "signature")
    x, y = ui.centre(ui.get("SignaturePad"))
    ui.stroke([(x - 60, y), (x + 60, y + 40)])
    assert ui.get("SignaturePad").strokes == []
    ui.tap_hint("set-pin")
    ui.settle()

    assert ui.all(hint="set-pin"), "the page of the person at work, where a PIN is set"
    assert not ui.all("SignaturePad")


def test_typing_goes_on_when_the_tablet_is_turned(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "gate")
    ui.tap(ui.get("Field", hint="oxygen_pct", anywhere=True))
    ui.type("20")
    ui.resize(*reversed(crew.size))
    ui.type(".8")
    ui.settle()

    assert ui.get("Field", hint="oxygen_pct", anywhere=True).text == "20.8"


def test_a_stop_on_the_map_opens_its_order_and_a_well_shows_what_it_closes(
    crew: Field, hands: Hands
) -> None:
    latitude, longitude = PLANE.to_earth(200.0, 150.0)
    hands.locator.here = Fix(latitude_deg=latitude, longitude_deg=longitude, accuracy_m=5.0)
    ui = crew.switch_on()
    assert ui.get("OrderRowTap", hint=FIRST).row.distance_text == crew.says("{metres} m", metres=20)
    ui.tap_hint("go-map")
    ui.settle()
    screen, the_map = ui.get("MapScreen"), ui.get("NetworkMap")
    assert hands.locator.is_on

    def touch(x_m: float, y_m: float) -> None:
        touch = harness.FakeTouch(*the_map.to_window(*the_map.pixel_of((x_m, y_m))))
        touch.down()
        ui.pump(2)
        touch.up()
        ui.settle()

    touch(480, 820)
    assert screen.view.card.title.endswith("VW-031")
    assert len(screen.view.lit) == 2, "the two sections that this well closes"
    assert ui.back()
    assert screen.view.card is None
    before = list(the_map.middle)
    ui.swipe((400, 700), (400, 500))
    assert the_map.middle != before
    ui.tap_hint("show-all")
    ui.settle()
    touch(180, 160)
    ui.tap_hint("primary")
    ui.settle()

    assert ui.get("OrderScreen").view.number == FIRST
    assert not hands.locator.is_on, "the position rests when nobody looks"


def test_a_photo_is_taken_marked_up_and_demanded_for_a_leak(crew: Field, hands: Hands) -> None:
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin("285170")
    crew.tablet.photos.add(order_id(0), picture(9), BlobRole.SIGNATURE)
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    take_steps(crew, ui)
    for answer in ("leak", "joint"):
        ui.tap_hint(answer)
    ui.settle()
    assert crew.says("A photo of what was repaired") in ui.get("FindingScreen").view.missing
    ui.back()
    open_tool(ui, "photos")
    ui.tap_hint("take-photo")
    ui.settle()
    assert hands.camera.taken_count == 1
    if harness.HAS_PIXELS:
        ui.tap(ui.all(hint="photo", anywhere=True)[-1])
        ui.settle()
        x, y = ui.centre(ui.get("MarkPad"))
        ui.stroke([(x - 80, y), (x, y + 60), (x + 80, y)])
        ui.tap_hint("primary")
        ui.settle()
        assert len(ui.get("PhotosScreen").view.tiles) == 3, "the photo itself stays as it was"
    ui.back()
    ui.settle()

    assert crew.tablet.photos.count(order_id(0)).total >= 1
    ui.tap_hint("next-step")
    ui.settle()
    assert crew.says("A photo of what was repaired") not in ui.get("FindingScreen").view.missing


def test_the_shift_counts_what_was_done_and_keeps_the_note(crew: Field) -> None:
    ui = crew.switch_on()
    ui.tap_hint("go-me")
    ui.settle()
    ui.tap_hint("shift")
    ui.settle()
    write(ui, "note", "Key 12 is with the porter")
    crew.switch_off()
    ui = crew.switch_on()
    ui.tap_hint("go-me")
    ui.settle()
    ui.tap_hint("shift")
    ui.settle()
    assert ui.get("Field", hint="note").text == "Key 12 is with the porter"
    ui.tap_hint("primary")
    ui.settle()

    told = facts(crew, "shift_note")
    assert [each["text"] for each in told] == ["Key 12 is with the porter"]


def kill(crew: Field) -> None:
    """End the app as the machine does: nothing is told, nothing is closed by itself."""
    assert crew.ui is not None
    assert crew.tablet is not None
    crew.ui.app.navigator.forget_place = lambda: None
    crew.switch_off()


def test_after_a_kill_the_app_stands_where_it_was_with_every_answer(crew: Field) -> None:
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_tool(ui, "gate")
    write(ui, "oxygen_pct", "20.8")
    kill(crew)
    ui = crew.switch_on()
    assert ui.get("Field", hint="oxygen_pct").text == "20.8"
    assert ui.get("SheetScreen").view.title == crew.says("Gas test before entry")
    ui.back()
    ui.back()
    ui.settle()
    crew.switch_off()
    ui = crew.switch_on()

    assert ui.all("OrdersScreen"), "who closes the app begins with the list"
