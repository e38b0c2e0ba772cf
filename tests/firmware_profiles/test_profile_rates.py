"""No meter jumps: what moved too fast or fell is doubted until it has shown that it is so."""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.completeness import open_points
from firmware_profiles.decode import decode_group
from firmware_profiles.rates import (
    Point,
    Rule,
    Step,
    Trail,
    Turn,
    follow,
    kept_totals,
    rules_of,
    step,
)
from tests.firmware_profiles.profile_text import TEXT, parsed, with_line
from wire_contracts.quantities import Quantity

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOTAL = Rule(is_total=True)
FLOW = Rule(is_total=False, limit_per_hour=Fraction(2))

Seen = Sequence[tuple[float, float]]
"""Minutes and values."""


def steps(rule: Rule, seen: Seen) -> list[Step]:
    trail: Trail | None = None
    found = []
    for minutes, value in seen:
        found.append(step(rule, trail, Point(NOON + timedelta(minutes=minutes), value)))
        trail = found[-1].trail
    return found


def doubted(rule: Rule, seen: Seen) -> list[bool]:
    return [found.code is not None for found in steps(rule, seen)]


def turns(rule: Rule, seen: Seen) -> list[Turn | None]:
    return [found.turn for found in steps(rule, seen)]


@pytest.mark.parametrize(
    ("minutes", "flow_m3h", "is_suspect"),
    [(30, 2.0, False), (30, 2.1, True), (30, -0.1, True), (0, 9.0, False), (-5, 9.0, False)],
)
def test_a_jump_is_doubted(minutes: int, flow_m3h: float, *, is_suspect: bool) -> None:
    assert doubted(FLOW, [(0, 1.0), (minutes, flow_m3h)]) == [False, is_suspect]


def test_a_total_and_a_limited_value_are_followed_and_nothing_else() -> None:
    limited = parsed(with_line(TEXT, "max_rate = 2"))
    text = TEXT.replace('"m3/h"', '"m3"').replace('quantity = "flow"', 'quantity = "volume"')
    total = parsed(text.replace("flow_m3h = 10", "volume_m3 = 10"))

    assert rules_of(parsed()) == {}
    assert rules_of(limited) == {Quantity.FLOW_M3H: FLOW}
    assert rules_of(total) == {Quantity.VOLUME_M3: TOTAL}


def test_a_rate_is_in_the_printed_unit_of_its_register() -> None:
    text = TEXT.replace('unit = "m3/h"', 'unit = "L/h"')

    assert rules_of(parsed(with_line(text, "max_rate = 2000"))) == {Quantity.FLOW_M3H: FLOW}


def test_a_total_that_may_fall_is_not_doubted_where_it_does() -> None:
    text = TEXT.replace('"m3/h"', '"m3"').replace('quantity = "flow"', 'quantity = "volume"')
    net = with_line(text.replace("flow_m3h = 10", "volume_m3 = 10"), "may_fall = true")
    limited = with_line(net, "max_rate = 2")

    assert rules_of(parsed(net)) == {}
    assert rules_of(parsed(limited)) == {Quantity.VOLUME_M3: FLOW}


def test_a_key_that_says_nothing_of_its_register_is_told() -> None:
    whole = TEXT.replace('type = "f32"', 'type = "u32"').replace("4120 0000", "0000 000A")
    of_flow = open_points(parsed(with_line(TEXT, "may_fall = true")))
    of_whole = open_points(parsed(with_line(whole, 'floor = "1"')))

    assert [point.field for point in of_flow] == ["register.flow.may_fall"]
    assert [point.field for point in of_whole] == ["register.flow.floor"]


@pytest.mark.parametrize(
    ("floor", "value", "is_good"),
    [
        ("", 1e-9, False),
        ('floor = "0.001"', 1e-9, True),
        ('floor = "0.001"', -1e-9, True),
        ('floor = "1e-12"', 1e-9, False),
        ('floor = "0.001"', 1.5, True),
    ],
)
def test_noise_at_standstill_is_good_within_the_floor_of_its_register(
    floor: str, value: float, *, is_good: bool
) -> None:
    profile = parsed(with_line(TEXT, floor))
    high, low = struct.unpack(">2H", struct.pack(">f", value))
    decoded = decode_group(profile, "fast", {(3, 10): high, (3, 11): low}, {})

    assert decoded.values[Quantity.FLOW_M3H] == pytest.approx(value)
    assert (Quantity.FLOW_M3H not in decoded.quality) == is_good


