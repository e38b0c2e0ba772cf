"""Names of valves, tags and detectors, typed on any keyboard."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.forms.names import bare_name, plain_name
from field_app.orders.entry_gate import Detector, trusted_detector
from field_app.patrols.presence import Presence, by_tag
from field_app.platform.ports import Tag, TagWay
from field_app.presenters.typed_detector import day_of
from tests.field_app_ui.inspection_parts import checkpoint
from wire_contracts.van import AirValue, GasDetector

WIDE = {ord(each): ord(each) + 0xFEE0 for each in "0123456789ABGVXWvwgx-:"}


@pytest.mark.parametrize(
    "typed", ["VW-014", "vw014", "VW 014", "vw \N{EN DASH} 014", "vw\N{MINUS SIGN}014"]
)
def test_a_valve_is_known_by_its_number_however_it_was_typed(typed: str) -> None:
    assert plain_name(typed) == plain_name(typed.translate(WIDE)) == "vw014"
    assert plain_name(typed) != plain_name("vw-0-14")


def test_a_dash_between_two_digits_tells_one_valve_from_another() -> None:
    assert plain_name("1-12") == plain_name("1 \N{EM DASH} 12") != plain_name("11-2")
    assert plain_name("1-12") != plain_name("112")


@given(st.text(alphabet=" -019aVZ\N{EM DASH}\N{IDEOGRAPHIC SPACE}\N{MINUS SIGN}\0"))
def test_a_plain_name_is_plain_already_and_as_wide_as_narrow(name: str) -> None:
    plain = plain_name(name)

    assert plain_name(plain) == plain == plain_name(name.translate(WIDE))
    assert [each for each in plain if each.isdigit()] == [each for each in name if each.isdigit()]
    assert bare_name(bare_name(name)) == bare_name(name)


@pytest.mark.parametrize("typed", ["gx-7", "GX 7", "GX\N{EN DASH}7", "GX7", "GX-7".translate(WIDE)])
def test_no_way_of_typing_gives_a_listed_detector_another_calibration(typed: str) -> None:
    listed = GasDetector(
        detector_id="GX-7",
        model="",
        calibrated_until=date(2026, 11, 20),
        values=frozenset(AirValue),
    )
    used = Detector(detector_id=typed, calibrated_until=date(2027, 5, 31))

    assert trusted_detector(used, [listed]).calibrated_until == date(2026, 11, 20)


@pytest.mark.parametrize("typed", ["04A2B30", "04-a2-b3-0", "04:A2:B3\N{IDEOGRAPHIC SPACE}0"])
def test_the_tag_of_a_stop_is_known_however_it_was_typed(typed: str) -> None:
    _name, well = checkpoint(0)
    for text in (typed, typed.translate(WIDE)):
        evidence = by_tag(well, Tag(text=text, way=TagWay.TYPED), None)
        assert evidence.presence is Presence.THERE


def test_a_day_in_full_width_is_a_day() -> None:
    assert day_of("2027-05-31".translate(WIDE)) == date(2027, 5, 31)
