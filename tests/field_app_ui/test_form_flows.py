"""What a crew does with a form of the office: tapped, typed, refused, corrected, sealed."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.presenters.form import FormRequest

from tests.field_app_ui import kivy_harness as harness  # isort: skip - before anything from kivy
from field_app.ui.screens.form import CARDS_PER_FRAME
from field_app.ui.theme import ThemeName
from field_app.ui.widgets.basics import MIN_TARGET_DP, Tap
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.office_forms import builtin, published
from tests.field_app_ui.test_crew_flows import FIRST, begin_work
from tests.field_app_ui.town_office import order_id
from wire_contracts.fields import FieldReader
from wire_contracts.forms.answer_sets import AnswerSet, parse_answer_set
from wire_contracts.orders import ENTITY, FactType
from wire_contracts.texts import BilingualText

TOOL = "tool-form:leak-gas"
HOUSEHOLD = FormSubject(about="household", about_id="h-1")


@pytest.fixture
def ui(crew: Field) -> harness.Driver:
    crew.office.extra = [published(builtin("leak-gas"))]
    return crew.switch_on()


def open_form(ui: harness.Driver) -> None:
    """Open the checklist of the first order, and wait for every card."""
    subject = FormSubject(about=ENTITY, about_id=order_id(0))
    ui.app.navigator.tools.open_form(FormRequest(form_id="leak-gas", subject=subject))
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


@pytest.mark.both_languages
def test_a_checklist_is_filled_in_on_an_order_and_reaches_the_office(
    crew: Field, ui: harness.Driver
) -> None:
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    ui.tap_hint(TOOL)
    ui.settle()
    wait_for_cards(ui)
    fill_in(ui)
    assert ui.get("FormScreen").view.left_count == 0
    ui.tap_hint("finish-form")
    ui.settle()

    answers = list(sealed(crew))
    assert [each.form for each in answers] == ["leak-gas@1"]
    assert answers[0].about_id == order_id(0)
    assert answers[0].answers["measure/lel_before"] == "12.5"
    assert answers[0].measured == {"gas_lel_pct": 0.0}
    assert ui.get("ToolTile", hint=TOOL).detail == crew.says("finished")


def test_mistakes_are_shown_where_they_are_and_the_first_is_brought_onto_the_screen(
    crew: Field, ui: harness.Driver
) -> None:
    open_form(ui)
    screen = ui.get("FormScreen")
    left, number = screen.view.left_count, screen.ids.cards.card("measure/lel_before")
    assert number.view.range_text == "0 – 100 % LEL"

    ui.tap_hint("measure/lel_before")
    ui.type("130")
    ui.settle()
    limits = BilingualText(en="0 to 100 % LEL", zh="0 至 100 % LEL")
    assert number.view.error_text == limits.in_language(crew.language)
    assert "measure/danger" in places(ui)
    ui.tap_hint("undo")
    ui.settle()
    assert "measure/danger" not in places(ui)
    ui.tap_hint("isolate/people_out=yes")
    ui.tap_hint("finish-form")
    ui.settle()

    missing = screen.ids.cards.card("isolate/valve_closed")
    left_text = crew.says("{count} left: check for errors", count=left - 1)
    assert screen.view.left_text == left_text
    assert missing.view.error_text == crew.says("Must be answered")
    assert ui.visible(missing)


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
    open_form(ui)

    assert ui.get("Field", hint="isolate/valve_closed").text == "V-17"
    assert ui.get("BigButton", hint="isolate/cordon=no").is_on


def test_a_long_form_is_made_a_few_cards_per_frame(crew: Field) -> None:
    crew.office.extra = [published(builtin("safety-check"))]
    ui = crew.switch_on()
    ui.app.navigator.tools.open_form(FormRequest(form_id="safety-check", subject=HOUSEHOLD))
    screen = ui.get("FormScreen")
    ui.wait(lambda: screen.view.cards, "the form")
    counts = [screen.ids.cards.made_count]
    while counts[-1] < len(screen.view.cards):
        ui.pump()
        counts.append(screen.ids.cards.made_count)

    assert len(screen.view.cards) > 12
    assert max(later - one for one, later in pairwise(counts)) <= CARDS_PER_FRAME


@pytest.mark.parametrize(
    ("language", "size"),
    [
        ("zh_CN", (1280, 800)),
        ("en", (800, 1280)),
        pytest.param("zh_CN", (800, 1280), marks=pytest.mark.nightly),
    ],
)
def test_a_form_in_both_languages_both_ways_round_and_three_themes(
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
    for name in ThemeName:
        ui.app.use_theme(name)
        ui.settle()
        ui.screenshot(f"form-{language}-{size[0]}-{name}")

    taps = [each for each in ui.walk() if isinstance(each, Tap) and ui.visible(each)]
    small = [each.hint for each in taps if min(each.width, each.height) < MIN_TARGET_DP]
    assert small == []
    title = ui.get("FormScreen").view.title
    assert title == ("Gas leak repair" if language == "en" else "燃气泄漏抢修")
