"""Owns what others of the crew began at an order and did not finish: it counts, and it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from field_app.forms.finding import (
    LONGEST_NOTE,
    MEASURED_PREFIX,
    FindingAnswers,
    measured_value,
    read_answers,
    seal,
)
from field_app.forms.numbers import worst_lel_pct
from field_app.orders.site_changes import Change, new_fact, operation_of
from field_app.store import draft_store, outbox_store, sealed_store
from field_app.store.draft_store import DraftKey
from field_app.store.outbox_store import TapStamp
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.quantities import Quantity

GAS_FIELD: Final = f"{MEASURED_PREFIX}{Quantity.GAS_LEL_PCT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunFinding:
    """A finding that a colleague began, and when the last answer was kept (tablet's clock)."""

    author: str
    at_ms: int
    answers: FindingAnswers


def begun_by_others(connection: Connection, order_id: str, author: str) -> list[BegunFinding]:
    """Return what everybody but `author` began in the finding of an order, the oldest first."""
    found: list[BegunFinding] = []
    for key, at_ms in draft_store.drafts_of(connection, order_id):
        if key.form != FINDING_FORM or key.author == author:
            continue
        answers = read_answers(draft_store.load_draft(connection, key).answers)
        if answers != FindingAnswers():
            found.append(BegunFinding(author=key.author, at_ms=at_ms, answers=answers))
    return found


def gas_in_findings(connection: Connection, order_id: str, but_of: str | None = None) -> str:
    """Return the most gas in the findings that were begun, as typed; empty without any."""
    texts = [
        str(each.value)
        for each in draft_store.load_everyones(connection, order_id, FINDING_FORM)
        if each.field == GAS_FIELD and each.author != but_of
    ]
    most = max(texts, key=lambda text: worst_lel_pct(text) or 0.0, default="")
    return most if worst_lel_pct(most) else ""


def tell_others(connection: Connection, order_id: str, stamp: TapStamp) -> None:
    """Tell what others began, each in their own name, before somebody finishes the order."""
    for begun in begun_by_others(connection, order_id, stamp.actor):
        by = stamp_of(stamp, begun.author)
        told = operation_of(unfinished(order_id, as_told(begun.answers)), by)
        outbox_store.append_group(connection, [told], by)
        key = DraftKey(order_id=order_id, form=FINDING_FORM, author=begun.author)
        draft_store.forget_draft(connection, key)
        sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)


def stamp_of(stamp: TapStamp, author: str) -> TapStamp:
    """Return the stamp for words of another author, whose log-in it was not."""
    return replace(stamp, actor=author, session=stamp.session if author == stamp.actor else "")


def unfinished(order_id: str, answers: FindingAnswers) -> Change:
    """Return the fact of a finding that nobody finished."""
    payload = {**seal(order_id, answers), "is_unfinished": True}
    return new_fact(order_id, FactType.FORM_ANSWERSET, payload)


def as_told(
    answers: FindingAnswers, notes: Sequence[str] = (), gas_texts: Sequence[str] = ()
) -> FindingAnswers:
    """Return what was begun as it is told: the most gas; what is no number stands in the note."""
    measured = dict(answers.measured)
    words = [answers.note.strip(), *(note.strip() for note in notes)]
    words += [
        f"{quantity}: {text}"
        for quantity, text in measured.items()
        if text.strip() and measured_value(quantity, text) is None
    ]
    texts = (measured.get(Quantity.GAS_LEL_PCT, ""), *gas_texts)
    most = max((each for each in map(worst_lel_pct, texts) if each is not None), default=None)
    if most is not None:
        measured[Quantity.GAS_LEL_PCT] = repr(most)
    note = "\n".join(each for each in words if each)[:LONGEST_NOTE]
    return replace(answers, note=note, measured=measured)
