"""Every released profile as a meter on a real socket: what is read back is what it measured."""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from pymodbus.client import ModbusTcpClient

from firmware_profiles.decode import decode_group
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.probe import MeantMeter
from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.redecode import Redecoder
from firmware_profiles.simulator_io import (
    LOOPBACK,
    NoSuchRegister,
    SimulatedLink,
    SimulatedLinks,
)
from firmware_profiles.spans import group_spans
from firmware_profiles.words import Span, WordAddress, pack_words
from tests.firmware_profiles.test_profile_redecode import line
from wire_contracts.quality import BAD_MISMATCH
from wire_contracts.quantities import Quantity

PROFILES = {reference: load_profile(reference) for reference in available_profiles()}
UNIT = 7
SERIAL = "12345678"
MEASURED = {
    Quantity.SUPPLY_TEMP_DEGC: 70.0,
    Quantity.RETURN_TEMP_DEGC: 40.0,
    Quantity.TEMP_DIFF_K: 30.0,
    Quantity.TEMPERATURE_DEGC: 15.0,
    Quantity.PRESSURE_BARA: 4.0,
    Quantity.PRESSURE_BARG: 6.5,
    Quantity.SIGNAL_QUALITY_PCT: 90.0,
    Quantity.FLOW_M3H: 12.0,
    Quantity.POWER_KW: 500.0,
    Quantity.MASS_FLOW_KGH: 1200.0,
}
"""What the meters measure; every total is 1,234,500 and every other flow 12."""


def values_of(profile: Profile) -> dict[Quantity, float]:
    return {
        name: MEASURED.get(name, 12.0 if name.startswith("flow") else 1_234_500.0)
        for name in wire_registers(profile)
    }


def words_of_meter(profile: Profile, serial: str = SERIAL) -> dict[WordAddress, int]:
    identity = MeantMeter(device_address=UNIT, serial=serial)
    return encode_values(profile, values_of(profile), identity=identity)


@pytest.fixture(scope="module")
def links() -> Iterator[Mapping[str, int]]:
    """Serve every profile on a port of its own; return reference to port."""

    def link_of(reference: str, profile: Profile) -> SimulatedLink:
        words = words_of_meter(profile)

        def answer(_unit: int, function: int, address: int, count: int) -> Sequence[int]:
            wanted = [(function, at) for at in range(address, address + count)]
            if any(at not in words for at in wanted):
                raise NoSuchRegister
            return [words[at] for at in wanted]

        return SimulatedLink(name=reference, answer=answer)

    with SimulatedLinks([link_of(*item) for item in PROFILES.items()]) as served:
        yield served.ports


def read(client: ModbusTcpClient, span: Span) -> list[int]:
    calls = {
        1: client.read_coils,
        2: client.read_discrete_inputs,
        3: client.read_holding_registers,
        4: client.read_input_registers,
    }
    answer = calls[span.function_code](span.address, count=span.word_count, device_id=UNIT)
    assert not answer.isError(), span
    if span.function_code in {1, 2}:
        return [int(bit) for bit in answer.bits[: span.word_count]]
    return list(answer.registers)


def polled(port: int, profile: Profile, group: str) -> dict[WordAddress, int]:
    """Return the words of one group, each span read by one request as the gateway does."""
    image: dict[WordAddress, int] = {}
    with ModbusTcpClient(LOOPBACK, port=port, timeout=2, retries=0) as client:
        for span in group_spans(profile, group):
            assert span.word_count <= profile.max_registers
            image.update(zip(span.addresses(), read(client, span), strict=True))
    return image


@pytest.mark.parametrize("reference", PROFILES)
def test_what_is_read_over_a_socket_is_what_the_meter_measured(
    reference: str, links: Mapping[str, int]
) -> None:
    profile = PROFILES[reference]
    identity = MeantMeter(device_address=UNIT, serial=SERIAL)
    found: dict[Quantity, float] = {}
    for group in profile.groups:
        image = polled(links[reference], profile, group)
        decoded = decode_group(profile, group, image, {}, identity)
        assert decoded.quality == {}
        found |= decoded.values

    assert found == pytest.approx(values_of(profile), rel=1e-6)


@pytest.mark.parametrize("reference", PROFILES)
def test_the_words_of_a_poll_decode_again_to_the_same(
    reference: str, links: Mapping[str, int]
) -> None:
    profile = PROFILES[reference]
    again = Redecoder(profile=profile, former_of=PROFILES.get)
    for group in profile.groups:
        image = polled(links[reference], profile, group)
        stored = line({}, group, device=SERIAL, profile=reference, raw=pack_words(image))
        frame = again.redecode(stored).frame
        decoded = decode_group(profile, group, image, {})

        assert {name: frame.values[name] for name in decoded.values} == decoded.values
        assert frame.quality == {}


@pytest.mark.parametrize(
    "reference", [name for name, profile in PROFILES.items() if profile.guard is not None]
)
def test_another_meter_at_the_address_gives_no_value_where_there_is_a_guard(
    reference: str,
) -> None:
    profile = PROFILES[reference]
    words = words_of_meter(profile, serial="87654321")

    for group in profile.groups:
        identity = MeantMeter(device_address=UNIT, serial=SERIAL)
        decoded = decode_group(profile, group, words, {}, identity)

        assert decoded.values == {}
        assert set(decoded.quality.values()) <= {BAD_MISMATCH}


@pytest.mark.parametrize("serial", [SERIAL, f"0{SERIAL}", f"KAM:{SERIAL}", f"KAM:00{SERIAL}"])
def test_the_maker_in_front_of_a_serial_number_and_zeros_change_no_guard(serial: str) -> None:
    profile = PROFILES["kamstrup_multical_legacy_mwh@1"]
    identity = MeantMeter(device_address=UNIT, serial=serial)

    same = decode_group(profile, "fast", words_of_meter(profile, serial=serial), {}, identity)
    plain = decode_group(profile, "fast", words_of_meter(profile), {}, identity)

    assert same.quality == plain.quality == {}
    assert same.values == plain.values
