"""Packed words: nothing lost, nothing larger than a frame can carry, nothing believed blindly."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.errors import WordsError
from firmware_profiles.words import MAX_RAW_BYTES, Span, pack_words, unpack_words

ADDRESSES = st.tuples(st.integers(1, 4), st.integers(0, 0xFFFF))
IMAGES = st.dictionaries(ADDRESSES, st.integers(0, 0xFFFF), max_size=200)


@given(IMAGES)
def test_every_word_comes_back(image: dict[tuple[int, int], int]) -> None:
    before = dict(image)

    assert unpack_words(pack_words(image)) == image
    assert image == before


@given(IMAGES, st.randoms(use_true_random=False))
def test_the_order_of_reading_does_not_show(
    image: dict[tuple[int, int], int],
    chance: random.Random,
) -> None:
    items = list(image.items())
    chance.shuffle(items)

    assert pack_words(dict(items)) == pack_words(image)


@given(st.binary(max_size=200))
def test_any_bytes_unpack_or_are_refused(data: bytes) -> None:
    image: dict[tuple[int, int], int] | None = None
    with contextlib.suppress(WordsError):
        image = unpack_words(data)

    assert image is None or unpack_words(pack_words(image)) == image


@given(IMAGES.filter(bool), st.data())
def test_bytes_cut_short_never_give_a_word_that_was_not_there(
    image: dict[tuple[int, int], int], data: st.DataObject
) -> None:
    packed = pack_words(image)
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    try:
        found = unpack_words(cut)
    except WordsError:
        found = {}

    assert found.items() <= image.items()


def test_more_than_a_frame_can_carry_is_refused_on_both_sides() -> None:
    image = {(3, address): 0 for address in range(MAX_RAW_BYTES)}

    with pytest.raises(WordsError, match=r"bytes are over 6144; split the group"):
        pack_words(image)
    with pytest.raises(WordsError, match=r"bytes are over 6144; refuse the frame"):
        unpack_words(bytes(MAX_RAW_BYTES + 1))


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ({(3, 0): 65536}, r"65536 at \(3, 0\) is no 16-bit word"),
        ({(3, 0): -1}, r"-1 at \(3, 0\) is no 16-bit word"),
        ({(3, 65536): 0}, r"\(3, 65536\) is no word address"),
        ({(256, 0): 0}, r"\(256, 0\) is no word address"),
    ],
)
def test_what_is_no_word_is_not_packed(image: dict[tuple[int, int], int], problem: str) -> None:
    with pytest.raises(WordsError, match=problem):
        pack_words(image)


def test_a_word_named_twice_is_refused() -> None:
    packed = pack_words({(3, 7): 1})

    with pytest.raises(WordsError, match=r"address \(3, 7\) comes twice"):
        unpack_words(packed + packed)


def test_a_span_names_each_of_its_words() -> None:
    span = Span(function_code=4, address=10, word_count=3)

    assert list(span.addresses()) == [(4, 10), (4, 11), (4, 12)]
    assert span.end == 13
