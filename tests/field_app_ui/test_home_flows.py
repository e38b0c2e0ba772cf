"""An inspector in homes and at meters on the real app, by touch alone."""

import pytest

from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspector_parts import choose, go, open_rounds, sheet, told
from tests.field_app_ui.test_log_in_flows import type_pin
from wire_contracts.operations import OperationKind
from wire_contracts.orders import FactType

PIN = "274913"


@pytest.mark.both_languages
def test_a_home_without_hazards_takes_six_taps_and_opens_the_next_one(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "homes")
    go(ui, "next-door")
    for group in ("meter", "pipes", "appliances", "room", "people"):
        choose(ui, group, "ok")
    go(ui, "primary")

    title = inspector.says("Building {building} · {room}", building=9, room="3-902")
    assert sheet(ui).title == title
    check = told(inspector, FactType.SAFETY_CHECK)[0]
    answers = check["answers"]
    assert isinstance(answers, dict)
    assert (check["household_id"], len(answers), set(answers.values())) == ("hh-0", 12, {True})


def test_nobody_opening_counts_and_the_next_home_follows(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "homes")
    go(ui, "door-hh-2")
    ui.tap_hint("secondary")
    ui.settle()
    ui.tap_hint("secondary")
    ui.settle()

    title = inspector.says("Building {building} · {room}", building=9, room="3-904")
    assert sheet(ui).title == title
    ui.back()
    ui.settle()
    assert ui.get("RoundListScreen").view.rows[2].state_text == inspector.says("letter")
    assert told(inspector, FactType.SAFETY_CHECK)[0]["is_no_access"] is True


def test_a_hazard_is_signed_on_the_glass(inspector: Field) -> None:
    ui = open_rounds(inspector)
    assert inspector.tablet is not None
    inspector.tablet.set_pin(PIN)
    go(ui, "homes")
    go(ui, "next-door")
    for group in ("meter", "pipes", "room", "people"):
        choose(ui, group, "ok")
    choose(ui, "appliances", "wrong")
    choose(ui, "item:hose", "wrong")
    choose(ui, "item:stove_flameout", "ok")
    choose(ui, "item:water_heater_flue", "ok")
    go(ui, "photo")
    go(ui, "sign")
    pad = ui.get("SignaturePad")
    x, y = ui.centre(pad)
    ui.stroke([(x - 180 + 12 * step, y + (30 if step % 2 else -30)) for step in range(30)])
    ui.settle()
    assert ui.back()
    assert ui.all("SignaturePad"), "the customer may have gone: it is asked first"
    go(ui, "keep-signature")
    go(ui, "primary")

    check = told(inspector, FactType.SAFETY_CHECK)[0]
    hazards = check["hazards"]
    assert isinstance(hazards, list)
    assert [(each["item"], each["severity"]) for each in hazards] == [("hose", 2)]
    assert hazards[0]["due_at"]
    assert check["notice"] == "signed"
    attached = [each for each in inspector.office.pushed if each.kind is OperationKind.ATTACH]
    assert {(each.entity, each.entity_id) for each in attached} == {("household", "hh-0")}
    assert check["signature"] in {(each.payload or {}).get("sha256") for each in attached}


def test_a_signature_half_drawn_stands_there_after_the_app_was_ended(inspector: Field) -> None:
    ui = open_rounds(inspector)
    assert inspector.tablet is not None
    inspector.tablet.set_pin(PIN)

    go(ui, "homes")
    go(ui, "next-door")
    choose(ui, "appliances", "wrong")
    choose(ui, "item:hose", "wrong")
    go(ui, "sign")
    pad = ui.get("SignaturePad")
    x, y = ui.centre(pad)
    ui.stroke([(x - 100 + 12 * step, y + (20 if step % 2 else -20)) for step in range(12)])
    ui.settle()
    drawn = [list(stroke) for stroke in pad.strokes]
    inspector.switch_off()
    ui = inspector.switch_on()
    ui.tap_hint("li-wei")
    ui.settle()
    type_pin(ui, PIN)
    for hint in ("go-patrol", "homes", "next-door", "sign"):
        go(ui, hint)
    stood = ui.get("SignaturePad").strokes

    assert len(drawn[0]) > 2
    assert stood == drawn


@pytest.mark.both_languages
def test_an_unusual_reading_is_questioned_before_it_is_kept(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "meters")
    go(ui, "next-door")
    screen = ui.get("MeterScreen")
    for key in "12098":
        ui.tap_hint(f"key-{key}")
    ui.settle()
    much_more = inspector.says("Much more than usual. Please look again.")
    assert screen.view.question == much_more
    ui.tap_hint("key-<")
    for key in ".5":
        ui.tap_hint(f"key-{key}")
    ui.settle()
    assert screen.view.question == inspector.says("Less than last time. Is it the right meter?")
    for key in "<<<<<1290":
        ui.tap_hint(f"key-{key}")
    ui.settle()
    assert (screen.view.typed, screen.view.question) == ("11290", much_more)
    for _ in range(5):
        ui.tap_hint("key-<")
    for key in "1290":
        ui.tap_hint(f"key-{key}")
    ui.settle()
    used = inspector.says("used {amount} {unit}", amount=30, unit="m³")
    assert (screen.view.question, screen.view.used_text) == ("", used)
    go(ui, "keep")

    assert ui.get("MeterScreen").view.title == inspector.says(
        "Building {building} · {room}", building=9, room="3-902"
    )
    for key in "15":
        ui.tap_hint(f"key-{key}")
    ui.settle()
    again = inspector.says("The register has begun again at zero. Is that so?")
    assert ui.get("MeterScreen").view.question == again
    keep = ui.get("SureBtn", hint="keep")
    assert keep.text == inspector.says("{value} is right", value="15")
    go(ui, "keep")
    assert len(told(inspector, FactType.METER_READING)) == 1, "by habit, with the same thumb"
    assert keep.text == inspector.says("Tap again")
    ui.tap_hint("key-0")
    assert not keep.is_armed, "another number is asked anew"
    ui.tap_hint("key-<")
    go(ui, "keep")
    go(ui, "keep")
    readings = told(inspector, FactType.METER_READING)
    assert [(each["value"], each["doubt"], each["is_confirmed"]) for each in readings] == [
        (1290.0, "", False),
        (15.0, "rolled_over", True),
    ]
