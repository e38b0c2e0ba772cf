"""Reads what was answered for a subject: what was sealed here, what anybody has begun."""

from collections.abc import Mapping

from sqlalchemy import Connection

from field_app.checklists.form_sheet import FormSubject
from field_app.store import (
    draft_store,
    outbox_store,
)
from field_app.store.draft_store import Draft, DraftKey
from field_app.store.saved_at import SavedAt
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.forms.answer_sets import AnswerSet, parse_answer_set
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType


def begun_sets(
    connection: Connection, subject: FormSubject, since_n: int = 0
) -> list[tuple[str, SavedAt, AnswerSet]]:
    """Return what `FormDesk.begun_by_anybody` returns, inside a transaction."""
    since = draft_store.drafts_since(connection, subject.about_id, since_n)
    return [
        (
            key.author,
            draft.last,
            AnswerSet(
                form=key.form,
                form_sha256="",
                about=subject.about,
                about_id=subject.about_id,
                answers=typed_texts(draft.answers),
            ),
        )
        for key, draft in subject_drafts(connection, subject)
        if key in since and draft.last is not None
    ]


def subject_drafts(connection: Connection, subject: FormSubject) -> list[tuple[DraftKey, Draft]]:
    """Return the drafts of this visit about a subject, of everybody, the oldest first."""
    return [
        (key, draft_store.load_draft(connection, key))
        for key, _at_ms in draft_store.drafts_of(connection, subject.about_id)
    ]


def answers_begun(
    connection: Connection, subject: FormSubject, form: str, author: str
) -> dict[str, str]:
    """Return what one person has typed into one form of a subject and not finished."""
    return typed_texts(draft_store.load_draft(connection, draft_key(subject, form, author)).answers)


def typed_texts(answers: Mapping[str, JsonValue]) -> dict[str, str]:
    """Return the answers of a draft as typed, also those that were taken back: empty texts."""
    return {place: _text(value) for place, value in answers.items()}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def draft_key(subject: FormSubject, form: str, author: str) -> DraftKey:
    """Return what names the draft of one person's form of a subject."""
    return DraftKey(order_id=subject.about_id, form=form, author=author)


def sealed_sets(
    connection: Connection, subject: FormSubject, since_n: int = 0
) -> list[tuple[DeviceTime, AnswerSet]]:
    """Return what was sealed for a subject since an operation, and when, the oldest first."""
    found = [
        (operation.at, _read_answers(operation.payload))
        for entry in outbox_store.entries_of(connection, subject.about_id)
        if (operation := entry.operation).field == FactType.FORM_ANSWERSET
        and operation.payload is not None
        and operation.n >= since_n
    ]
    return [
        (at, answers)
        for at, answers in found
        if answers is not None and answers.about == subject.about
    ]


def _read_answers(payload: JsonObject) -> AnswerSet | None:
    """Return the answers of a fact; None for the finding form, which is older than these."""
    try:
        return parse_answer_set(FieldReader(place="answer set", values=payload))
    except ContractError:
        return None


def last_answers(connection: Connection, subject: FormSubject, form_id: str) -> dict[str, str]:
    """Return what was sealed last for a subject with any version of a form, by place."""
    for _at, answers in reversed(sealed_sets(connection, subject)):
        if answers.form.rpartition("@")[0] == form_id:
            return dict(answers.answers)
    return {}
