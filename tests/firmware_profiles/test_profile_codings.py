"""Every type in every byte order: what is laid out for the wire is read back."""

import math
import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.byte_order import ByteOrder, arrange, orders_of
from firmware_profiles.codings import (
    HALVES,
    WORD_COUNTS,
    Coding,
    Raw,
    WireType,
    decode_words,
    encode_words,
)
from firmware_profiles.errors import EncodeError

ORDERS = st.sampled_from(ByteOrder)
RANGES = {
    WireType.BIT: (0, 1),
    WireType.U8: (0, 2**8 - 1),
    WireType.I8: (-(2**7), 2**7 - 1),
    WireType.U16: (0, 2**16 - 1),
    WireType.I16: (-(2**15), 2**15 - 1),
    WireType.U32: (0, 2**32 - 1),
    WireType.I32: (-(2**31), 2**31 - 1),
    WireType.U48: (0, 2**48 - 1),
    WireType.U64: (0, 2**64 - 1),
    WireType.I64: (-(2**63), 2**63 - 1),
    WireType.BITFIELD16: (0, 2**16 - 1),
    WireType.BITFIELD32: (0, 2**32 - 1),
    WireType.BCD16: (0, 10**4 - 1),
    WireType.BCD32: (0, 10**8 - 1),
    WireType.BCD48: (0, 10**12 - 1),
    WireType.BCD64: (0, 10**16 - 1),
}


def coding(kind: WireType, order: ByteOrder, count: int = 1) -> Coding:
    return Coding(kind=kind, word_count=WORD_COUNTS[kind] or count, order=order)


@given(st.sampled_from(sorted(RANGES)), ORDERS, st.data())
def test_whole_numbers_come_back_exactly(
    kind: WireType, order: ByteOrder, data: st.DataObject
) -> None:
    low, high = RANGES[kind]
    is_high = data.draw(st.booleans())
    number = data.draw(st.integers(low, high))
    form = Coding(
        kind=kind,
        word_count=WORD_COUNTS[kind] or 1,
        order=order,
        is_high_byte=is_high and kind in HALVES,
    )

    assert decode_words(form, encode_words(form, number)) == number


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), ORDERS)
def test_single_floats_come_back_exactly(number: float, order: ByteOrder) -> None:
    form = coding(WireType.F32, order)

    assert decode_words(form, encode_words(form, Fraction(number))) == Fraction(number)


@given(st.floats(allow_nan=False, allow_infinity=False), ORDERS)
def test_double_floats_come_back_exactly(number: float, order: ByteOrder) -> None:
    form = coding(WireType.F64, order)

    assert decode_words(form, encode_words(form, Fraction(number))) == Fraction(number)


@given(st.integers(0, 2**32 - 2), st.floats(0, 1, width=32), ORDERS)
def test_whole_and_fraction_come_back_exactly(whole: int, part: float, order: ByteOrder) -> None:
    form = coding(WireType.INTREAL, order)
    number = whole + Fraction(part)

    assert decode_words(form, encode_words(form, number)) == number


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=22), ORDERS)
def test_characters_are_never_reordered(text: str, order: ByteOrder) -> None:
    form = coding(WireType.STRING, order, 11)
    words = encode_words(form, text)

    assert decode_words(form, words) == text
    assert words == encode_words(coding(WireType.STRING, ByteOrder.ABCD, 11), text)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=22), ORDERS)
def test_characters_of_meters_that_swap_them_come_back(text: str, order: ByteOrder) -> None:
    form = coding(WireType.STRING_LE, order, 11)
    words = encode_words(form, text)

    assert decode_words(form, words) == text
    assert words == tuple(
        word >> 8 | (word & 0xFF) << 8
        for word in encode_words(coding(WireType.STRING, order, 11), text)
    )


@given(st.tuples(*[st.integers(0, 255)] * 6), ORDERS)
def test_clock_bytes_come_back(clock: tuple[int, ...], order: ByteOrder) -> None:
    form = coding(WireType.TIME6, order)

    assert decode_words(form, encode_words(form, clock)) == clock


@given(st.lists(st.integers(0, 0xFFFF), min_size=2, max_size=8), ORDERS)
def test_an_array_of_words_comes_back(items: list[int], order: ByteOrder) -> None:
    form = coding(WireType.U16, order, len(items))

    assert decode_words(form, encode_words(form, tuple(items))) == tuple(items)


