"""Days offline and a network that breaks: everything arrives once, nothing begins anew."""

from pathlib import Path

import pytest

from tests.field_app.three_days import Plan, ThreeDays

MOST_SENT = 1.15
"""Bytes over the link per byte of content."""


def test_a_day_offline_arrives_over_a_link_that_breaks(tmp_path: Path) -> None:
    plan = Plan(hours=24, operations=60, photos=8, photo_side=700, seed=3)

    outcome = ThreeDays(tmp_path, plan).run()

    assert outcome.problems() == []
    assert outcome.ratio <= MOST_SENT
    assert outcome.refused + outcome.swallowed + outcome.resets > 0
    assert outcome.lost_on_restore > 0


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [72, 73])
def test_three_days_offline_arrive_over_a_link_that_breaks(tmp_path: Path, seed: int) -> None:
    outcome = ThreeDays(tmp_path, Plan(seed=seed, photo_side=1630)).run()

    assert outcome.problems() == []
    assert outcome.ratio <= MOST_SENT
