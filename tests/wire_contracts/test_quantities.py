"""Quantities and units: exact factors, no mixing of conditions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.quality import bad_exception, is_bad, parse_quality
from wire_contracts.quantities import (
    PLAUSIBLE,
    TOTALISERS,
    UNITS,
    Medium,
    Quantity,
    Reference,
    dimension_of,
    from_canonical,
    to_canonical,
    wire_quantity,
)


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "expected"),
    [
        ("1", "GJ", Quantity.ENERGY_KWH, Fraction(2500, 9)),
        ("2.5", "MWh", Quantity.ENERGY_KWH, Fraction(2500)),
        ("1000", "L", Quantity.VOLUME_M3, Fraction(1)),
        ("36", "L/h", Quantity.FLOW_M3H, Fraction(36, 1000)),
        ("1", "m3/s", Quantity.FLOW_M3H, Fraction(3600)),
        ("102.2", "kPa", Quantity.PRESSURE_BARA, Fraction("1.022")),
        ("212", "degF", Quantity.SUPPLY_TEMP_DEGC, Fraction(100)),
        ("3.6", "MJ/h", Quantity.POWER_KW, Fraction(1)),
    ],
)
def test_units_convert_exactly(
    value: str, unit: str, quantity: Quantity, expected: Fraction
) -> None:
    assert to_canonical(Fraction(value), unit, quantity) == expected


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(Quantity), st.fractions())
def test_every_unit_converts_back_to_the_same_number(
    unit: str, quantity: Quantity, value: Fraction
) -> None:
    if UNITS[unit].canonical != dimension_of(quantity):
        with pytest.raises(ValueError, match="cannot be"):
            to_canonical(value, unit, quantity)
    else:
        canonical = to_canonical(value, unit, quantity)
        assert from_canonical(canonical, unit, quantity) == value


def test_every_quantity_has_a_unit_of_its_dimension() -> None:
    dimensions = {rule.canonical for rule in UNITS.values()}

    assert {dimension_of(quantity) for quantity in Quantity} <= dimensions


def test_every_quantity_has_a_plausible_range() -> None:
    assert set(PLAUSIBLE) == set(Quantity)
    assert all(low < high for low, high in PLAUSIBLE.values())


def test_an_unknown_unit_says_where_to_add_it() -> None:
    with pytest.raises(ValueError, match=r"add it to wire_contracts\.quantities"):
        to_canonical(Fraction(1), "furlong", Quantity.VOLUME_M3)


@pytest.mark.parametrize(
    ("name", "medium", "expected"),
    [
        ("volume", Medium.WATER, Quantity.VOLUME_M3),
        ("volume_forward", Medium.HEAT, Quantity.VOLUME_M3),
        ("volume", Medium.GAS, None),
        ("volume_corrected", Medium.GAS, None),
        ("volume_measured", Medium.GAS, Quantity.VOLUME_ACTUAL_M3),
        ("volume_converted", Medium.GAS, Quantity.VOLUME_BASE_M3),
        ("flow_converted", Medium.GAS, Quantity.FLOW_BASE_M3H),
        ("flow", Medium.GAS, None),
        ("temp_supply", Medium.HEAT, Quantity.SUPPLY_TEMP_DEGC),
        ("sound_speed", Medium.HEAT, None),
        ("pressure", Medium.GAS, None),
    ],
)
def test_gas_conditions_are_never_mixed(
    name: str, medium: Medium, expected: Quantity | None
) -> None:
    assert wire_quantity(name, medium) is expected


def test_a_pressure_has_a_name_only_with_its_reference() -> None:
    assert wire_quantity("pressure", Medium.GAS, Reference.ABSOLUTE) is Quantity.PRESSURE_BARA
    assert wire_quantity("pressure", Medium.GAS, Reference.GAUGE) is Quantity.PRESSURE_BARG


def test_totalisers_are_volumes_energies_and_masses() -> None:
    assert {dimension_of(quantity) for quantity in TOTALISERS} == {"m3", "kwh", "kg"}


@pytest.mark.parametrize("text", ["", "good", "bad", "bad_exception_0", "bad_exception_256"])
def test_a_quality_outside_the_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        parse_quality(text)


def test_a_modbus_exception_is_a_bad_quality_with_its_number() -> None:
    assert bad_exception(2) == "bad_exception_2"
    assert is_bad(bad_exception(2))
