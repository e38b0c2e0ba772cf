"""CJ/T 188: frames as published, and frames that must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_telegrams.cjt188.exchange import (
    Cjt188Request,
    Control,
    Fit,
    Identifier,
    any_meter,
    explain,
    find_answer,
)
from meter_telegrams.cjt188.frames import (
    Cjt188Frame,
    candidate_at,
    encode_frame,
    frames_in,
    parse_frame,
)
from meter_telegrams.errors import TelegramError

HEAT_ANSWER = bytes.fromhex(
    "FEFEFEFE 68 20 32413140000000 81 2E 901F01 0802000000 0802000000 1700000000 3500000000"
    "2C34100000 352500 662500 000000 53001210071520 0000 31 16"
)
"""Printed by cnblogs.com/llguanli/p/8683992 with its meaning: a heat meter of maker JY."""

WATER_ANSWER = bytes.fromhex(
    "FEFEFE 68 10 18021220200000 81 16 901F00 000200002C 000200002C 00000000000000 00FF 85 16"
)
"""Printed by cnblogs.com/cj94/p/18534598: 2 m3, no clock."""

MISPRINTED = bytes.fromhex(
    "FEFEFEFE 68 10 44332211003378 81 16 1F9000 007766552C 007766552C 31012211051520 2184 08 16"
)
"""Printed by cnblogs.com/yangykaifa/p/7010777; its checksum is wrong by 11."""

HEAT = Cjt188Request(meter_type=0x20, address="00000040314132", serial=1)
WATER = Cjt188Request(meter_type=0x10, address="00002020120218", serial=0)

frames = st.builds(
    Cjt188Frame,
    meter_type=st.integers(0, 255),
    address=st.binary(min_size=7, max_size=7).map(lambda raw: raw.hex().upper()),
    control=st.integers(0, 255),
    data=st.binary(max_size=255),
)


def test_requests_are_byte_for_byte_the_published_ones() -> None:
    water = Cjt188Request(meter_type=0x10, address="78330011223344", serial=0, is_swapped=True)

    assert water.telegram() == bytes.fromhex("FEFEFEFE 68 10 44332211003378 01 03 1F9000 80 16")
    assert WATER.telegram() == bytes.fromhex("FEFEFEFE 68 10 18021220200000 01 03 901F00 97 16")
    assert HEAT.telegram() == bytes.fromhex("FEFEFEFE 68 20 32413140000000 01 03 901F01 20 16")
    assert any_meter(0).telegram() == bytes.fromhex("FEFEFEFE 68 AAAAAAAAAAAAAAAA 0303810A00 49 16")


def test_published_answers_are_taken() -> None:
    heat = find_answer(HEAT_ANSWER, HEAT)
    water = find_answer(WATER_ANSWER, WATER)
    someone = find_answer(
        bytes.fromhex("FEFEFE 68 10 18021220200000 83 03 810A00 F5 16"), any_meter(0)
    )

    assert heat is not None
    assert (heat.is_refusal, len(heat.payload)) == (False, 43)
    assert water is not None
    assert (water.frame.address, len(water.payload)) == ("00002020120218", 19)
    assert someone is not None
    assert (someone.frame.meter_type, someone.frame.address) == (0x10, "00002020120218")


def test_a_frame_whose_checksum_is_misprinted_is_refused() -> None:
    request = Cjt188Request(meter_type=0x10, address="78330011223344", serial=0, is_swapped=True)

    with pytest.raises(TelegramError, match="checksum: is 08, the bytes add up to 13"):
        parse_frame(MISPRINTED)
    assert find_answer(MISPRINTED, request) is None
    assert explain(MISPRINTED, request).fit is Fit.CHECKSUM


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (b"", "start: is nothing, not 68"),
        (b"\xfe\xfe\x10", "start: is 10, not 68"),
        (HEAT_ANSWER[:15], "length: 11 bytes are fewer than the 13 of an empty frame"),
        (HEAT_ANSWER[:-1], "length: 58 bytes, the frame says 59"),
        (HEAT_ANSWER + b"\x00", "length: 60 bytes, the frame says 59"),
        (HEAT_ANSWER[:-2] + b"\x32\x16", "checksum: is 32, the bytes add up to 31"),
        (HEAT_ANSWER[:-1] + b"\x17", "end: is 17, not 16"),
    ],
)
def test_bytes_that_are_no_frame_are_refused_with_the_reason(bad: bytes, text: str) -> None:
    with pytest.raises(TelegramError) as caught:
        parse_frame(bad)

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (
            Cjt188Request(meter_type=0x21, address="00000040314132", serial=1),
            "type: is 20, asked was 21",
        ),
        (
            Cjt188Request(meter_type=0x20, address="00000040314133", serial=1),
            "address: is 00000040314132, asked was 00000040314133",
        ),
        (
            Cjt188Request(meter_type=0x20, address="00000040314132", serial=2),
            "serial number: is 01, asked was 02",
        ),
        (
            Cjt188Request(
                meter_type=0x20,
                address="00000040314132",
                serial=1,
                control=Control.READ_ADDRESS,
                identifier=Identifier.ADDRESS,
            ),
            "control: is 81, wanted is 83",
        ),
    ],
)
def test_the_answer_to_another_request_is_not_taken(request_: Cjt188Request, text: str) -> None:
    assert find_answer(HEAT_ANSWER, request_) is None
    assert explain(HEAT_ANSWER, request_).text == text


def test_an_answer_with_another_identifier_is_not_taken() -> None:
    frame = parse_frame(HEAT_ANSWER)
    other = encode_frame(
        Cjt188Frame(
            meter_type=frame.meter_type,
            address=frame.address,
            control=frame.control,
            data=b"\xd1\x20" + frame.data[2:],
        )
    )

    assert find_answer(other, HEAT) is None
    assert explain(other, HEAT).text == "identifier: is D120, asked was 901f"


def test_two_meters_with_one_address_that_differ_are_both_doubted() -> None:
    frame = parse_frame(HEAT_ANSWER)
    other = encode_frame(
        Cjt188Frame(
            meter_type=frame.meter_type,
            address=frame.address,
            control=frame.control,
            data=frame.data[:-1] + b"\x01",
        )
    )

    with pytest.raises(TelegramError, match="answer: 2 that differ"):
        find_answer(HEAT_ANSWER + other, HEAT)
    assert find_answer(HEAT_ANSWER + HEAT_ANSWER, HEAT) is not None


def test_our_own_echo_and_wake_up_bytes_are_silence() -> None:
    complaint = explain(HEAT.telegram() + b"\xfe\xfe", HEAT)

    assert (complaint.fit, complaint.text) == (Fit.NOTHING, "no answer")


@pytest.mark.parametrize(
    ("data", "payload"),
    [(b"\x01\x02\x03", b"\x02\x03"), (b"\x05", b"\x05"), (b"\x90\x1f\x01\x07", b"\x07")],
)
def test_refusals_of_every_known_shape_are_understood(data: bytes, payload: bytes) -> None:
    refusal = Cjt188Frame(meter_type=0x20, address=HEAT.address, control=0xC1, data=data)
    answer = find_answer(encode_frame(refusal), HEAT)

    assert answer is not None
    assert (answer.is_refusal, answer.payload) == (True, payload)


def test_the_refusal_of_an_earlier_request_is_not_taken() -> None:
    refusal = Cjt188Frame(meter_type=0x20, address=HEAT.address, control=0xC1, data=b"\x00\x02\x03")

    assert find_answer(encode_frame(refusal), HEAT) is None


def test_an_address_in_the_data_must_be_that_of_the_frame() -> None:
    own = bytes.fromhex("18021220200000")
    good = Cjt188Frame(
        meter_type=0x10, address=WATER.address, control=0x83, data=b"\x0a\x81\x00" + own
    )
    bad = Cjt188Frame(
        meter_type=0x10, address=WATER.address, control=0x83, data=b"\x0a\x81\x00" + own[::-1]
    )

    assert find_answer(encode_frame(good), any_meter(0)) is not None
    assert find_answer(encode_frame(bad), any_meter(0)) is None


def test_an_address_of_another_length_fits_no_frame() -> None:
    with pytest.raises(ValueError, match="fit no frame"):
        encode_frame(Cjt188Frame(meter_type=0x10, address="1234", control=1, data=b""))


@given(frame=frames, count=st.integers(0, 8))
def test_every_frame_comes_back_as_it_was(frame: Cjt188Frame, count: int) -> None:
    assert parse_frame(encode_frame(frame, wake_up_count=count)) == frame


@given(
    frame=frames,
    before=st.binary(max_size=30).map(lambda noise: noise.replace(b"\x68", b"\xfe")),
    after=st.binary(max_size=30),
)
def test_a_frame_is_found_in_noise(frame: Cjt188Frame, before: bytes, after: bytes) -> None:
    assert next(frames_in(before + encode_frame(frame) + after)) == frame


@given(noise=st.binary(max_size=20))
def test_a_start_byte_in_the_noise_before_costs_nothing(noise: bytes) -> None:
    answer = find_answer(b"\x68" + noise + HEAT_ANSWER, HEAT)

    assert answer is not None
    assert answer.frame == parse_frame(HEAT_ANSWER)


@pytest.mark.parametrize("telegram", [HEAT_ANSWER, WATER_ANSWER])
def test_no_bit_flip_makes_another_answer(telegram: bytes) -> None:
    request = HEAT if telegram is HEAT_ANSWER else WATER
    whole = find_answer(telegram, request)
    for bit in range(8 * len(telegram)):
        flipped = bytearray(telegram)
        flipped[bit // 8] ^= 1 << bit % 8
        assert find_answer(bytes(flipped), request) in (None, whole)


def test_no_truncation_makes_an_answer() -> None:
    for size in range(len(HEAT_ANSWER)):
        assert find_answer(HEAT_ANSWER[:size], HEAT) is None


@given(received=st.binary(max_size=120))
def test_noise_is_never_an_answer_and_never_an_error(received: bytes) -> None:
    assert find_answer(received, HEAT) is None
    assert explain(received, HEAT).text
    assert len(candidate_at(received, 0)) <= len(received)
