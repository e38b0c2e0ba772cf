"""Which records leave the gateway, under which name, and how far they are good."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_telegrams.mbus.frames import long_frame
from meter_telegrams.mbus.joining import joined
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.telegram_meaning import Meaning, meaning_of
from tests.meter_telegrams.telegram_builder import GAS, HEAT, WATER, Device, answer
from wire_contracts.quality import (
    BAD_PROFILE,
    BAD_SENTINEL,
    SUSPECT_RANGE,
    SUSPECT_STATUS,
)
from wire_contracts.quantities import Quantity

HEAT_COOL, COOLING, ELECTRICITY, CONVERTER = 0x0D, 0x0A, 0x02, 0x13


def meaning(records: str, device_type: int = HEAT, *, status: int = 0) -> Meaning:
    device = Device(device_type=device_type)
    return meaning_of(decode_mbus(answer(device, bytes.fromhex(records), status=status)))


@pytest.mark.parametrize(
    ("records", "device_type", "quantity", "value"),
    [
        ("04 06 0A000000", HEAT, Quantity.ENERGY_KWH, 10.0),
        ("04 0E 24000000", HEAT, Quantity.ENERGY_KWH, 10.0),
        ("04 FB01 02000000", HEAT, Quantity.ENERGY_KWH, 2000.0),
        ("04 FB0D 01000000", HEAT, Quantity.ENERGY_KWH, 1.163),
        ("04 06 0A000000", COOLING, Quantity.ENERGY_COLD_KWH, 10.0),
        ("04 863C 0A000000", HEAT_COOL, Quantity.ENERGY_COLD_KWH, 10.0),
        ("04 863B 0A000000", HEAT_COOL, Quantity.ENERGY_KWH, 10.0),
        ("04 13 0A000000", HEAT, Quantity.VOLUME_M3, 0.01),
        ("04 933C 0A000000", WATER, Quantity.VOLUME_REVERSE_M3, 0.01),
        ("04 3B 0A000000", WATER, Quantity.FLOW_M3H, 0.01),
        ("04 44 0A000000", WATER, Quantity.FLOW_M3H, 0.6),
        ("04 2B E8030000", HEAT, Quantity.POWER_KW, 1.0),
        ("04 33 100E0000", HEAT, Quantity.POWER_KW, 1.0),
        ("02 5A F401", HEAT, Quantity.SUPPLY_TEMP_DEGC, 50.0),
        ("02 5E F401", HEAT, Quantity.RETURN_TEMP_DEGC, 50.0),
        ("02 61 0CFE", HEAT, Quantity.TEMP_DIFF_K, -5.0),
        ("02 FB63 0900", HEAT, Quantity.TEMP_DIFF_K, 5.0),
        ("02 FB5B D400", HEAT, Quantity.SUPPLY_TEMP_DEGC, 100.0),
        ("02 5A F401", WATER, Quantity.TEMPERATURE_DEGC, 50.0),
        ("04 1B 0A000000", HEAT, Quantity.MASS_KG, 10.0),
        ("04 53 0A000000", HEAT, Quantity.MASS_FLOW_KGH, 10.0),
        ("04 13 0A000000", GAS, Quantity.VOLUME_ACTUAL_M3, 0.01),
        ("04 933A 0A000000", GAS, Quantity.VOLUME_ACTUAL_M3, 0.01),
        ("04 933E 0A000000", GAS, Quantity.VOLUME_BASE_M3, 0.01),
        ("04 BB3E 0A000000", GAS, Quantity.FLOW_BASE_M3H, 0.01),
        ("04 3B 0A000000", GAS, Quantity.FLOW_ACTUAL_M3H, 0.01),
        ("04 9377 0A000000", WATER, Quantity.VOLUME_M3, 0.1),
    ],
)
def test_a_record_gets_the_name_of_its_medium_and_the_canonical_unit(
    records: str, device_type: int, quantity: Quantity, value: float
) -> None:
    found = meaning(records, device_type)

    assert found.values == {quantity: pytest.approx(value, rel=1e-12)}
    assert found.quality == {}


@pytest.mark.parametrize(
    "records",
    [
        "44 13 01000000",
        "84 10 13 01000000",
        "84 40 13 01000000",
        "14 13 01000000",
        "04 9320 01000000",
        "04 9328 01000000",
        "04 9348 01000000",
        "04 937F 01000000",
        "04 937E 01000000",
        "04 9369 01000000",
        "02 69 0A00",
        "02 65 0A00",
        "04 FF07 01000000",
    ],
)
def test_what_is_not_the_present_total_value_stays_in_the_gateway(records: str) -> None:
    found = meaning(records, WATER)

    assert (found.values, found.quality) == ({}, {})


def test_base_and_actual_volume_of_gas_never_mix() -> None:
    found = meaning("04 13 0A000000 04 933E 14000000", GAS)

    assert found.values == {Quantity.VOLUME_ACTUAL_M3: 0.01, Quantity.VOLUME_BASE_M3: 0.02}


def test_a_gas_converter_must_say_the_conditions() -> None:
    found = meaning("04 13 0A000000 04 933A 0B000000 04 933E 14000000 02 5A F401", CONVERTER)

    assert found.values == {
        Quantity.VOLUME_ACTUAL_M3: 0.011,
        Quantity.VOLUME_BASE_M3: 0.02,
        Quantity.TEMPERATURE_DEGC: 50.0,
    }
    assert meaning("04 13 0A000000", CONVERTER).values == {}


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ("0C 13 EEEEEEEE", BAD_SENTINEL),
        ("04 13 00000080", BAD_SENTINEL),
        ("04 9315 00000000", BAD_SENTINEL),
        ("05 13 0000C07F", BAD_SENTINEL),
        ("34 13 99999999", BAD_SENTINEL),
        ("0D 13 01 41", BAD_PROFILE),
        ("04 13 01000000 04 13 05000000", BAD_PROFILE),
    ],
)
def test_a_fault_is_never_a_value(records: str, code: str) -> None:
    found = meaning(records, WATER)

    assert (found.values, found.quality) == ({}, {Quantity.VOLUME_M3: code})


def test_records_that_agree_to_the_coarser_step_give_the_finer() -> None:
    found = meaning("04 16 0C000000 04 13 19300000 04 13 19300000", WATER)

    assert found.values == {Quantity.VOLUME_M3: 12.313}


def test_a_plain_total_goes_before_the_forward_one() -> None:
    found = meaning("04 933B 0A000000 04 13 09000000 04 933C 01000000", WATER)

    assert found.values == {Quantity.VOLUME_M3: 0.009, Quantity.VOLUME_REVERSE_M3: 0.001}


def test_a_value_beyond_reason_is_suspect() -> None:
    found = meaning("02 5B 8403", HEAT)

    assert found.quality == {Quantity.SUPPLY_TEMP_DEGC: SUSPECT_RANGE}


@pytest.mark.parametrize(
    ("records", "quantity"),
    [
        ("05 3E 41480000", Quantity.FLOW_M3H),  # 12.5, highest byte first
        ("05 5B 42A30000", Quantity.SUPPLY_TEMP_DEGC),  # 81.5
        ("05 16 4640E6B7", Quantity.VOLUME_M3),  # 12345.7: reads -2.7e-5
    ],
)
def test_a_float_with_its_bytes_in_the_wrong_order_is_suspect(
    records: str, quantity: Quantity
) -> None:
    assert meaning(records, HEAT).quality == {quantity: SUSPECT_RANGE}


@pytest.mark.parametrize(
    "records", ["05 3E 00000000", "05 3E 00000080", "05 16 17B7D138", "04 13 FFFFFFFF"]
)
def test_zero_the_finest_step_and_a_whole_number_below_zero_are_good(records: str) -> None:
    found = meaning(records, HEAT)

    assert (len(found.values), found.quality) == (1, {})


@pytest.mark.parametrize(
    ("status", "events", "is_suspect"),
    [
        (0x00, [], False),
        (0x04, ["battery_low"], False),
        (0x08, ["meter_error"], True),
        (0x10, ["meter_alarm"], True),
        (0x03, ["meter_alarm"], False),
        (0x01, [], True),
        (0x02, [], True),
        (0xE0, [], False),
    ],
)
def test_the_status_byte_becomes_events_and_doubt(
    status: int, events: list[str], *, is_suspect: bool
) -> None:
    found = meaning("04 13 0A000000", WATER, status=status)

    assert list(found.events) == events
    assert found.values == {Quantity.VOLUME_M3: 0.01}
    assert found.quality == ({Quantity.VOLUME_M3: SUSPECT_STATUS} if is_suspect else {})


def test_error_flags_make_the_values_doubtful() -> None:
    found = meaning("04 13 0A000000 02 FD17 0400", WATER)

    assert list(found.events) == ["meter_error"]
    assert found.quality == {Quantity.VOLUME_M3: SUSPECT_STATUS}


def multical(info_code: str, maker: str = "KAM") -> Meaning:
    records = bytes.fromhex(f"04 06 0A000000 02 59 0000 02 5D 0000 02 61 0000 {info_code}")
    return meaning_of(decode_mbus(answer(Device(manufacturer=maker), records)))


@pytest.mark.parametrize(
    ("info_code", "broken"),
    [
        ("04 FF22 08000000", {Quantity.SUPPLY_TEMP_DEGC}),
        ("04 FF22 20000000", {Quantity.SUPPLY_TEMP_DEGC}),
        ("02 FF22 1000", {Quantity.RETURN_TEMP_DEGC}),
        ("02 FF22 4000", {Quantity.RETURN_TEMP_DEGC}),
        ("04 FF22 28000000", {Quantity.SUPPLY_TEMP_DEGC}),
        ("04 FF22 60000100", {Quantity.SUPPLY_TEMP_DEGC, Quantity.RETURN_TEMP_DEGC}),
    ],
)
def test_a_sensor_beyond_its_range_has_no_temperature(
    info_code: str, broken: set[Quantity]
) -> None:
    found = multical(info_code)

    gone = broken | {Quantity.TEMP_DIFF_K}
    assert gone.isdisjoint(found.values)
    assert {each for each, code in found.quality.items() if code == BAD_SENTINEL} == gone


@given(st.integers(min_value=1, max_value=0xFFFFFFFF))
def test_under_an_info_code_no_value_is_good(info_code: int) -> None:
    found = multical("04 FF22" + info_code.to_bytes(4, "little").hex())

    assert list(found.events) == ["meter_error"]
    assert set(found.quality) >= {
        Quantity.ENERGY_KWH,
        Quantity.SUPPLY_TEMP_DEGC,
        Quantity.RETURN_TEMP_DEGC,
    }


@pytest.mark.parametrize(
    ("info_code", "maker"),
    [
        ("04 FF22 00000000", "KAM"),
        ("44 FF22 60000000", "KAM"),
        ("8410 FF22 60000000", "KAM"),
        ("8440 FF22 60000000", "KAM"),
        ("04 FF22 60000000", "LMP"),
    ],
)
def test_no_present_word_of_a_known_maker_means_no_doubt(info_code: str, maker: str) -> None:
    found = multical(info_code, maker)

    assert (found.quality, list(found.events)) == ({}, [])


def test_an_info_code_gives_other_devices_no_names() -> None:
    device = Device(manufacturer="KAM", device_type=ELECTRICITY)
    records = bytes.fromhex("04 06 0A000000 04 FF22 60000000")
    found = meaning_of(decode_mbus(answer(device, records)))

    assert found.quality == {Quantity.ENERGY_KWH: BAD_PROFILE}


def test_other_devices_have_no_wire_names() -> None:
    found = meaning("04 06 0A000000 04 2B 01000000", ELECTRICITY)

    assert (found.values, found.quality) == ({}, {Quantity.ENERGY_KWH: BAD_PROFILE})


def test_the_meters_clock_and_its_other_values_stay_local() -> None:
    found = meaning("04 6D 1B0D9811 02 69 0A00 0C 78 78563412", HEAT)

    assert found.meter_clock == datetime(2012, 1, 24, 13, 27)  # noqa: DTZ001  # the meter's own time
    assert found.local["pressure_bar"] == 0.1
    assert found.local["fabrication_number"] == "12345678"
    assert found.local["identification"] == "12345678"


def test_the_fixed_structure_gives_total_and_stored_value() -> None:
    body = bytes.fromhex("78563412 0A 00 E97E 01000000 35010000")
    telegram = decode_mbus(long_frame(0x08, 5, 0x73, body))
    found = meaning_of(telegram)

    assert telegram.medium == "water"
    assert [(each.storage, float(str(each.value))) for each in telegram.records] == [
        (0, 0.001),
        (1, 0.135),
    ]
    assert found.values == {Quantity.VOLUME_M3: 0.001}


def test_the_fixed_structure_may_be_binary_stored_or_highest_byte_first() -> None:
    body = bytes.fromhex("12345678 0A 03 CB09 00000100 FFFFFFFF")
    telegram = decode_mbus(long_frame(0x08, 5, 0x77, body))

    assert telegram.address is not None
    assert telegram.address.identification == "12345678"
    assert [(each.storage, str(each.value)) for each in telegram.records] == [
        (1, "2.56E+5"),
        (1, "-1E+7"),
    ]
    assert meaning_of(telegram).values == {}


def test_highest_byte_first_is_the_same_telegram() -> None:
    low = Device(device_type=WATER)
    head = bytes.fromhex("12345678") + low.manufacturer_bytes[::-1] + b"\x01\x07\x01\x00\x00\x00"
    telegram = decode_mbus(long_frame(0x08, 5, 0x76, head + bytes.fromhex("04 13 0000000A")))

    assert telegram.address is not None
    assert telegram.address.manufacturer == "LMP"
    assert meaning_of(telegram).values == {Quantity.VOLUME_M3: 0.01}


def test_broken_counters_and_clocks_of_the_fixed_structure_are_no_values() -> None:
    body = bytes.fromhex("78563412 0A 00 C07E EEEEEEEE 35010000")
    telegram = decode_mbus(long_frame(0x08, 5, 0x73, body))

    assert [each.value for each in telegram.records] == [None, None]


def test_a_float_and_a_rounded_number_agree_to_the_step_of_the_rounded_one() -> None:
    found = meaning("04 16 0C000000 05 16 9A994541 0D FD3B E2 0102", WATER)

    assert found.values == {Quantity.VOLUME_M3: pytest.approx(12.35, rel=1e-6)}
    assert found.local["wmbus_container"] == "0102"


def test_the_telegrams_of_one_readout_are_one_answer() -> None:
    device = Device(device_type=WATER)
    first = decode_mbus(answer(device, bytes.fromhex("04 13 0A000000 1F")))
    second = decode_mbus(answer(device, bytes.fromhex("02 5A F401"), status=4))
    found = meaning_of(joined([first, second]))

    assert found.values == {Quantity.VOLUME_M3: 0.01, Quantity.TEMPERATURE_DEGC: 50.0}
    assert list(found.events) == ["battery_low"]
