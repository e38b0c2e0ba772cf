"""Records: every coding round trip, every range of the tables, every damage refused or harmless."""

import struct
from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.records.measures import Measure
from meter_telegrams.records.record_bytes import parse_records
from meter_telegrams.records.telegram import (
    Function,
    ModifierKind,
    PartialTime,
    Record,
    RecordError,
)
from tests.meter_telegrams.telegram_builder import Device, answer, bcd

LITRES = 0x13
SIZES = {1: 0x01, 2: 0x02, 3: 0x03, 4: 0x04, 6: 0x06, 8: 0x07}
BCD_FIELDS = {1: 0x09, 2: 0x0A, 3: 0x0B, 4: 0x0C, 6: 0x0E}


def one(data: bytes) -> Record:
    (record,) = parse_records(data).records
    return record


def refusal(data: bytes) -> TelegramCode:
    with pytest.raises(RefusedTelegramError) as refused:
        parse_records(data)
    return refused.value.code


def scaled(vif: bytes, number: int = 7) -> tuple[Measure, str, object]:
    record = one(b"\x04" + vif + number.to_bytes(4, "little"))
    return record.measure, record.unit, record.value


@given(size=st.sampled_from(sorted(SIZES)), share=st.floats(-0.999, 0.999))
def test_integers_of_every_size_come_back(size: int, share: float) -> None:
    number = int(share * (1 << 8 * size - 1))
    data = number.to_bytes(size, "little", signed=True)

    record = one(bytes([SIZES[size], LITRES]) + data)

    assert record.value == Decimal(number).scaleb(-3)
    assert record.resolution == Decimal("0.001")


@pytest.mark.parametrize("size", sorted(SIZES))
def test_the_lowest_integer_marks_an_invalid_value(size: int) -> None:
    record = one(bytes([SIZES[size], LITRES]) + bytes(size - 1) + b"\x80")

    assert (record.value, record.error) == (None, RecordError.INVALID)


@given(size=st.sampled_from(sorted(BCD_FIELDS)), share=st.floats(0, 0.9999))
def test_bcd_of_every_size_comes_back(size: int, share: float) -> None:
    number = int(share * 100**size)

    record = one(bytes([BCD_FIELDS[size], LITRES]) + bcd(number, size))

    assert record.value == Decimal(number).scaleb(-3)


@given(size=st.sampled_from(sorted(BCD_FIELDS)), share=st.floats(0, 0.9999))
def test_an_f_in_front_makes_bcd_negative(size: int, share: float) -> None:
    digits = f"F{int(share * 10 ** (2 * size - 1)):0{2 * size - 1}d}"

    record = one(bytes([BCD_FIELDS[size], LITRES]) + bytes.fromhex(digits)[::-1])

    assert record.value == -Decimal(int(digits[1:])).scaleb(-3)


@pytest.mark.parametrize("digits", ["0000EEEE", "FFFFFFFF", "0A000000", "123F5678", "E0000000"])
def test_letters_among_the_digits_are_no_number(digits: str) -> None:
    record = one(bytes([0x0C, LITRES]) + bytes.fromhex(digits)[::-1])

    assert (record.value, record.error) == (None, RecordError.INVALID)


