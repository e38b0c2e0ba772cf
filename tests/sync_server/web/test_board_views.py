"""Where an order stands on the board."""

from datetime import timedelta

import pytest

from sync_server.web.board_views import Span, kilometres, nearest_crew, span_of, ways
from tests.sync_server.real_parts import NOON


@pytest.mark.parametrize(
    ("hours", "span"),
    [
        (-0.01, Span.LATE),
        (0, Span.HOUR),
        (0.99, Span.HOUR),
        (1, Span.FOUR_HOURS),
        (4, Span.DAY),
        (24, Span.LATER),
    ],
)
def test_an_order_stands_where_its_promise_ends(hours: float, span: Span) -> None:
    assert span_of(NOON + timedelta(hours=hours), NOON) is span


def test_an_order_without_a_promise_stands_last() -> None:
    assert span_of(None, NOON) is Span.LATER


def test_each_stop_counts_from_the_one_before_and_a_stop_without_a_place_from_nowhere() -> None:
    stops = [(0.0, 300.0), None, (400.0, 300.0)]

    assert ways(stops, (0.0, 0.0)) == [300.0, None, 400.0]
    assert ways(stops, None) == [None, None, 400.0]


def test_the_nearest_crew_is_one_that_holds_the_skill() -> None:
    stands = {"near": (0.0, 10.0), "far": (0.0, 500.0)}

    assert nearest_crew((0.0, 0.0), stands, None) == ("near", 10.0)
    assert nearest_crew((0.0, 0.0), stands, frozenset({"far"})) == ("far", 500.0)
    assert nearest_crew((0.0, 0.0), stands, frozenset()) is None
    assert nearest_crew(None, stands, None) is None


def test_a_distance_is_told_in_kilometres() -> None:
    assert [kilometres(each) for each in (0, 1234, 12_345)] == ["0 km", "1.2 km", "12.3 km"]
