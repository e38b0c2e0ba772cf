"""How long a unit may take: its own habit, and the longest wait for whoever has just missed."""

from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.patience import ENOUGH, SHORTEST_S, UnitPace, has_moved

SECONDS = st.floats(0.0001, 5)


def paced(*turnarounds: float) -> UnitPace:
    pace = UnitPace()
    for each in turnarounds:
        pace.answered(each)
    return pace


def test_a_unit_is_held_to_its_own_habit_and_its_repetition_to_twice_that() -> None:
    pace = paced(*[0.2] * ENOUGH)

    first = pace.patience_s(5.0)
    pace.missed()
    second = pace.patience_s(5.0)
    pace.missed()

    assert (round(first, 6), round(second, 6), pace.patience_s(5.0)) == (0.3, 0.6, 5.0)


def test_a_unit_never_heard_gets_half_the_wait_first_and_then_all_of_it() -> None:
    pace = UnitPace()
    first = pace.patience_s(2.0)
    pace.missed()

    assert (first, pace.patience_s(2.0)) == (1.0, 2.0)


def test_nobody_is_given_up_faster_than_a_tenth_of_a_second() -> None:
    assert paced(*[0.001] * 50).patience_s(1.0) == SHORTEST_S


@given(st.lists(SECONDS, min_size=ENOUGH, max_size=200), st.floats(0.05, 10))
def test_the_slowest_of_late_answers_is_waited_for_within_the_limit(
    turnarounds: list[float], longest_s: float
) -> None:
    wait_s = paced(*turnarounds).patience_s(longest_s)

    assert wait_s <= longest_s
    assert wait_s >= min(longest_s, max(turnarounds[-8:]))


@given(SECONDS, SECONDS)
def test_a_plan_is_made_afresh_for_twice_the_turnaround_and_for_half_of_it(
    one: float, other: float
) -> None:
    assert has_moved(one, other) == has_moved(other, one)
    assert has_moved(0.1, 0.201)
    assert not has_moved(0.1, 0.199)
    assert not has_moved(0.0001, 0.0004)
