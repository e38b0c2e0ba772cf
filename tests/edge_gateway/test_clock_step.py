"""A clock that somebody sets is noticed; one that merely runs fast is not."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.clock_io import SystemClock
from edge_gateway.clock_step import clock_step
from edge_gateway.moments import Moment
from tests.edge_gateway.rig import FastClock

START = datetime(2026, 3, 1, tzinfo=UTC)


def moment(utc_s: float, wall_s: float) -> Moment:
    return Moment(utc=START + timedelta(seconds=utc_s), wall_s=wall_s)


def test_an_hour_back_is_a_step() -> None:
    assert clock_step(moment(0, 0), moment(-3599, 1), SystemClock()) == timedelta(hours=-1)


def test_a_town_that_runs_fast_has_not_been_set() -> None:
    fast = FastClock(900)

    assert clock_step(moment(0, 0), moment(900, 1), fast) is None
    assert clock_step(moment(0, 0), moment(900 + 7200, 1), fast) == timedelta(hours=2)


@given(st.floats(0, 10_000), st.floats(-1.9, 1.9))
def test_small_corrections_are_no_step(passed_s: float, drift_s: float) -> None:
    before, now = moment(0, 50), moment(passed_s + drift_s, 50 + passed_s)

    assert clock_step(before, now, SystemClock()) is None
