"""The byte order is the only one in which the meter's words make sense, or it stays open."""

import struct
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firmware_profiles.byte_order import ByteOrder, arrange
from firmware_profiles.completeness import open_points
from firmware_profiles.decode import decode_group, decode_registers
from firmware_profiles.errors import ProfileError
from firmware_profiles.parse_profile import parse_reference
from firmware_profiles.profile import Profile
from firmware_profiles.word_orders import (
    OrderSign,
    decide_order,
    order_sign,
    order_witness,
    with_order,
)
from firmware_profiles.words import WordAddress
from tests.firmware_profiles.profile_text import FLOW, HEAD, TEXT, VECTOR, parsed, with_line
from wire_contracts.quality import BAD_PROFILE, BAD_TIMEOUT
from wire_contracts.quantities import Quantity

PROBE = """
[[identify]]
method = "word_order_probe"
fc = 3
address = 10
count = 2
type = "f32"
min = -40
max = 200
"""


def probed(*, bytes_too: bool = False, row: str = PROBE, flow: str = FLOW) -> Profile:
    """Return a profile whose word order (and byte order) must be found."""
    head = HEAD.replace('word_order = "big"', 'word_order = "probe"')
    if bytes_too:
        head = head.replace('byte_order = "big"', 'byte_order = "unknown"')
    return parsed(head + flow + VECTOR + row)


def words(value: float, order: ByteOrder) -> dict[WordAddress, int]:
    """Return the two words of a float at address 10."""
    high, low = struct.unpack(">2H", arrange(struct.pack(">f", value), order))
    return {(3, 10): high, (3, 11): low}


@pytest.mark.parametrize("order", ByteOrder)
@pytest.mark.parametrize("value", [20.5, 10.0, -3.25])
def test_round_numbers_do_not_fool_it(order: ByteOrder, value: float) -> None:
    assert decide_order(probed(bytes_too=True), [words(value, order)]) is order


@given(st.floats(-40, 200, width=32), st.sampled_from([ByteOrder.ABCD, ByteOrder.CDAB]))
def test_it_finds_the_right_order_or_none(value: float, order: ByteOrder) -> None:
    assume(value == 0 or abs(value) >= 1e-9)

    assert decide_order(probed(), [words(value, order)]) in (order, None)


@pytest.mark.parametrize("fault", [-9999.0, 9999.0, 9999.9, -999.9, 999.0, -127.0, 850.0])
def test_the_fault_value_of_a_sensor_decides_nothing(fault: float) -> None:
    for order in (ByteOrder.ABCD, ByteOrder.CDAB):
        assert decide_order(probed(), [words(fault, order)]) is None


@given(st.floats(2.0**-19, 2.0**29, width=32), st.sampled_from([1.0, -1.0]))
def test_what_is_decided_is_never_a_number_of_another_order(value: float, sign: float) -> None:
    """Whatever a broken sensor shows: where it could be said in both orders nothing is decided."""
    assert decide_order(probed(), [words(sign * value, ByteOrder.ABCD)]) in (ByteOrder.ABCD, None)


def test_a_zero_reads_the_same_in_every_order() -> None:
    assert decide_order(probed(), [words(0.0, ByteOrder.ABCD)]) is None


def test_what_one_image_leaves_open_another_decides() -> None:
    images = [words(0.0, ByteOrder.CDAB), words(21.5, ByteOrder.CDAB)]

    for seen in permutations(images):
        assert decide_order(probed(), seen) is ByteOrder.CDAB


def test_images_that_disagree_decide_nothing() -> None:
    images = [words(21.5, ByteOrder.ABCD), words(21.5, ByteOrder.CDAB)]

    assert decide_order(probed(), images) is None


def test_words_that_are_not_there_decide_nothing() -> None:
    assert decide_order(probed(), []) is None
    assert decide_order(probed(), [{(3, 10): 0x41A4}]) is None


@pytest.mark.parametrize(
    ("value", "sign"),
    [
        (20.5, OrderSign.HOLDS),
        (0.0, OrderSign.OPEN),
        (20.4, OrderSign.OPEN),
        (1e30, OrderSign.BROKEN),
        (float("nan"), OrderSign.UNTOLD),
    ],
)
def test_a_poll_says_what_it_can_of_the_order_that_was_found(value: float, sign: OrderSign) -> None:
    witness = order_witness(probed())
    turned = {(3, 10): 0x41A4, (3, 11): 0}

    assert order_sign(witness, ByteOrder.CDAB, words(value, ByteOrder.CDAB)) is sign
    assert order_sign(witness, ByteOrder.CDAB, {}) is OrderSign.UNTOLD
    assert order_sign(witness, ByteOrder.CDAB, turned) is OrderSign.CONTRADICTED


