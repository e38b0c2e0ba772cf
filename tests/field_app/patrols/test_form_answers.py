"""What a form of the office says is on the page of the round, so that nothing is entered twice."""

import re

import pytest

from field_app.patrols.form_answers import home_answers, point_answers
from field_app.patrols.home_check import GROUPS, lacks
from field_app.patrols.home_sheet import sheet_of
from sync_server.forms.builtin_io import CHECKLISTS
from wire_contracts.forms.answer_sets import AnswerSet
from wire_contracts.home_checks import CheckItem
from wire_contracts.patrols import Measure


def answered(form: str = "patrol-well@1", **answers: str) -> AnswerSet:
    places = {name.replace("__", "/"): text for name, text in answers.items()}
    return AnswerSet(form=form, form_sha256="0" * 64, answers=places)


def test_values_and_a_defect_are_taken_over() -> None:
    form = answered(
        reached="yes",
        look__gas_lel_pct="22.5",
        look__well_water_cm="3",
        wrong__has_defect="yes",
        wrong__severity="1",
        wrong__defect_note="gas at the flange",
    )

    assert point_answers([form]) == {
        "gas_lel_pct": "22.5",
        "well_water_cm": "3",
        "outcome": "defect",
        "severity": "1",
        "note": "gas at the flange",
    }


def test_a_place_that_was_not_reached_is_left_with_its_reason() -> None:
    form = answered(reached="no", why_not="a car stands on it")

    assert point_answers([form]) == {"outcome": "not_reachable", "reason": "a car stands on it"}


def test_other_forms_and_answers_of_a_repeat_say_nothing() -> None:
    own = answered(form="rust@3", rust="much", colour="red")
    rooms = AnswerSet(form="rooms@1", form_sha256="0" * 64, answers={"rooms[2]/gas_lel_pct": "0"})

    assert point_answers([own, rooms]) == {}
    assert home_answers([own, rooms]) == {}


def test_a_home_in_order_is_in_order_on_the_page() -> None:
    form = answered(**{f"items__{item}": "pass" for item in CheckItem})
    sheet = sheet_of(home_answers([form]))

    assert lacks(sheet) == ()
    assert sheet.hazardous() == ()


def test_a_hazard_of_a_home_comes_with_its_severity_and_its_words() -> None:
    answers = {f"items__{item}": "na" for item in CheckItem}
    hose = {"items__hose": "fail", "items__hose_severity": "1", "items__hose_note": "cracked"}
    sheet = sheet_of(home_answers([answered(**{**answers, **hose, "notice": "refused"})]))

    assert sheet.hazardous() == (CheckItem.HOSE,)
    assert (sheet.severity_of(CheckItem.HOSE), sheet.notes[CheckItem.HOSE]) == (1, "cracked")
    assert lacks(sheet) == ()


def names_in(checklist: str) -> set[str]:
    text = (CHECKLISTS / f"{checklist}.md").read_text()
    return set(re.findall(r"^\| \| [a-z_]+(?: [a-z_]+)? \| ([a-z_]+) \|", text, re.MULTILINE))


@pytest.mark.parametrize("checklist", ["patrol-well", "patrol-regulator", "patrol-line"])
def test_the_built_in_checklists_of_patrols_use_the_names_that_are_taken_over(
    checklist: str,
) -> None:
    names = names_in(checklist)

    assert {"reached", "why_not", "has_defect", "severity", "defect_note"} <= names
    assert set(Measure) & names


def test_the_built_in_safety_check_uses_the_names_of_the_twelve_items() -> None:
    names = names_in("safety-check")

    assert {item for _, items in GROUPS for item in items} <= names
    assert {f"{item}_severity" for item in CheckItem} <= names