@given(st.binary(min_size=2, max_size=8).filter(lambda data: len(data) % 2 == 0), ORDERS)
def test_each_byte_order_undoes_itself(data: bytes, order: ByteOrder) -> None:
    assert arrange(arrange(data, order), order) == data


@given(st.sampled_from(WireType), ORDERS, st.integers(1, 6), st.data())
def test_any_words_decode_or_say_that_they_hold_nothing(
    kind: WireType, order: ByteOrder, count: int, data: st.DataObject
) -> None:
    form = coding(kind, order, count)
    size = form.word_count
    words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=size, max_size=size))

    raw = decode_words(form, words)

    assert raw is None or isinstance(raw, int | Fraction | str | tuple)


@pytest.mark.parametrize(
    ("order", "data"),
    [
        (ByteOrder.ABCD, b"\x3f\x9e\x06\x51"),
        (ByteOrder.CDAB, b"\x06\x51\x3f\x9e"),
        (ByteOrder.DCBA, b"\x51\x06\x9e\x3f"),
        (ByteOrder.BADC, b"\x9e\x3f\x51\x06"),
    ],
)
def test_the_orders_lie_on_the_wire_as_their_names_say(order: ByteOrder, data: bytes) -> None:
    words = struct.unpack(">2H", data)
    raw = decode_words(coding(WireType.F32, order), words)

    assert isinstance(raw, Fraction)
    assert float(raw) == pytest.approx(1.2345678)


def test_the_two_keys_of_decode_name_the_four_orders() -> None:
    assert orders_of("big", "big") == (ByteOrder.ABCD,)
    assert orders_of("big", "little") == (ByteOrder.CDAB,)
    assert orders_of("little", "little") == (ByteOrder.DCBA,)
    assert orders_of("little", "big") == (ByteOrder.BADC,)


def test_a_key_that_is_unknown_leaves_several_orders() -> None:
    assert orders_of("big", "unknown") == (ByteOrder.ABCD, ByteOrder.CDAB)
    assert orders_of("little", "probe") == (ByteOrder.DCBA, ByteOrder.BADC)
    assert orders_of("unknown", "unknown") == tuple(ByteOrder)


@pytest.mark.parametrize("order", ByteOrder)
def test_one_little_endian_word_is_swapped_in_itself(order: ByteOrder) -> None:
    is_swapped = order in (ByteOrder.DCBA, ByteOrder.BADC)

    assert decode_words(coding(WireType.U16, order), [0x1234]) == (0x3412 if is_swapped else 0x1234)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (WireType.F32, struct.pack(">f", math.nan)),
        (WireType.F32, struct.pack(">f", math.inf)),
        (WireType.F64, struct.pack(">d", -math.inf)),
        (WireType.INTREAL, b"\0\0\0\1" + struct.pack(">f", math.nan)),
        (WireType.BCD32, b"\x12\x34\x5a\x78"),
        (WireType.BCD48, b"\xff\xff\xff\xff\xff\xff"),
        (WireType.STRING, b"\xe4\xb8"),
    ],
)
def test_what_is_no_number_is_nothing(kind: WireType, data: bytes) -> None:
    words = struct.unpack(f">{len(data) // 2}H", data)

    assert decode_words(coding(kind, ByteOrder.ABCD), words) is None


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (WireType.U8, 256),
        (WireType.U16, -1),
        (WireType.U16, 65536),
        (WireType.I16, 32768),
        (WireType.U32, 2**32),
        (WireType.U64, -1),
        (WireType.F32, Fraction(10) ** 39),
        (WireType.F64, Fraction(10) ** 400),
        (WireType.BCD32, 10**8),
        (WireType.BCD48, -1),
        (WireType.INTREAL, 2**32),
        (WireType.STRING, "three"),
        (WireType.STRING, "水"),
        (WireType.U16, "text"),
        (WireType.TIME6, (1, 2)),
        (WireType.TIME6, (0, 0, 0, 0, 0, 256)),
        (WireType.U16, (1, 2)),
    ],
)
def test_what_does_not_fit_is_refused(kind: WireType, raw: Raw) -> None:
    with pytest.raises(EncodeError, match=rf"does not fit {kind} in \d words"):
        encode_words(coding(kind, ByteOrder.ABCD), raw)


def test_a_fraction_that_rounds_up_carries_into_the_whole() -> None:
    form = coding(WireType.INTREAL, ByteOrder.ABCD)

    assert encode_words(form, 7 + 1 - Fraction(1, 2**40)) == (0, 8, 0, 0)
