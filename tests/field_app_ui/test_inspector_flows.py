"""An inspector's patrol on the real app, by touch alone."""

from dataclasses import replace

import pytest

from field_app.platform.ports import Fix
from field_app.presenters.sheet_views import NumberBlock
from field_app.store.record_states import RecordState
from field_app.tablet import open_tablet
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands, inspection_rows
from tests.field_app_ui.inspector_parts import (
    choose,
    go,
    name_of,
    open_rounds,
    refusal,
    sheet,
    start_route,
    told,
)
from tests.field_app_ui.office_forms import builtin, published
from wire_contracts.orders import FactType


@pytest.mark.both_languages
def test_a_stop_is_checked_in_by_tag_measured_and_left(inspector: Field, hands: Hands) -> None:
    ui = start_route(inspector)
    hands.locator.go(0, off_m=4)
    go(ui, "next-stop")
    primary = sheet(ui).primary
    assert primary is not None
    assert primary.refusal

    hands.reader.hold_near("04:A2:B3:0")
    ui.settle()
    ui.tap_hint("gas_lel_pct")
    ui.type("0")
    ui.tap_hint("well_water_cm")
    ui.type("3,5")
    ui.settle()
    assert refusal(ui) == inspector.says("Say whether anybody went in.")
    choose(ui, "inside", "stayed_outside")
    go(ui, "primary")

    view = ui.get("RunScreen").view
    assert (view.stops[0].state_text, view.next_id) == (inspector.says("all well"), "rb-114")
    check_in = told(inspector, FactType.CHECK_IN)[0]
    assert (check_in["way"], check_in["tag"]) == ("nfc", "04:A2:B3:0")
    point = told(inspector, FactType.PATROL_POINT)[0]
    assert point["values"] == {"gas_lel_pct": 0.0, "well_water_cm": 3.5}
    assert point["entry"] == "stayed_outside"
    assert hands.reader.heard == [], "tags are heard only while a stop is open"


def test_a_value_beyond_its_limit_is_no_good_news_without_a_word(
    inspector: Field, hands: Hands
) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")
    hands.reader.hold_near("04a2b30")
    ui.settle()
    ui.tap_hint("gas_lel_pct")
    ui.type("5")
    ui.tap_hint("well_water_cm")
    ui.type("0")
    ui.settle()
    beyond = "A value is beyond its limit: record a defect, or say in the note why not."
    assert refusal(ui) == inspector.says(beyond)
    ui.tap_hint("note")
    ui.type("paint, sensor checked in fresh air")
    ui.settle()
    choose(ui, "inside", "went_in")
    untested = "Went in without a good gas test: measure the air, or say why."
    assert refusal(ui) == inspector.says(untested)
    ui.screenshot(f"went-in-{inspector.language}")
    choose(ui, "inside", "stayed_outside")
    go(ui, "primary")

    point = told(inspector, FactType.PATROL_POINT)[0]
    assert (point["outcome"], point["beyond"]) == ("ok", ["gas_lel_pct"])
    assert point["note"] == "paint, sensor checked in fresh air"


def test_a_form_of_the_office_is_filled_in_at_a_stop_and_nothing_is_entered_twice(
    inspector: Field, hands: Hands
) -> None:
    required = replace(builtin("patrol-well"), is_required=True)
    inspector.office.extra = [*inspection_rows(), published(required)]
    ui = start_route(inspector)
    hands.locator.go(0, off_m=4)
    go(ui, "next-stop")
    go(ui, "position")
    assert refusal(ui).startswith(inspector.says("Fill in: {name}", name="")), (
        "the office demands the form"
    )
    choose(ui, "outcome", "defect")
    choose(ui, "severity", "1")
    ui.tap_hint("note")
    ui.type("Gas at the valve")
    ui.settle()
    assert not refusal(ui), "what endangers people waits for no form and no number"
    choose(ui, "outcome", "defect")
    go(ui, "form:patrol-well")
    screen = ui.get("FormScreen")
    ui.wait(lambda: screen.ids.cards.made_count == len(screen.view.cards), "all cards")
    go(ui, "reached=yes")
    ui.wait(lambda: screen.ids.cards.made_count == len(screen.view.cards), "all cards")
    for place, text in (("look/gas_lel_pct", "0,5"), ("look/well_water_cm", "12")):
        ui.tap_hint(place)
        ui.type(text)
    for answer in ("look/cover=pass", "look/valve=pass", "look/surroundings=pass"):
        go(ui, answer)
    go(ui, "wrong/has_defect=no")
    go(ui, "finish-form")

    view = sheet(ui)
    numbers = {each.key: each.text for each in view.blocks if isinstance(each, NumberBlock)}
    assert numbers == {"gas_lel_pct": "0.5", "well_water_cm": "12"}
    choose(ui, "inside", "stayed_outside")
    assert not refusal(ui)
    go(ui, "primary")
    assert told(inspector, FactType.PATROL_POINT)[0]["values"] == {
        "gas_lel_pct": 0.5,
        "well_water_cm": 12.0,
    }
    form = told(inspector, FactType.FORM_ANSWERSET)[0]
    assert (form["form"], form["about"], form["about_id"]) == (
        "patrol-well@1",
        "checkpoint",
        "vw-031",
    )


