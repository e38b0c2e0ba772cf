"""Maps the answers that are not sealed yet: one row per answer, kept on every change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from field_app.store.tables import draft_answer
from wire_contracts.fields import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The answers of one form of one order, and when the last of them was kept."""

    answers: Mapping[str, JsonValue]
    saved_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAnswer:
    """One answer of one form."""

    order_id: str
    form: str
    field: str
    value: JsonValue
    actor: str


def save_answer(connection: Connection, answer: DraftAnswer, saved_at_ms: int) -> None:
    """Keep one answer; the last word stands."""
    changed = {
        "value": json.dumps(answer.value, ensure_ascii=False),
        "actor": answer.actor,
        "saved_at_ms": saved_at_ms,
    }
    statement = insert(draft_answer).values(
        order_id=answer.order_id, form=answer.form, field=answer.field, **changed
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["order_id", "form", "field"], set_=changed)
    )


def load_draft(connection: Connection, order_id: str, form: str) -> Draft:
    """Return the answers kept so far, none when nothing was begun."""
    rows = connection.execute(
        select(draft_answer.c.field, draft_answer.c.value, draft_answer.c.saved_at_ms)
        .where(draft_answer.c.order_id == order_id, draft_answer.c.form == form)
        .order_by(draft_answer.c.field)
    ).all()
    return Draft(
        answers={row.field: json.loads(row.value) for row in rows},
        saved_at_ms=max((row.saved_at_ms for row in rows), default=None),
    )


def orders_with_draft(connection: Connection, order_ids: Sequence[str]) -> set[str]:
    """Return those of the orders that have answers which are not sealed."""
    query = select(draft_answer.c.order_id).where(draft_answer.c.order_id.in_(order_ids))
    return set(connection.execute(query.distinct()).scalars())


def forget_draft(connection: Connection, order_id: str, form: str) -> None:
    """Remove the answers: they were sealed into operations in this very transaction."""
    connection.execute(
        delete(draft_answer).where(draft_answer.c.order_id == order_id, draft_answer.c.form == form)
    )
