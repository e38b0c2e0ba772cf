"""Tells how much gas the forms of a subject tell of: finished, begun, or typed over."""

from sqlalchemy import Connection

from field_app.checklists.answers_store import sealed_sets, subject_drafts, typed_texts
from field_app.checklists.form_sheet import FormSubject
from field_app.checklists.form_shelf import FormShelf
from field_app.forms.numbers import most_lel_pct
from field_app.orders.moments import moment_kept, surely_passed_ms
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.stamps import Stamps
from field_app.orders.work_record import EARLIER_GAS
from field_app.store import draft_store
from field_app.store.draft_store import Draft


class GasInForms:
    """The gas in the forms of one tablet, for whoever is at work."""

    def __init__(self, stamps: Stamps, shelf: FormShelf) -> None:
        """Work with the clock and the person of `stamps`."""
        self._stamps = stamps
        self._shelf = shelf

    def most_lel_pct(
        self,
        connection: Connection,
        subject: FormSubject,
        since_n: int = 0,
        within_ms: int | None = None,
    ) -> float | None:
        """Return the most gas that the forms of a subject tell of; None: of none.

        See `FormDesk.most_lel_pct`.
        """
        author, now = self._stamps.actor(), self._stamps.now(connection)
        sealed = [
            (answers.form, answers.answers)
            for at, answers in sealed_sets(connection, subject, since_n)
            if within_ms is None or surely_passed_ms(at, now) <= within_ms
        ]
        since = draft_store.drafts_since(connection, subject.about_id, since_n)
        drafts = [
            (key.form, typed_texts(draft.answers))
            for key, draft in subject_drafts(connection, subject)
            if (key in since and (within_ms is None or self._surely_ms(draft) <= within_ms))
            or (key.author == author and key.form != WORK_FORM)
        ]
        told = (
            most_lel_pct(answers, self._measuring(connection, form))
            for form, answers in (*sealed, *drafts)
        )
        return max((each for each in told if each is not None), default=None)

    def _surely_ms(self, draft: Draft) -> int:
        """Return how long ago the last answer of a draft was kept at least."""
        return 0 if draft.last is None else self._stamps.moment().surely_ms(moment_kept(draft.last))

    def _measuring(self, connection: Connection, form: str) -> frozenset[str]:
        """Return which places of a form measure gas; of the work on site what was typed over."""
        is_work = form == WORK_FORM
        return frozenset({EARLIER_GAS}) if is_work else self._shelf.gas_places(connection, form)
