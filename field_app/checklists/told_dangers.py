"""Keeps that a hazard of severity 1 was told of a home, whatever is answered over it later.

Nothing of it goes in silence: who finishes the visit without it says why. It stands beside the gas
that was typed over, under the home, until somebody was inside.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from field_app.checklists.form_dangers import FAIL
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.site_drafts_store import keep_typed
from field_app.store import draft_store
from field_app.store.outbox_store import TapStamp
from wire_contracts.home_checks import CheckItem

_WAS: Final = "danger:"
"""Before the item of a hazard: the field with its words."""

_GRAVE: Final = "1"


def told_in_form(answers: Mapping[str, str]) -> dict[CheckItem, str]:
    """Return the hazards of severity 1 that a checklist says, with their words, by place."""
    named = {place.rpartition("/")[2]: text for place, text in answers.items()}
    return {
        item: named.get(f"{item}_note", "")
        for item in CheckItem
        if named.get(item) == FAIL and named.get(f"{item}_severity") == _GRAVE
    }


def keep_told(
    connection: Connection, household_id: str, dangers: Mapping[CheckItem, str], stamp: TapStamp
) -> None:
    """Keep hazards that were told and are answered otherwise now."""
    if dangers:
        kept = {f"{_WAS}{item}": words or _GRAVE for item, words in dangers.items()}
        keep_typed(connection, household_id, stamp, kept)


def told_dangers(connection: Connection, household_id: str) -> frozenset[CheckItem]:
    """Return the hazards that anybody told of a home since somebody was inside."""
    kept = draft_store.load_everyones(connection, household_id, WORK_FORM)
    fields = {each.field for each in kept}
    return frozenset(item for item in CheckItem if f"{_WAS}{item}" in fields)
