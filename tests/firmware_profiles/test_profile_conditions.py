"""A condition holds for what it says and for nothing else."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.conditions import Condition
from firmware_profiles.errors import ProfileError
from firmware_profiles.parse_condition import parse_condition
from firmware_profiles.table_reader import TableReader


def condition(**keys: object) -> Condition:
    """Return the condition of these keys on a number."""
    named = {name.rstrip("_"): value for name, value in keys.items()}
    return parse_condition(TableReader(place="x.toml", values=named, path="row"))


def text_condition(keys: dict[str, object]) -> Condition:
    """Return the condition of these keys on a text."""
    return parse_condition(TableReader(place="x.toml", values=keys, path="row"), is_text=True)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_a_range_holds_inside_and_at_its_ends(low: int, high: int, value: int) -> None:
    assert condition(min=low, max=high).holds(value) == (low <= value <= high)


@given(st.lists(st.integers(-5, 5), min_size=1), st.integers(-5, 5))
def test_a_list_holds_for_its_members(allowed: list[int], value: int) -> None:
    assert condition(in_=allowed).holds(value) == (value in allowed)
    assert condition(in_=[str(each) for each in allowed]).holds(value) == (value in allowed)


@given(st.integers(0, 0xFFFF), st.integers(0, 15), st.integers(0, 1))
def test_a_bit_is_what_it_must_be(value: int, bit: int, wanted: int) -> None:
    assert condition(bit=bit, equals=wanted).holds(value) == (value >> bit & 1 == wanted)


@given(st.integers(0, 0xFFFF), st.integers(1, 0xFFFF), st.integers(0, 0xFFFF))
def test_a_mask_looks_at_its_bits_only(value: int, mask: int, wanted: int) -> None:
    assert condition(mask=mask, equals=wanted).holds(value) == (value & mask == wanted)


@pytest.mark.parametrize(
    ("keys", "text", "holds"),
    [
        ({"equals": "28"}, " 28 ", True),
        ({"equals": "28"}, "28.0", False),
        ({"starts": "UH"}, "UH50", True),
        ({"starts": "UH"}, "an UH50", False),
        ({"contains": "uh"}, "an UH50", True),
        ({"contains": "TF"}, "an UH50", False),
        ({"in": ["a", "b"]}, "b", True),
        ({"min": 0}, "5", False),
        ({"mask": 1, "equals": 1}, "1", False),
    ],
)
def test_texts_are_compared_as_texts(keys: dict[str, object], text: str, *, holds: bool) -> None:
    assert text_condition(keys).holds(text) == holds


def test_a_text_condition_never_holds_for_a_number() -> None:
    assert not condition(starts="1").holds(1)
    assert not condition(contains="1").holds(1)


def test_the_bits_of_a_fraction_are_not_looked_at() -> None:
    assert not condition(mask=1, equals=0).holds(Fraction(1, 2))


def test_an_array_holds_for_nothing_but_everything() -> None:
    assert Condition().holds((1, 2))
    assert not condition(equals=1).holds((1, 2))


@pytest.mark.parametrize(
    ("keys", "is_exact"),
    [
        ({"equals": 50}, True),
        ({"equals": "UH"}, True),
        ({"equals": 0}, False),
        ({"equals": ""}, False),
        ({"in": [0, 3]}, True),
        ({"starts": "U"}, True),
        ({"contains": "U"}, True),
        ({"min": 1, "max": 1}, False),
    ],
)
def test_only_what_names_the_value_is_exact(keys: dict[str, object], *, is_exact: bool) -> None:
    assert condition(**keys).is_exact == is_exact


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "anything"),
        ({"equals": 50}, "50"),
        ({"in": [1, "a", "0.5"]}, "1 or 'a' or 0.5"),
        ({"min": 1, "max": 2}, "1 or more, 2 or less"),
        ({"mask": 12, "equals": 4}, "with mask 0xc, 4"),
        ({"starts": "U", "contains": "5"}, "beginning with 'U', containing '5'"),
    ],
)
def test_it_says_what_it_wants(keys: dict[str, object], words: str) -> None:
    assert condition(**keys).wanted() == words


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"bit": 1, "mask": 2, "equals": 0}, "row.bit: stands beside mask; write one of the two"),
        ({"bit": 1}, "row.equals: is missing beside mask or bit; say what the bits must be"),
        ({"bit": 1, "equals": 2}, "row.equals: 2 is no bit; write 0 or 1"),
        ({"equals": [1]}, "row.equals: [1] is no number or text; write numbers or texts"),
        ({"in": [True]}, "row.in: True is no number or text; write numbers or texts"),
    ],
)
def test_nonsense_is_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        condition(**keys)

    assert str(caught.value) == f"x.toml: {message}"
