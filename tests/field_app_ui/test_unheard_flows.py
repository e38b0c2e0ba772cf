"""What the office does not know is said wherever one stands: a call for help, an order, a valve."""

import pytest

from field_app.platform.ports import Sound
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands, inspection_rows
from tests.field_app_ui.inspector_parts import go, start_route
from tests.field_app_ui.scenes import choose


def contact(crew: Field, ui: harness.Driver) -> None:
    """Let the tablet speak with the office once, and time pass on the screens."""
    assert crew.tablet is not None
    crew.tablet.sync_now()
    ui.app.navigator.tick()
    ui.settle()


def call_for_help(ui: harness.Driver) -> None:
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "reason", "injury")
    ui.tap_hint("primary")
    ui.tap_hint("primary")
    ui.settle()
    assert ui.back()
    ui.app.navigator.tick()
    ui.settle()


@pytest.mark.both_languages
def test_a_call_that_nobody_has_heard_stands_on_every_page_until_it_is_heard(crew: Field) -> None:
    hands = Hands()
    crew.hardware = hands.hardware()
    ui = crew.switch_on()
    crew.office.is_reachable = False
    call_for_help(ui)
    unsent = "Not sent yet: nobody knows. Call by telephone, or go where there is a network."
    unheard = crew.says("Nobody knows that you called for help")
    assert {unheard, crew.says(unsent)} <= set(ui.texts())
    ui.screenshot(f"help-unheard-{crew.language}")
    ui.tap_hint("go-sync")
    ui.settle()
    assert unheard in ui.texts()
    assert Sound.URGENT not in hands.buzzer.sounds, "whoever is hurt telephones now"
    ui.tap_hint("alarm")
    ui.settle()
    assert ui.get("SheetScreen").view.title == crew.says("Help"), "a tap leads to the page of help"
    assert ui.back()

    crew.office.is_reachable = True
    contact(crew, ui)
    assert unheard not in ui.texts()


def test_a_call_that_was_refused_stands_there_until_help_is_there(crew: Field) -> None:
    crew.hardware = Hands().hardware()
    crew.office.refuses = frozenset({"help_call"})
    ui = crew.switch_on()
    call_for_help(ui)
    contact(crew, ui)
    refused = "Not received: the server refused it, nobody knows. Call by telephone now."
    assert crew.says(refused) in ui.texts()
    where = crew.says("Online") + " · " + crew.says("Look here")
    assert ui.get("TopBar").sync.pill_text == where
    ui.tap_hint("go-sync")
    ui.settle()
    advice = crew.says("Nobody knows: call by telephone now.")
    said = ui.get("SyncScreen").view.look_here[0]
    assert (said.reason, said.advice) == (crew.says("The server did not take it."), advice)
    ui.tap_hint("alarm")
    ui.settle()
    ui.tap_hint("secondary")
    ui.tap_hint("secondary")
    ui.settle()
    assert ui.back()
    ui.app.navigator.tick()
    ui.settle()

    assert crew.says(refused) not in ui.texts()


def test_a_route_says_that_the_office_did_not_take_the_order_of_a_danger(crew: Field) -> None:
    crew.office.orders = ()
    crew.office.extra = inspection_rows()
    crew.office.refuses = frozenset({"order_request"})
    hands = Hands()
    crew.hardware = hands.hardware()
    ui = start_route(crew)
    hands.locator.go(0, off_m=2)
    go(ui, "next-stop")
    hands.reader.hold_near("04a2b30")
    choose(ui, "outcome", "defect")
    choose(ui, "severity", "1")
    ui.tap_hint("note")
    ui.type("gas")
    ui.settle()
    go(ui, "primary")
    contact(crew, ui)
    refused = "Order not received: the office does not know. Call the control room now."
    assert ui.get("RunScreen").view.alarm_text == crew.says(refused)
    assert crew.tablet is not None
    for entry in crew.tablet.look_here():
        crew.tablet.mark_seen(entry.operation.op_id)
    contact(crew, ui)

    assert ui.get("RunScreen").view.alarm_text == crew.says(refused), "seen is not heard"
