"""A factor that the settings of a meter hold counts inside its range only; else no value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.decode import Decoded, decode_group
from firmware_profiles.words import WordAddress
from tests.firmware_profiles.profile_text import TEXT, parsed, register
from wire_contracts.quality import BAD_PROFILE, BAD_SENTINEL
from wire_contracts.quantities import Quantity

VOLUME = Quantity.VOLUME_M3
TOTAL = 'count = 2\ntype = "f32"\nunit = "m3"\nquantity = "volume"\ngroup = "slow"\n'


def poll(link: str, setting: str, raw: int, mantissa: int = 0x4120) -> Decoded:
    """Return the poll of a mantissa (10.0) with one setting at its raw value."""
    rows = register("total", 40, TOTAL + link)
    rows += register("setting", 42, f'count = 1\ntype = "i16"\n{setting}')
    image: dict[WordAddress, int] = {(3, 40): mantissa, (3, 41): 0, (3, 42): raw & 0xFFFF}
    return decode_group(parsed(TEXT + rows), "slow", image, {})


@given(st.integers(-40, 40))
def test_an_exponent_counts_inside_its_range_only(exponent: int) -> None:
    found = poll('exponent_from = "setting"', "min = -3\nmax = 3", exponent)

    if -3 <= exponent <= 3:
        assert found.values[VOLUME] == pytest.approx(10.0 * 10.0**exponent)
    else:
        assert (found.values, found.quality) == ({}, {VOLUME: BAD_SENTINEL})


@pytest.mark.parametrize("link", ["exponent_from", "decimals_from"])
@pytest.mark.parametrize("raw", [31, -31, 1000, -1000])
def test_a_power_that_no_meter_has_gives_no_value(link: str, raw: int) -> None:
    assert poll(f'{link} = "setting"', "", raw).quality == {VOLUME: BAD_SENTINEL}


@pytest.mark.parametrize("link", ["multiplier_from", "resolution_from"])
def test_a_factor_of_zero_gives_no_value(link: str) -> None:
    assert poll(f'{link} = "setting"', "", 0).quality == {VOLUME: BAD_SENTINEL}
    assert poll(f'{link} = "setting"', "", 3).values == {VOLUME: 30.0}


@pytest.mark.parametrize(("code", "cubic_metres"), [(0, 10.0), (1, 0.01), (2, None), (7, None)])
def test_a_unit_that_nobody_knows_gives_no_value(code: int, cubic_metres: float | None) -> None:
    found = poll('unit_from = "setting"', 'codes = { "0" = "m3", "1" = "L", "2" = "kWh" }', code)

    if cubic_metres is None:
        assert (found.values, found.quality) == ({}, {VOLUME: BAD_PROFILE})
    else:
        assert found.values == {VOLUME: cubic_metres}


def test_a_setting_that_says_it_is_none_gives_no_value() -> None:
    assert poll('exponent_from = "setting"', "sentinel = -1", -1).quality == {VOLUME: BAD_SENTINEL}


def test_a_mantissa_that_is_no_number_gives_no_value() -> None:
    assert poll('exponent_from = "setting"', "", 0, 0x7FC0).quality == {VOLUME: BAD_SENTINEL}