def test_the_route_lies_on_the_map_and_its_stops_are_opened_there(
    inspector: Field, hands: Hands
) -> None:
    hands.locator.go(0, off_m=4)
    ui = open_rounds(inspector)
    go(ui, "go-map")
    screen, the_map = ui.get("MapScreen"), ui.get("NetworkMap")
    assert [stop.number for stop in screen.view.stops] == ["1", "2", "3", "4", "5"]
    assert len(screen.view.route) == 5

    def touch(number: int) -> None:
        place = screen.view.stops[number].place
        touch = harness.FakeTouch(*the_map.to_window(*the_map.pixel_of(place)))
        touch.down()
        ui.pump(2)
        touch.up()
        ui.settle()

    touch(1)
    assert screen.view.card.title == name_of(1, inspector.language)
    go(ui, "primary")
    go(ui, "start:plan-1")
    ui.back()
    go(ui, "go-map")
    touch(2)
    go(ui, "primary")

    assert sheet(ui).title == name_of(2, inspector.language)
    assert ui.back()
    assert ui.all("RunScreen"), "the run lies below its stop"


def test_an_app_that_was_killed_at_a_stop_begins_at_that_stop(
    inspector: Field, hands: Hands
) -> None:
    ui = open_rounds(inspector)
    ui.app.navigator.tools.open_help()
    ui.app.navigator.go("patrol")  # over an open sheet, as the photos of an order lead to a PIN
    go(ui, "start:plan-1")
    hands.locator.go(0, off_m=4)
    go(ui, "next-stop")
    go(ui, "position")
    ui.tap_hint("gas_lel_pct")
    ui.type("0,4")
    ui.settle()
    assert inspector.tablet is not None
    kept = inspector.tablet.kept_place()
    inspector.switch_off()
    again = open_tablet(inspector.folder, inspector.clock)
    again.keep_place(kept)
    again.close()
    ui = inspector.switch_on()

    numbers = {each.key: each.text for each in sheet(ui).blocks if isinstance(each, NumberBlock)}
    assert sheet(ui).title == name_of(0, inspector.language)
    assert numbers["gas_lel_pct"] == "0,4"
    assert ui.back()
    assert ui.all("RunScreen")


def test_the_position_counts_only_near_the_stop_and_says_when_it_is_made_up(
    inspector: Field, hands: Hands
) -> None:
    ui = start_route(inspector)
    hands.locator.go(0, off_m=80)
    go(ui, "next-stop")
    go(ui, "position")
    away = inspector.says("{metres} m", metres=80)
    too_far = inspector.says("{distance} away: go nearer, or read the tag.", distance=away)
    assert sheet(ui).message == too_far

    hands.locator.go(0, off_m=12)
    here = hands.locator.here
    assert here is not None
    hands.locator.here = Fix(
        latitude_deg=here.latitude_deg,
        longitude_deg=here.longitude_deg,
        accuracy_m=8.0,
        is_mock=True,
    )
    go(ui, "position")

    check_in = told(inspector, FactType.CHECK_IN)[0]
    fix = check_in["fix"]
    assert check_in["way"] == "geofence"
    assert isinstance(fix, dict)
    assert (fix["is_mock"], fix["accuracy_m"]) == (True, 8.0)


def test_the_stops_keep_their_room_on_the_sketch_however_far_one_stands(
    inspector: Field, hands: Hands
) -> None:
    hands.locator.go(0, off_m=3_000)
    ui = start_route(inspector)
    ui.pump(140)
    sketch = ui.get("RunScreen").view.sketch
    assert sketch.is_here_far
    assert sketch.here is not None
    assert sketch.here[1] == 1.0, "at the northern edge"
    assert max(stop.y for stop in sketch.stops) - min(stop.y for stop in sketch.stops) == 1.0
    hands.locator.go(0, off_m=-70)
    ui.pump(140)
    near = ui.get("RunScreen").view.sketch

    assert not near.is_here_far
    assert near.here is not None
    assert near.here[1] == 0.0, "south of all stops"


def test_an_unreadable_tag_leaves_ones_word_and_the_office_is_told(inspector: Field) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")
    ui.tap_hint("tag")
    ui.type("ffff")
    ui.settle()
    go(ui, "typed")
    other_tag = inspector.says("This is the tag of another place. Is it the right one?")
    assert sheet(ui).message == other_tag
    choose(ui, "unreadable", "yes")
    go(ui, "by-hand")

    check_in = told(inspector, FactType.CHECK_IN)[0]
    assert (check_in["way"], check_in["is_tag_unreadable"]) == ("by_hand", True)


