"""Decides what a filled-in form of the office says of a checkpoint or a home, in the page's words.

The office's forms name their questions as they like; those that carry the names of the built-in
checklists (`sync_server/forms/checklists`) are taken over, so that nothing is entered twice.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from field_app.patrols.home_check import GROUPS
from field_app.patrols.noted import WRONG
from wire_contracts.forms.answer_sets import AnswerSet
from wire_contracts.home_checks import CheckItem, NoticeOutcome
from wire_contracts.patrol_facts import PointOutcome
from wire_contracts.patrols import Measure

OK: Final = "ok"
"""What the page of a home says of an item that was seen in order."""

_STATES: Final = {"pass": OK, "na": OK, "fail": WRONG}
_SEVERITIES: Final = frozenset({"1", "2", "3"})
_REPEAT: Final = re.compile(r"\[\d+\]")


def point_answers(sets: Sequence[AnswerSet]) -> dict[str, str]:
    """Return the answers of a checkpoint's page that its forms give; the later form wins."""
    found: dict[str, str] = {}
    for answers in sets:
        by_name = _by_name(answers)
        found |= {str(each): by_name[each] for each in Measure if by_name.get(each)}
        found |= _outcome(by_name)
    return found


def home_answers(sets: Sequence[AnswerSet]) -> dict[str, str]:
    """Return the answers of a home's page that its forms give; the later form wins."""
    found: dict[str, str] = {}
    for answers in sets:
        by_name = _by_name(answers)
        found |= _items(by_name)
        notice = by_name.get("notice", "")
        if notice == NoticeOutcome.REFUSED:
            found["notice"] = notice
    return found


def _by_name(answers: AnswerSet) -> dict[str, str]:
    """Return the answers by the question's own name; those of a repeat are no single answer."""
    return {
        place.rpartition("/")[2]: text
        for place, text in answers.answers.items()
        if not _REPEAT.search(place)
    }


def _outcome(by_name: Mapping[str, str]) -> dict[str, str]:
    if by_name.get("reached") == "no":
        reason = by_name.get("why_not", "")
        return {"outcome": str(PointOutcome.NOT_REACHABLE), "reason": reason}
    severity = by_name.get("severity", "")
    if by_name.get("has_defect") == "yes" and severity in _SEVERITIES:
        note = by_name.get("defect_note", "")
        return {"outcome": str(PointOutcome.DEFECT), "severity": severity, "note": note}
    return {}


def _items(by_name: Mapping[str, str]) -> dict[str, str]:
    states = {item: _STATES[by_name[item]] for item in CheckItem if by_name.get(item) in _STATES}
    found: dict[str, str] = {}
    for group, items in GROUPS:
        of_group = [states[item] for item in items if item in states]
        if WRONG in of_group:
            found[group] = WRONG
            found |= {f"item:{item}": states[item] for item in items if item in states}
        elif len(of_group) == len(items):
            found[group] = OK
    for item in CheckItem:
        severity, note = by_name.get(f"{item}_severity", ""), by_name.get(f"{item}_note", "")
        if states.get(item) == WRONG and severity in _SEVERITIES:
            found |= {f"severity:{item}": severity, f"note:{item}": note}
    return found
