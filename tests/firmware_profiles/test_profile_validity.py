"""A value counts only while the meter says so: a fault is never zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.completeness import open_points
from firmware_profiles.counters import with_counters
from firmware_profiles.decode import Decoded, decode_group
from firmware_profiles.errors import ProfileError
from firmware_profiles.profile import Profile
from firmware_profiles.spans import group_spans
from firmware_profiles.words import Span, WordAddress
from tests.firmware_profiles.profile_text import FLOW, TEXT, parsed, register, with_line
from wire_contracts.quality import (
    BAD_CRC,
    BAD_MISMATCH,
    BAD_SENTINEL,
    BAD_TIMEOUT,
    SUSPECT_STATUS,
)
from wire_contracts.quantities import Quantity

FLOW_IS = Quantity.FLOW_M3H
QUALITY = register("signal", 20, 'count = 1\ntype = "u16"\nscale = "0.5"\nunit = "%"')
ERRORS = register("errors", 21, 'count = 1\ntype = "bitfield16"')
RULE = """
[[validity]]
name = "signal"
of = ["flow_m3h"]
need = [{ register = "signal", min = 60 }, { register = "errors", bit = 3, equals = 0 }]
event = "flow_sensor_no_signal"
"""


def ruled(rule: str = RULE, more: str = "") -> Profile:
    """Return the example profile with a signal and an error register, and a rule on its flow."""
    return parsed(TEXT + QUALITY + ERRORS + more + rule)


def words(signal: int = 160, errors: int = 0, flow: int = 0) -> dict[WordAddress, int]:
    """Return a flow (high word of the float), twice the signal in percent, and the error bits."""
    return {(3, 10): flow, (3, 11): 0, (3, 20): signal, (3, 21): errors}


def decoded(image: dict[WordAddress, int], profile: Profile | None = None) -> Decoded:
    """Return what one poll of the fast group says."""
    return decode_group(profile or ruled(), "fast", image, {})


def test_a_zero_with_a_good_signal_is_a_zero() -> None:
    found = decoded(words())

    assert (found.values, found.quality, found.events) == ({FLOW_IS: 0.0}, {}, ())


@pytest.mark.parametrize("image", [words(signal=119), words(errors=8), words(0, 8)])
def test_a_zero_without_a_signal_is_no_value(image: dict[WordAddress, int]) -> None:
    found = decoded(image)

    assert (found.values, found.quality) == ({}, {FLOW_IS: BAD_SENTINEL})
    assert found.events == ("flow_sensor_no_signal",)
    assert "flow" not in found.local


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_whatever_the_meter_says_the_rule_decides(signal: int, errors: int) -> None:
    is_valid = signal / 2 >= 60 and not errors & 8

    assert (FLOW_IS in decoded(words(signal, errors)).values) == is_valid


def test_what_a_rule_looks_at_is_read_with_the_value() -> None:
    spans = group_spans(ruled(), "fast")

    assert Span(function_code=3, address=20, word_count=1) in spans
    assert Span(function_code=3, address=21, word_count=1) in spans


def test_a_rule_that_could_not_be_looked_at_leaves_no_value() -> None:
    unread = {at: word for at, word in words().items() if at != (3, 20)}

    assert decoded(unread).quality == {FLOW_IS: BAD_MISMATCH}
    timed_out = decode_group(ruled(), "fast", unread, {(3, 20): BAD_TIMEOUT})
    assert (timed_out.quality, timed_out.events) == ({FLOW_IS: BAD_TIMEOUT}, ())
    assert decode_group(ruled(), "fast", {}, {(3, 10): BAD_CRC}).quality == {FLOW_IS: BAD_CRC}


def test_a_rule_may_doubt_instead() -> None:
    found = decoded(words(errors=8), ruled(RULE + 'otherwise = "suspect"\n'))

    assert (found.values, found.quality) == ({FLOW_IS: 0.0}, {FLOW_IS: SUSPECT_STATUS})


def test_the_worse_of_two_rules_decides() -> None:
    doubt = RULE.replace("signal", "again", 1) + 'otherwise = "suspect"\n'
    for rules in (RULE + doubt, doubt + RULE):
        text = rules.replace('name = "again"', 'name = "b"').replace("again", "signal")

        assert decoded(words(errors=8), ruled(text)).quality == {FLOW_IS: BAD_SENTINEL}


def test_a_register_may_state_its_own_rule_and_hard_limits() -> None:
    line = 'valid_if = [{ register = "flow", min = 0, max = 100 }]'
    profile = parsed(with_line(TEXT, line))

    assert decoded({(3, 10): 0x4120, (3, 11): 0}, profile).values == {FLOW_IS: 10.0}
    assert decoded({(3, 10): 0xC120, (3, 11): 0}, profile).quality == {FLOW_IS: BAD_SENTINEL}


def test_one_field_of_a_split_register_is_looked_at() -> None:
    split = register("both", 22, 'count = 1\ntype = "u16"\nsplit = "hi:step,lo:quality"')
    rule = RULE.replace('"signal", min', '"both.quality", min')
    profile = ruled(rule, split)

    assert decoded(words() | {(3, 22): 0x003C}, profile).values == {FLOW_IS: 0.0}
    assert decoded(words() | {(3, 22): 0x6400}, profile).quality == {FLOW_IS: BAD_SENTINEL}


def test_a_text_is_looked_at() -> None:
    unit = register("unit", 22, 'count = 2\ntype = "string"')
    profile = ruled(RULE.replace('"signal", min = 60', '"unit", equals = "m/s"'), unit)

    assert decoded(words() | {(3, 22): 0x6D2F, (3, 23): 0x7320}, profile).values == {FLOW_IS: 0.0}
    assert decoded(words() | {(3, 22): 0x6674, (3, 23): 0x2F73}, profile).values == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('of = ["flow_m3h"]', 'of = ["nix"]', "signal.of: 'nix' is no register or wire quantity"),
        ('"signal", min', '"nix", min', "signal.need.nix.register: 'nix' is no register of this"),
        ('"signal", min', '"signal.x", min', "'signal' has no field 'x'; name a field of its"),
        (", min = 60", "", "signal.need.signal.equals: is missing; say what it must be"),
        (", equals = 0", "", "need.errors.equals: is missing beside mask or bit; say what"),
        ("need = [", "need = []\nnote = [", "signal.need: is empty; write need = [{ register ="),
        ("min = 60", "least = 60", "signal.need.signal.least: is an unknown key"),
        ("equals = 0", "equals = 8", "need.errors.equals: 8 is no bit; write 0 or 1"),
        ("\nevent", '\notherwise = "drop"\nevent', "signal.otherwise: 'drop' is unknown; use bad"),
    ],
)
def test_a_rule_that_says_nonsense_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        ruled(RULE.replace(old, new))

    assert message in str(caught.value)


def test_an_event_nobody_knows_is_an_open_point() -> None:
    profile = ruled(RULE.replace("flow_sensor_no_signal", "no_signal"))

    assert [point.field for point in open_points(profile) if point.is_blocking] == [
        "register.flow.valid_if"
    ]


COUNTING = (
    FLOW
    + register("empty_count", 30, 'count = 1\ntype = "u16"')
    + """