@given(number=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_come_back_exactly(number: float) -> None:
    record = one(bytes([0x05, 0x5B]) + struct.pack("<f", number))

    assert isinstance(record.value, Decimal)
    assert float(record.value) == number


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_is_no_number_is_no_value(number: float) -> None:
    record = one(bytes([0x05, LITRES]) + struct.pack("<f", number))

    assert (record.value, record.error) == (None, RecordError.NOT_A_NUMBER)


@given(text=st.text(st.characters(codec="latin-1"), max_size=0xBF))
def test_texts_come_back(text: str) -> None:
    data = text.encode("latin-1")[::-1]

    assert one(b"\x0d\xfd\x11" + bytes([len(data)]) + data).value == text


def test_variable_numbers_are_read_with_their_sign() -> None:
    assert one(b"\x0d\x13\xc2\x34\x12").value == Decimal("1.234")
    assert one(b"\x0d\x13\xd2\x34\x12").value == Decimal("-1.234")
    assert one(b"\x0d\x13\xca" + bytes(9) + b"\x01").value == Decimal("1e15")
    assert one(b"\x0d\x13\xe2\xff\xff").value == Decimal("-0.001")
    assert one(b"\x0d\xfd\x3b\xf0" + bytes(16)).value == bytes(16)


def test_a_variable_number_with_two_signs_is_none() -> None:
    record = one(b"\x0d\x13\xd4\x78\x56\x34\xf2")

    assert (record.value, record.error) == (None, RecordError.INVALID)


@pytest.mark.parametrize("lvar", [0xF7, 0xF8, 0xFF])
def test_a_reserved_length_refuses_the_telegram(lvar: int) -> None:
    assert refusal(bytes([0x0D, 0x13, lvar]) + bytes(64)) is TelegramCode.RESERVED


def type_g(day: date) -> bytes:
    year = day.year % 100
    low = day.day | (year & 7) << 5
    return bytes([low, day.month | year >> 3 << 4])


@given(day=st.dates(date(2000, 1, 1), date(2080, 12, 31)))
def test_dates_come_back(day: date) -> None:
    assert one(b"\x02\x6c" + type_g(day)).value == day


@given(
    moment=st.datetimes(datetime(1981, 1, 1), datetime(2080, 12, 31)),  # noqa: DTZ001  # the meter's
    century=st.booleans(),
)
def test_moments_come_back_with_and_without_century(moment: datetime, *, century: bool) -> None:
    minute = moment.replace(second=0, microsecond=0)
    hundreds = (moment.year - 1900) // 100 if century else 0
    data = bytes([minute.minute, minute.hour | hundreds << 5]) + type_g(minute.date())

    assert one(b"\x04\x6d" + data).value == minute


@given(moment=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001  # the meter's
def test_moments_with_seconds_come_back(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    head = bytes([whole.second, whole.minute, whole.hour])

    assert one(b"\x06\x6d" + head + type_g(whole.date()) + b"\x00").value == whole


def test_times_of_day_come_back() -> None:
    assert one(b"\x03\x6d\x3b\x30\x0b").value == time(11, 48, 59)


@pytest.mark.parametrize(
    "data", [b"\x02\x6c\xff\xff", b"\x04\x6d\x80\x00\x01\x01", b"\x03\x6d\xff\xff\xff"]
)
def test_an_invalid_time_is_no_value(data: bytes) -> None:
    record = one(data)

    assert (record.value, record.error) == (None, RecordError.INVALID)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x02\x6c\x00\x00", "2000-00-00"),
        (b"\x02\x6c\x1f\x02", "2000-02-31"),
        (b"\x02\x6c\xe1\xf1", "****-01-01"),
        (b"\x04\x6d\x3f\x1f\x01\x01", "2000-01-01T31:63"),
    ],
)
def test_a_time_with_open_parts_stays_what_the_meter_sent(data: bytes, text: str) -> None:
    assert one(data).value == PartialTime(text=text)


def test_a_time_in_bcd_or_as_float_is_no_time() -> None:
    assert one(b"\x0c\x6d\x01\x02\x03\x04").error is RecordError.NOT_A_TIME
    assert one(b"\x05\x6c\x01\x02\x03\x04").error is RecordError.NOT_A_TIME
    assert one(b"\x01\x6c\x01").error is RecordError.NOT_A_TIME


DECADES = [
    ("00", 8, Measure.ENERGY, "Wh", -3),
    ("08", 8, Measure.ENERGY, "J", 0),
    ("10", 8, Measure.VOLUME, "m3", -6),
    ("18", 8, Measure.MASS, "kg", -3),
    ("28", 8, Measure.POWER, "W", -3),
    ("30", 8, Measure.POWER, "J/h", 0),
    ("38", 8, Measure.VOLUME_FLOW, "m3/h", -6),
    ("40", 8, Measure.VOLUME_FLOW, "m3/min", -7),
    ("48", 8, Measure.VOLUME_FLOW, "m3/s", -9),
    ("50", 8, Measure.MASS_FLOW, "kg/h", -3),
    ("58", 4, Measure.FLOW_TEMPERATURE, "degC", -3),
    ("5C", 4, Measure.RETURN_TEMPERATURE, "degC", -3),
    ("60", 4, Measure.TEMPERATURE_DIFFERENCE, "K", -3),
    ("64", 4, Measure.EXTERNAL_TEMPERATURE, "degC", -3),
    ("68", 4, Measure.PRESSURE, "bar", -3),
    ("FB00", 2, Measure.ENERGY, "Wh", 5),
    ("FB02", 2, Measure.REACTIVE_ENERGY, "varh", 3),
    ("FB04", 2, Measure.APPARENT_ENERGY, "VAh", 3),
    ("FB08", 2, Measure.ENERGY, "J", 8),
    ("FB0C", 4, Measure.ENERGY, "cal", 5),
    ("FB10", 2, Measure.VOLUME, "m3", 2),
    ("FB14", 4, Measure.REACTIVE_POWER, "var", 0),
    ("FB18", 2, Measure.MASS, "kg", 5),
    ("FB1A", 2, Measure.RELATIVE_HUMIDITY, "%", -1),
    ("FB28", 2, Measure.POWER, "W", 5),
    ("FB2C", 4, Measure.FREQUENCY, "Hz", -3),
    ("FB30", 2, Measure.POWER, "J/h", 8),
    ("FB34", 4, Measure.APPARENT_POWER, "VA", 0),
    ("FB74", 4, Measure.TEMPERATURE_LIMIT, "degC", -3),
    ("FB78", 8, Measure.MAXIMUM_POWER_CUMULATED, "W", -3),
    ("FD00", 4, Measure.CREDIT, "currency", -3),
    ("FD04", 4, Measure.DEBIT, "currency", -3),
    ("FD40", 16, Measure.VOLTAGE, "V", -9),
    ("FD50", 16, Measure.CURRENT, "A", -12),
]


@pytest.mark.parametrize(("first", "count", "measure", "unit", "exponent"), DECADES)
def test_a_range_of_the_tables_scales_as_printed(
    first: str, count: int, measure: Measure, unit: str, exponent: int
) -> None:
    start = bytes.fromhex(first)
    found = [scaled(start[:-1] + bytes([start[-1] + step])) for step in range(count)]

    steps = [Decimal(7).scaleb(exponent + step) for step in range(count)]
    assert found == [(measure, unit, value) for value in steps]


CLOCKS = {
    "20": Measure.ON_TIME,
    "24": Measure.OPERATING_TIME,
    "70": Measure.AVERAGING_DURATION,
    "74": Measure.ACTUALITY_DURATION,
    "FD24": Measure.STORAGE_INTERVAL,
    "FD2C": Measure.SINCE_READOUT,
    "FD34": Measure.TARIFF_PERIOD,
    "FD3C": Measure.TRANSMISSION_PERIOD,
}


@pytest.mark.parametrize(("first", "measure"), CLOCKS.items())
def test_durations_keep_the_unit_of_the_meter(first: str, measure: Measure) -> None:
    start = bytes.fromhex(first)
    found = [scaled(start[:-1] + bytes([start[-1] + step])) for step in range(4)]

    assert found == [(measure, unit, Decimal(7)) for unit in ("s", "min", "h", "d")]


@pytest.mark.parametrize(
    ("vif", "measure", "unit"),
    [
        ("FD31", Measure.TARIFF_DURATION, "min"),
        ("FD33", Measure.TARIFF_DURATION, "d"),
        ("FD6C", Measure.BATTERY_TIME, "h"),
        ("FD6F", Measure.BATTERY_TIME, "years"),
        ("FD74", Measure.BATTERY_LEFT, "d"),
        ("FDFD02", Measure.BATTERY_LEFT, "months"),
        ("FD71", Measure.RF_LEVEL, "dBm"),
        ("FB20", Measure.VOLUME, "ft3"),
        ("FB23", Measure.VOLUME, "gal"),
        ("FB5B", Measure.FLOW_TEMPERATURE, "degF"),
        ("6E", Measure.HEAT_COST_UNITS, "HCA"),
    ],
)
def test_single_codes_mean_what_the_tables_say(vif: str, measure: Measure, unit: str) -> None:
    assert scaled(bytes.fromhex(vif)) == (measure, unit, Decimal(7))


@pytest.mark.parametrize("vif", ["6F", "FD7A", "FB3F", "FDFD7F", "EF01"])
def test_reserved_codes_have_no_unit_but_do_not_lose_the_rest(vif: str) -> None:
    code = bytes.fromhex(vif)
    chain = bytes(byte | 0x80 for byte in code[:-1]) + bytes([code[-1] & 0x7F])

    records = parse_records(b"\x01" + chain + b"\x07" + b"\x01\x13\x05").records

    assert records[0].unit == ""
    assert records[1].value == Decimal("0.005")


def test_data_that_fit_no_reading_say_so() -> None:
    assert one(b"\x0d\x6d\xe2\x01\x02").error is RecordError.CODING
    assert one(b"\x0d\x13\xc0").error is RecordError.NO_DATA
    assert one(b"\x00\x13").error is RecordError.NO_DATA
    assert one(b"\x01\xfd\x08\xff").error is RecordError.INVALID
    assert one(b"\x04\xfd\x3b\x01\x02\x03\x04").value == b"\x01\x02\x03\x04"
    assert one(b"\x0d\x93\x1e\x03abc").value == b"abc"
    assert one(b"\x0d\xff\x5f\x03abc").value == b"abc"
    assert one(b"\x03\x6d\x3f\x3f\x1f").value == PartialTime(text="31:63:63")
    assert one(b"\x06\x6d\x00\x80\x00\x01\x01\x00").error is RecordError.INVALID


def test_a_text_as_vif_may_have_vifes_of_its_own() -> None:
    record = one(bytes.fromhex("02 FC 03 485225 74 D411"))

    assert (record.name, record.value) == ("%RH", Decimal("45.64"))
    assert is_refused(bytes.fromhex("02 FC 03 485225"))
    assert is_refused(bytes.fromhex("02 7C"))


def test_manufacturer_letters_identities_and_bits_are_not_signed_numbers() -> None:
    assert one(b"\x02\xfd\x0a\x2d\x2c").value == "KAM"
    assert one(b"\x0c\x78\x08\x64\x01\x03").value == "03016408"
    assert one(b"\x02\xfd\x17\x00\x80").value == Decimal(0x8000)
    assert one(b"\x01\xfd\x08\xfe").value == Decimal(254)


def test_head_fields_are_joined_over_all_difes() -> None:
    record = one(bytes.fromhex("D4 F1 A2 07 13 01000000"))

    assert record.function is Function.MAXIMUM
    assert (record.storage, record.tariff, record.subunit) == (
        1 | 1 << 1 | 2 << 5 | 7 << 9,
        3 | 2 << 2,
        1,
    )


@pytest.mark.parametrize(
    ("vife", "kind", "detail"),
    [
        (0x20, ModifierKind.PER, "s"),
        (0x26, ModifierKind.PER, "year"),
        (0x2D, ModifierKind.PER, "m3"),
        (0x28, ModifierKind.PULSE_INCREMENT, "input 0"),
        (0x3A, ModifierKind.UNCORRECTED, ""),
        (0x3B, ModifierKind.FORWARD, ""),
        (0x3C, ModifierKind.BACKWARD, ""),
        (0x3E, ModifierKind.BASE_CONDITIONS, ""),
        (0x40, ModifierKind.LIMIT, "lower"),
        (0x48, ModifierKind.LIMIT, "upper"),
        (0x69, ModifierKind.LEAKAGE, ""),
        (0x6D, ModifierKind.OVERFLOW, ""),
        (0x7E, ModifierKind.FUTURE, ""),
        (0x7F, ModifierKind.MANUFACTURER, ""),
    ],
)
def test_what_a_vife_changes_is_said(vife: int, kind: ModifierKind, detail: str) -> None:
    (modifier,) = one(bytes([0x01, 0x93, vife, 0x05])).modifiers

    assert (modifier.kind, modifier.detail) == (kind, detail)


def test_factors_are_applied_and_units_joined() -> None:
    assert one(b"\x01\x93\x70\x05").value == Decimal("0.000000005")
    assert one(b"\x01\x93\x77\x05").value == Decimal("0.05")
    assert one(b"\x01\x93\x7d\x05").value == Decimal(5)
    assert one(b"\x01\x93\x22\x05").unit == "m3/h"
    assert one(b"\x01\xab\x36\x05").unit == "W*s"


def test_times_and_durations_of_limits_are_not_values_of_the_measure() -> None:
    when = one(b"\x04\x93\x4a" + bytes.fromhex("1b0d9811"))
    how_long = one(b"\x01\x93\x5a\x05")
    how_often = one(b"\x01\x93\x49\x05")

    assert isinstance(when.value, datetime)
    assert (how_long.value, how_long.unit) == (Decimal(5), "h")
    assert (how_often.value, how_often.unit) == (Decimal(5), "")


@pytest.mark.parametrize(
    ("vife", "error"),
    [
        (0x15, RecordError.NOT_AVAILABLE),
        (0x16, RecordError.OVERFLOW),
        (0x18, RecordError.DATA_ERROR),
        (0x0E, RecordError.VIF_DIF_MISMATCH),
    ],
)
def test_an_error_of_the_meter_takes_the_value_away(vife: int, error: RecordError) -> None:
    record = one(bytes([0x01, 0x93, vife, 0x05]))

    assert (record.value, record.error) == (None, error)


def test_phases_and_directions_come_from_the_extension() -> None:
    (modifier,) = one(b"\x01\xab\xfc\x02\x05").modifiers

    assert (modifier.kind, modifier.detail) == (ModifierKind.PHASE, "L2")


def test_manufacturer_data_end_the_records_and_may_announce_more() -> None:
    last = parse_records(b"\x2f\x2f\x01\x13\x05\x0f\x01\x02")
    more = parse_records(b"\x01\x13\x05\x1f")

    assert [each.function for each in last.records] == ["instantaneous", "manufacturer_specific"]
    assert (last.has_more, more.has_more) == (False, True)
    assert last.records[1].value == b"\x01\x02"


@pytest.mark.parametrize("dif", [0x3F, 0x4F, 0x5F, 0x6F, 0x7F, 0x8F, 0xFF])
def test_a_reserved_dif_refuses_the_telegram(dif: int) -> None:
    assert refusal(bytes([dif, 0x00, 0x13, 0, 0])) is TelegramCode.RESERVED


@pytest.mark.parametrize("count", [10, 11])
def test_chains_are_bounded(count: int) -> None:
    difes = b"\x84" + b"\x80" * (count - 1) + b"\x00" + b"\x13" + bytes(4)
    vifes = b"\x04\x93" + b"\xbb" * (count - 1) + b"\x3b" + bytes(4)
    is_long = count > 10

    assert [is_refused(each) for each in (difes, vifes)] == [is_long, is_long]


def is_refused(data: bytes) -> bool:
    try:
        parse_records(data)
    except RefusedTelegramError:
        return True
    return False


WHOLE = b"\x0c\x13\x78\x56\x34\x12\x84\x10\x06\x01\x02\x03\x04\x0d\xfd\x11\x02ba\x02\x7c\x01Xaa"


@given(at=st.integers(1, len(WHOLE) - 1))
def test_cutting_records_refuses_them_or_ends_between_two(at: int) -> None:
    ends = {6, 13, 19}

    assert is_refused(WHOLE[:at]) is (at not in ends)


@given(data=st.binary(max_size=120))
def test_no_bytes_crash_the_records(data: bytes) -> None:
    sizes = [0]
    if not is_refused(data):
        sizes = [len(each.header) + len(each.data) for each in parse_records(data).records]

    assert sum(sizes) <= len(data)


GOOD = answer(Device(), b"\x0c\x06\x78\x56\x34\x12\x0c\x13\x01\x00\x00\x00\x02\x5a\x10\x02")


@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_every_flipped_bit_of_a_frame_is_refused(at: int, bit: int) -> None:
    flipped = GOOD[:at] + bytes([GOOD[at] ^ 1 << bit]) + GOOD[at + 1 :]

    with pytest.raises(RefusedTelegramError):
        decode_mbus(flipped)


@given(at=st.integers(0, len(GOOD) - 1))
def test_every_cut_frame_is_refused(at: int) -> None:
    with pytest.raises(RefusedTelegramError):
        decode_mbus(GOOD[:at])


@given(data=st.binary(max_size=40))
def test_no_bytes_crash_a_frame(data: bytes) -> None:
    framed = b"\x68" + bytes([len(data), len(data)]) + b"\x68" + data

    with pytest.raises(RefusedTelegramError):
        decode_mbus(framed + bytes([sum(data) + 1 & 0xFF]) + b"\x16")
