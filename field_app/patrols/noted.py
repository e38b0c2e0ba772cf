"""Finds the homes in which a hazard was noted and nothing finished: light, for every screen."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from field_app.store import draft_store, outbox_store
from field_app.store.draft_store import earlier_form
from field_app.store.round_records import record_of, thing_of
from field_app.store.saved_at import UNKNOWN_N, SavedAt
from field_app.store.tables import base_row, draft_answer, outbox_op
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.forms.answer_sets import AnswerSet, parse_answer_set
from wire_contracts.home_checks import HOUSEHOLD_ENTITY, CheckItem
from wire_contracts.operations import Operation
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

    One that was inside since has looked at it. So with one that was finished, where nobody
    finished the visit.
    """
    newest: dict[str, int] = {}
    for household_id in connection.execute(_FINISHED).scalars():
        finished = finished_since_inside(connection, household_id)
        if any(_is_failed(answers) for _author, _at, answers in finished.standing):
            newest[household_id] = UNKNOWN_N
    for household_id, place, after_n in connection.execute(_FAILED):
        if place.rpartition("/")[2] in set(CheckItem):
            newest[household_id] = max(after_n, newest.get(household_id, 0))
    return {each for each, after_n in newest.items() if after_n >= inside_n(connection, each)}


_HOUSEHOLDS: Final = select(base_row.c.entity_id).where(base_row.c.entity == str(HOUSEHOLD_ENTITY))
_FAILED: Final = select(
    draft_answer.c.order_id,
    draft_answer.c.field,
    func.coalesce(draft_answer.c.after_n, UNKNOWN_N),
).where(
    draft_answer.c.value == json.dumps(FAIL),
    draft_answer.c.form.not_like(f"{earlier_form('')}%"),
    draft_answer.c.order_id.in_(_HOUSEHOLDS),
)
"""Built once: the bar of every screen asks it."""


_FINISHED: Final = (
    select(outbox_op.c.order_id)
    .where(
        outbox_op.c.entity == str(FactType.FORM_ANSWERSET),
        outbox_op.c.body.contains(json.dumps(FAIL)),
        outbox_op.c.order_id.in_(_HOUSEHOLDS),
    )
    .distinct()
)
"""Built once, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedForms:
    """What forms of the office that were finished in a home say: (author, when, answers).

    Attributes:
        standing: Of each form what its author finished last.
        former: What the same author had finished in the same form before.
    """

    standing: Sequence[tuple[str, SavedAt, AnswerSet]] = ()
    former: Sequence[tuple[str, SavedAt, AnswerSet]] = ()


def finished_since_inside(connection: Connection, household_id: str) -> FinishedForms:
    """Return what was finished about a home since this tablet's crew was inside, or any other."""
    since_n, checked_ms = inside_n(connection, household_id), _checked_ms(connection, household_id)
    last: dict[tuple[str, str], tuple[str, SavedAt, AnswerSet]] = {}
    former: list[tuple[str, SavedAt, AnswerSet]] = []
    for entry in outbox_store.entries_of(connection, household_id):
        operation, answers = entry.operation, _answers_of(entry.operation)
        at = operation.at
        is_over = operation.n < since_n or at.wall_ms + at.offset_ms < checked_ms
        if answers is None or is_over:
            continue
        saved_at = SavedAt(at.wall_ms, at.mono_ms, at.boot_id, operation.n, 1)
        key = (operation.actor, answers.form.rpartition("@")[0])
        former += [last[key]] if key in last else []
        last[key] = (operation.actor, saved_at, answers)
    return FinishedForms(standing=list(last.values()), former=former)


def _answers_of(operation: Operation) -> AnswerSet | None:
    if operation.field != FactType.FORM_ANSWERSET or operation.payload is None:
        return None
    try:
        answers = parse_answer_set(FieldReader(place="answer set", values=operation.payload))
    except ContractError:
        return None
    return answers if answers.about == HOUSEHOLD_ENTITY else None


def _is_failed(answers: AnswerSet) -> bool:
    items = set(CheckItem)
    return any(
        text == FAIL and place.rpartition("/")[2] in items
        for place, text in answers.answers.items()
    )


def _checked_ms(connection: Connection, household_id: str) -> int:
    """Return when the office had a home looked at last, 0 where it never was."""
    query = select(base_row.c.document).where(
        base_row.c.entity == str(HOUSEHOLD_ENTITY), base_row.c.entity_id == household_id
    )
    text = connection.execute(query).scalars().first()
    checked_at = json.loads(text).get("checked_at") if text else None
    return checked_at if isinstance(checked_at, int) else 0


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