[[status]]
register = "empty_count"
counter = true
name = "empty pipe"
event = "empty_pipe"
severity = "fault"
"""
)


def counted(count: int) -> Decoded:
    """Return a poll in which the meter has counted so many empty pipes."""
    image = {(3, 10): 0x4120, (3, 11): 0, (3, 30): count}
    return decode_group(parsed(TEXT.replace(FLOW, COUNTING)), "fast", image, {})


@pytest.mark.parametrize(
    ("before", "now", "is_event"), [(None, 7, False), (7, 7, False), (7, 8, True), (8, 2, False)]
)
def test_a_count_that_rose_is_the_event(before: int | None, now: int, is_event: bool) -> None:  # noqa: FBT001
    profile = parsed(TEXT.replace(FLOW, COUNTING))
    earlier = {} if before is None else {"empty_count": before}
    found = with_counters(profile, counted(now), earlier)

    assert counted(now).counters == {"empty_count": now}
    assert found.events == (("empty_pipe",) if is_event else ())
    assert found.values == {FLOW_IS: 10.0}
    assert found.quality == ({FLOW_IS: SUSPECT_STATUS} if is_event else {})


def test_a_count_stands_alone() -> None:
    with pytest.raises(ProfileError, match="counter: needs a register and nothing else"):
        parsed(TEXT.replace(FLOW, COUNTING.replace("counter = true", "counter = true\nbit = 1")))
