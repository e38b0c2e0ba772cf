"""What a person is told when values are possible and do not fit: word order, units, variants."""

import json
import struct
import tomllib
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.__main__ import main
from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.cross_check import cross_hints
from firmware_profiles.decode import decode_group, decode_group_slowly
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.order_hint import likely_order, order_hint
from firmware_profiles.parse_profile import parse_profile
from firmware_profiles.profile import Profile
from firmware_profiles.variants import variant_hint, variants_of
from firmware_profiles.word_orders import with_order
from wire_contracts.quality import SUSPECT_RANGE
from wire_contracts.quantities import FINEST, PLAUSIBLE, TOTALISERS, Quantity

HEAD = """
[profile]
id = "floats"
rev = 1
manufacturer = "maker"
model = "M"
kind = "heat"
medium = "water"
confidence = "high"
[link]
function_codes = [3]
[decode]
byte_order = "big"
word_order = "big"
[group]
fast = "1m"
"""
ROW = """
[[register]]
name = "{name}"
fc = 3
address = {address}
count = 2
type = "f32"
unit = "{unit}"
quantity = "{quantity}"
access = "R"
group = "fast"
"""
ROWS = (
    ("flow", 0, "m3/h", "flow"),
    ("energy", 2, "kWh", "energy_heat"),
    ("supply", 4, "degC", "temp_supply"),
)


def floats() -> Profile:
    rows = (
        ROW.format(name=name, address=address, unit=unit, quantity=quantity)
        for name, address, unit, quantity in ROWS
    )
    return parse_profile("floats", tomllib.loads(HEAD + "".join(rows), parse_float=Decimal))


def image_of(*values: float) -> dict[tuple[int, int], int]:
    words = struct.unpack(f">{2 * len(values)}H", struct.pack(f">{len(values)}f", *values))
    return {(3, at): word for at, word in enumerate(words)}


def test_a_float_nearer_to_zero_than_any_meter_shows_is_doubted() -> None:
    decoded = decode_group(floats(), "fast", image_of(1e-34, 1e30, 4e-8), {})

    assert dict(decoded.quality) == dict.fromkeys(decoded.values, SUSPECT_RANGE)
    assert len(decoded.values) == 3


def test_a_float_total_a_little_below_zero_is_doubted() -> None:
    decoded = decode_group(floats(), "fast", image_of(-2.7e-5, -2.7e-5, -2.7e-5), {})

    assert dict(decoded.quality) == {Quantity.ENERGY_KWH: SUSPECT_RANGE}


def test_zero_and_the_finest_step_are_good() -> None:
    decoded = decode_group(floats(), "fast", image_of(0.0, -0.0, 1.01e-6), {})

    assert dict(decoded.quality) == {}


@given(st.lists(st.floats(width=32), min_size=3, max_size=3))
def test_both_ways_of_decoding_doubt_the_same_floats(values: list[float]) -> None:
    image = image_of(*values)

    assert decode_group(floats(), "fast", image, {}) == decode_group_slowly(
        floats(), "fast", image, {}
    )


def test_the_order_in_which_everything_makes_sense_is_named() -> None:
    right = image_of(12.35, 45678.9, 71.3)
    wrong = with_order(floats(), ByteOrder.CDAB)

    assert likely_order(floats(), right) is None
    assert likely_order(wrong, right) is ByteOrder.ABCD
    assert "word order? in ABCD" in order_hint(wrong, right)
    assert order_hint(floats(), image_of(0.0, 0.0, 0.0)) == ""


def test_decode_shows_the_hint(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    del tmp_path_factory
    words = "41CD 0000 0000 41CD"
    status = main(["decode", "cn_precession_vortex_abcd@1", "--registers", words])
    shown = json.loads(capsys.readouterr().out)

    assert status == 0
    assert isinstance(shown["hints"], list)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({Quantity.FLOW_M3H: 2.0, Quantity.TEMP_DIFF_K: 30.0, Quantity.POWER_KW: 70.0}, ""),
        ({Quantity.FLOW_M3H: 2.0, Quantity.TEMP_DIFF_K: 30.0, Quantity.POWER_KW: 0.07}, "power_kw"),
        (
            {Quantity.FLOW_M3H: 2.0, Quantity.TEMP_DIFF_K: 30.0, Quantity.POWER_KW: 251.0},
            "power_kw",
        ),
        ({Quantity.FLOW_M3H: 2.0, Quantity.TEMP_DIFF_K: 0.3, Quantity.POWER_KW: 70.0}, ""),
        ({Quantity.FLOW_M3H: 2.0, Quantity.TEMP_DIFF_K: 30.0, Quantity.POWER_KW: 0.0}, ""),
        ({Quantity.ENERGY_KWH: 35000.0, Quantity.VOLUME_M3: 1000.0}, ""),
        ({Quantity.ENERGY_KWH: 35.0, Quantity.VOLUME_M3: 1000.0}, "energy_kwh"),
        ({Quantity.ENERGY_KWH: 126.0, Quantity.VOLUME_M3: 1000.0}, "energy_kwh"),
        ({Quantity.ENERGY_KWH: 35e6, Quantity.VOLUME_M3: 1000.0}, "energy_kwh"),
        ({Quantity.ENERGY_KWH: 0.0, Quantity.VOLUME_M3: 1000.0}, ""),
        ({}, ""),
    ],
)
def test_values_that_no_meter_can_mean_together_are_named(
    values: dict[Quantity, float], says: str
) -> None:
    hints = cross_hints(values)

    assert [says in hint for hint in hints] == ([True] if says else [])


def test_the_temperatures_go_before_their_difference() -> None:
    values = {
        Quantity.FLOW_M3H: 2.0,
        Quantity.SUPPLY_TEMP_DEGC: 70.0,
        Quantity.RETURN_TEMP_DEGC: 40.0,
        Quantity.TEMP_DIFF_K: 0.0,
        Quantity.POWER_KW: 70.0,
    }

    assert cross_hints(values) == ()


def test_profiles_that_differ_by_a_unit_alone_are_named_with_what_tells_them() -> None:
    known = [load_profile(reference) for reference in available_profiles(None)]
    kwh = load_profile("kamstrup_multical_legacy_kwh@1")
    others = [profile.reference for profile in variants_of(kwh, known)]
    hint = variant_hint(kwh, known)

    assert "kamstrup_multical_legacy_mwh@1" in others
    assert "kamstrup_multical_legacy_gj@1" in others
    assert "energy in MWh" in hint
    assert "the meter cannot say which" in hint


def test_a_profile_that_the_meter_itself_tells_has_no_variants() -> None:
    known = [load_profile(reference) for reference in available_profiles(None)]
    alone = load_profile("tuf_2000m@2")
    differing = replace(alone, profile_id="other", probes=())

    assert variants_of(alone, [*known, differing]) == ()
    assert variant_hint(alone, known) == ""


def test_every_quantity_has_room_between_the_finest_and_the_impossible() -> None:
    assert set(PLAUSIBLE) == set(Quantity)
    for quantity, (low, high) in PLAUSIBLE.items():
        assert low < -FINEST < FINEST < high
        assert quantity not in TOTALISERS or high >= 1e10
