"""Finds the homes in which a hazard was noted and nothing finished: light, for every screen."""

import json
from typing import Final

from sqlalchemy import Connection, select

from field_app.store import draft_store, outbox_store
from field_app.store.draft_store import earlier_form
from field_app.store.round_records import record_of, thing_of
from field_app.store.tables import base_row, draft_answer
from wire_contracts.home_checks import HOUSEHOLD_ENTITY, CheckItem
from wire_contracts.orders import FactType

HOME_FORM: Final = "safety_check@1"
"""The draft of a home check."""

WRONG: Final = "wrong"
"""What the page of a home says of an item that is not in order."""

FAIL: Final = "fail"
"""What the office's checklists say of it."""


def noted_homes(connection: Connection) -> int:
    """Return in how many homes anybody noted a hazard and did not finish the visit."""
    begun = draft_store.values_begun(connection, HOME_FORM).items()
    noted = {thing_of(record) for record, values in begun if WRONG in values}
    return len(noted | noted_in_checklists(connection))


def noted_in_checklists(connection: Connection) -> set[str]:
    """Return the homes of which a checklist of the office that nobody finished says a hazard.

    One that was inside since has looked at it.
    """
    newest: dict[str, int] = {}
    for household_id, place, at_ms in connection.execute(_FAILED):
        if place.rpartition("/")[2] in set(CheckItem):
            newest[household_id] = max(at_ms, newest.get(household_id, 0))
    return {each for each, at_ms in newest.items() if at_ms > inside_at_ms(connection, each)}


_FAILED: Final = select(
    draft_answer.c.order_id, draft_answer.c.field, draft_answer.c.saved_at_ms
).where(
    draft_answer.c.value == json.dumps(FAIL),
    draft_answer.c.form.not_like(f"{earlier_form('')}%"),
    draft_answer.c.order_id.in_(
        select(base_row.c.entity_id).where(base_row.c.entity == str(HOUSEHOLD_ENTITY))
    ),
)
"""Built once: the bar of every screen asks it."""


def inside_at_ms(connection: Connection, household_id: str) -> int:
    """Return when this tablet's crew was inside a home last, by its own clock; 0: never."""
    own = outbox_store.entries_of(connection, record_of(household_id))
    return max(
        (
            each.made_at_ms
            for each in own
            if each.operation.field == FactType.SAFETY_CHECK
            and (each.operation.payload or {}).get("is_no_access") is not True
        ),
        default=0,
    )
