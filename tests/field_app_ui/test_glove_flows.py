"""Gloves, and one order after another: a touch that bounces is one tap, a button stays in reach."""

import pytest

from field_app.patrols.inspection_book import home_draft
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspector_parts import choose, go, open_rounds, sheet, told
from tests.field_app_ui.test_crew_flows import FIRST, begin_work, state_of
from wire_contracts.orders import FactType
from wire_contracts.work_order_states import WorkOrderState


@pytest.mark.both_languages
def test_the_next_order_can_be_accepted_after_one_at_work(crew: Field) -> None:
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    at_work = ui.get(hint="next-step").width
    assert at_work > harness.WIDTH / 4
    ui.back()
    ui.settle()
    ui.tap_hint("WO-000104")
    ui.settle()

    assert ui.get(hint="next-step").width >= at_work, "alone in its row"
    ui.tap_hint("next-step")
    ui.settle()
    assert state_of(crew, 3) is WorkOrderState.ACCEPTED


def test_a_bounce_takes_one_step_of_an_order(crew: Field) -> None:
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    ui.bounce("next-step")
    ui.settle()

    assert state_of(crew) is WorkOrderState.ACCEPTED


def test_a_bounce_confirms_nothing_that_asks_for_a_second_tap(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "homes")
    go(ui, "next-door")
    ui.bounce("secondary")
    ui.settle()
    assert told(inspector, FactType.SAFETY_CHECK) == []
    assert ui.get("SureBtn", hint="secondary").is_armed, "the first touch counts"
    ui.tap_hint("secondary")
    ui.settle()

    assert [each["is_no_access"] for each in told(inspector, FactType.SAFETY_CHECK)] == [True]


def test_a_bounce_keeps_a_reading_once(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "meters")
    go(ui, "next-door")
    for key in "1290":
        ui.tap_hint(f"key-{key}")
    ui.settle()
    ui.bounce("keep")
    ui.settle()

    assert [each["value"] for each in told(inspector, FactType.METER_READING)] == [1290.0]


def test_a_bounce_on_a_key_of_the_pad_is_one_digit_and_none_on_the_doubted_number(
    inspector: Field,
) -> None:
    ui = open_rounds(inspector)
    go(ui, "meters")
    go(ui, "next-door")
    for key in "999":
        ui.tap_hint(f"key-{key}")
    ui.touch_twice_in_a_frame("key-0")
    ui.settle()
    assert ui.get("MeterScreen").view.typed == "9990"
    ui.bounce("keep")
    ui.settle()

    assert told(inspector, FactType.METER_READING) == []
    assert ui.get("SureBtn", hint="keep").is_armed, "the first touch counts"


def test_a_home_with_a_leak_is_told_once_when_two_touches_come_in_one_frame(
    inspector: Field,
) -> None:
    ui = open_rounds(inspector)
    go(ui, "homes")
    go(ui, "next-door")
    for group in ("meter", "appliances", "room", "people"):
        choose(ui, group, "ok")
    choose(ui, "pipes", "wrong")
    choose(ui, "item:pipe_tightness", "wrong")
    choose(ui, "item:pipe_corrosion", "ok")
    choose(ui, "item:pipe_enclosed", "ok")
    choose(ui, "notice", "refused")
    presenter = ui.all("SheetScreen")[-1].presenter
    presenter.type("note:pipe_tightness", "bubbles")
    ui.settle()
    ui.touch_twice_in_a_frame("primary")
    ui.settle()
    assert told(inspector, FactType.SAFETY_CHECK) == [], "the red button calls and finishes nothing"
    ui.touch_twice_in_a_frame("primary")
    presenter.tap("done")
    ui.settle()

    assert len(told(inspector, FactType.SAFETY_CHECK)) == 1
    assert len(told(inspector, FactType.ORDER_REQUEST)) == 1


def test_a_bounce_on_a_choice_does_not_take_it_back(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "homes")
    go(ui, "next-door")
    ui.bounce_on(ui.all("Choice", hint="ok", anywhere=True)[0])
    ui.settle()

    assert inspector.tablet is not None
    assert inspector.tablet.inspections.answers(home_draft("hh-0")) == {"meter": "ok"}


def test_help_is_called_by_two_touches_however_fast(crew: Field) -> None:
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    go(ui, sheet(ui).blocks[0].lines[0].value)  # type: ignore[union-attr]  # the reasons come first
    ui.bounce("primary")
    ui.settle()
    assert crew.tablet is not None

    assert crew.tablet.calls.open_call() is not None
