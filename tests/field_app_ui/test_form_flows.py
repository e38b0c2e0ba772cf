"""What a crew does with a form of the office: tapped, typed, refused, corrected, sealed."""

from collections.abc import Iterator

import pytest

from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.office_forms import builtin, published
from tests.field_app_ui.test_crew_flows import FIRST, begin_work
from tests.field_app_ui.town_office import order_id
from wire_contracts.fields import FieldReader
from wire_contracts.forms.answer_sets import AnswerSet, parse_answer_set
from wire_contracts.orders import FactType

TOOL = "tool-form:leak-gas"


@pytest.fixture
def ui(crew: Field) -> harness.Driver:
    crew.office.extra = [published(builtin("leak-gas"))]
    return crew.switch_on()


def open_form(ui: harness.Driver) -> None:
    """Go to the first order, take its steps, open its checklist, and wait for every card."""
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    ui.tap_hint(TOOL)
    ui.settle()
    wait_for_cards(ui)


def wait_for_cards(ui: harness.Driver) -> None:
    screen = ui.get("FormScreen")
    ui.wait(lambda: screen.ids.cards.made_count == len(screen.view.cards), "all cards")
    ui.settle()


def places(ui: harness.Driver) -> list[str]:
    return [card.place for card in ui.get("FormScreen").view.cards]


def fill_in(ui: harness.Driver) -> None:
    """Answer everything that a gas leak asks for."""
    for hint in ("isolate/people_out=yes", "isolate/cordon=yes", "ventilate/windows_open=yes"):
        ui.tap_hint(hint)
    for hint, text in (
        ("isolate/valve_closed", "V-17"),
        ("ventilate/ventilated_min", "20"),
        ("measure/lel_before", "12,5"),
        ("repair/work_done", "new seal"),
        ("measure_again/lel_after", "0"),
        ("measure_again/hold_min", "30"),
        ("measure_again/drop_pa", "0"),
    ):
        ui.tap_hint(hint)
        ui.type(text)
    ui.tap_hint("repair/place=joint")
    ui.settle()
    wait_for_cards(ui)
    ui.tap_hint("relight/relit=yes")
    ui.settle()


def sealed(crew: Field) -> Iterator[AnswerSet]:
    assert crew.tablet is not None
    crew.tablet.sync_now()
    for each in crew.office.pushed:
        payload = each.payload or {}
        if each.field == FactType.FORM_ANSWERSET and "form_sha256" in payload:
            yield parse_answer_set(FieldReader(place="test", values=payload))


def test_a_checklist_is_filled_in_and_reaches_the_office(crew: Field, ui: harness.Driver) -> None:
    open_form(ui)
    fill_in(ui)
    assert ui.get("FormScreen").view.left_count == 0
    ui.tap_hint("finish-form")
    ui.settle()

    answers = list(sealed(crew))
    assert [each.form for each in answers] == ["leak-gas@1"]
    assert answers[0].about_id == order_id(0)
    assert answers[0].answers["measure/lel_before"] == "12.5"
    assert answers[0].measured == {"gas_lel_pct": 0.0}
    assert ui.get("ToolTile", hint=TOOL).detail == "finished"


def test_check_for_errors_jumps_to_the_first_wrong_item_and_says_what_is_wrong(
    ui: harness.Driver,
) -> None:
    open_form(ui)
    left = ui.get("FormScreen").view.left_count
    ui.tap_hint("isolate/people_out=yes")
    ui.settle()
    ui.tap_hint("finish-form")
    ui.settle()

    screen = ui.get("FormScreen")
    assert screen.view.left_count == left - 1
    assert screen.view.left_text == f"{left - 1} left: check for errors"
    assert screen.ids.cards.card("isolate/valve_closed").view.error_text == "Must be answered"
    assert ui.visible(screen.ids.cards.card("isolate/valve_closed"))


def test_a_number_shows_its_range_before_it_is_typed_and_its_mistake_after(
    ui: harness.Driver,
) -> None:
    open_form(ui)
    card = ui.get("FormScreen").ids.cards.card("measure/lel_before")
    assert card.view.range_text == "0 – 100 % LEL"

    ui.tap_hint("measure/lel_before")
    ui.type("130")
    ui.settle()

    assert card.view.error_text == "0 to 100 % LEL"


def test_what_an_answer_makes_relevant_appears_and_goes_again(ui: harness.Driver) -> None:
    open_form(ui)
    assert "measure/danger" not in places(ui)

    ui.tap_hint("measure/lel_before")
    ui.type("40")
    ui.settle()
    assert "measure/danger" in places(ui)

    ui.tap_hint("undo")
    ui.settle()
    assert "measure/danger" not in places(ui)


def test_every_answer_is_there_again_after_the_app_was_closed(
    crew: Field, ui: harness.Driver
) -> None:
    open_form(ui)
    ui.tap_hint("isolate/cordon=no")
    ui.tap_hint("isolate/valve_closed")
    ui.type("V-17")
    ui.settle()
    crew.switch_off()

    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    assert ui.get("ToolTile", hint=TOOL).detail == "begun"
    ui.tap_hint(TOOL)
    ui.settle()
    wait_for_cards(ui)

    assert ui.get("Field", hint="isolate/valve_closed").text == "V-17"
    assert ui.get("BigButton", hint="isolate/cordon=no").is_on


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("size", [(800, 1280), (1280, 800)])
def test_the_form_in_both_languages_and_both_ways_round(
    crew: Field, language: str, size: tuple[int, int]
) -> None:
    crew.office.extra = [published(builtin("leak-gas"))]
    crew.language = language
    ui = crew.switch_on()
    ui.resize(*size)
    open_form(ui)
    ui.tap_hint("isolate/people_out=yes")
    ui.tap_hint("measure/lel_before")
    ui.type("130")
    ui.settle()

    title = ui.get("FormScreen").view.title
    ui.screenshot(f"form-{language}-{size[0]}")
    assert title == ("Gas leak repair" if language == "en" else "燃气泄漏抢修")
