"""The PIN page in the crew's hands: set, lock, open, wrong, another person."""

import pytest

from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field

PIN = "482916"


def type_pin(ui: harness.Driver, pin: str) -> None:
    for digit in pin:
        ui.tap_hint(f"pin-{digit}")
    ui.settle()
    ui.tap_hint("pin-ok")
    ui.settle()


def set_pin(ui: harness.Driver, pin: str = PIN) -> None:
    ui.tap_hint("go-me")
    ui.settle()
    ui.tap_hint("set-pin")
    ui.settle()
    type_pin(ui, pin)
    type_pin(ui, pin)


@pytest.fixture(params=["en", "zh_CN"])
def spoken(request: pytest.FixtureRequest, crew: Field) -> str:
    crew.language = str(request.param)
    return crew.language


def test_a_pin_is_set_locks_and_opens_in_both_languages(crew: Field, spoken: str) -> None:
    ui = crew.switch_on()
    ui.tap_hint("go-me")
    ui.settle()
    ui.screenshot(f"me-{spoken}")
    ui.tap_hint("set-pin")
    ui.settle()
    ui.tap_hint("pin-4")
    ui.settle()
    ui.screenshot(f"choose-{spoken}")
    ui.tap_hint("pin-back")
    type_pin(ui, PIN)
    type_pin(ui, PIN)
    assert crew.tablet is not None
    assert crew.tablet.vault.people() == {"li-wei"}

    ui.tap_hint("lock-now")
    ui.settle()
    ui.screenshot(f"who-{spoken}")
    assert crew.tablet.log_in.is_locked()
    ui.tap_hint("li-wei")
    ui.settle()
    said = crew.says("Wrong PIN. Tries left: {count}.", count=9)
    assert said not in ui.texts()
    type_pin(ui, "000001")
    ui.screenshot(f"wrong-{spoken}")
    assert said in ui.texts()
    type_pin(ui, PIN)

    assert not crew.tablet.log_in.is_locked()
    assert ui.get(hint="lock-now")
