"""The meter's own clock is read in every layout, and nonsense is no moment."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.clocks import TIME6, moment_of, parse_layout
from firmware_profiles.decode import decode_group, decode_registers
from firmware_profiles.errors import ProfileError
from firmware_profiles.words import WordAddress
from tests.firmware_profiles.profile_text import TEXT, parsed, register

AT = datetime(2017, 1, 11, 22, 19, 20)  # noqa: DTZ001  # a meter's clock has no zone


def clocked(keys: str, words: str) -> tuple[dict[str, object], datetime | None]:
    """Return the local values and the clock of a meter whose clock register is at 60."""
    row = register("clock", 60, f'{keys}\nquantity = "clock"\ngroup = "slow"')
    image: dict[WordAddress, int] = {
        (3, 60 + offset): int(word, 16) for offset, word in enumerate(words.split())
    }
    profile = parsed(TEXT + row)
    return dict(decode_registers(profile, image)), decode_group(profile, "slow", image, {}).clock


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('type = "u16"\ncount = 3\nclock = "bcd nn ss dd hh yy mm"', "1920 1122 1701"),
        ('type = "u16"\ncount = 6\nclock = "yyyy mm dd hh nn ss"', "07E1 1 B 16 13 14"),
        ('type = "u16"\ncount = 7\nclock = "bcd -- yyyy mm dd hh nn ss"', "9 2017 1 11 22 19 20"),
        ('type = "time6"\ncount = 3\nclock = "yy mm dd hh nn ss"', "1101 0B16 1314"),
    ],
)
def test_every_layout_says_the_same_moment(keys: str, words: str) -> None:
    assert clocked(keys, words) == ({"clock": "2017-01-11T22:19:20"}, AT)


def test_a_plain_time6_keeps_its_bytes_and_tells_the_clock() -> None:
    assert clocked('type = "time6"\ncount = 3', "1101 0B16 1314") == (
        {"clock": (17, 1, 11, 22, 19, 20)},
        AT,
    )


def test_epoch_seconds_are_utc() -> None:
    keys = 'type = "u32"\ncount = 2\nclock = "epoch"'

    assert clocked(keys, "5876 AF68")[1] == datetime(2017, 1, 11, 22, 19, 20, tzinfo=UTC)
    assert clocked(keys, "0000 0000") == ({}, None)


def test_the_mbus_form_has_no_seconds_and_an_invalid_bit() -> None:
    keys = 'type = "u32"\ncount = 2\nclock = "cp32"'

    assert clocked(keys, "212B 1613")[1] == AT.replace(second=0)
    assert clocked(keys, "212B 1693")[1] is None


@given(st.lists(st.integers(0, 0xFFFF), min_size=3, max_size=6).map(tuple))
def test_any_words_are_a_moment_or_none(raw: tuple[int, ...]) -> None:
    for text in ("bcd nn ss dd hh yy mm", "yyyy mm dd hh nn ss"):
        layout = parse_layout(text)
        assert layout is not None
        moment = moment_of(layout, raw)

        assert moment is None or moment.tzinfo is None
    assert moment_of(TIME6, "text") is None


@given(st.integers(0, 0xFFFF_FFFF))
def test_any_number_is_an_mbus_moment_or_none(raw: int) -> None:
    layout = parse_layout("cp32")
    assert layout is not None
    moment = moment_of(layout, raw)

    assert moment is None or moment.second == 0


@pytest.mark.parametrize(
    "text", ["", "noon", "yy mm dd", "yy yyyy mm dd hh nn", "yy yy mm dd hh nn", "YY MM DD HH NN"]
)
def test_what_is_no_layout_is_refused(text: str) -> None:
    with pytest.raises(ProfileError, match="is no layout; write"):
        clocked(f'type = "u16"\ncount = 3\nclock = "{text}"', "0 0 0")


@pytest.mark.parametrize(
    "keys",
    [
        'type = "u16"\ncount = 4\nclock = "yy mm dd hh nn ss"',
        'type = "u16"\ncount = 2\nclock = "epoch"',
        'type = "f32"\ncount = 2\nclock = "yy mm dd hh"',
    ],
)
def test_a_layout_that_does_not_fit_is_refused(keys: str) -> None:
    with pytest.raises(ProfileError, match="clock"):
        clocked(keys, "0 0 0 0")
