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

    assert any(rule.breaks in broken_by(rule, seed) for seed in seeds)


def broken_by(rule: Rule, seed: int) -> set[str]:
    broken = run_seed(seed, steps=rule.steps, is_contested=rule.is_contested)
    return {each.invariant for each in broken}


def test_no_check_is_a_check_that_cannot_fail() -> None:
    assert {rule.breaks for rule in RULES} == INVARIANTS.keys()