WORD = st.integers(0, 0xFFFF) | st.sampled_from([0, 0x41A4, 0xC220, 0x4348, 0x7FC0, 0x8000])
UNEVEN = PROBE.replace("max = 200", "max = 200.0000001")
"""No float, so that each probe is worked out exactly; no f32 lies between the two limits."""


@given(high=WORD, low=WORD, bytes_too=st.booleans())
def test_what_floats_say_quickly_is_what_they_say_exactly(
    high: int, low: int, *, bytes_too: bool
) -> None:
    quick, exact = (probed(bytes_too=bytes_too, row=row) for row in (PROBE, UNEVEN))
    image = {(3, 10): high, (3, 11): low}

    assert decide_order(quick, [image]) is decide_order(exact, [image])
    for order in quick.order_candidates:
        signs = [order_sign(order_witness(each), order, image) for each in (quick, exact)]
        assert signs[0] is signs[1]


def test_a_meter_whose_order_is_known_is_decoded_in_it() -> None:
    profile = with_order(probed(), ByteOrder.CDAB)
    decoded = decode_group(profile, "fast", words(20.5, ByteOrder.CDAB), {})

    assert profile.reference == "example_heat@1+CDAB"
    assert decoded.values == {Quantity.FLOW_M3H: 20.5}


def test_a_frame_that_decides_for_itself_is_decoded() -> None:
    image = words(20.5, ByteOrder.CDAB)

    assert decode_group(probed(), "fast", image, {}).values == {Quantity.FLOW_M3H: 20.5}
    assert decode_registers(probed(), image) == {"flow": 20.5}


def test_an_order_that_is_still_open_gives_no_value() -> None:
    open_order = decode_group(probed(), "fast", words(0.0, ByteOrder.ABCD), {})
    unread = decode_group(probed(), "fast", {}, {(3, 10): BAD_TIMEOUT})

    assert (open_order.values, open_order.quality) == ({}, {Quantity.FLOW_M3H: BAD_PROFILE})
    assert (unread.values, unread.quality) == ({}, {Quantity.FLOW_M3H: BAD_TIMEOUT})


def test_whole_numbers_decide_too() -> None:
    row = PROBE.replace('"f32"', '"u32"').replace("min = -40\nmax = 200", "min = 1\nmax = 65535")

    assert decide_order(probed(row=row), [{(3, 10): 0, (3, 11): 77}]) is ByteOrder.ABCD
    assert decide_order(probed(row=row), [{(3, 10): 77, (3, 11): 0}]) is ByteOrder.CDAB


def test_a_probe_with_an_order_of_its_own_keeps_it() -> None:
    known = '\n[[identify]]\nmethod = "registers"\nfc = 3\naddress = 10\ncount = 2\n'
    row = PROBE + known + 'type = "u32"\norder = "ABCD"\nequals = 7\n'
    row += '\n[[identify]]\nmethod = "note"\n'
    orders = [
        None if probe.coding is None else probe.coding.order
        for probe in with_order(probed(row=row), ByteOrder.CDAB).probes
    ]

    assert orders == [ByteOrder.CDAB, ByteOrder.ABCD, None]


def test_a_row_with_an_order_of_its_own_keeps_it() -> None:
    flow = with_line(FLOW, 'order = "ABCD"')
    profile = with_order(probed(flow=flow), ByteOrder.CDAB)

    assert profile.registers["flow"].coding.order is ByteOrder.ABCD


def test_a_probe_that_can_decide_is_fit_for_release() -> None:
    blocking = [point.field for point in open_points(probed()) if point.is_blocking]
    without = [point.field for point in open_points(probed(row="")) if point.is_blocking]

    assert (blocking, without) == ([], ["decode"])


def test_a_reference_carries_the_order() -> None:
    assert parse_reference("x_1@12") == ("x_1", 12, None)
    assert parse_reference("x_1@12+BADC") == ("x_1", 12, ByteOrder.BADC)
    assert parsed(TEXT).reference == "example_heat@1"


@pytest.mark.parametrize("text", ["x", "x@", "x@0", "x@1+", "x@1+ABDC", "X@1", "x@1@2", "x@²"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ProfileError, match="is not ID@REVISION; write it like tuf_2000m@1"):
        parse_reference(text)
