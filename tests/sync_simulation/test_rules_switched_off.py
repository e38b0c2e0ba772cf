"""Each rule of the sync, switched off, is caught; so is each of the nineteen invariants broken."""

import pytest

from tests.sync_simulation.invariants import INVARIANTS
from tests.sync_simulation.one_seed import run_seed
from tests.sync_simulation.rules import RULES, Rule

TRIES = 40
"""A pinned seed is the first of its row: a history shifts with every id that the code draws."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.off.__name__)
def test_a_rule_switched_off_is_caught(monkeypatch: pytest.MonkeyPatch, rule: Rule) -> None:
    rule.off(monkeypatch)

    seeds = range(rule.seed, rule.seed + TRIES)

    assert any(
        rule.breaks in {each.invariant for each in run_seed(seed, steps=rule.steps)}
        for seed in seeds
    )


def test_no_check_is_a_check_that_cannot_fail() -> None:
    assert {rule.breaks for rule in RULES} == INVARIANTS.keys()