def test_zeros_while_a_meter_starts_are_doubted_and_the_true_total_behind_them_is_not() -> None:
    seen = [(0, 123456.0), (1, 0.0), (2, 0.0), (3, 0.0), (4, 123456.0), (5, 123456.5)]

    assert doubted(TOTAL, seen) == [False, True, True, True, False, False]
    assert turns(TOTAL, seen) == [None, Turn.FELL, None, None, Turn.RETURNED, None]


def test_the_same_is_so_where_a_rate_is_limited() -> None:
    rule = TOTAL._replace(limit_per_hour=Fraction(1000))
    seen = [(0, 123456.0), (1, 0.0), (2, 0.0), (3, 123456.0)]

    assert doubted(rule, seen) == [False, True, True, False]


def test_an_exchanged_meter_that_counts_on_comes_through_within_an_hour() -> None:
    seen = [(0.0, 5000.0), *((minute, 7.0 + minute / 60) for minute in range(10, 90, 10))]

    assert doubted(TOTAL, seen) == [False] + [True] * 6 + [False] * 2
    assert turns(TOTAL, seen)[7] is Turn.SETTLED


def test_a_new_meter_that_counts_nothing_comes_through_within_a_day() -> None:
    seen = [(0.0, 5000.0), *((60.0 * hour, 0.0) for hour in range(1, 27))]

    assert doubted(TOTAL, seen) == [False] + [True] * 24 + [False] * 2


BOTH = {Quantity.VOLUME_M3: TOTAL, Quantity.ENERGY_KWH: TOTAL}
VOLUME, ENERGY, FLOW_M3H = Quantity.VOLUME_M3, Quantity.ENERGY_KWH, Quantity.FLOW_M3H


def zeros_doubted(polls: Sequence[dict[Quantity, float]]) -> list[set[Quantity]]:
    """Which values of polls a minute apart are doubted; the groups of a meter take turns."""
    trails: Mapping[Quantity, Trail] = {}
    found = []
    for minute, values in enumerate(polls):
        followed = follow(BOTH, trails, values, NOON + timedelta(minutes=minute))
        trails = followed.trails
        found.append(set(followed.suspects))
    return found


def test_zeros_of_another_group_are_doubted_while_a_total_shows_zero() -> None:
    fast, slow = {VOLUME: 9876.0}, {ENERGY: 0.0, FLOW_M3H: 0.0}
    polls = [fast, {VOLUME: 0.0}, slow, fast, {FLOW_M3H: 0.0}, {ENERGY: 5000.0}]

    assert zeros_doubted(polls) == [set(), {VOLUME}, {ENERGY, FLOW_M3H}, set(), set(), set()]


def test_a_flow_that_is_back_behind_doubted_zeros_has_not_jumped() -> None:
    rules = {VOLUME: TOTAL, FLOW_M3H: FLOW._replace(limit_per_hour=Fraction(750))}
    runs = {VOLUME: 9876.0, FLOW_M3H: 12.5}
    trails: Mapping[Quantity, Trail] = {}
    found = []
    for minute, values in ((0.0, runs), (1.0, dict.fromkeys(runs, 0.0)), (1.5, runs)):
        followed = follow(rules, trails, values, NOON + timedelta(minutes=minute))
        trails = followed.trails
        found.append(set(followed.suspects))

    assert found == [set(), {VOLUME, FLOW_M3H}, set()]


def test_a_total_that_stays_at_zero_doubts_no_standstill_of_a_meter_that_counts() -> None:
    """The energy of a calculator was cleared; its volume counts on, and is polled more often."""
    polls = [{VOLUME: 10.0, ENERGY: 7.0}, {ENERGY: 0.0}, {VOLUME: 10.0}, {FLOW_M3H: 0.0}]

    assert zeros_doubted(polls) == [set(), {ENERGY}, set(), set()]


