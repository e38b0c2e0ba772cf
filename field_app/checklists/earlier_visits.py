"""Puts by what was begun at a stop or in a home on a visit that is over, but for dangers."""

from typing import Final

from sqlalchemy import Connection

from field_app.checklists.answers_store import draft_key, typed_texts
from field_app.checklists.form_dangers import standing_dangers
from field_app.checklists.form_sheet import FormSubject
from field_app.checklists.form_shelf import FormShelf
from field_app.orders.moments import moment_kept
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.site_drafts_store import leave_form_behind
from field_app.orders.stamps import Stamps
from field_app.store import draft_store, sealed_store
from field_app.store.database_io import Database
from field_app.store.draft_store import Draft, DraftAnswer, DraftKey
from field_app.store.outbox_store import TapStamp

_VISIT_MS: Final = 12 * 3_600_000
"""What was answered at a stop or in a home longer ago is of another visit: no shift is longer."""


class EarlierVisits:
    """The checklists of one tablet that were begun on an earlier visit, for whoever is at work."""

    def __init__(self, database: Database, stamps: Stamps, shelf: FormShelf) -> None:
        """Work on the database, by the clock of `stamps`."""
        self._database = database
        self._stamps = stamps
        self._shelf = shelf

    def leave_behind(self, subject: FormSubject, author: str) -> None:
        """Put by what was begun at a stop or in a home on a visit that is over, but for dangers."""

        def old(connection: Connection) -> list[DraftKey]:
            keys = [
                draft_key(subject, form, author)
                for form in draft_store.forms_begun(connection, subject.about_id, author)
                if form != WORK_FORM  # gas that was typed over
            ]
            return [
                key
                for key in keys
                if self._age_ms(draft_store.load_draft(connection, key)) > _VISIT_MS
                and self._is_more_than_dangers(connection, key)
            ]

        def work(connection: Connection) -> None:
            stamp = self._stamps.stamp(connection)
            for key in old(connection):
                self._put_by(connection, key, stamp)

        if self._database.read(old):
            self._database.write(work)

    def _age_ms(self, draft: Draft) -> int:
        """Return how old the last answer of a draft is by the clock that says longer."""
        return 0 if draft.last is None else self._stamps.moment().age_ms(moment_kept(draft.last))

    def _dangers(self, connection: Connection, key: DraftKey) -> dict[str, str]:
        answers = typed_texts(draft_store.load_draft(connection, key).answers)
        return standing_dangers(answers, self._shelf.gas_places(connection, key.form))

    def _is_more_than_dangers(self, connection: Connection, key: DraftKey) -> bool:
        answers = draft_store.load_draft(connection, key).answers
        return answers.keys() != self._dangers(connection, key).keys()

    def _put_by(self, connection: Connection, key: DraftKey, stamp: TapStamp) -> None:
        """Put a checklist by; what says a danger stands until somebody answers it anew."""
        before = draft_store.load_draft(connection, key)
        dangers = self._dangers(connection, key)
        leave_form_behind(connection, key, stamp)
        for place, text in dangers.items():
            answer = DraftAnswer(
                order_id=key.order_id, form=key.form, field=place, value=text, actor=key.author
            )
            draft_store.save_answer(connection, answer, before.saved[place])
        if dangers:
            sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)
