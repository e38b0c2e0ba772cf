"""A pressure is typed in one unit per medium, and kept and told with no doubt about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.forms.finding import (
    FindingAnswers,
    draft_of_sealed,
    find_missing,
    kept_value,
    offered_fields,
    problem_of,
    read_answers,
    seal,
    shown_value,
)
from field_app.forms.pressures import in_unit, kept_pressure, pressure_barg, shown_pressure
from wire_contracts.fields import JsonObject
from wire_contracts.kinds import FindingResult
from wire_contracts.quantities import Medium, Quantity

FIELDS = {
    medium: next(one for one in offered_fields(medium) if one.quantity is Quantity.PRESSURE_BARG)
    for medium in Medium
}


def told(medium: Medium, typed: str) -> object:
    """Return what the office is told of a pressure as typed."""
    text = kept_value(FIELDS[medium], typed)
    answers = FindingAnswers(result=FindingResult.OTHER, measured={Quantity.PRESSURE_BARG: text})
    sealed = seal("order-1", answers)["answers"]
    assert isinstance(sealed, dict)
    measured = sealed["measured"]
    assert isinstance(measured, dict)
    return measured.get("pressure_barg")


@pytest.mark.parametrize(
    ("medium", "typed", "barg"),
    [
        (Medium.GAS, "2.1", 0.021),
        (Medium.GAS, "2,1", 0.021),
        (Medium.GAS, "4000", 40.0),
        (Medium.WATER, "0.4", 4.0),
        (Medium.HEAT, "1.6", 16.0),
        (Medium.WATER, "400 kPa", 4.0),
        (Medium.GAS, "20mbar", 0.02),
        (Medium.GAS, "2100 Pa", 0.021),
        (Medium.GAS, "much", None),
    ],
)
def test_a_pressure_is_told_in_bar_whatever_unit_it_was_typed_in(
    medium: Medium, typed: str, barg: float | None
) -> None:
    assert told(medium, typed) == barg


@pytest.mark.parametrize("medium", list(Medium))
def test_the_limits_of_a_pressure_stand_in_the_unit_beside_its_field(medium: Medium) -> None:
    one = FIELDS[medium]
    within = kept_value(one, str(one.high))
    beyond = kept_value(one, str(one.high * 1.001))

    assert (problem_of(one, within), problem_of(one, "")) == (None, None)
    missing = find_missing(medium, FindingAnswers(measured={one.quantity: beyond}))
    assert [each.measured for each in missing if each.measured is not None] == [one]


@pytest.mark.parametrize(("medium", "shown"), [(Medium.GAS, "2.1"), (Medium.WATER, "0.0021")])
def test_what_was_sealed_in_bar_is_corrected_in_the_unit_of_the_field(
    medium: Medium, shown: str
) -> None:
    sealed: JsonObject = {"measured": {"pressure_barg": 0.021}}
    answers = read_answers(draft_of_sealed(sealed))

    assert shown_value(FIELDS[medium], answers.measured[Quantity.PRESSURE_BARG]) == shown


@given(st.text(alphabet="0123456789.,-kMPabr 水", max_size=12), st.sampled_from(["kPa", "MPa"]))
def test_typing_goes_on_where_it_was(typed: str, unit: str) -> None:
    kept = kept_pressure(typed, unit)
    shown = shown_pressure(kept, unit)

    assert pressure_barg(kept_pressure(shown, unit)) == pressure_barg(kept)
    if not shown.strip().casefold().endswith(("pa", "bar")) and kept != typed:
        assert shown == typed.rstrip() or shown.strip() == typed.strip()


@given(st.floats(0, 40), st.sampled_from(["kPa", "bar", "MPa"]))
def test_no_unit_changes_a_pressure(barg: float, unit: str) -> None:
    again = pressure_barg(f"{in_unit(barg, unit)} {unit}")

    assert again is not None
    assert again == pytest.approx(barg, abs=1e-5)