@pytest.mark.both_languages
def test_a_dangerous_defect_makes_an_order_while_there_is_no_network(
    inspector: Field, hands: Hands
) -> None:
    ui = start_route(inspector)
    inspector.office.is_reachable = False
    go(ui, "next-stop")
    hands.reader.hold_near("04a2b30")
    ui.settle()
    ui.tap_hint("gas_lel_pct")
    ui.type("35")
    ui.tap_hint("well_water_cm")
    ui.type("0")
    ui.settle()
    assert inspector.says("Get out, keep others away") in ui.texts()
    choose(ui, "outcome", "defect")
    choose(ui, "severity", "3")
    ui.tap_hint("note")
    ui.type("gas in the well")
    ui.settle()
    primary = sheet(ui).primary
    assert primary is not None
    grave = "Record a defect of severity 1"
    assert primary.text == inspector.says(grave), "nothing else is taken"
    go(ui, "primary")
    assert refusal(ui) == ""
    go(ui, "primary")

    view = ui.get("RunScreen").view
    not_sent = "Order made, not sent yet: call the control room now."
    assert view.alarm_text == inspector.says(not_sent)
    assert view.mark.state is RecordState.QUEUED
    inspector.office.is_reachable = True
    request = told(inspector, FactType.ORDER_REQUEST)[0]
    point = told(inspector, FactType.PATROL_POINT)[0]
    defect = point["defect"]
    assert isinstance(defect, dict)
    assert request["safety_class"] == "A"
    assert defect["order_id"] == request["order_id"]
    ui.settle()
    assert ui.get("RunScreen").view.alarm_text == inspector.says("Order made; the office has it.")


@pytest.mark.both_languages
def test_no_stop_is_left_out_over_a_dangerous_value(inspector: Field) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")
    ui.tap_hint("gas_lel_pct")
    ui.type("99")
    ui.settle()
    assert inspector.says("Why is all well all the same?") not in ui.texts(anywhere=True)
    for left_out in ("skipped", "not_reachable"):
        choose(ui, "outcome", left_out)
        ui.tap_hint("reason")
        ui.type("x")
        ui.settle()
        primary = sheet(ui).primary
        assert primary is not None
        assert primary.text == inspector.says("Record a defect of severity 1")
        assert "gas_lel_pct" in [each.key for each in sheet(ui).blocks], "a slip can be mended"
    ui.screenshot(f"skip-danger-{inspector.language}")
    go(ui, "primary")
    ui.tap_hint("note")
    ui.type("gas at the cover, no way to the tag")
    ui.settle()
    go(ui, "primary")

    assert [each["outcome"] for each in told(inspector, FactType.PATROL_POINT)] == ["defect"]
    assert len(told(inspector, FactType.ORDER_REQUEST)) == 1


def test_what_was_skipped_and_missed_is_shown_before_the_end(inspector: Field) -> None:
    ui = start_route(inspector)
    go(ui, "next-stop")
    choose(ui, "outcome", "skipped")
    ui.tap_hint("reason")
    ui.type("flooded road")
    ui.settle()
    go(ui, "primary")
    go(ui, "end-route")

    texts = ui.texts(anywhere=True)
    ends = inspector.says("End with {count} missed", count=4)
    assert {ends, inspector.says("Missed"), inspector.says("Left out")} <= set(texts)
    assert any("flooded road" in text for text in texts)
    ui.tap_hint("primary")
    ui.settle()
    assert ui.all("RunScreen") == [], "a second tap confirms"
    ui.tap_hint("primary")
    ui.settle()

    assert inspector.says("Routes") in ui.texts()
    ended = told(inspector, FactType.PATROL_RUN)[-1]
    assert (ended["phase"], ended["skipped"]) == ("submitted", ["vw-031"])
    assert len(list(ended["missed"] or ())) == 4  # type: ignore[arg-type]  # JSON


def test_a_route_goes_on_where_it_was_after_the_app_was_ended(
    inspector: Field, hands: Hands
) -> None:
    ui = start_route(inspector)
    for metre in range(0, 240, 12):
        hands.locator.go(0, off_m=metre)
        ui.pump(130)
    go(ui, "next-stop")
    ui.tap_hint("gas_lel_pct")
    ui.type("0.5")
    inspector.switch_off()

    ui = open_rounds(inspector)
    run = next(each.hint for each in ui.all("RowBtn") if each.hint.startswith("run:"))
    go(ui, run)
    assert len(ui.get("RunScreen").view.sketch.walked) >= 8
    go(ui, "next-stop")
    assert ui.get("Field", hint="gas_lel_pct", anywhere=True).text == "0.5"


def test_places_to_be_looked_at_again_make_a_route_of_their_own(inspector: Field) -> None:
    ui = open_rounds(inspector)
    go(ui, "again")

    view = ui.get("RunScreen").view
    assert view.title == inspector.says("Ad-hoc route")
    assert [row.checkpoint_id for row in view.stops] == ["vw-044"]
    assert told(inspector, FactType.PATROL_RUN)[0]["plan_id"] is None
