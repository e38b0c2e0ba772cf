"""Frames of the wire: requests as the standard prints them, answers in every format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_telegrams.errors import ApplicationError, RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.frames import (
    FrameKind,
    application_reset,
    expected_size,
    initialise,
    long_frame,
    parse_frame,
    parse_secondary,
    request_data,
    select_secondary,
    short_frame,
    split_frames,
)
from meter_telegrams.mbus.joining import joined
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.records.media import (
    device_type_name,
    manufacturer_code,
    manufacturer_letters,
)
from meter_telegrams.records.telegram import MeterAddress
from meter_telegrams.telegram_json import telegram_json
from meter_telegrams.telegram_meaning import meaning_of
from tests.meter_telegrams.telegram_builder import WATER, Device, answer, cbc, long_header, padded

METER = Device(device_type=WATER)
RECORDS = bytes.fromhex("0c1378563412")
KEY = bytes(range(16))


def refusal(received: bytes) -> TelegramCode:
    with pytest.raises(RefusedTelegramError) as refused:
        decode_mbus(received)
    return refused.value.code


def test_requests_are_those_of_the_standard() -> None:
    assert initialise(1).hex(" ") == "10 40 01 41 16"
    assert request_data(1, frame_count_bit=False).hex(" ") == "10 5b 01 5c 16"
    assert request_data(254, frame_count_bit=True).hex(" ") == "10 7b fe 79 16"
    assert application_reset(1).hex(" ") == "68 03 03 68 53 01 50 a4 16"
    selection = select_secondary("24083345", manufacturer_code("EFE"), 0xFF, 0x04)
    assert selection.hex(" ") == "68 0b 0b 68 53 fd 52 45 33 08 24 c5 14 ff 04 22 16"


@given(
    control=st.integers(0, 255),
    address=st.integers(0, 255),
    ci=st.integers(0, 255),
    data=st.binary(max_size=252),
)
def test_long_frames_come_back(control: int, address: int, ci: int, data: bytes) -> None:
    whole = long_frame(control, address, ci, data)
    frame = parse_frame(whole)

    assert (frame.control, frame.address, frame.ci, frame.data) == (control, address, ci, data)
    assert expected_size(whole[:4]) == len(whole)
    assert split_frames(whole + whole[:5]) == (whole, whole[:5])


def test_short_frames_and_acknowledges_come_back() -> None:
    assert parse_frame(short_frame(0x5B, 7)).address == 7
    assert parse_frame(b"\xe5").kind is FrameKind.ACKNOWLEDGE
    assert expected_size(b"") is None
    assert expected_size(b"\x68\x10") is None


def test_a_frame_that_would_be_too_long_is_not_built() -> None:
    with pytest.raises(ValueError, match="253 data bytes fit no frame"):
        long_frame(8, 1, 0x72, bytes(253))


@pytest.mark.parametrize(
    ("received", "code"),
    [
        ("", TelegramCode.CUT),
        ("00", TelegramCode.FRAME),
        ("6804056808", TelegramCode.FRAME),
        ("6802026808017216", TelegramCode.LENGTH),
        ("E5E5", TelegramCode.LENGTH),
        ("E5", TelegramCode.UNSUPPORTED),
        ("105B015C16", TelegramCode.UNSUPPORTED),
        ("105B015C17", TelegramCode.FRAME),
        ("105B015D16", TelegramCode.CHECKSUM),
    ],
)
def test_what_is_no_answer_is_refused(received: str, code: TelegramCode) -> None:
    assert refusal(bytes.fromhex(received)) is code


def test_a_header_that_is_cut_is_refused() -> None:
    assert refusal(long_frame(8, 1, 0x72, bytes(11))) is TelegramCode.CUT
    assert refusal(long_frame(8, 1, 0x7A, bytes.fromhex("01000007"))) is TelegramCode.CUT


def test_an_error_of_the_meter_carries_its_number() -> None:
    for ci, body, number in ((0x70, b"\x08", 8), (0x70, b"", 0), (0x6E, bytes(4) + b"\x09", 9)):
        with pytest.raises(ApplicationError) as refused:
            decode_mbus(long_frame(8, 1, ci, body))
        assert refused.value.number == number
    with pytest.raises(ApplicationError, match="encrypted"):
        decode_mbus(long_frame(8, 1, 0x6E, bytes.fromhex("0100 1005 08")))


def test_an_old_meter_has_anything_where_the_configuration_is_now() -> None:
    header = long_header(METER, configuration=0xB627)
    telegram = decode_mbus(long_frame(8, 1, 0x72, header + RECORDS))

    assert len(telegram.records) == 1


def test_a_wired_meter_may_encrypt_too() -> None:
    clear = padded(RECORDS)
    header = long_header(METER, access=9, configuration=0x0510)
    cipher = cbc(clear, KEY, METER.link_address + bytes([9]) * 8)
    telegram = decode_mbus(long_frame(8, 1, 0x72, header + cipher), key=KEY)

    assert meaning_of(telegram).values
    assert refusal(long_frame(8, 1, 0x72, header + cipher)) is TelegramCode.ENCRYPTED
    assert refusal(long_frame(8, 1, 0x72, header + cipher[:-1])) is TelegramCode.CUT


def test_nothing_is_decrypted_where_no_block_is_encrypted() -> None:
    header = long_header(METER, configuration=0x0500)

    assert decode_mbus(long_frame(8, 1, 0x72, header + RECORDS)).notes == ("nothing was encrypted",)


@pytest.mark.parametrize("text", ["2408334", "2408334A", "24083345.EF.00.04", "24083345.EFE", "x"])
def test_what_is_no_secondary_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 24083345 or 24083345\.EFE\.00\.0C"):
        parse_secondary(text)


def test_a_secondary_address_has_wildcards_where_it_is_silent() -> None:
    assert parse_secondary("2408FFFF") == MeterAddress(
        identification="2408FFFF", manufacturer="", version=0xFF, device_type=0xFF
    )
    assert parse_secondary("24083345.efe.0a.0c") == MeterAddress(
        identification="24083345", manufacturer="EFE", version=10, device_type=12
    )


@given(code=st.integers(0, 0x7FFF))
def test_manufacturer_letters_come_back(code: int) -> None:
    assert manufacturer_code(manufacturer_letters(code)) == code


@pytest.mark.parametrize("letters", ["", "AB", "ABCD", "A1C"])
def test_what_are_no_three_letters_is_refused(letters: str) -> None:
    with pytest.raises(ValueError, match="are not three letters"):
        manufacturer_code(letters)


def test_a_device_type_without_a_name_is_reserved() -> None:
    assert device_type_name(0x1E) == "reserved 1E"


def test_telegrams_of_two_meters_are_not_one_answer() -> None:
    others = Device(identification="87654321", device_type=WATER)

    with pytest.raises(RefusedTelegramError, match="the first from"):
        joined([decode_mbus(answer(METER, RECORDS)), decode_mbus(answer(others, RECORDS))])


def test_json_shows_every_kind_of_value() -> None:
    records = bytes.fromhex(
        "04 6D 1B0D9811 42 6C 0000 42 6C 9F2C 03 6D 3B300B 05 13 00000040 0C 13 EEEEEEEE"
        " 04 93 7F 01000000 02 7C 01 58 0500 0F 0102"
    )
    telegram = decode_mbus(answer(METER, records, status=0xFE))
    told = telegram_json(telegram, meaning_of(telegram))
    shown = told["records"]
    assert isinstance(shown, list)

    assert [each["value"] for each in shown] == [
        "2012-01-24T13:27:00",
        "2000-00-00",
        "2020-12-31",
        "11:48:59",
        0.002,
        None,
        0.001,
        5,
        "01 02",
    ]
    assert shown[5]["error"] == "invalid"
    assert shown[6]["modifiers"] == ["manufacturer_specific 7F"]
    assert shown[7]["name"] == "X"
    assert told["status"] == {
        "byte": "FE",
        "flags": ["application_error", "power_low", "permanent_error", "temporary_error"],
        "vendor_bits": "E0",
    }


def test_a_telegram_without_a_header_names_nobody() -> None:
    telegram = decode_mbus(long_frame(8, 1, 0x78, RECORDS))
    told = telegram_json(telegram, meaning_of(telegram))

    assert (told["meter"], told["status"], telegram.medium) == (None, None, "not named")
    assert meaning_of(telegram).values == {}
