"""Opens a form for a record, keeps every answer as it is given, and seals the answer set."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from sqlalchemy import Connection

from field_app.checklists.answers_store import (
    answers_begun,
    begun_sets,
    draft_key,
    last_answers,
    sealed_sets,
    typed_texts,
)
from field_app.checklists.earlier_visits import EarlierVisits
from field_app.checklists.form_sheet import FormSheet, FormSubject
from field_app.checklists.form_shelf import FormShelf, ShelvedForm
from field_app.checklists.form_surroundings_io import surroundings
from field_app.checklists.gas_in_forms import GasInForms
from field_app.checklists.told_dangers import keep_told, told_in_form
from field_app.forms.numbers import is_of_gas
from field_app.orders import order_store
from field_app.orders.moments import passed_ms
from field_app.orders.site_drafts_store import keep_earlier_gas
from field_app.orders.stamps import Stamps
from field_app.store import (
    base_store,
    draft_store,
    outbox_store,
    outgoing_store,
    sealed_store,
    settings_store,
)
from field_app.store.database_io import Database
from field_app.store.draft_store import DraftAnswer, DraftKey
from field_app.store.ids_io import draw_uuid7
from field_app.store.outbox_store import NewOperation, TapStamp
from field_app.store.saved_at import SavedAt
from wire_contracts.clock import Clock
from wire_contracts.forms.answer_sets import AnswerSet, answer_set_json
from wire_contracts.forms.items import FormItem, FormPage, Wrong
from wire_contracts.forms.model import FORM_ENTITY
from wire_contracts.forms.publication import FormHead
from wire_contracts.forms.session import FormSession
from wire_contracts.frames import utc_from_ms
from wire_contracts.home_checks import HOUSEHOLD_ENTITY
from wire_contracts.operations import OperationKind
from wire_contracts.orders import ENTITY, FactType
from wire_contracts.sealed import SealedKind


class FormIncompleteError(ValueError):
    """The form cannot be finished; `items` are wrong or missing, in the order of the form."""

    def __init__(self, items: Sequence[FormItem]) -> None:
        """Keep the items."""
        super().__init__(", ".join(f"{item.place}: {item.wrong}" for item in items))
        self.items = tuple(items)


class FormTooLongError(FormIncompleteError):
    """The answers are more than the server takes at once; `items` is the longest of them."""


Also = Callable[[AnswerSet], Sequence[NewOperation]]
"""Further operations of the same user action, made from the sealed answers."""


class FormDesk:
    """The office's forms of one tablet; who taps is told at the moment of the tap.

    `zone` is the site's, in which rules see the clock; None: the machine's own.
    """

    def __init__(self, database: Database, stamps: Stamps, clock: Clock) -> None:
        """Work on the database."""
        self.zone: tzinfo | None = None
        self._database = database
        self._stamps = stamps
        self._clock = clock
        self._shelf = FormShelf()
        self._gas = GasInForms(stamps, self._shelf)
        self._earlier = EarlierVisits(database, stamps, self._shelf)

    def offers(self, about: str, purposes: Iterable[str] = ()) -> tuple[FormHead, ...]:
        """Return the forms that may be begun now for a kind of thing with these purposes."""
        wanted = tuple(purposes)
        return tuple(
            self._database.read(
                lambda each: self._shelf.offers(each, about, wanted, self._today_utc(each))
            )
        )

    def _today_utc(self, connection: Connection) -> datetime:
        """Return the latest moment that has surely come: a clock that fell back hides no form."""
        now = self._stamps.now(connection)
        return utc_from_ms(max(now.wall_ms, now.contact_ms or 0))

    def open(self, subject: FormSubject, form_id: str) -> FormSheet:
        """Return the draft of the person at work in the version it was begun with, or a fresh one.

        Raises:
            FormGoneError: There is no such form on this tablet.
        """
        author = self._stamps.actor()
        if subject.about != ENTITY:  # the visit of an order ends with its own steps
            self._earlier.leave_behind(subject, author)

        def work(connection: Connection) -> FormSheet:
            begun = [
                each
                for each in draft_store.forms_begun(connection, subject.about_id, author)
                if each.rpartition("@")[0] == form_id
            ]
            if begun:
                shelved = self._shelf.version(connection, begun[-1])
            else:
                shelved = self._shelf.newest(connection, form_id, self._today_utc(connection))
            return self._sheet(connection, subject, shelved, author)

        return self._database.read(work)

    def save(self, sheet: FormSheet) -> int | None:
        """Keep what was answered since the last time; return when (ms), None for nothing."""
        changes = sheet.unsaved()
        if not changes:
            return None
        saved_at_ms = self.save_changes(sheet, changes)
        sheet.saved |= changes
        sheet.saved_at_ms = saved_at_ms
        return saved_at_ms

    def save_changes(self, sheet: FormSheet, changes: Mapping[str, str]) -> int:
        """Keep some answers; return when (ms), once committed. The sheet itself is not touched."""
        subject = sheet.subject

        def work(connection: Connection) -> int:
            stamp = self._stamps.stamp(connection)
            key = draft_key(subject, sheet.head.key, stamp.actor)
            measuring = self._shelf.gas_places(connection, sheet.head.key)
            of_gas = {place: changes[place] for place in changes if is_of_gas(place, measuring)}
            if of_gas:
                keep_earlier_gas(connection, key, of_gas, stamp)
            if subject.about == HOUSEHOLD_ENTITY:
                before = typed_texts(draft_store.load_draft(connection, key).answers)
                was, now = told_in_form(before), told_in_form({**before, **changes})
                gone = {item: words for item, words in was.items() if item not in now}
                keep_told(connection, subject.about_id, gone, stamp)
            for place, text in changes.items():
                answer = DraftAnswer(
                    order_id=subject.about_id,
                    form=sheet.head.key,
                    field=place,
                    value=text,
                    actor=stamp.actor,
                )
                draft_store.save_answer(connection, answer, stamp.saved_at)
            sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)
            _rebuild_line(connection, subject)
            return stamp.at.wall_ms

        return self._database.write(work)

    def finish(self, sheet: FormSheet, also: Also | None = None) -> AnswerSet:
        """Seal the kept answers and what `also` makes of them as one user action.

        The draft as the store holds it is what is sealed: save before. Gas in an answer that a
        later one has made irrelevant is not sealed, and counts all the same.

        Raises:
            FormIncompleteError: Something is missing or wrong; nothing was changed.
            FormTooLongError: All is right, but too much for one push; nothing was changed.
            FormGoneError: The form has left this tablet.
        """
        subject, key = sheet.subject, sheet.head.key

        def work(connection: Connection) -> AnswerSet:
            stamp = self._stamps.stamp(connection)
            shelved = self._shelf.version(connection, key)
            kept = self._sheet(connection, subject, shelved, stamp.actor)
            wrong = FormPage(kept.session, "en").wrong_items()
            if wrong:
                raise FormIncompleteError(wrong)
            answers = _answer_set(kept)
            changes = [_fact(answers, subject, stamp), *(also(answers) if also else ())]
            operations = outbox_store.append_group(connection, changes, stamp)
            if not outgoing_store.is_sendable(operations):
                raise FormTooLongError([_longest(kept.session)])
            draft = draft_key(subject, key, stamp.actor)
            unsaid = {
                place: ""
                for place in kept.saved
                if is_of_gas(place, kept.gas_places) and place not in answers.answers
            }
            keep_earlier_gas(connection, draft, unsaid, stamp, slip_ms=0)
            draft_store.forget_draft(connection, draft)
            _forget_earlier(connection, draft)
            if key not in draft_store.forms_in_use(connection):
                base_store.forget_kept(connection, FORM_ENTITY, [key])
            abouts = [sealed_store.draft_about(draft)]
            sealed_store.forget_sealed(connection, SealedKind.DRAFT, abouts, stamp.actor)
            settings_store.ask_contact(connection)
            _rebuild_line(connection, subject)
            return answers

        return self._database.write(work)

    def begun(self, subject: FormSubject) -> frozenset[str]:
        """Return the ids of the forms that the person at work has begun for a subject."""
        author = self._stamps.actor()
        forms = self._database.read(
            lambda connection: draft_store.forms_begun(connection, subject.about_id, author)
        )
        return frozenset(form.rpartition("@")[0] for form in forms)

    def most_lel_pct(
        self, subject: FormSubject, since_n: int = 0, within_ms: int | None = None
    ) -> float | None:
        """Return the most gas that the forms of a subject tell of; None: of none.

        Every form that was finished since the operation `since_n`, also where it was finished again
        with less; what anybody has typed into one that is not finished: a colleague since then; and
        what stood there before it was typed over. What is surely older than `within_ms` is left
        out: a clock that is set forward makes no danger old.
        """
        return self._database.read(
            lambda each: self._gas.most_lel_pct(each, subject, since_n, within_ms)
        )

    def order_lel_pct(self, connection: Connection, order_id: str) -> float | None:
        """Return the most gas that the forms of an order ever told of, inside a transaction."""
        return self._gas.most_lel_pct(connection, FormSubject(about=ENTITY, about_id=order_id))

    def begun_by_anybody(
        self, subject: FormSubject, since_n: int = 0
    ) -> list[tuple[str, SavedAt, AnswerSet]]:
        """Return (author, when, answers) of the forms of a subject that nobody has finished.

        Those in which something was kept since the operation `since_n`.
        """
        return self._database.read(lambda each: begun_sets(each, subject, since_n))

    def finished(
        self, subject: FormSubject, since_n: int = 0, within_ms: int | None = None
    ) -> tuple[AnswerSet, ...]:
        """Return what was sealed for a subject on this tablet in the last 90 days, oldest first.

        What was sealed before the operation `since_n`, or is older than `within_ms` by the clock
        that says longer, does not count.
        """

        def work(connection: Connection) -> tuple[AnswerSet, ...]:
            now = self._stamps.now(connection)
            return tuple(
                answers
                for at, answers in sealed_sets(connection, subject, since_n)
                if within_ms is None or passed_ms(at, now) <= within_ms
            )

        return self._database.read(work)

    def _sheet(
        self, connection: Connection, subject: FormSubject, shelved: ShelvedForm, author: str
    ) -> FormSheet:
        key = draft_key(subject, shelved.head.key, author)
        draft = draft_store.load_draft(connection, key)
        saved = typed_texts(draft.answers)
        return FormSheet(
            subject=subject,
            head=shelved.head,
            session=FormSession(shelved.form, surroundings(self._clock, self.zone), saved),
            gas_places=shelved.gas_places,
            last={
                **last_answers(connection, subject, shelved.head.form_id),
                **answers_begun(connection, subject, draft_store.earlier_form(key.form), author),
            },
            saved=saved,
            saved_at_ms=draft.saved_at_ms,
        )


def _forget_earlier(connection: Connection, draft: DraftKey) -> None:
    """Forget what was left behind on an earlier visit: the form is finished now."""
    form = draft_store.earlier_form(draft.form)
    by = DraftKey(order_id=draft.order_id, form=form, author=draft.author)
    draft_store.forget_draft(connection, by)
    abouts = [sealed_store.draft_about(by)]
    sealed_store.forget_sealed(connection, SealedKind.DRAFT, abouts, by.author)


def _rebuild_line(connection: Connection, subject: FormSubject) -> None:
    """Make the line of an order anew; other things are not on the list of orders."""
    if subject.about == ENTITY:
        order_store.rebuild_lines(connection, [subject.about_id])


def _answer_set(sheet: FormSheet) -> AnswerSet:
    return AnswerSet(
        form=sheet.head.key,
        form_sha256=sheet.head.sha256,
        about=sheet.subject.about,
        about_id=sheet.subject.about_id,
        answers=sheet.session.final_answers(),
        measured=sheet.session.measured(),
    )


def _longest(session: FormSession) -> FormItem:
    longest = max(FormPage(session, "en").items(), key=lambda item: len(item.text))
    return replace(longest, wrong=Wrong.TOO_LONG)


def _fact(answers: AnswerSet, subject: FormSubject, stamp: TapStamp) -> NewOperation:
    return NewOperation(
        kind=OperationKind.FACT,
        entity=FactType.FORM_ANSWERSET,
        entity_id=draw_uuid7(utc_from_ms(stamp.at.wall_ms)),
        order_id=subject.about_id,
        field=FactType.FORM_ANSWERSET,
        payload=answer_set_json(answers),
    )