def test_one_torn_reading_costs_itself_and_the_poll_behind_it() -> None:
    seen = [(0, 65_535.0), (1, 131_071.0), (2, 65_536.0), (3, 65_537.0), (4, 65_538.0)]

    assert doubted(TOTAL, seen) == [False, False, True, False, False]
    assert turns(TOTAL, seen) == [None] * 5


def test_one_wrong_reading_of_a_meter_that_has_counted_nothing_costs_no_day() -> None:
    seen = [(0, 0.0), (1, 4711.0), (2, 0.0), (3, 0.0), (4, 0.0)]

    assert doubted(TOTAL, seen) == [False, False, True, False, False]


def test_zeros_are_doubted_though_the_total_had_risen_and_stood_since() -> None:
    seen = [(0, 0.0), (1, 4711.0), (2, 4711.0), (3, 0.0), (4, 0.0), (5, 0.0), (6, 4711.0)]

    assert doubted(TOTAL, seen) == [False, False, False, True, True, True, False]


def test_polls_that_do_not_agree_with_each_other_confirm_nothing() -> None:
    falling = [(10.0 * place, 5000.0 - place) for place in range(30)]

    assert doubted(TOTAL, falling) == [False] + [True] * 29
    assert turns(TOTAL, falling).count(Turn.FELL) == 1


def test_two_polls_far_apart_are_not_enough() -> None:
    daily = [(0, 9.0), (1440, 1.0), (2880, 2.0), (4320, 3.0)]

    assert doubted(TOTAL, daily) == [False, True, True, False]


def restarted_between(seen: Seen, *, clock_off_h: float = 0.0) -> list[bool]:
    """Whether totals are doubted where the gateway is started anew before every poll."""
    trails: Mapping[Quantity, Trail] = {}
    found = []
    for place, (minutes, value) in enumerate(seen):
        at_utc = NOON + timedelta(minutes=minutes, hours=clock_off_h * place)
        followed = follow(BOTH, kept_totals(trails), {VOLUME: value}, at_utc)
        trails = followed.trails
        found.append(VOLUME in followed.suspects)
    return found


def test_a_total_that_fell_is_believed_though_the_gateway_is_started_before_each_poll() -> None:
    daily = [(1440.0 * day, 5000.0 if day < 1 else 3.0 + day) for day in range(6)]
    hourly = [(60.0 * hour, 5000.0 if hour < 1 else 0.0) for hour in range(52)]

    assert restarted_between(daily) == doubted(TOTAL, daily) == [False, True, True] + [False] * 3
    assert restarted_between(hourly) == [False] + [True] * 48 + [False] * 3


def test_the_time_without_power_confirms_no_zeros_of_meter_and_gateway() -> None:
    week = [(0.0, 5000.0), (1.0, 0.0), (10_080.0, 0.0), (20_160.0, 0.0), (20_161.0, 5000.0)]

    assert restarted_between(week) == [False, True, True, True, False]


@pytest.mark.parametrize("clock_off_h", [-24.0, -17_000.0])
def test_a_clock_that_is_behind_at_every_start_adds_no_time(clock_off_h: float) -> None:
    seen = [(1.0 * place, 5000.0 if place < 1 else 3.0 + place) for place in range(20)]

    assert restarted_between(seen, clock_off_h=clock_off_h) == [False] + [True] * 19


def test_a_torn_rise_is_forgiven_over_a_restart_too() -> None:
    seen = [(0, 65_535.0), (1, 131_071.0), (2, 65_536.0), (3, 65_537.0), (4, 65_538.0)]

    assert restarted_between(seen) == [False, False, True, False, False]


def test_a_flow_that_stays_where_it_jumped_is_believed_after_minutes() -> None:
    seen = [(0, 1.0), (1, 9.0), (2, 9.0), (3, 9.0), (6, 9.0)]

    assert doubted(FLOW, seen) == [False, True, True, True, False]


def test_the_last_digit_of_a_float_is_no_fall() -> None:
    assert doubted(TOTAL, [(0, 123456.789), (1, 123456.785)]) == [False, False]


@given(st.lists(st.floats(0, 1e9), max_size=12))
def test_a_total_that_only_counts_up_is_never_doubted(values: list[float]) -> None:
    seen = [(float(minute), value) for minute, value in enumerate(sorted(values))]

    assert not any(doubted(TOTAL, seen))
