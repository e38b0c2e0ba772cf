"""An error of ours while somebody uses the app: kept, said, logged without a word, gone on."""

import logging
from collections.abc import Iterator

import pytest

from tests.field_app_ui import kivy_harness as harness  # isort: skip - before anything from kivy
from kivy.clock import Clock

from field_app.ui.application import FAILED
from field_app.ui.last_net import MOST_ERRORS, STORM_S, LastNet
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.test_crew_flows import FIRST, begin_work
from tests.field_app_ui.town_office import order_id

SECRET = "李伟 13800000000"  # noqa: S105 - no password: what nobody may read in a log


@pytest.fixture
def ui(crew: Field) -> Iterator[harness.Driver]:
    ui = crew.switch_on()
    with ui.app.net():
        yield ui


def fail(_elapsed_s: float = 0.0) -> None:
    raise ValueError(SECRET)


def shown(ui: harness.Driver) -> list[str]:
    return [bar.text for bar in ui.all("TroubleBar")]


def test_an_error_of_ours_is_said_once_and_what_was_typed_is_kept(
    crew: Field, ui: harness.Driver, caplog: pytest.LogCaptureFixture
) -> None:
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    ui.tap_hint("tool-gate")
    ui.settle()
    page = ui.app.navigator.page
    assert page is not None
    page.presenter.type("place", "VW-031")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            Clock.schedule_once(fail)
            ui.pump()
    said = shown(ui)
    ui.settle()
    assert crew.tablet is not None
    kept = crew.tablet.site.sheet(order_id(0)).values_of("gate")
    x, y = ui.centre(ui.get("TroubleBar").children[0])
    touch = harness.FakeTouch(x, y)
    touch.down()
    touch.up()
    ui.settle()

    assert said == [crew.says(FAILED)]
    assert kept == {"place": "VW-031"}
    assert shown(ui) == []
    assert ui.get("SheetScreen").view.title == crew.says("Gas test before entry")
    assert "ValueError at " in caplog.text
    assert " fail" in caplog.text
    assert SECRET not in caplog.text


def test_an_answer_whose_keeping_failed_goes_with_the_next_one(
    crew: Field, ui: harness.Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ui.tap_hint(FIRST)
    ui.settle()
    begin_work(ui)
    ui.tap_hint("tool-gate")
    ui.settle()
    page, tablet = ui.app.navigator.page, crew.tablet
    assert page is not None
    assert tablet is not None
    with monkeypatch.context() as broken:
        broken.setattr(type(tablet.database), "write", lambda _self, _work: fail())
        page.presenter.type("place", "VW-031")
        ui.settle()
        ui.pump(30)
        ui.settle()
    said = shown(ui)
    page.presenter.type("oxygen_pct", "20.8")
    page.presenter.flush()
    ui.settle()
    kept = tablet.site.sheet(order_id(0)).values_of("gate")

    assert said == [crew.says(FAILED)]
    assert (kept["place"], kept["oxygen_pct"]) == ("VW-031", "20.8")


def test_without_the_net_an_error_of_ours_flies(crew: Field) -> None:
    ui = crew.switch_on()
    Clock.schedule_once(fail)

    with pytest.raises(ValueError, match=SECRET):
        ui.pump()


def test_an_app_that_fails_with_every_frame_ends(ui: harness.Driver) -> None:
    for _ in range(MOST_ERRORS):
        Clock.schedule_once(fail)
        ui.pump()
    Clock.schedule_once(fail)

    with pytest.raises(ValueError, match=SECRET):
        ui.pump()


def test_errors_now_and_then_end_nothing_and_an_interrupt_does(crew: Field) -> None:
    ui = crew.switch_on()
    said: list[str] = []

    def break_down() -> None:
        said.append("kept")
        fail()

    net = LastNet(break_down, lambda: "trouble")
    answers = set()
    for _ in range(MOST_ERRORS + 2):
        harness.VirtualTime.now += STORM_S + 1
        answers.add(net.handle_exception(ValueError(SECRET)))

    assert len(answers) == len(shown(ui)) == 1
    assert said == ["kept"] * (MOST_ERRORS + 2)
    assert answers.isdisjoint({net.handle_exception(KeyboardInterrupt())})
