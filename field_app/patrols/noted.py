"""Finds the homes in which a hazard was noted and nothing finished: light, for every screen."""

import json
from typing import Final

from sqlalchemy import Connection, func, select

from field_app.store import draft_store, outbox_store
from field_app.store.draft_store import earlier_form
from field_app.store.round_records import record_of, thing_of
from field_app.store.saved_at import UNKNOWN_N
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
    for household_id, place, after_n in connection.execute(_FAILED):
        if place.rpartition("/")[2] in set(CheckItem):
            newest[household_id] = max(after_n, newest.get(household_id, 0))
    return {each for each, after_n in newest.items() if after_n >= inside_n(connection, each)}


_FAILED: Final = select(
    draft_answer.c.order_id,
    draft_answer.c.field,
    func.coalesce(draft_answer.c.after_n, UNKNOWN_N),
).where(
    draft_answer.c.value == json.dumps(FAIL),
    draft_answer.c.form.not_like(f"{earlier_form('')}%"),
    draft_answer.c.order_id.in_(
        select(base_row.c.entity_id).where(base_row.c.entity == str(HOUSEHOLD_ENTITY))
    ),
)
"""Built once: the bar of every screen asks it."""


def inside_n(connection: Connection, household_id: str) -> int:
    """Return the operation with which this tablet's crew told of a home last; 0: never.

    What was written after it was not looked at by that visit, whatever the wall clock says.
    """
    own = outbox_store.entries_of(connection, record_of(household_id))
    return max(
        (
            each.operation.n
            for each in own
            if each.operation.field == FactType.SAFETY_CHECK
            and (each.operation.payload or {}).get("is_no_access") is not True
        ),
        default=0,
    )
