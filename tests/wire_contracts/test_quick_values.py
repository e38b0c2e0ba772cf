"""Values that every frame needs are values like all others, only made more quickly."""

from dataclasses import field, replace

import pytest

from wire_contracts.quick_values import maker_of, quick_value


@quick_value
class Sample:
    number: int
    note: str = field(default="", compare=False)


def test_a_quick_value_is_equal_by_its_fields_and_found_by_them() -> None:
    assert Sample(number=1, note="one") == Sample(number=1)
    assert {Sample(number=1): "found"}[Sample(number=1, note="other")] == "found"
    assert Sample(number=1) != replace(Sample(number=1), number=2)


def test_a_quick_value_takes_its_own_fields_by_name_and_nothing_else() -> None:
    with pytest.raises(TypeError, match="positional"):
        Sample(1)  # type: ignore[call-arg]  # the point of the test
    with pytest.raises(AttributeError, match="unit"):
        Sample(number=1).unit = "m3"  # type: ignore[attr-defined]  # the point of the test


def test_a_maker_makes_the_same_and_leaves_nothing_to_a_default() -> None:
    make = maker_of(Sample)

    assert make(number=1, note="one") == Sample(number=1)
    assert make(number=1, note="one").note == "one"
    assert isinstance(make(number=1, note=""), Sample)
    with pytest.raises(TypeError, match="note"):
        make(number=1)
    with pytest.raises(TypeError, match="unit"):
        make(number=1, note="", unit="m3")  # type: ignore[call-arg]  # the point of the test
