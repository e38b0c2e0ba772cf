"""CJ/T 188 meter data: values, qualities, and what must never become a value."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_telegrams.cjt188.byte_order import parse_clock
from meter_telegrams.cjt188.frames import parse_frame
from meter_telegrams.cjt188.layout import PLACES, PROFILES, Cjt188Kind, Cjt188Profile, Part, kind_of
from meter_telegrams.cjt188.reading import (
    Cjt188Reading,
    decode_meter_data,
    fitting_profiles,
    missing,
    unfit_reason,
)
from tests.meter_telegrams.test_cjt188_telegrams import HEAT_ANSWER, WATER_ANSWER
from wire_contracts.quality import (
    BAD_PROFILE,
    BAD_SENTINEL,
    BAD_TIMEOUT,
    SUSPECT_RANGE,
    QualityCode,
)
from wire_contracts.quantities import Quantity

HEAT = PROFILES["cjt188_heat@1"]
HEAT_JY = PROFILES["cjt188_heat_jy@1"]
WATER = PROFILES["cjt188_water@1"]
WATER_JY = PROFILES["cjt188_water_jy@1"]
GAS = PROFILES["cjt188_gas@1"]


def bcd(number: int, size: int = 4) -> bytes:
    return bytes.fromhex(f"{number:0{2 * size}d}")[::-1]


def united(number: int, unit: int, *, before: bool = False) -> bytes:
    return bytes([unit]) + bcd(number) if before else bcd(number) + bytes([unit])


CLOCK = bytes.fromhex("53001210071520")


def heat(**parts: bytes) -> bytes:
    """Meter data of a heat meter: 1234.56 MWh, 12.34 kW, 1.2345 m3/h, 6543.21 m3, 85.5, 45.25."""
    usual = {
        "settled": united(100000, 0x08),
        "current": united(123456, 0x08),
        "power": united(1234, 0x17),
        "flow": united(12345, 0x35),
        "volume": united(654321, 0x2C),
        "supply": bcd(8550, 3),
        "return": bcd(4525, 3),
        "hours": bcd(4321, 3),
        "clock": CLOCK,
        "status": b"\x00\x00",
    }
    return b"".join((usual | parts).values())


def volumes(current: bytes, *, status: bytes = b"\x00\x00") -> bytes:
    return current + united(1, 0x2C) + CLOCK + status


def test_the_published_heat_answer_decodes_to_the_values_printed_beside_it() -> None:
    data = parse_frame(HEAT_ANSWER).data[3:]

    assert decode_meter_data(data, 0x20, HEAT_JY) == Cjt188Reading(
        values={
            Quantity.ENERGY_KWH: 20.0,
            Quantity.POWER_KW: 0.0,
            Quantity.FLOW_M3H: 0.0,
            Quantity.VOLUME_M3: 10.34,
            Quantity.SUPPLY_TEMP_DEGC: 25.35,
            Quantity.RETURN_TEMP_DEGC: 25.66,
        },
        local={
            "valve": "open",
            "status": "0000",
            "settled_energy_kwh": 20.0,
            "working_hours": 0,
        },
        clock=datetime(2015, 7, 10, 12, 0, 53),  # noqa: DTZ001  # the meter's local time
        is_order_shown=True,
    )


def test_the_published_water_answer_has_a_volume_and_no_clock() -> None:
    reading = decode_meter_data(parse_frame(WATER_ANSWER).data[3:], 0x10, WATER)

    assert reading.values == {Quantity.VOLUME_M3: 2.0}
    assert reading.quality == {Quantity.VOLUME_M3: SUSPECT_RANGE}
    assert reading.clock is None
    assert reading.local == {"valve": "open", "status": "00FF", "settled_volume_m3": 2.0}


def test_a_heat_meter_of_the_standard_says_value_then_unit() -> None:
    assert decode_meter_data(heat(), 0x20, HEAT).values == {
        Quantity.ENERGY_KWH: 1_234_560.0,
        Quantity.POWER_KW: 12.34,
        Quantity.FLOW_M3H: 1.2345,
        Quantity.VOLUME_M3: 6543.21,
        Quantity.SUPPLY_TEMP_DEGC: 85.5,
        Quantity.RETURN_TEMP_DEGC: 45.25,
    }


def test_a_meter_that_counts_cold_sends_cold() -> None:
    reading = decode_meter_data(heat(), 0x21, HEAT)

    assert reading.values[Quantity.ENERGY_COLD_KWH] == 1_234_560.0
    assert Quantity.ENERGY_KWH not in reading.values


def test_gas_is_at_measuring_conditions() -> None:
    reading = decode_meter_data(volumes(united(123456, 0x2C)), 0x30, GAS)

    assert reading.values == {Quantity.VOLUME_ACTUAL_M3: 1234.56}


@pytest.mark.parametrize(
    ("unit", "kwh"),
    [
        (0x01, 1 / 3_600_000),
        (0x02, 0.001),
        (0x05, 1.0),
        (0x08, 1000.0),
        (0x0A, 100_000.0),
        (0x0B, 1 / 3600),
        (0x0E, 1 / 3.6),
        (0x11, 1000 / 3.6),
        (0x13, 100_000 / 3.6),
    ],
)
def test_energy_units(unit: int, kwh: float) -> None:
    reading = decode_meter_data(heat(current=united(100, unit)), 0x20, HEAT)

    assert reading.values[Quantity.ENERGY_KWH] == pytest.approx(kwh, rel=1e-15)


@pytest.mark.parametrize(
    ("part", "unit", "quantity", "value"),
    [
        ("power", 0x14, Quantity.POWER_KW, 0.001),
        ("power", 0x1A, Quantity.POWER_KW, 1000.0),
        ("flow", 0x32, Quantity.FLOW_M3H, 0.001 / 100),
        ("volume", 0x29, Quantity.VOLUME_M3, 0.001),
    ],
)
def test_other_units(part: str, unit: int, quantity: Quantity, value: float) -> None:
    reading = decode_meter_data(heat(**{part: united(100, unit)}), 0x20, HEAT)

    assert reading.values[quantity] == value


@pytest.mark.parametrize(
    ("part", "span", "quantity", "code"),
    [
        ("current", b"\xff\xff\xff\xff\x08", Quantity.ENERGY_KWH, BAD_SENTINEL),
        ("current", b"\xee\xee\xee\xee\x08", Quantity.ENERGY_KWH, BAD_SENTINEL),
        ("current", b"\x0a\x00\x00\x00\x08", Quantity.ENERGY_KWH, BAD_SENTINEL),
        ("current", united(1, 0x2C), Quantity.ENERGY_KWH, BAD_PROFILE),
        ("volume", united(1, 0x2E), Quantity.VOLUME_M3, BAD_PROFILE),
        ("power", united(1, 0x05), Quantity.POWER_KW, BAD_PROFILE),
        ("flow", united(1, 0xFF), Quantity.FLOW_M3H, BAD_PROFILE),
        ("supply", b"\xff\xff\xff", Quantity.SUPPLY_TEMP_DEGC, BAD_SENTINEL),
        ("return", b"\x50\xf2\x00", Quantity.RETURN_TEMP_DEGC, BAD_SENTINEL),
    ],
)
def test_a_fault_in_one_part_is_no_value_of_that_part_alone(
    part: str, span: bytes, quantity: Quantity, code: QualityCode
) -> None:
    reading = decode_meter_data(heat(**{part: span}), 0x20, HEAT)

    assert reading.quality == {quantity: code}
    assert quantity not in reading.values
    assert len(reading.values) == 5


@pytest.mark.parametrize("supply", [800_000, 999_999])
def test_what_no_meter_can_mean_is_doubted_alone_where_the_clock_shows_the_order(
    supply: int,
) -> None:
    reading = decode_meter_data(heat(supply=bcd(supply, 3)), 0x20, HEAT)

    assert reading.quality == {Quantity.SUPPLY_TEMP_DEGC: SUSPECT_RANGE}
    assert len(reading.values) == 6


@pytest.mark.parametrize("clock", [bytes(7), bytes.fromhex("20261103081020")])
def test_it_is_doubted_with_all_others_where_no_clock_shows_the_order(clock: bytes) -> None:
    reading = decode_meter_data(heat(supply=bcd(800_000, 3), clock=clock), 0x20, HEAT)
    known = decode_meter_data(
        heat(supply=bcd(800_000, 3), clock=clock), 0x20, HEAT, is_order_known=True
    )

    assert set(reading.quality.values()) == {SUSPECT_RANGE}
    assert set(reading.quality) == set(reading.values)
    assert known.quality == {Quantity.SUPPLY_TEMP_DEGC: SUSPECT_RANGE}


def test_numbers_of_which_only_the_clock_is_not_turned_are_doubted() -> None:
    """The clock is right as the standard has it, and every number the other way alone."""
    data = turned(heat())
    at = len(data) - 9
    data = data[:at] + CLOCK + data[-2:]
    reading = decode_meter_data(data, 0x20, HEAT)

    assert set(reading.quality) >= set(reading.values)


@pytest.mark.parametrize("clock", [bytes(7), b"\xff" * 7, b"\x99" * 7])
def test_a_volume_highest_byte_first_with_a_dead_clock_is_not_good(clock: bytes) -> None:
    """123.45 m3 that reads 452301.0."""
    data = united(12345, 0x2C) + united(12345, 0x2C) + clock + b"\x00\x00"
    wrong = decode_meter_data(turned(data, kind=Cjt188Kind.WATER), 0x10, WATER)
    right = decode_meter_data(data, 0x10, PROFILES["cjt188_water_low@1"])
    known = decode_meter_data(data, 0x10, WATER, is_order_known=True)

    assert wrong.values == {Quantity.VOLUME_M3: 452301.0}
    assert wrong.quality == {Quantity.VOLUME_M3: SUSPECT_RANGE}
    for reading in (right, known):
        assert (reading.values, reading.quality) == ({Quantity.VOLUME_M3: 123.45}, {})


def test_a_clock_of_two_digit_years_is_one() -> None:
    """2026-11-22 18:10:20 with the century 00: the other way it is the year 2010."""
    clock = bytes.fromhex("20101822112600")
    reading = decode_meter_data(heat(clock=clock), 0x20, HEAT)

    assert (len(reading.values), reading.refusal) == (6, "")
    assert reading.clock == datetime(2026, 11, 22, 18, 10, 20)  # noqa: DTZ001  # local time


def turned(data: bytes, *, kind: Cjt188Kind = Cjt188Kind.HEAT) -> bytes:
    """Return meter data as a maker sends them who puts the highest byte first."""
    spans, at = [], 0
    for place in PLACES[kind]:
        span = data[at : at + place.size]
        at += place.size
        is_number = place.part is not Part.STATUS
        digits, unit = (span[:-1], span[-1:]) if place.has_unit else (span, b"")
        spans.append(digits[::-1] + unit if is_number else span)
    return b"".join(spans)


WATER_DATA = united(12345, 0x2C) + united(10000, 0x2C) + CLOCK + b"\x00\x00"
BOTH_WAYS = bytes.fromhex("20261103081020")
"""2010-08-03 11:26:20 as the standard has it; 2026-11-03 08:10:20 the other way."""


def test_numbers_highest_byte_first_give_no_value_and_name_the_profile_that_reads_them() -> None:
    data = turned(heat())
    reading = decode_meter_data(data, 0x20, HEAT)
    right = decode_meter_data(data, 0x20, PROFILES["cjt188_heat_high@1"])

    assert reading.values == {}
    assert set(reading.quality.values()) == {BAD_PROFILE}
    assert reading.refusal.startswith("clock: 20150710120053 is impossible")
    assert reading.refusal.endswith("name the profile cjt188_heat_high@1")
    assert right == decode_meter_data(heat(), 0x20, HEAT)
    assert fitting_profiles(data, 0x20) == ()
    assert unfit_reason(data, 0x20) == reading.refusal


def test_a_volume_highest_byte_first_is_none() -> None:
    data = turned(WATER_DATA, kind=Cjt188Kind.WATER)

    assert decode_meter_data(data, 0x10, WATER).values == {}
    high = decode_meter_data(data, 0x10, PROFILES["cjt188_water_high@1"])
    assert (high.values, high.quality) == ({Quantity.VOLUME_M3: 123.45}, {})


def test_a_meter_of_the_standard_is_not_read_highest_byte_first() -> None:
    reading = decode_meter_data(WATER_DATA, 0x10, PROFILES["cjt188_water_high@1"])

    assert reading.values == {}
    assert reading.refusal.endswith("name the profile cjt188_water@1")


@pytest.mark.parametrize("reference", ["cjt188_water@1", "cjt188_water_high@1"])
def test_a_clock_that_is_right_in_both_orders_leaves_the_value_in_doubt(reference: str) -> None:
    data = united(12345, 0x2C) + united(45, 0x2C) + BOTH_WAYS + b"\x00\x00"

    reading = decode_meter_data(data, 0x10, PROFILES[reference])
    assert reading.quality == {Quantity.VOLUME_M3: SUSPECT_RANGE}


def test_where_the_other_order_makes_no_sense_the_clock_need_not_decide() -> None:
    shrunk = united(12345, 0x2C) + united(10099, 0x2C) + BOTH_WAYS + b"\x00\x00"

    assert decode_meter_data(heat(clock=BOTH_WAYS), 0x20, HEAT).quality == {}
    assert decode_meter_data(shrunk, 0x10, WATER).quality == {}


def test_cold_in_the_place_of_the_settled_heat_shows_no_byte_order() -> None:
    """At rest, high byte first, without a clock: more cold than heat looks turned either way."""
    cold = heat(
        settled=united(500_000, 0x05),
        current=united(123_499, 0x05),
        power=united(0, 0x17),
        flow=united(0, 0x35),
        volume=united(0, 0x2C),
        supply=bcd(2000, 3),
        **{"return": bcd(2000, 3)},
        clock=bytes(7),
    )
    reading = decode_meter_data(turned(cold, kind=Cjt188Kind.HEAT), 0x20, HEAT)

    assert not reading.is_order_shown
    assert reading.quality[Quantity.ENERGY_KWH] == SUSPECT_RANGE


def test_a_clock_that_is_impossible_both_ways_takes_no_value() -> None:
    for clock in (bytes(7), b"\xff" * 7, bytes.fromhex("00000001017019")):
        reading = decode_meter_data(heat(clock=clock), 0x20, HEAT)
        assert (len(reading.values), reading.quality) == (6, {})


@given(
    now=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001  # local time
    number=st.integers(0, 99_999_999),
    settled=st.integers(0, 99_999_999),
)
def test_no_volume_of_the_wrong_order_is_good(now: datetime, number: int, settled: int) -> None:
    low, high = sorted((number, settled))
    clock = bytes.fromhex(now.strftime("%Y%m%d%H%M%S"))[::-1]
    data = united(high, 0x2C) + united(low, 0x2C) + clock + b"\x00\x00"
    reading = decode_meter_data(turned(data, kind=Cjt188Kind.WATER), 0x10, WATER)

    is_good = bool(reading.values) and not reading.quality
    assert not is_good or reading.values == {Quantity.VOLUME_M3: high / 100}


@pytest.mark.parametrize(
    ("data", "profile", "meter_type", "text"),
    [
        (heat(), HEAT_JY, 0x20, "units: 0 fit cjt188_heat_jy@1, 5 fit with the unit on the other"),
        (heat()[:-3], HEAT, 0x20, "data: 40 bytes, cjt188_heat@1 knows only 43"),
        (volumes(united(1, 0x2C)), HEAT, 0x10, "type: 10 is not read as heat by cjt188_heat@1"),
        (heat(), HEAT, 0x22, "type: 22 is not read as heat by cjt188_heat@1"),
        (b"", WATER, 0x10, "data: 0 bytes, cjt188_water@1 knows only 19"),
    ],
)
def test_data_that_are_not_those_of_the_profile_give_nothing(
    data: bytes, profile: Cjt188Profile, meter_type: int, text: str
) -> None:
    reading = decode_meter_data(data, meter_type, profile)

    assert reading.values == {}
    assert set(reading.quality.values()) == {BAD_PROFILE}
    assert reading.refusal.startswith(text)


def test_data_that_both_sides_of_the_unit_explain_give_nothing() -> None:
    """29 (litre) as unit behind and as last digits in front: 12.29 L or 290012.. nobody knows."""
    litres = united(1229, 0x29)
    data = litres + litres + CLOCK + b"\x00\x00"

    assert decode_meter_data(data, 0x10, WATER).values == {}
    assert decode_meter_data(data, 0x10, WATER_JY).values == {}
    assert fitting_profiles(data, 0x10) == ()


def test_the_data_say_which_side_the_unit_is_on() -> None:
    assert fitting_profiles(heat(), 0x20) == ("cjt188_heat@1",)
    assert fitting_profiles(parse_frame(HEAT_ANSWER).data[3:], 0x20) == ("cjt188_heat_jy@1",)
    assert fitting_profiles(volumes(united(5, 0x2C)), 0x30) == ("cjt188_gas@1",)
    assert fitting_profiles(heat(power=b"\xff" * 5), 0x20) == ()
    assert fitting_profiles(heat(), 0x22) == ()


@pytest.mark.parametrize(
    ("status", "events", "valve"),
    [
        (b"\x00\x00", (), "open"),
        (b"\x01\x00", ("valve_closed",), "closed"),
        (b"\x02\x00", (), "unknown"),
        (b"\x03\x00", ("valve_fault",), "fault"),
        (b"\x05\xff", ("valve_closed", "battery_low"), "closed"),
    ],
)
def test_valve_and_battery(status: bytes, events: tuple[str, ...], valve: str) -> None:
    reading = decode_meter_data(volumes(united(7, 0x2C), status=status), 0x10, WATER)

    assert reading.events == events
    assert reading.local["valve"] == valve
    assert reading.values == {Quantity.VOLUME_M3: 0.07}


@pytest.mark.parametrize(
    "digits",
    ["00000000000000", "53001210131520", "53001232071520", "53002510071520", "FF001210071520", ""],
)
def test_an_impossible_clock_is_no_clock(digits: str) -> None:
    assert parse_clock(bytes.fromhex(digits)) is None


def test_a_read_that_brought_nothing_names_every_quantity() -> None:
    kind = kind_of(0x13)
    assert kind is not None

    assert missing(kind, 0x13, BAD_TIMEOUT) == {Quantity.VOLUME_M3: BAD_TIMEOUT}


@given(
    number=st.integers(0, 99_999_999),
    settled=st.integers(0, 99_999_999),
    is_before=st.booleans(),
)
def test_every_volume_comes_back_exactly(number: int, settled: int, *, is_before: bool) -> None:
    profile = replace(WATER_JY if is_before else WATER)
    spans = [united(each, 0x2C, before=is_before) for each in (number, settled)]
    reading = decode_meter_data(b"".join(spans) + CLOCK + b"\x00\x00", 0x10, profile)

    assert reading.values == {Quantity.VOLUME_M3: number / 100}
    assert reading.local["settled_volume_m3"] == settled / 100


@given(data=st.binary(min_size=43, max_size=43))
def test_any_data_give_a_value_or_a_bad_quality_for_each_quantity(data: bytes) -> None:
    reading = decode_meter_data(data, 0x20, HEAT)
    bad = {quantity for quantity, code in reading.quality.items() if code.startswith("bad_")}

    assert len(reading.values) + len(bad) == 6
    assert not bad & set(reading.values)
