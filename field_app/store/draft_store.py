"""Maps the answers that are not sealed yet: one row per answer, each with its author's own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from field_app.store import settings_store
from field_app.store.among import is_among_bound
from field_app.store.saved_at import UNKNOWN_N, SavedAt
from field_app.store.settings_store import Key
from field_app.store.tables import draft_answer
from wire_contracts.fields import JsonValue

_OF: Final = "|"
"""Stands between form and author in the column `form`: the key of the released table does not hold
the author, and it may only gain columns. A row of the first app has the form alone; its author is
in the column `actor`."""


_EARLIER: Final = "earlier:"
"""Before the form of a draft that was left behind on another visit: it is shown, and sealed with
nothing."""


def earlier_form(form: str) -> str:
    """Return the form under which the draft of an earlier visit is kept."""
    return form if form.startswith(_EARLIER) else f"{_EARLIER}{form}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftKey:
    """One form of one order as one person began it."""

    order_id: str
    form: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The answers of one form of one order, and when each of them was kept."""

    answers: Mapping[str, JsonValue]
    saved: Mapping[str, SavedAt]

    @property
    def last(self) -> SavedAt | None:
        """Return when the last of them was kept, None without any."""
        return max(self.saved.values(), key=lambda each: each.place, default=None)

    @property
    def saved_at_ms(self) -> int | None:
        """Return the same by the wall clock."""
        return max((each.wall_ms for each in self.saved.values()), default=None)

    @property
    def times_ms(self) -> Mapping[str, int]:
        """Return when each was kept, by the wall clock."""
        return {name: each.wall_ms for name, each in self.saved.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAnswer:
    """One answer of one form."""

    order_id: str
    form: str
    field: str
    value: JsonValue
    actor: str


def save_answer(connection: Connection, answer: DraftAnswer, at: SavedAt) -> None:
    """Keep one answer; the author's last word stands, another's is not touched.

    One that was kept before under another name keeps its place in the order of writing (`turn`).
    """
    after_n, turn = at.after_n, at.turn
    if turn is None:
        after_n = settings_store.load_integer(connection, Key.LAST_N)
        turn = settings_store.count_up(connection, Key.LAST_TURN)
    cells = {
        "order_id": answer.order_id,
        "form": f"{answer.form}{_OF}{answer.actor}",
        "field": answer.field,
        "value": json.dumps(answer.value, ensure_ascii=False),
        "actor": answer.actor,
        "saved_at_ms": at.wall_ms,
        "elapsed_ms": at.elapsed_ms,
        "boot_id": at.boot_id,
        "after_n": after_n,
        "turn": turn,
    }
    connection.execute(_SAVE, cells)
    former = {
        "of_order": answer.order_id,
        "author": answer.actor,
        "of_form": answer.form,
        "of_field": answer.field,
    }
    connection.execute(_FORGET_FORMER, former)


_NEW: Final = insert(draft_answer)
_SAVE: Final = _NEW.on_conflict_do_update(
    index_elements=["order_id", "form", "field"],
    set_={
        name: _NEW.excluded[name]
        for name in (
            "value",
            "actor",
            "saved_at_ms",
            "elapsed_ms",
            "boot_id",
            "after_n",
            "turn",
        )
    },
)
_FORGET_FORMER: Final = delete(draft_answer).where(
    draft_answer.c.order_id == bindparam("of_order"),
    draft_answer.c.actor == bindparam("author"),
    draft_answer.c.form == bindparam("of_form"),
    draft_answer.c.field == bindparam("of_field"),
)
"""Built once: an answer is kept with every keystroke that pauses."""


def load_draft(connection: Connection, key: DraftKey) -> Draft:
    """Return the answers that the author gave so far, none when nothing was begun."""
    rows = connection.execute(
        select(draft_answer.c.field, draft_answer.c.value, *_AT)
        .where(_of(key))
        .order_by(draft_answer.c.field, draft_answer.c.saved_at_ms)
    ).mappings()
    kept = {cells["field"]: cells for cells in rows}
    return Draft(
        answers={name: json.loads(cells["value"]) for name, cells in kept.items()},
        saved={name: _saved_at(cells) for name, cells in kept.items()},
    )


_AT: Final = tuple(
    draft_answer.c[name] for name in ("saved_at_ms", "elapsed_ms", "boot_id", "after_n", "turn")
)


def _saved_at(cells: RowMapping) -> SavedAt:
    return SavedAt(
        cells["saved_at_ms"], cells["elapsed_ms"], cells["boot_id"], cells["after_n"], cells["turn"]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """One answer of a form as somebody has given it, and when."""

    author: str
    field: str
    value: JsonValue
    at: SavedAt

    @property
    def saved_at_ms(self) -> int:
        """Return when, by the wall clock."""
        return self.at.wall_ms


def load_everyones(connection: Connection, order_id: str, form: str) -> list[KeptAnswer]:
    """Return what everybody has answered in a form of a record, the first written first."""
    rows = connection.execute(
        select(draft_answer.c.actor, draft_answer.c.field, draft_answer.c.value, *_AT)
        .where(draft_answer.c.order_id == order_id, _is_form(form))
        .order_by(draft_answer.c.saved_at_ms, draft_answer.c.actor, draft_answer.c.field)
    ).mappings()
    found = [
        KeptAnswer(
            author=cells["actor"],
            field=cells["field"],
            value=json.loads(cells["value"]),
            at=_saved_at(cells),
        )
        for cells in rows
    ]
    return sorted(found, key=lambda each: each.at.place)


def _is_form(form: str) -> ColumnElement[bool]:
    return or_(draft_answer.c.form == form, draft_answer.c.form.startswith(f"{form}{_OF}"))


def drafts(connection: Connection) -> list[tuple[DraftKey, int]]:
    """Return every draft on this tablet with the time of its last answer, oldest first."""
    rows = connection.execute(_DRAFTS).all()
    found: dict[DraftKey, int] = {}
    for order_id, form, actor, saved_at_ms in rows:
        key = DraftKey(order_id=order_id, form=form.partition(_OF)[0], author=actor)
        found[key] = max(saved_at_ms, found.get(key, 0))
    return sorted(found.items(), key=lambda item: item[1])


def drafts_of(connection: Connection, order_id: str) -> list[tuple[DraftKey, int]]:
    """Return the drafts of one record with the time of their last answers, oldest first.

    What was left behind on an earlier visit is none of them.
    """
    return [
        (key, at_ms)
        for key, at_ms in drafts(connection)
        if key.order_id == order_id and not key.form.startswith(_EARLIER)
    ]


def drafts_since(connection: Connection, order_id: str, since_n: int) -> set[DraftKey]:
    """Return the drafts of one record in which something was kept since an operation."""
    after_n = func.coalesce(draft_answer.c.after_n, UNKNOWN_N)
    rows = connection.execute(
        select(draft_answer.c.form, draft_answer.c.actor)
        .where(draft_answer.c.order_id == order_id, after_n >= since_n)
        .distinct()
    )
    return {
        DraftKey(order_id=order_id, form=form.partition(_OF)[0], author=actor)
        for form, actor in rows
        if not form.startswith(_EARLIER)
    }


_DRAFTS: Final = select(
    draft_answer.c.order_id,
    draft_answer.c.form,
    draft_answer.c.actor,
    func.max(draft_answer.c.saved_at_ms),
).group_by(draft_answer.c.order_id, draft_answer.c.form, draft_answer.c.actor)

WITH_DRAFT: Final = (
    select(draft_answer.c.order_id)
    .where(
        is_among_bound(draft_answer.c.order_id, "order_ids"),
        draft_answer.c.field.not_like("earlier.%"),
        draft_answer.c.form.not_like(f"{_EARLIER}%"),
    )
    .distinct()
)
_WITH_DRAFT_OF: Final = WITH_DRAFT.where(draft_answer.c.actor == bindparam("author"))
"""Built once: a page of the list asks it. What is kept of an earlier visit is nothing begun."""


def forms_begun(connection: Connection, order_id: str, author: str) -> list[str]:
    """Return the forms, with their versions, that a person has begun for a record on this visit."""
    rows = connection.execute(
        select(draft_answer.c.form)
        .where(draft_answer.c.order_id == order_id, draft_answer.c.actor == author)
        .distinct()
    ).scalars()
    return sorted({form.partition(_OF)[0] for form in rows if not form.startswith(_EARLIER)})


def forms_in_use(connection: Connection) -> set[str]:
    """Return the forms, with their versions, that anybody has begun and not finished."""
    rows = connection.execute(_FORMS).scalars()
    return {form.partition(_OF)[0] for form in rows}


_FORMS: Final = select(draft_answer.c.form).distinct()


def orders_with_draft(
    connection: Connection, order_ids: Sequence[str], author: str | None = None
) -> set[str]:
    """Return those of the orders that have answers which are not sealed, of anybody or of one."""
    asked = {"order_ids": json.dumps(order_ids)}
    if author is None:
        return set(connection.execute(WITH_DRAFT, asked).scalars())
    return set(connection.execute(_WITH_DRAFT_OF, {**asked, "author": author}).scalars())


def values_begun(connection: Connection, form: str) -> dict[str, set[JsonValue]]:
    """Return record -> what anybody has answered there in one form and not finished, in any field.

    An answer that was taken back is left out; a record without any other is, too.
    """
    rows = connection.execute(_VALUES, {"of_form": form, "begin": f"{form}{_OF}%"})
    found: dict[str, set[JsonValue]] = {}
    for order_id, text in rows:
        value: JsonValue = json.loads(text)
        if isinstance(value, str) and value:
            found.setdefault(order_id, set()).add(value)
    return found


_VALUES: Final = select(draft_answer.c.order_id, draft_answer.c.value).where(
    or_(draft_answer.c.form == bindparam("of_form"), draft_answer.c.form.like(bindparam("begin")))
)


def load_fields(
    connection: Connection, order_id: str, form: str, fields: Sequence[str]
) -> list[tuple[str, str, JsonValue]]:
    """Return (author, field, value) of some fields of a form as everybody has answered them."""
    rows = connection.execute(
        select(draft_answer.c.actor, draft_answer.c.field, draft_answer.c.value)
        .where(
            draft_answer.c.order_id == order_id,
            draft_answer.c.field.in_(fields),
            _is_form(form),
        )
        .order_by(draft_answer.c.saved_at_ms, draft_answer.c.actor, draft_answer.c.field)
    ).all()
    return [(row.actor, row.field, json.loads(row.value)) for row in rows]


def leave_behind(connection: Connection, key: DraftKey) -> DraftKey:
    """Put a draft by as one of an earlier visit, over what was put by before; return its key."""
    by = DraftKey(order_id=key.order_id, form=earlier_form(key.form), author=key.author)
    if by != key:
        moved = update(draft_answer).where(_of(key)).prefix_with("OR REPLACE", dialect="sqlite")
        connection.execute(moved.values(form=f"{by.form}{_OF}{by.author}"))
    return by


def forget_draft(connection: Connection, key: DraftKey) -> None:
    """Remove the author's answers: they were sealed into operations in this very transaction."""
    connection.execute(delete(draft_answer).where(_of(key)))


def forget_fields(connection: Connection, key: DraftKey, fields: Sequence[str]) -> None:
    """Remove some of the author's answers: they were sealed in this very transaction."""
    connection.execute(delete(draft_answer).where(_of(key), draft_answer.c.field.in_(fields)))


def _of(key: DraftKey) -> ColumnElement[bool]:
    return and_(
        draft_answer.c.order_id == key.order_id,
        draft_answer.c.actor == key.author,
        draft_answer.c.form.in_([key.form, f"{key.form}{_OF}{key.author}"]),
    )
