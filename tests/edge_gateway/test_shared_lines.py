"""Settings that would put two masters on one line, or two meters on one address, are refused."""

import pytest

from edge_gateway.config import ConfigError, MeterConfig
from edge_gateway.links.link_url import Cjt188Url, MbusUrl, parse_url
from edge_gateway.polling.shared_lines import (
    refuse_shared_lines,
    refuse_shared_names,
    refuse_shared_units,
)

ONE_LINE = [
    ("rtu:///dev/ttyUSB0", "rtu:///dev/ttyUSB0?baud=19200"),
    ("rtu:///dev/ttyUSB0", "mbus:///dev/ttyUSB0"),
    ("rtu+tcp://10.0.0.5:4001", "rtu+tcp://10.0.0.5:4001"),
    ("rtu+tcp://10.0.0.5:4001", "cjt188://10.0.0.5:4001"),
    ("listen://:4001?registration=LAMP", "listen://:4001?registration=PALM"),
]
TWO_LINES = [
    ("tcp://10.0.0.5:502", "tcp://10.0.0.5:502"),
    ("rtu:///dev/ttyUSB0", "rtu:///dev/ttyUSB1"),
    ("rtu+tcp://10.0.0.5:4001", "rtu+tcp://10.0.0.5:4002"),
    ("listen://:4001?registration=LAMP", "listen://:4002?registration=LAMP"),
]


def meter(serial: str, unit: int, profile: str = "tuf_2000m@2") -> MeterConfig:
    return MeterConfig(serial=serial, device_address=unit, profile=profile)


def refusal_of_lines(first: str, second: str) -> str:
    try:
        refuse_shared_lines({"a": parse_url(first), "b": parse_url(second)})
    except ConfigError as error:
        return str(error)
    return "taken"


def refusal_of_units(url: str, *meters: MeterConfig) -> str:
    try:
        refuse_shared_units("link", parse_url(url), meters)
    except ConfigError as error:
        return str(error)
    return "taken"


@pytest.mark.parametrize(("first", "second"), ONE_LINE)
def test_two_links_on_one_line_are_refused(first: str, second: str) -> None:
    assert refusal_of_lines(first, second).startswith("b: url: is the line of a; put the meters")


@pytest.mark.parametrize(("first", "second"), TWO_LINES)
def test_links_of_lines_of_their_own_are_taken(first: str, second: str) -> None:
    assert refusal_of_lines(first, second) == "taken"


def test_two_meters_of_one_profile_at_one_unit_are_refused() -> None:
    url = "tcp://10.0.0.5:502"

    twins = refusal_of_units(url, meter("A", 1), meter("B", 1))

    assert "'B': device_address: 1 is the one of 'A', with the same profile" in twins
    assert refusal_of_units(url, meter("A", 1), meter("B", 1, "pulse_box@1")) == "taken"
    assert refusal_of_units(url, meter("A", 1), meter("B", 2)) == "taken"


@pytest.mark.parametrize(
    "url", ["rtu:///dev/ttyUSB0", "rtu+tcp://10.0.0.5:4001", "listen://:4001?registration=LAMP"]
)
def test_the_unit_for_everybody_is_no_meters_on_a_serial_line(url: str) -> None:
    assert "'A': device_address: 0 is for everybody" in refusal_of_units(url, meter("A", 0))


@pytest.mark.parametrize(
    "url", ["tcp://10.0.0.5:502", "listen://:4001?registration=LAMP&framing=tcp"]
)
def test_unit_zero_is_a_servers_own_on_modbus_tcp(url: str) -> None:
    assert refusal_of_units(url, meter("A", 0)) == "taken"


MBUS, CJT188 = "mbus://10.0.0.5:4001", "cjt188://10.0.0.5:4001"
ONE_METER = [
    (MBUS, "5", "5"),
    (MBUS, "5", "005"),
    (MBUS, "5", "5/24083344"),
    (MBUS, "5/24083344", "5/24083344"),
    (MBUS, "5/2408334F", "5/24083344"),
    (MBUS, "5/24083344", "24083344"),
    (MBUS, "24083344", "24083344.EFE.00.0C"),
    (MBUS, "2408334F", "240F3344"),
    (MBUS, "5/24083344", "6/24083344"),
    (CJT188, "20:11223344556677", "20:11223344556677"),
]
TWO_METERS = [
    (MBUS, "5", "6"),
    (MBUS, "5/24083344", "5/24083345"),
    (MBUS, "5", "24083344"),
    (MBUS, "5/24083344.EFE.FF.FF", "6/24083344.KAM.FF.FF"),
    (MBUS, "5/2408334F", "6/2408334F"),
    (MBUS, "24083344.EFE.00.0C", "24083344.KAM.00.0C"),
    (MBUS, "24083344.EFE.00.0C", "24083344.EFE.00.07"),
    (CJT188, "20:11223344556677", "20:11223344556678"),
    (CJT188, "10:11223344556677", "20:11223344556677"),
]


def refusal_of_names(url: str, *addresses: str) -> str:
    meters = [
        MeterConfig(serial=f"M-{number}", device_address=address, profile="auto")
        for number, address in enumerate(addresses)
    ]
    parsed = parse_url(url)
    assert isinstance(parsed, MbusUrl | Cjt188Url)
    try:
        refuse_shared_names("link", parsed, meters)
    except ConfigError as error:
        return str(error)
    return "taken"


@pytest.mark.parametrize(("url", "first", "second"), ONE_METER)
def test_two_names_of_one_meter_are_refused(url: str, first: str, second: str) -> None:
    for pair in ((first, second), (second, first)):
        refusal = refusal_of_names(url, *pair)

        assert refusal.startswith(f"link meter 'M-1': device_address: {pair[1]!r} may be")
        assert "of 'M-0'; correct one of the two" in refusal


@pytest.mark.parametrize(("url", "first", "second"), TWO_METERS)
def test_names_of_two_meters_are_taken(url: str, first: str, second: str) -> None:
    assert refusal_of_names(url, first, second) == "taken"
    assert refusal_of_names(url, second, first) == "taken"


@pytest.mark.parametrize("address", ["FFFFFFFF", "5/FFFFFFFF", "FFFFFFFF.EFE.00.0C"])
def test_a_name_that_every_meter_has_is_refused(address: str) -> None:
    assert "fits every meter; write the" in refusal_of_names(MBUS, address)
