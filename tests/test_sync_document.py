"""The table of the sync's promises is true: whole, and every module and test in it exists."""

import re
from pathlib import Path

import pytest

from tests.sync_simulation.invariants import INVARIANTS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs/sync.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py(?:::\w+)?)`", TEXT)))
SIMULATION = ROOT / "tests/sync_simulation"


def rows(first_cell: str) -> list[int]:
    return [int(each) for each in re.findall(rf"^\| {first_cell}(\d+) \|", TEXT, re.MULTILINE)]


def test_no_complaint_trap_or_invariant_is_left_out() -> None:
    assert rows("") == list(range(1, 26))
    assert rows("T") == list(range(1, 25))
    assert rows("I") == list(range(1, 20))


@pytest.mark.parametrize("name", NAMED)
def test_what_the_table_names_exists(name: str) -> None:
    path, _, inside = name.partition("::")
    source = (ROOT / path).read_text(encoding="utf-8")

    assert source
    assert not inside or re.search(rf"^(?:def|class) {inside}\b", source, re.MULTILINE)


def test_every_rule_that_can_be_switched_off_for_a_trap_is_in_the_table() -> None:
    found = {
        f"tests/sync_simulation/{path.name}::{name}"
        for path in SIMULATION.glob("rules_of_*.py")
        for name in re.findall(r'^def (\w+)\([^\n]*\n {4}"""T\d', path.read_text(), re.MULTILINE)
    }

    assert len(found) > 20
    assert found <= set(NAMED)


@pytest.mark.parametrize("name", sorted(INVARIANTS))
def test_every_invariant_that_is_checked_is_in_the_table(name: str) -> None:
    check = INVARIANTS[name]
    path = Path(check.__code__.co_filename).relative_to(ROOT)
    (line,) = (each for each in TEXT.splitlines() if each.startswith(f"| {name} |"))

    assert f"`{path}::{check.__name__}`" in line
