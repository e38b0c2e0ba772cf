"""What is kept, and where one stands: signature, photo, map, shift, after the lock or a kill."""

import pytest

from field_app.platform.ports import Fix
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands, picture
from tests.field_app_ui.site_flow_parts import facts, open_tool, site_hands, write
from tests.field_app_ui.test_crew_flows import FIRST, begin_work, take_steps
from tests.field_app_ui.town_office import (
    PLANE,
    make_order,
    make_site,
    order_id,
)
from wire_contracts.blobs import BlobRole
from wire_contracts.orders import SafetyClass


@pytest.fixture
def hands(crew: Field) -> Hands:
    """Return the ports of the tablet; its orders and the network have their places."""
    return site_hands(crew)


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
        palm = harness.FakeTouch(x + 90, y - 60)
        palm.down()
        ui.stroke([(x - 80, y), (x, y + 60), (x + 80, y)])
        palm.up()
        lines = [len(points) for points, _colour in ui.get("MarkPad").strokes]
        assert lines == [1, 3], "a palm draws into nobody's line"
        ui.get("MarkPad").undo()
        ui.back()
        ui.settle()
        ui.tap(ui.all(hint="photo", anywhere=True)[-1])
        ui.settle()
        assert len(ui.get("MarkPad").strokes) == 1, "back takes no line away"
        ui.tap_hint("primary")
        ui.back()
        ui.settle()
        assert not any(each.has_lines for each in ui.get("PhotosScreen").view.tiles)
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
