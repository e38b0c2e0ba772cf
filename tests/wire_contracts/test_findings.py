"""The causes a crew may name."""

import itertools

import pytest

from wire_contracts.findings import CAUSE_TEXT, Cause, causes_for
from wire_contracts.kinds import FindingResult
from wire_contracts.quantities import Medium


def test_every_cause_has_a_text_and_is_offered_somewhere() -> None:
    offered = {
        cause
        for medium, result in itertools.product(Medium, FindingResult)
        for cause in causes_for(medium, result)
    }

    assert offered == set(Cause) == set(CAUSE_TEXT)


@pytest.mark.parametrize("medium", Medium)
@pytest.mark.parametrize("result", FindingResult)
def test_a_crew_can_always_say_something_else(medium: Medium, result: FindingResult) -> None:
    causes = causes_for(medium, result)

    assert causes[-1] is Cause.SEE_NOTE
    assert len(set(causes)) == len(causes)


def test_only_gas_leaks_from_an_appliance() -> None:
    assert Cause.INDOOR_APPLIANCE in causes_for(Medium.GAS, FindingResult.LEAK)
    assert Cause.INDOOR_APPLIANCE not in causes_for(Medium.WATER, FindingResult.LEAK)
