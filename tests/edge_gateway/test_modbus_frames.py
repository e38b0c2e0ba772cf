"""Frames are found whole, right and amid noise; nothing else is a frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerAscii, FramerRTU

from edge_gateway.links.ascii_frames import ascii_frame, explain_ascii, find_ascii, lrc
from edge_gateway.links.dtu_signs import MOST_LEARNT, DtuSigns
from edge_gateway.links.mbap_frames import explain_mbap, find_mbap_amid
from edge_gateway.links.modbus_frames import Expected, Shape, read_shape
from edge_gateway.links.rtu_frames import crc16, explain_rtu, find_rtu, rtu_frame

UNITS = st.integers(1, 247)
DATA = st.binary(min_size=2, max_size=40).filter(lambda data: len(data) % 2 == 0)
NOISE = st.binary(max_size=30)


def expected(unit: int, data: bytes, transaction: int = 0) -> Expected:
    request = rtu_frame(bytes((unit, 3, 0xAB, 0xCD, 0, len(data) // 2)))
    return Expected(shape=read_shape(unit, 3, len(data)), request=request, transaction=transaction)


def answer(unit: int, data: bytes) -> bytes:
    return bytes((unit, 3, len(data))) + data


def numbered(transaction: int, payload: bytes) -> bytes:
    return transaction.to_bytes(2, "big") + b"\0\0" + len(payload).to_bytes(2, "big") + payload


@given(st.binary(min_size=2, max_size=253))
def test_our_checksums_are_those_of_the_protocol_library(payload: bytes) -> None:
    assert crc16(payload) == int.from_bytes(
        FramerRTU.compute_CRC(payload).to_bytes(2, "big"), "little"
    )
    assert lrc(payload) == FramerAscii.compute_LRC(payload)


@given(UNITS, DATA, NOISE, NOISE)
def test_an_rtu_answer_is_found_between_noise(
    unit: int, data: bytes, before: bytes, behind: bytes
) -> None:
    wanted = expected(unit, data)
    heard = before + rtu_frame(answer(unit, data)) + behind
    found = []
    while (frame := find_rtu(heard, wanted, is_final=True)) is not None:
        found.append(frame.payload)
        heard = heard[frame.end :]

    assert answer(unit, data) in found


@given(UNITS, DATA)
def test_an_rtu_answer_is_waited_for_until_its_last_byte(unit: int, data: bytes) -> None:
    whole = rtu_frame(answer(unit, data))
    wanted = expected(unit, data)
    found = [find_rtu(whole[:end], wanted, is_final=False) for end in range(len(whole))]

    assert found == [None] * len(whole)


@given(UNITS, DATA, st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_rtu_answer_is_none(unit: int, data: bytes, where: int, how: int) -> None:
    whole = bytearray(rtu_frame(answer(unit, data)))
    whole[where % len(whole)] ^= how
    found = find_rtu(bytes(whole), expected(unit, data), is_final=True)

    assert found is None or not expected(unit, data).shape.fits(found.payload)


@given(UNITS, DATA, NOISE, NOISE)
def test_an_ascii_answer_is_found_between_noise(
    unit: int, data: bytes, before: bytes, behind: bytes
) -> None:
    wanted = expected(unit, data)
    heard = before + ascii_frame(answer(unit, data)) + behind
    frame = find_ascii(heard, wanted, is_final=True)

    assert frame is not None
    assert frame.payload == answer(unit, data)


@given(UNITS, DATA, st.integers(1, 65535), NOISE)
def test_a_numbered_answer_is_found_behind_a_dtus_words(
    unit: int, data: bytes, transaction: int, before: bytes
) -> None:
    wanted = expected(unit, data, transaction)
    whole = numbered(transaction, answer(unit, data))
    frame = find_mbap_amid(before + whole, wanted, is_final=True)
    found = None if frame is None else frame.payload

    assert found in {answer(unit, data), None} or not wanted.shape.fits(found or b"")


@given(st.binary(max_size=300), UNITS)
def test_no_bytes_make_a_finder_fail(heard: bytes, unit: int) -> None:
    wanted = expected(unit, b"\0\0", 7)
    finders = (find_rtu, find_ascii, find_mbap_amid)
    explained = [
        each(heard or b"\0", wanted) for each in (explain_rtu, explain_ascii, explain_mbap)
    ]
    ends = [
        frame.end
        for find in finders
        for is_final in (False, True)
        if (frame := find(heard, wanted, is_final=is_final)) is not None
    ]

    assert all(0 < end <= len(heard) for end in ends)
    assert all(each.text for each in explained)


@pytest.mark.parametrize(
    ("heard", "kind", "said"),
    [
        (rtu_frame(answer(9, b"\0\1\0\2"))[:6], "shape", "cut after 6 of 9"),
        (b"\xf8\x00\xe0\xfe", "checksum", "4 bytes without a right checksum"),
        (rtu_frame(bytes((9, 3, 4, 0, 1))), "shape", "byte count is not its length"),
    ],
)
def test_what_is_no_answer_is_called_by_its_name(
    heard: bytes,
    kind: str,
    said: str,
) -> None:
    left = explain_rtu(heard, expected(9, b"\0\1\0\2"))

    assert left.is_checksum == (kind == "checksum")
    assert said in left.text


def test_a_shape_is_its_head_and_its_length() -> None:
    shape = read_shape(9, 3, 4)

    assert shape == Shape(head=b"\x09\x03\x04", length=7)
    assert shape.fits(b"\x09\x03\x04abcd")
    assert not shape.fits(b"\x09\x03\x04abc")
    assert shape.is_refusal(b"\x09\x83\x02")


@given(DATA, st.binary(min_size=2, max_size=8), st.integers(0, 60))
def test_a_heartbeat_within_an_answer_is_cut_out_where_the_checksum_says_so(
    data: bytes, sign: bytes, where: int
) -> None:
    whole = rtu_frame(answer(9, data))
    at = where % (len(whole) + 1)
    signs = DtuSigns(told=[sign])
    heard = whole[:at] + sign + whole[at:]
    ways = [heard, *signs.without(heard)]

    assert whole in ways or any(find_rtu(way, expected(9, data), is_final=True) for way in ways)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_what_is_learnt_of_a_dtu_is_bounded(heard: list[bytes]) -> None:
    signs = DtuSigns()
    for each in heard:
        signs.learn(each)

    assert len(signs.learnt) <= MOST_LEARNT
    assert all(2 <= len(sign) <= 64 for sign in signs.learnt)


def test_two_heartbeats_at_once_are_learnt_as_one() -> None:
    signs = DtuSigns()
    signs.learn(b"beat!beat!")

    assert signs.learnt == [b"beat!"]
