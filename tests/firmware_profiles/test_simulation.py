"""A simulated meter shows what it is told, and its totals run with time."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.commands.simulating_io import SimulatedMeter
from firmware_profiles.decode import decode_group
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.profile import wire_registers
from firmware_profiles.simulation import SimulatedFault, simulated_values
from firmware_profiles.simulator_io import DeviceIsBusy, NoAnswer, NoSuchRegister
from tests.firmware_profiles.profile_text import TEXT, parsed, register, with_line
from wire_contracts.quantities import Quantity

PROFILE = parsed(TEXT + register("page", 10, 'count = 1\ntype = "u16"\nunit_id_offset = 2'))
FLOW = Quantity.FLOW_M3H


def meter(*faults: SimulatedFault) -> SimulatedMeter:
    """Return the example meter at address 5."""
    return SimulatedMeter(
        profile=PROFILE,
        device_address=5,
        serial="1",
        told={FLOW: 10.0},
        faults=frozenset(faults),
    )


@pytest.mark.parametrize("reference", available_profiles())
def test_every_released_profile_has_a_usual_meter(reference: str) -> None:
    profile = load_profile(reference)
    values = simulated_values(profile, {}, timedelta(hours=2))

    assert values.keys() == wire_registers(profile).keys()


@given(st.floats(0, 1e5), st.floats(0, 100), st.integers(0, 10_000))
def test_a_total_grows_by_its_flow(start: float, flow: float, hours: int) -> None:
    profile = load_profile("twoflow_mag11@1")
    told = {Quantity.FLOW_M3H: flow, Quantity.VOLUME_M3: start}
    values = simulated_values(profile, told, timedelta(hours=hours))

    assert values[Quantity.FLOW_M3H] == flow
    assert values[Quantity.VOLUME_M3] == pytest.approx(start + flow * hours)


def test_what_is_usual_stays_within_the_profile() -> None:
    low = parsed(with_line(TEXT, "max = 0.5"))
    high = parsed(with_line(TEXT, "min = 3"))

    assert simulated_values(low, {}, timedelta()) == {FLOW: 0.5}
    assert simulated_values(high, {}, timedelta()) == {FLOW: 3.0}


def test_a_healthy_meter_is_decoded_to_what_it_was_told() -> None:
    assert decode_group(PROFILE, "fast", meter().image(), {}).values == {FLOW: 10.0}
    assert meter().answer(5, 3, 10, 2) == [0x4120, 0]
    assert meter().answer(7, 3, 10, 1) == [0]


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        (SimulatedFault.BUSY, DeviceIsBusy),
        (SimulatedFault.SILENT, NoAnswer),
        (SimulatedFault.ILLEGAL, NoSuchRegister),
    ],
)
def test_each_fault_is_what_it_says(fault: SimulatedFault, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        meter(fault).answer(5, 3, 10, 2)


def test_another_unit_does_not_answer() -> None:
    with pytest.raises(NoAnswer):
        meter().answer(6, 3, 10, 2)
    with pytest.raises(NoSuchRegister):
        meter().answer(7, 3, 11, 1)


def test_every_third_request_of_a_bad_line_is_lost() -> None:
    flaky = meter(SimulatedFault.INTERMITTENT)
    lost = 0
    for _ in range(9):
        try:
            flaky.answer(5, 3, 10, 2)
        except NoAnswer:
            lost += 1

    assert lost == 3
