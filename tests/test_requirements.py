"""docs/requirements.md gives every rule a place, and what it calls done has a test with its id."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| ([A-E]-\d\d) \| ([a-z ]+) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
SERIES = {"A": 44, "B": 15, "C": 54, "D": 32, "E": 19}
STATES = {"done", "policy", "not software", "open"}


def rows() -> list[tuple[str, ...]]:
    text = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    return [match.groups() for match in ROW.finditer(text)]


def test_every_rule_has_exactly_one_place() -> None:
    wanted = [f"{letter}-{n:02d}" for letter, most in SERIES.items() for n in range(1, most + 1)]

    assert [row[0] for row in rows()] == wanted
    assert {row[1] for row in rows()} <= STATES


def test_what_is_done_names_a_module_and_a_test_that_carries_its_id() -> None:
    wrong = []
    for rule, state, where, test, _ in rows():
        if state == "done":
            module, proof = ROOT / where.strip("`"), ROOT / test.strip("`")
            is_there = module.is_file() and proof.is_file()
            if not is_there or rule not in proof.read_text(encoding="utf-8"):
                wrong.append(rule)

    assert wrong == []


def test_a_policy_is_a_row_or_a_table_of_the_migrations() -> None:
    steps = (ROOT / "sync_server" / "migrations" / "versions").glob("*.py")
    text = "\n".join(step.read_text(encoding="utf-8") for step in steps)

    assert [row[0] for row in rows() if row[1] == "policy" and row[2].strip("`") not in text] == []


def test_what_is_open_says_what_is_missing() -> None:
    assert [row[0] for row in rows() if row[1] == "open" and len(row[4]) < 8] == []


def test_the_sum_above_the_table_is_that_of_the_table() -> None:
    text = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    said = re.search(r"(\d+) are done, (\d+) are policies, (\d+) are not software, (\d+)", text)
    counts = [
        sum(row[1] == state for row in rows())
        for state in ("done", "policy", "not software", "open")
    ]

    assert said is not None
    assert [int(each) for each in said.groups()] == counts
