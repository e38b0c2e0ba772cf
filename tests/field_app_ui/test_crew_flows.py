"""What a crew does with the tablet, from the list to the finding, without a network."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.town_office import make_order, order_id
from wire_contracts.operations import OperationKind
from wire_contracts.work_order_states import WorkOrderState

FIRST = "WO-000101"


def state_of(crew: Field, number: int = 0) -> WorkOrderState:
    assert crew.tablet is not None
    seen = crew.tablet.desk.order(order_id(number))
    assert seen is not None
    assert seen.document is not None
    return seen.document.state


def begin_work(ui: harness.Driver) -> None:
    """Tap the one next step four times: accept, set off, on site, begin."""
    for _ in range(4):
        ui.tap_hint("next-step")
        ui.settle()


def open_finding(ui: harness.Driver) -> None:
    """Go from the order past the steps to the form of the finding."""
    ui.tap_hint("next-step")
    ui.settle()
    ui.tap_hint("secondary")
    ui.settle()


STEPS = (
    ("not_needed",),
    ("doors_windows", "ventilate.minutes=10"),
    ("measure.gas_lel_pct=8",),
    ("repaired",),
    ("remeasure.gas_lel_pct=0", "holds", "timer:remeasure"),
    ("relit",),
)
"""What a crew answers for a gas leak, step by step."""


def take_steps(crew: Field, ui: harness.Driver) -> None:
    """Take every step of a gas leak, then go on to the finding."""
    ui.tap_hint("next-step")
    ui.settle()
    for answers in STEPS:
        for answer in answers:
            key, _, text = answer.partition("=")
            ui.tap_hint(key)
            if text:
                ui.type(text)
            ui.settle()
        if "timer:remeasure" in answers:
            crew.clock.moment_utc += timedelta(minutes=10)
            ui.app.navigator.tick()
            ui.settle()
        ui.tap_hint("primary")
        ui.settle()
    ui.tap_hint("primary")
    ui.settle()


def fill_in_leak(ui: harness.Driver) -> None:
    """Answer everything a gas leak needs."""
    ui.tap_hint("leak")
    ui.tap_hint("joint")
    ui.tap_hint("gas_lel_pct")
    ui.type("12,5")
    ui.tap_hint("note")
    ui.compose("falan", "法兰")
    ui.settle()


@pytest.mark.both_languages
def test_an_order_is_done_without_a_network(
    crew: Field, ui: harness.Driver, open_order: Callable[[str], None]
) -> None:
    crew.office.is_reachable = False
    open_order(FIRST)
    begin_work(ui)
    assert state_of(crew) is WorkOrderState.WORKING
    take_steps(crew, ui)
    fill_in_leak(ui)
    ui.tap_hint("finish")
    ui.settle()

    assert state_of(crew) is WorkOrderState.FINISHED
    assert ui.get("OrderScreen").view.finding[0].text == crew.says("Leak")
    assert ui.get("TopBar").sync.waiting_count == 15
    assert crew.office.pushed == []


def test_what_was_done_offline_reaches_the_office(
    crew: Field, ui: harness.Driver, open_order: Callable[[str], None]
) -> None:
    open_order(FIRST)
    begin_work(ui)
    take_steps(crew, ui)
    fill_in_leak(ui)
    ui.tap_hint("finish")
    ui.settle()
    assert crew.tablet is not None
    crew.tablet.sync_now()
    ui.settle()

    gone = [each.field for each in crew.office.pushed if each.kind is OperationKind.GO]
    answers = next(each.payload for each in crew.office.pushed if each.field == "form_answerset")
    assert gone == ["accept", "depart", "arrive", "begin", "finish"]
    assert answers is not None
    assert answers["answers"] == {
        "result": "leak",
        "cause": "joint",
        "note": "法兰",
        "measured": {"gas_lel_pct": 12.5},
    }
    assert ui.get("TopBar").sync.waiting_count == 0


def test_a_half_filled_finding_survives_the_end_of_the_process(crew: Field) -> None:
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    open_finding(ui)
    ui.tap_hint("leak")
    ui.tap_hint("gas_lel_pct")
    ui.type("7")
    assert ui.app.on_pause()
    ui.settle()
    crew.switch_off()

    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    open_finding(ui)

    assert ui.get("Choice", key="leak").is_on
    assert ui.get("Field", hint="gas_lel_pct", anywhere=True).text == "7"
    assert ui.get("FindingScreen").view.saved_text


def test_a_value_that_cannot_be_is_named_and_keeps_the_finding_open(
    crew: Field, ui: harness.Driver, open_order: Callable[[str], None]
) -> None:
    open_order(FIRST)
    begin_work(ui)
    open_finding(ui)
    fill_in_leak(ui)
    ui.tap_hint("pressure_barg")
    ui.type("9600")
    ui.settle()
    row = ui.get("MeasuredRow", key="pressure_barg", anywhere=True)
    assert row.error_text
    ui.tap_hint("finish")
    ui.settle()

    assert state_of(crew) is WorkOrderState.WORKING
    assert ui.visible(row), "the button jumps to what is wrong"


def test_undo_takes_answers_back_one_by_one(
    ui: harness.Driver, open_order: Callable[[str], None]
) -> None:
    open_order(FIRST)
    begin_work(ui)
    open_finding(ui)
    fill_in_leak(ui)
    undo = ui.get("Btn", hint="undo")

    seen = []
    while not undo.disabled:
        ui.tap(undo)
        ui.settle()
        view = ui.get("FindingScreen").view
        seen.append((view.note, view.measured[0].text, view.causes != ()))

    assert seen == [("", "12,5", True), ("", "", True), ("", "", True), ("", "", False)]


@pytest.mark.both_languages
def test_leaving_a_closed_door_needs_a_reason_a_notice_and_a_second_tap(
    crew: Field, ui: harness.Driver, open_order: Callable[[str], None]
) -> None:
    open_order(FIRST)
    begin_work(ui)
    ui.tap_hint("no_access")
    ui.settle()
    assert ui.get("SureBtn", hint="primary").disabled, "nobody leaves without saying why"
    ui.tap_hint("nobody_home")
    ui.tap_hint("notice")
    ui.type("N-17")
    ui.settle()
    ui.tap_hint("primary")
    ui.pump(300)
    ui.tap_hint("primary")
    ui.settle()
    assert state_of(crew) is WorkOrderState.WORKING, "the first tap is forgotten after 4 s"
    ui.tap_hint("primary")
    ui.settle()
    assert crew.tablet is not None
    crew.tablet.sync_now()

    assert state_of(crew) is WorkOrderState.NO_ACCESS
    ended = [each for each in crew.office.pushed if each.field in {"visit_end", "no_access"}]
    assert [each.field for each in ended] == ["visit_end", "no_access"]
    assert ended[0].group == ended[1].group
    assert ended[0].payload is not None
    assert ended[0].payload["notice"] == "N-17"


def test_what_the_office_refused_is_shown_until_it_was_seen(crew: Field) -> None:
    crew.office.refuses = frozenset({"accept"})
    ui = crew.switch_on()
    ui.tap_hint(FIRST)
    ui.settle()
    ui.tap_hint("next-step")
    ui.settle()
    assert crew.tablet is not None
    crew.tablet.sync_now()
    ui.settle()
    ui.back()
    ui.tap_hint("sync-pill")
    ui.settle()
    assert ui.get("NavItem", key="sync").badge == "1"
    ui.tap_hint("seen")
    ui.settle()

    assert ui.get("NavItem", key="sync").badge == ""
    assert ui.all("Attention") == []


def test_search_finds_an_address_typed_with_an_input_method(ui: harness.Driver) -> None:
    ui.tap_hint("search")
    ui.compose("changan", "长安小区")
    ui.settle()

    rows = ui.get("OrdersScreen").view.rows
    assert rows
    assert all("长安小区" in row.address for row in rows)
    ui.tap_hint("clear-search")
    ui.settle()
    assert len(ui.get("OrdersScreen").view.rows) == 9


def test_a_filter_shows_only_its_medium(ui: harness.Driver) -> None:
    ui.tap_hint("water")
    ui.settle()

    media = {row.medium for row in ui.get("OrdersScreen").view.rows}
    assert media == {"water"}
    assert ui.get("Chip", key="water").is_on


def test_the_back_key_goes_one_step_back_and_then_out(
    ui: harness.Driver, open_order: Callable[[str], None]
) -> None:
    open_order(FIRST)
    begin_work(ui)
    open_finding(ui)

    assert ui.all("FindingScreen")
    assert ui.back()
    assert ui.all("OrderScreen")
    assert ui.back() != ui.app.is_wide, "with two panes there is nothing to go back to"
    assert ui.all("OrdersScreen")
    assert not ui.back()


def test_working_offline_is_one_tap_and_stays_over_a_restart(crew: Field) -> None:
    ui = crew.switch_on()
    ui.tap_hint("go-sync")
    ui.settle()
    ui.tap_hint("go-offline")
    ui.settle()
    crew.switch_off()
    ui = crew.switch_on()

    assert ui.get("TopBar").sync.is_switched_off


def test_a_new_order_of_the_office_appears_by_itself(crew: Field) -> None:
    crew.office.orders = [make_order(0)]
    ui = crew.switch_on()
    assert len(ui.get("OrdersScreen").view.rows) == 1
    ui.tap_hint(FIRST)
    ui.settle()
    ui.tap_hint("next-step")
    ui.settle()
    ui.back()

    assert ui.get("OrdersScreen").view.rows[0].state is WorkOrderState.ACCEPTED


def test_an_overdue_order_says_since_when(crew: Field, ui: harness.Driver) -> None:
    before = ui.get("OrderRowTap", hint=FIRST).row
    crew.clock.moment_utc += timedelta(hours=1)
    ui.app.navigator.refresh()
    ui.settle()

    after = ui.get("OrderRowTap", hint=FIRST).row
    assert before.is_overdue
    assert after.due_text != before.due_text


def test_theme_and_size_of_the_text_stay_over_a_restart(crew: Field) -> None:
    ui = crew.switch_on()
    ui.tap_hint("go-me")
    ui.settle()
    for theme in ("dark", "light", "sun"):
        ui.tap_hint(f"theme-{theme}")
        assert ui.app.theme.name == theme
    ui.tap_hint("text-large")
    ui.settle()
    crew.switch_off()
    ui = crew.switch_on()

    assert ui.app.theme.name == "sun"
    assert ui.app.text_scale > 1


def test_the_language_changes_at_once_and_stays(crew: Field) -> None:
    crew.language = ""
    ui = crew.switch_on()
    assert "工单" in ui.texts()
    ui.tap_hint("go-me")
    ui.settle()
    ui.tap_hint("language-en")
    ui.settle()
    assert "Language" in ui.texts()
    crew.switch_off()
    ui = crew.switch_on()

    assert "Orders" in ui.texts()
