"""The evidence chart: round ticks, gaps that stay gaps, peaks that stay peaks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.ui.chart_scale import clipped, stretches, thinned, tick_text, tick_values

VALUES = st.floats(0, 1e6)
RUNS = st.lists(VALUES, min_size=2, max_size=400).map(
    lambda values: [(index / (len(values) - 1), value) for index, value in enumerate(values)]
)


@given(st.floats(1e-6, 1e9))
def test_ticks_begin_at_zero_and_cover_the_top(top: float) -> None:
    ticks = tick_values(top)

    assert ticks[0] == 0
    assert ticks[-1] >= top * (1 - 1e-6)
    assert 2 <= len(ticks) <= 6


@pytest.mark.parametrize("top", [0.0, -3.0, float("nan"), float("inf")])
def test_a_chart_without_height_still_has_an_axis(top: float) -> None:
    assert tick_values(top) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(2.5, 2.5, "2.5"), (0.25, 0.25, "0.25"), (1000, 500, "1,000"), (3, 1, "3"), (0.3, 0.1, "0.3")],
)
def test_a_tick_shows_the_decimals_its_step_needs(value: float, step: float, text: str) -> None:
    assert tick_text(value, step) == text


@given(st.lists(st.one_of(st.none(), VALUES), max_size=60))
def test_a_gap_is_never_drawn_as_a_value(values: list[float | None]) -> None:
    runs = stretches([(float(index), value) for index, value in enumerate(values)])

    drawn = [point for run in runs for point in run]
    assert drawn == [(float(i), value) for i, value in enumerate(values) if value is not None]
    for before, after in pairwise(runs):
        assert after[0][0] - before[-1][0] > 1


@given(RUNS, st.integers(1, 50))
def test_thinning_keeps_the_highest_and_the_lowest(
    run: list[tuple[float, float]], columns: int
) -> None:
    thin = thinned(run, columns)

    assert max(y for _, y in thin) == max(y for _, y in run)
    assert min(y for _, y in thin) == min(y for _, y in run)
    assert list(thin) == sorted(thin)
    assert set(thin) <= set(run)


@given(RUNS, st.floats(0, 1), st.floats(0, 1))
def test_what_is_clipped_lies_inside_the_window(
    run: list[tuple[float, float]], one: float, other: float
) -> None:
    low, high = sorted((one, other))

    part = clipped(run, low, high)

    assert all(low <= x <= high for x, _ in part)
    assert {point for point in run if low < point[0] < high} <= set(part)


def test_a_single_point_is_inside_or_outside() -> None:
    assert clipped([(0.5, 2.0)], 0.4, 0.6) == ((0.5, 2.0),)
    assert clipped([(0.5, 2.0)], 0.6, 0.7) == ()
