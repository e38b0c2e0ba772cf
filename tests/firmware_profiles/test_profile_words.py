"""Packed words: nothing lost, nothing larger than a frame can carry, nothing believed blindly."""

import contextlib
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.errors import WordsError
from firmware_profiles.words import (
    MAX_RAW_BYTES,
    BlockImage,
    Span,
    WordImage,
    pack_block,
    pack_words,
    span_in,
    unpack_words,
)

SPACES = st.integers(1, 4) | st.builds(
    lambda code, unit: unit * 256 + code, st.integers(1, 4), st.integers(1, 246)
)
ADDRESSES = st.tuples(SPACES, st.integers(0, 0xFFFF))
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


def refusal_of(pack: Callable[[], bytes]) -> bytes | str:
    """Return what was packed, or the words of the refusal."""
    try:
        return pack()
    except WordsError as error:
        return str(error)


@given(SPACES, st.integers(0, 0xFFFF), st.lists(st.integers(-1, 0x10000), max_size=130))
def test_a_block_is_packed_as_its_words_are(space: int, address: int, words: list[int]) -> None:
    block = span_in(space, address, len(words))
    image: WordImage = dict(zip(block.addresses(), words, strict=True))

    assert refusal_of(lambda: pack_block(block, words)) == refusal_of(lambda: pack_words(image))


def test_a_block_with_other_words_than_it_names_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        pack_block(Span(function_code=3, address=0, word_count=2), [1])


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
        ({(128, 0): 0}, r"\(128, 0\) is no word address"),
        ({(3 + 256 * 247, 0): 0}, r"\(63235, 0\) is no word address"),
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


def test_a_word_outside_a_block_is_not_in_it() -> None:
    block = Span(function_code=3, address=10, word_count=2)
    image = BlockImage(block, (7, 8))

    assert dict(image) == {(3, 10): 7, (3, 11): 8}
    assert len(image) == 2
    assert not any(at in image for at in ((3, 9), (3, 12), (4, 10), (0x103, 10)))
    with pytest.raises(WordsError, match="3 words, not the 2 of"):
        BlockImage(block, (7, 8, 9))


def test_words_packed_before_there_were_unit_offsets_are_still_read() -> None:
    packed = bytes.fromhex("03 0400 0002 C148 0000 04 0007 0001 0001")

    assert unpack_words(packed) == {(3, 0x400): 0xC148, (3, 0x401): 0, (4, 7): 1}
    assert pack_words(unpack_words(packed)) == packed


def test_the_pages_of_a_meter_keep_their_words_apart() -> None:
    here = Span(function_code=3, address=7, word_count=1)
    there = Span(unit_offset=2, function_code=3, address=7, word_count=1)
    image = {**dict.fromkeys(here.addresses(), 1), **dict.fromkeys(there.addresses(), 2)}

    packed = pack_words(image)

    assert packed == bytes.fromhex("03 0007 0001 0001 83 02 0007 0001 0002")
    assert unpack_words(packed) == image
    assert (here.space, there.space) == (3, 515)
    assert span_in(there.space, 7, 1) == there


@pytest.mark.parametrize("packed", ["83", "8300 0007 0001 0002", "83F7 0007 0001 0002", "83020007"])
def test_a_run_of_no_unit_is_refused(packed: str) -> None:
    with pytest.raises(WordsError, match="cut short or malformed at byte 0"):
        unpack_words(bytes.fromhex(packed))
