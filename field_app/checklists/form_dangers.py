"""Decides which answers of a checklist say a danger: nobody puts them by before it is finished."""

from collections.abc import Mapping
from typing import Final

from field_app.forms.finding import is_gas_present
from field_app.forms.numbers import is_of_gas, worst_lel_pct
from wire_contracts.forms.session import COUNT_MARK
from wire_contracts.home_checks import CheckItem

FAIL: Final = "fail"
"""What the office's checklists call an item of a home that is not in order (docs/tablet.md)."""

_HAS_DEFECT: Final = "has_defect"
_OF_DEFECT: Final = frozenset({_HAS_DEFECT, "severity", "defect_note"})
"""What they call a defect at a stop."""


def standing_dangers(answers: Mapping[str, str], measuring: frozenset[str]) -> dict[str, str]:
    """Return the answers, by place, that say gas, an item that is wrong or a defect.

    With them how often repeats stand there: without it nobody would find their places again.
    `measuring` are the places that the form binds to gas.
    """
    named = {_name(place): text for place, text in answers.items()}
    wrong = {str(item) for item in CheckItem if named.get(item) == FAIL}
    told = {f"{item}{end}" for item in wrong for end in ("", "_severity", "_note")}
    told |= _OF_DEFECT if named.get(_HAS_DEFECT) == "yes" else frozenset()
    found = {
        place: text
        for place, text in answers.items()
        if text and (_name(place) in told or _is_gas(place, text, measuring))
    }
    if not found:
        return {}
    return {**found, **{place: n for place, n in answers.items() if place.endswith(COUNT_MARK)}}


def _is_gas(place: str, text: str, measuring: frozenset[str]) -> bool:
    return is_of_gas(place, measuring) and is_gas_present(worst_lel_pct(text))


def _name(place: str) -> str:
    return place.rpartition("/")[2]
