"""No invariant breaks in any history: the real server, real tablets, everything going wrong."""

import pytest

from tests.sync_simulation.invariants import Violation
from tests.sync_simulation.one_seed import SHORT, run_seed

SEEDS = 200
NIGHTLY_SEEDS = 2000
CONTESTED = 10
NIGHTLY_CONTESTED = 210
IN_ONE_TEST = 5
IN_ONE_NIGHTLY_TEST = 20
BROKE_ONCE = (529, 850, 1685, 1949)
CONTESTED_BROKE_ONCE = (138,)


def broken_by(first: int, count: int) -> dict[int, list[str]]:
    found = {seed: run_seed(seed) for seed in range(first, first + count)}
    return {
        seed: [f"{each.invariant}: {each.what}" for each in broken]
        for seed, broken in found.items()
        if broken
    }


@pytest.mark.parametrize("first", range(0, SEEDS, IN_ONE_TEST))
def test_no_invariant_breaks_in_any_history(first: int) -> None:
    assert broken_by(first, IN_ONE_TEST) == {}


@pytest.mark.parametrize("seed", BROKE_ONCE)
def test_what_broke_one_night_holds_every_day(seed: int) -> None:
    assert broken_by(seed, 1) == {}


def contested_broken_by(first: int, count: int) -> dict[int, list[Violation]]:
    found = {
        seed: run_seed(seed, steps=SHORT, is_contested=True) for seed in range(first, first + count)
    }
    return {seed: broken for seed, broken in found.items() if broken}


@pytest.mark.parametrize("first", range(0, CONTESTED, IN_ONE_TEST))
def test_no_invariant_breaks_where_crews_contest_an_order_that_a_restore_forgets(
    first: int,
) -> None:
    assert contested_broken_by(first, IN_ONE_TEST) == {}


@pytest.mark.parametrize("seed", CONTESTED_BROKE_ONCE)
def test_a_contested_history_that_broke_once_holds(seed: int) -> None:
    assert contested_broken_by(seed, 1) == {}


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(CONTESTED, NIGHTLY_CONTESTED, IN_ONE_NIGHTLY_TEST))
def test_no_invariant_breaks_in_many_contested_histories(first: int) -> None:
    assert contested_broken_by(first, IN_ONE_NIGHTLY_TEST) == {}


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(SEEDS, NIGHTLY_SEEDS, IN_ONE_NIGHTLY_TEST))
def test_no_invariant_breaks_in_two_thousand_histories(first: int) -> None:
    assert broken_by(first, IN_ONE_NIGHTLY_TEST) == {}


def test_a_seed_is_one_history_and_no_other() -> None:
    assert run_seed(3, steps=40) == run_seed(3, steps=40)
