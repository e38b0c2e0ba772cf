"""Danger on a round is told whatever is tapped: gas beyond any scale, gas in a form, a leak."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands, inspection_rows
from tests.field_app_ui.inspector_parts import (
    choose,
    go,
    open_rounds,
    refusal,
    sheet,
    start_route,
    told,
)
from tests.field_app_ui.office_forms import builtin, published
from wire_contracts.orders import FactType


@pytest.fixture
def inspector(crew: Field) -> Iterator[Field]:
    """Return a tablet whose crew has a route, homes and meters."""
    crew.office.orders = ()
    crew.office.extra = inspection_rows()
    hands = Hands()
    hands.locator.go(0, off_m=4)
    crew.hardware = hands.hardware()
    yield crew
    if crew.ui is not None:
        crew.ui.resize(harness.WIDTH, harness.HEIGHT)


def write(ui: harness.Driver, hint: str, text: str) -> None:
    ui.tap_hint(hint)
    ui.type(text)
    ui.settle()


def fill_in_gas(ui: harness.Driver, lel_pct: str) -> None:
    """Open the checklist of a well and type the gas, without finishing it."""
    go(ui, "form:patrol-well")
    screen = ui.get("FormScreen")
    ui.wait(lambda: screen.ids.cards.made_count == len(screen.view.cards), "all cards")
    go(ui, "reached=yes")
    ui.wait(lambda: screen.ids.cards.made_count == len(screen.view.cards), "all cards")
    write(ui, "look/gas_lel_pct", lel_pct)


@pytest.mark.both_languages
def test_no_stop_is_left_out_over_gas_beyond_the_scale(inspector: Field) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")
    write(ui, "gas_lel_pct", "OL")
    assert inspector.says("Get out, keep others away") in ui.texts()
    choose(ui, "outcome", "skipped")
    write(ui, "reason", "no time")
    primary = sheet(ui).primary
    assert primary is not None
    assert primary.text == inspector.says("Record a defect of severity 1")
    go(ui, "primary")
    write(ui, "note", "hissing")
    go(ui, "primary")

    (point,) = told(inspector, FactType.PATROL_POINT)
    (request,) = told(inspector, FactType.ORDER_REQUEST)
    gas = inspector.says("Combustible gas")
    assert (point["outcome"], point["values"]) == ("defect", {})
    assert request["note"] == f"hissing; {gas}: OL", "what the detector showed is told as it stood"


def test_a_text_for_the_gas_that_nobody_can_read_is_cleared_up_first(inspector: Field) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")
    write(ui, "gas_lel_pct", "5000 ppm")
    choose(ui, "outcome", "skipped")
    write(ui, "reason", "no time")

    gas = inspector.says("Combustible gas")
    assert refusal(ui) == inspector.says("Measure: {name}", name=gas)
    assert "gas_lel_pct" in [each.key for each in sheet(ui).blocks]


def test_gas_typed_into_a_form_of_the_office_is_danger_at_the_stop(inspector: Field) -> None:
    inspector.office.extra = [*inspection_rows(), published(builtin("patrol-well"))]
    ui = start_route(inspector)
    go(ui, "next-stop")
    fill_in_gas(ui, "45")
    get_out = inspector.says("Get out, keep others away")
    assert get_out in ui.texts(), "said where it is typed"
    ui.screenshot(f"form-danger-{inspector.language}")
    assert ui.back()
    ui.settle()
    assert get_out in ui.texts(), "and at the stop, though nobody has finished the form"
    choose(ui, "outcome", "skipped")
    write(ui, "reason", "no time")
    go(ui, "primary")
    write(ui, "note", "hissing")
    go(ui, "primary")

    (request,) = told(inspector, FactType.ORDER_REQUEST)
    gas = inspector.says("Combustible gas")
    assert request["note"] == f"hissing; {gas}: 45 % LEL"


@pytest.mark.both_languages
def test_nobody_opens_wipes_no_hazard(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "homes")
    go(ui, "next-door")
    here = sheet(ui).title
    choose(ui, "meter", "ok")
    go(ui, "secondary")
    looked_at = "Something was looked at here: take it back if nobody opened."
    assert sheet(ui).message == inspector.says(looked_at)
    choose(ui, "pipes", "wrong")
    choose(ui, "item:pipe_tightness", "wrong")
    write(ui, "note:pipe_tightness", "leak at the meter")
    go(ui, "secondary")
    go(ui, "secondary")
    found = "A hazard was found here: finish; whoever will not sign has refused."
    assert (sheet(ui).title, sheet(ui).message) == (here, inspector.says(found))
    assert inspector.says(found) in ui.texts(), "however far down the page is scrolled"
    ui.screenshot(f"nobody-opens-{inspector.language}")
    go(ui, "primary")
    assert len(told(inspector, FactType.ORDER_REQUEST)) == 1, "before the paper is dealt with"
    choose(ui, "notice", "refused")
    go(ui, "primary")

    (check,) = told(inspector, FactType.SAFETY_CHECK)
    assert check["is_no_access"] is False
    assert len(told(inspector, FactType.ORDER_REQUEST)) == 1, "though ten items were not looked at"


def test_a_told_danger_is_not_taken_back_in_silence(inspector: Field) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")
    choose(ui, "outcome", "defect")
    choose(ui, "severity", "1")
    write(ui, "note", "smell of gas")
    go(ui, "primary")
    assert len(told(inspector, FactType.ORDER_REQUEST)) == 1, "a smell waits for no check-in"
    go(ui, "stop-vw-031")
    go(ui, "position")
    choose(ui, "outcome", "ok")
    for hint in ("gas_lel_pct", "well_water_cm"):
        write(ui, hint, "0")
    assert refusal(ui) == inspector.says("Say why.")
    ui.get("Field", hint="note", anywhere=True).text = "it was paint"
    ui.settle()
    choose(ui, "inside", "stayed_outside")
    assert refusal(ui) == ""


def test_one_tap_on_a_group_takes_no_worded_hazard_back(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "homes")
    go(ui, "next-door")
    choose(ui, "pipes", "wrong")
    choose(ui, "item:pipe_tightness", "wrong")
    write(ui, "note:pipe_tightness", "leak at the meter")
    choose(ui, "pipes", "ok")
    assert "shut-off" in [each.key for each in sheet(ui).blocks]
    choose(ui, "item:pipe_tightness", "ok")

    assert "shut-off" not in [each.key for each in sheet(ui).blocks]


def test_gas_typed_into_a_form_of_the_office_is_danger_in_a_home(inspector: Field) -> None:
    form = replace(builtin("patrol-well"), about="household", purposes=())
    inspector.office.extra = [*inspection_rows(), published(form)]
    ui = open_rounds(inspector)
    go(ui, "homes")
    go(ui, "next-door")
    here = sheet(ui).title
    fill_in_gas(ui, "45")
    assert ui.back()
    ui.settle()
    assert sheet(ui).blocks[0].key == "danger"
    assert refusal(ui) == inspector.says("Dangerous: record it as a defect of severity 1.")
    go(ui, "secondary")
    go(ui, "secondary")
    assert sheet(ui).title == here
    choose(ui, "pipes", "wrong")
    choose(ui, "item:pipe_tightness", "wrong")
    write(ui, "note:pipe_tightness", "45 % LEL in the kitchen")
    choose(ui, "notice", "refused")
    go(ui, "primary")

    assert len(told(inspector, FactType.ORDER_REQUEST)) == 1


@pytest.mark.both_languages
def test_gas_before_the_entry_of_a_well_is_danger_at_the_stop(inspector: Field) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")
    go(ui, "gate")
    assert sheet(ui).title == inspector.says("Gas test before entry")
    write(ui, "oxygen_pct", "20.8")
    write(ui, "lel_pct", "45")
    assert inspector.says("Do not go in") in ui.texts()
    ui.screenshot(f"stop-gate-{inspector.language}")
    go(ui, "primary")
    assert ui.back()
    ui.settle()
    assert inspector.says("Get out, keep others away") in ui.texts()
    assert inspector.says("Nobody went in") in ui.texts()
    ui.screenshot(f"stop-gated-{inspector.language}")
    choose(ui, "outcome", "skipped")
    primary = sheet(ui).primary
    assert primary is not None
    assert primary.text == inspector.says("Record a defect of severity 1")
    (gas,) = told(inspector, FactType.GAS_MEASUREMENT)
    assert (gas["lel_pct"], gas["is_entry_allowed"]) == (45.0, False)
