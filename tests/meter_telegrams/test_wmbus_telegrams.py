"""Wireless telegrams: right, or refused with the reason; never wrong."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_telegrams.crc_en13757 import crc_en13757
from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.records.compact_formats import NO_FORMATS, learnt
from meter_telegrams.records.telegram import Telegram
from meter_telegrams.telegram_meaning import meaning_of
from meter_telegrams.wmbus.telegram import decode_wmbus
from tests.meter_telegrams.telegram_builder import (
    FILLER,
    WATER,
    Device,
    air,
    answer,
    cbc,
    crc,
    long_header,
    mode_5,
    mode_7,
    padded,
    session,
    with_crcs_a,
    with_crcs_b,
)
from wire_contracts.quantities import Quantity

METER = Device(device_type=WATER)
RADIO = Device(identification="99999999", manufacturer="RAD", device_type=0x37)
KEY = bytes(range(16))
OTHER_KEY = bytes(range(1, 17))
RECORDS = bytes.fromhex("0c1378563412 046d1b0d9811 02fd170000")
PLAIN = air(METER, b"\x78" + RECORDS)


def volume(telegram: Telegram) -> float | None:
    return meaning_of(telegram).values.get(Quantity.VOLUME_M3)


def refusal(received: bytes, key: bytes | None = None) -> TelegramCode:
    with pytest.raises(RefusedTelegramError) as refused:
        decode_wmbus(received, key=key)
    return refused.value.code


@given(data=st.binary(max_size=300))
def test_the_checksum_is_that_of_the_standard(data: bytes) -> None:
    assert crc_en13757(data) == crc(data)


def test_the_checksum_of_the_check_string_is_the_catalogued_one() -> None:
    assert crc_en13757(b"123456789") == 0xC2B7


@pytest.mark.parametrize("extra", [0, 1, 40, 110, 200])
def test_every_format_of_the_link_layer_gives_the_same_telegram(extra: int) -> None:
    plain = air(METER, b"\x78" + RECORDS + b"\x2f" * extra)

    found = [decode_wmbus(each) for each in (plain, with_crcs_a(plain), with_crcs_b(plain))]

    assert {volume(each) for each in found} == {12345.678}
    assert [each.notes[0] for each in found] == [
        "no CRCs to check",
        "CRCs of format A right",
        "CRCs of format B right",
    ]


@given(at=st.integers(0, len(with_crcs_a(PLAIN)) - 1), bit=st.integers(0, 7))
def test_every_flipped_bit_under_a_checksum_is_refused(at: int, bit: int) -> None:
    whole = with_crcs_a(PLAIN)
    flipped = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]

    assert refusal(flipped) in {TelegramCode.CHECKSUM, TelegramCode.LENGTH, TelegramCode.CUT}


@given(
    number=st.integers(0, 99_999_999), extra=st.sampled_from([0, 1, 40, 110, 200]), data=st.data()
)
def test_every_flipped_bit_of_format_b_is_refused_though_its_length_is_that_of_no_format(
    number: int, extra: int, data: st.DataObject
) -> None:
    records = bytes.fromhex("0c13") + bytes.fromhex(f"{number:08d}")[::-1] + b"\x2f" * extra
    whole = with_crcs_b(air(METER, b"\x78" + records))
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))

    assert refusal(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])


@given(number=st.integers(0, 99_999_999), code=st.sampled_from([0x00, 0x08, 0x10]))
def test_two_last_bytes_that_may_be_a_wrong_crc_are_no_record(number: int, code: int) -> None:
    records = bytes.fromhex("0c13") + bytes.fromhex(f"{number:08d}")[::-1]

    assert refusal(air(METER, b"\x78" + records + bytes([code, 0x13]))) is TelegramCode.CHECKSUM


@given(at=st.integers(0, len(PLAIN) - 1))
def test_every_cut_telegram_is_refused(at: int) -> None:
    assert refusal(PLAIN[:at]) in {TelegramCode.CUT, TelegramCode.LENGTH}


@given(body=st.binary(max_size=100), key=st.sampled_from([None, KEY]))
def test_no_bytes_crash_the_layers(body: bytes, key: bytes | None) -> None:
    try:
        notes = decode_wmbus(air(METER, body), key=key).notes
    except RefusedTelegramError as error:
        notes = (str(error),)

    assert notes


@pytest.mark.parametrize("with_crcs", [with_crcs_a, with_crcs_b])
@given(st.binary(min_size=1, max_size=4), st.integers(min_value=1, max_value=255), st.data())
def test_what_a_receiver_appends_is_left_out_where_crcs_prove_the_telegram(
    with_crcs: Callable[[bytes], bytes], appended: bytes, flip: int, data: st.DataObject
) -> None:
    whole = with_crcs(PLAIN)
    at = data.draw(st.integers(min_value=1, max_value=len(whole) - 1))
    damaged = whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]

    assert volume(decode_wmbus(whole + appended)) == 12345.678
    assert refusal(damaged + appended) in {TelegramCode.LENGTH, TelegramCode.CHECKSUM}


def test_a_right_crc_does_not_make_up_for_bytes_that_are_missing() -> None:
    short = bytes([len(PLAIN) + 2]) + PLAIN[1:]

    assert refusal(short + crc(short).to_bytes(2, "big")) is TelegramCode.LENGTH


def test_what_a_receiver_appends_is_refused_where_nothing_proves_the_telegram() -> None:
    assert refusal(PLAIN + b"\x5b") is TelegramCode.LENGTH


def test_the_long_header_names_the_meter_behind_a_radio() -> None:
    telegram = decode_wmbus(air(RADIO, b"\x72" + long_header(METER, status=4) + RECORDS))

    assert telegram.address is not None
    assert telegram.address.identification == "12345678"
    assert telegram.status == 4
    assert volume(telegram) == 12345.678


@given(key=st.binary(min_size=16, max_size=16), access=st.integers(0, 255))
def test_mode_5_is_read_with_its_key(key: bytes, access: int) -> None:
    telegram = decode_wmbus(air(METER, mode_5(METER, RECORDS, key, access=access)), key=key)

    assert volume(telegram) == 12345.678
    assert telegram.security_mode == 5
    assert "decrypted with mode 5" in telegram.notes


def test_mode_7_is_read_with_its_key_and_its_authentication() -> None:
    telegram = decode_wmbus(air(METER, mode_7(METER, RECORDS, KEY)), key=KEY)

    assert volume(telegram) == 12345.678
    assert "authentication right" in telegram.notes


@given(wrong=st.binary(min_size=16, max_size=16).filter(lambda key: key != KEY))
def test_a_wrong_key_never_gives_a_value(wrong: bytes) -> None:
    codes = {
        refusal(air(METER, mode_5(METER, RECORDS, KEY)), wrong),
        refusal(air(METER, mode_7(METER, RECORDS, KEY)), wrong),
        refusal(air(METER, session(METER, PLAIN[10:], KEY)), wrong),
    }

    assert codes == {TelegramCode.WRONG_KEY, TelegramCode.MAC}


def test_without_a_key_an_encrypted_telegram_is_refused() -> None:
    assert refusal(air(METER, mode_5(METER, RECORDS, KEY))) is TelegramCode.ENCRYPTED
    assert refusal(air(METER, mode_7(METER, RECORDS, KEY))) is TelegramCode.ENCRYPTED
    assert refusal(air(METER, session(METER, PLAIN[10:], KEY))) is TelegramCode.ENCRYPTED


def test_a_changed_message_fails_its_authentication() -> None:
    whole = air(METER, mode_7(METER, RECORDS, KEY))

    assert refusal(whole[:-1] + bytes([whole[-1] ^ 1]), KEY) is TelegramCode.MAC


def test_what_a_receiver_has_decrypted_is_read() -> None:
    clear = b"\x2f\x2f" + RECORDS + b"\x2f" * (-(len(RECORDS) + 2) % 16)
    body = b"\x7a\x01\x00" + (0x0520).to_bytes(2, "little") + clear
    telegram = decode_wmbus(air(METER, body))

    assert volume(telegram) == 12345.678
    assert "came decrypted already" in telegram.notes
    assert volume(decode_wmbus(air(METER, body), key=KEY)) == 12345.678


def test_records_behind_the_encrypted_blocks_are_clear() -> None:
    body = mode_5(METER, RECORDS, KEY) + bytes.fromhex("02 5a 10 02")
    values = meaning_of(decode_wmbus(air(METER, body), key=KEY)).values

    assert values == {Quantity.VOLUME_M3: 12345.678, Quantity.TEMPERATURE_DEGC: 52.8}


def test_bytes_behind_the_encrypted_blocks_that_are_no_record_are_left_out() -> None:
    telegram = decode_wmbus(
        air(METER, mode_5(METER, RECORDS, KEY) + bytes.fromhex("52 08")), key=KEY
    )
    whole = decode_wmbus(air(METER, mode_5(METER, RECORDS, KEY)), key=KEY)

    assert telegram.records == whole.records
    assert telegram.notes[-1] == "2 bytes behind the encrypted part are no record and left out"


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(bytes.fromhex("0c 13 27 04 85 02 0c 13 27 04 85 02 02 5a"), id="no fillers"),
        pytest.param(bytes.fromhex("0d 13 20 2f 2f"), id="fillers of a cut record"),
        pytest.param(bytes.fromhex("0c 13 27 04 85 02 0c 14 27 04 85 02 00 13"), id="full blocks"),
    ],
)
def test_encrypted_blocks_that_do_not_end_their_records_are_refused(records: bytes) -> None:
    body = mode_5(METER, records, KEY) + bytes.fromhex("52")

    assert refusal(air(METER, body), KEY) is TelegramCode.CUT


def test_fillers_of_what_was_never_encrypted_end_nothing() -> None:
    body = bytes.fromhex("7a 2a 00 20 00") + padded(RECORDS) + b"\x52"

    assert refusal(air(METER, body), KEY) is TelegramCode.CUT


@pytest.mark.parametrize("mode", [1, 2, 4, 8, 9, 10, 13])
def test_modes_that_are_not_read_are_refused_by_name(mode: int) -> None:
    body = b"\x7a\x01\x00" + (mode << 8 | 0x10).to_bytes(2, "little") + bytes(17)

    with pytest.raises(RefusedTelegramError, match=f"mode {mode} is not read"):
        decode_wmbus(air(METER, body), key=KEY)


@pytest.mark.parametrize("key", [None, KEY])
def test_the_session_checksum_proves_the_extended_link_layer(key: bytes | None) -> None:
    telegram = decode_wmbus(air(METER, session(METER, PLAIN[10:], key)), key=key)

    assert volume(telegram) == 12345.678
    assert any("session checksum right" in note for note in telegram.notes)


def test_a_repeater_does_not_change_the_session_cipher() -> None:
    sent = session(METER, PLAIN[10:], KEY)
    repeated = sent[:1] + bytes([sent[1] | 0x10]) + sent[2:]

    assert volume(decode_wmbus(air(METER, repeated), key=KEY)) == 12345.678


def test_the_short_extended_layer_is_passed_through() -> None:
    assert volume(decode_wmbus(air(METER, b"\x8c\x20\x11" + PLAIN[10:]))) == 12345.678


def test_the_extended_layer_may_name_the_meter() -> None:
    body = b"\x8e\x20\x11" + METER.link_address + b"\x7a\x01\x00\x00\x00" + RECORDS
    telegram = decode_wmbus(air(RADIO, body))

    assert telegram.address is not None
    assert telegram.address.identification == "12345678"


@pytest.mark.parametrize("ci", [0xA0, 0xA2, 0xB7])
def test_a_makers_own_telegram_is_refused(ci: int) -> None:
    assert refusal(air(METER, bytes([ci]) + RECORDS)) is TelegramCode.VENDOR_CODED


def test_nothing_but_makers_data_is_refused() -> None:
    assert refusal(air(METER, b"\x78\x2f\x2f\x0f" + RECORDS)) is TelegramCode.VENDOR_CODED


def test_records_beside_makers_data_are_read() -> None:
    assert volume(decode_wmbus(air(METER, b"\x78" + RECORDS + b"\x0f\x01"))) == 12345.678


def test_a_telegram_without_records_is_refused() -> None:
    assert refusal(air(METER, b"\x7a\x01\x00\x00\x00")) is TelegramCode.EMPTY
    assert refusal(air(METER, b"\x90")) is TelegramCode.CUT
    assert refusal(air(METER, b"\x82\x00")) is TelegramCode.UNSUPPORTED
    assert refusal(air(METER, b"\x6e\x01\x00\x00\x00\x08")) is TelegramCode.APPLICATION_ERROR
    assert refusal(air(METER, b"\x74\x01\x00\x00\x00\x08")) is TelegramCode.APPLICATION_ERROR


def test_a_telegram_to_a_meter_is_refused() -> None:
    assert refusal(air(METER, b"\x78" + RECORDS, control=0x53)) is TelegramCode.UNSUPPORTED


def test_fragments_are_refused() -> None:
    fields = (0x4001).to_bytes(2, "little")

    assert refusal(air(METER, b"\x90\x02" + fields + PLAIN[10:])) is TelegramCode.UNSUPPORTED


def test_a_wired_frame_is_read_as_one() -> None:
    assert volume(decode_wmbus(answer(METER, RECORDS))) == 12345.678


HEADS = bytes.fromhex("0c13 046d 02fd17")
DATA = bytes.fromhex("78563412 1b0d9811 0000")


def compact(data: bytes = DATA, full: bytes = RECORDS) -> bytes:
    head = crc(HEADS).to_bytes(2, "little") + crc(full).to_bytes(2, "little")
    return air(METER, b"\x79" + head + data)


def test_a_compact_telegram_needs_a_full_one_first() -> None:
    assert refusal(compact()) is TelegramCode.COMPACT

    formats = learnt(decode_wmbus(PLAIN))
    assert volume(decode_wmbus(compact(), formats=formats)) == 12345.678


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_signature_may_begin_like_a_filler(*, is_encrypted: bool) -> None:
    heads = bytes.fromhex("cc080e")
    assert crc(heads) & 0xFF == FILLER[0]
    full = heads + DATA[:4]
    formats = learnt(decode_wmbus(air(METER, b"\x78" + full)))
    short = crc(heads).to_bytes(2, "little") + crc(full).to_bytes(2, "little") + DATA[:4]
    body = b"\x79" + short
    if is_encrypted:
        body = b"\x7b" + mode_5(METER, short, KEY)[1:]
    found = decode_wmbus(air(METER, body), key=KEY, formats=formats)

    assert [record.header for record in found.records] == [heads]


def test_a_compact_telegram_that_does_not_give_its_full_one_is_refused() -> None:
    formats = learnt(decode_wmbus(PLAIN))
    wrong = bytes([DATA[0] ^ 1]) + DATA[1:]
    codes = []
    for each in (compact(wrong), compact(DATA + b"\x01"), compact(DATA[:-1])):
        with pytest.raises(RefusedTelegramError) as refused:
            decode_wmbus(each, formats=formats)
        codes.append(refused.value.code)

    assert codes == [TelegramCode.COMPACT] * 3


def test_no_format_is_learnt_from_data_of_variable_length_or_of_the_maker() -> None:
    variable = decode_wmbus(air(METER, b"\x78\x0d\xfd\x11\x01a"))
    makers = decode_wmbus(air(METER, b"\x78" + RECORDS + b"\x0f\x01"))

    assert learnt(variable) is NO_FORMATS
    assert learnt(makers) is NO_FORMATS


def test_the_format_announcement_itself_is_refused() -> None:
    assert refusal(air(METER, b"\x69" + HEADS)) is TelegramCode.COMPACT


def test_an_authentication_over_what_a_receiver_decrypted_cannot_be_checked() -> None:
    sent = mode_7(METER, RECORDS, KEY)
    head, cipher = sent[:23], sent[23:]
    clear = b"\x2f\x2f" + RECORDS
    telegram = decode_wmbus(
        air(METER, head + clear + b"\x2f" * (len(cipher) - len(clear))), key=KEY
    )

    assert volume(telegram) == 12345.678
    assert any("authentication not checked: it is over" in note for note in telegram.notes)


def test_mode_7_behind_a_radio_derives_from_the_meter_in_the_long_header() -> None:
    sent = mode_7(METER, RECORDS, KEY, is_long=True)
    telegram = decode_wmbus(air(RADIO, sent), key=KEY)

    assert volume(telegram) == 12345.678
    assert "authentication right" in telegram.notes


def test_mode_7_needs_its_message_counter() -> None:
    sent = mode_7(METER, RECORDS, KEY)

    assert refusal(air(METER, sent[17:]), KEY) is TelegramCode.UNSUPPORTED


def test_the_meter_behind_a_radio_is_the_one_whose_key_counts() -> None:
    clear = b"\x2f\x2f" + RECORDS + b"\x2f" * (-(len(RECORDS) + 2) % 16)
    header = long_header(METER, access=3, configuration=0x0500 | len(clear) // 16 << 4)
    body = b"\x72" + header + cbc(clear, KEY, METER.link_address + b"\x03" * 8)

    assert volume(decode_wmbus(air(RADIO, body), key=KEY)) == 12345.678


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("90 03 0000 00 78", TelegramCode.LENGTH),
        ("90 04 0024 01 00 78", TelegramCode.UNSUPPORTED),
        ("90 04 002C 25 00 78", TelegramCode.CUT),
        ("90 02 0000", TelegramCode.CUT),
        ("8D 20 11 01", TelegramCode.CUT),
        ("79 01 02", TelegramCode.CUT),
        ("7A 01", TelegramCode.CUT),
        ("8C 20 11", TelegramCode.CUT),
    ],
)
def test_layers_that_are_cut_or_strange_are_refused(body: str, code: TelegramCode) -> None:
    assert refusal(air(METER, bytes.fromhex(body))) is code


def test_an_authentication_layer_without_a_code_proves_nothing() -> None:
    telegram = decode_wmbus(air(METER, bytes.fromhex("90 02 0000") + PLAIN[10:]), key=KEY)

    assert volume(telegram) == 12345.678
    assert telegram.notes == ("no CRCs to check",)


def test_a_length_shorter_than_the_link_layer_is_refused() -> None:
    assert refusal(b"\x05" + PLAIN[1:12]) is TelegramCode.LENGTH
