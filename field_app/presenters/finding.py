"""FindingPresenter: the finding form; every answer is on the disk before the next one."""

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from field_app.forms.finding import (
    HOME_MOST_BARG,
    MEASURED_PREFIX,
    FindingAnswers,
    MeasuredField,
    Missing,
    Problem,
    find_missing,
    is_contradicted,
    is_required,
    kept_value,
    measured_value,
    offered_fields,
    old_gas,
    problem_of,
    read_answers,
    shown_value,
)
from field_app.orders.begun_findings import GAS_FIELD, BegunFinding
from field_app.orders.completion import Evidence, Lacking
from field_app.orders.entry_gate import is_too_old
from field_app.orders.finding_sheet import FindingSheet
from field_app.orders.moments import TimerMoment
from field_app.orders.order_desk import FindingIncompleteError
from field_app.orders.seen_order_store import OrderGoneError
from field_app.presenters.dates import time_text
from field_app.presenters.form_tools import order_evidence
from field_app.presenters.ports import DEBOUNCE_S, PresenterContext
from field_app.presenters.site_words import gas_order_text, lack_text
from field_app.presenters.stage import SecondTry, Stage
from field_app.presenters.views import ChoiceView, FindingView, MeasuredFieldView
from field_app.presenters.watch import name_of
from field_app.presenters.wording import (
    missing_text,
    no_room_text,
    pressure_text,
    quantity_text,
    range_text,
    result_text,
)
from field_app.tablet import Tablet
from wire_contracts.fields import JsonValue
from wire_contracts.findings import CAUSE_TEXT, causes_for
from wire_contracts.kinds import FindingResult
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import OrderType, WorkOrderDocument
from wire_contracts.quantities import Medium, Quantity

_RESULT: Final = "result"
_CAUSE: Final = "cause"
_NOTE: Final = "note"
_HOUSEHOLD: Final = "household"
"""The class of a meter in a home (`order_site`)."""


class FindingPresenter:
    """The finding form of one order."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """Fill in the finding of the order `order_id`."""
        self._tablet = tablet
        self._context = context
        self._order_id = order_id
        self._document: WorkOrderDocument | None = None
        self._sheet: FindingSheet | None = None
        self._outside = Evidence()
        self._fields: dict[str, JsonValue] = {}
        self._unsaved: dict[str, JsonValue] = {}
        self._under_way: list[dict[str, JsonValue]] = []
        self._cancel_save: Callable[[], None] | None = None
        self._saved_at_ms: int | None = None
        self._gas_at: TimerMoment | None = None
        self._message = ""
        self._is_finished = False
        self._as = context.as_now()
        self._second_try = SecondTry(context.worker, self.flush)
        self._stage = Stage(context.worker, _blank(order_id))

    @property
    def view(self) -> FindingView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[FindingView], None]) -> None:
        """Show every view with `show`, and read the draft."""
        self._under_way = []
        self._as = self._context.as_now()
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Keep what was typed, then show nothing any more."""
        self.flush()
        self._stage.detach()

    def refresh(self) -> None:
        """Read the draft again; what is being typed stays."""
        self._stage.read(self._read_sheet, self._take_sheet)

    def choose_result(self, key: str) -> None:
        """Choose a result, an empty key takes it back; a cause that does not fit goes with it."""
        changes: dict[str, JsonValue] = {_RESULT: key}
        answers = read_answers({**self._fields, _RESULT: key})
        document = self._document
        fits = (
            document is not None
            and answers.result is not None
            and answers.cause in causes_for(document.medium, answers.result)
        )
        if not fits:
            changes[_CAUSE] = ""
        self._answer(changes)

    def choose_cause(self, key: str) -> None:
        """Choose a cause; an empty key takes it back."""
        self._answer({_CAUSE: key})

    def type_measured(self, key: str, text: str) -> None:
        """Take a measured value as typed; it is kept 0.3 s after the last key."""
        if key == Quantity.GAS_LEL_PCT:
            self._gas_at = self._tablet.site.moment()
        fields = () if self._document is None else offered_fields(self._document.medium)
        kept = [kept_value(one, text) for one in fields if one.quantity == key]
        self._type({f"{MEASURED_PREFIX}{key}": kept[0] if kept else text})

    def type_note(self, text: str) -> None:
        """Take the note as typed; it is kept 0.3 s after the last key."""
        self._type({_NOTE: text})

    def flush(self) -> None:
        """Keep what was typed now: the focus, the screen or the app goes away."""
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None
        unsaved, self._unsaved = self._unsaved, {}
        if unsaved:
            self._save(unsaved)

    def finish(self, done: Callable[[], None]) -> None:
        """Seal the finding and finish the order; `done` is called when that is kept.

        Where gas escapes that this order has no steps for, a crew is ordered for it, and the visit
        ends; on an order of water or heat the visit goes on.
        """
        self.flush()
        unsure = dict(ChainMap(self._unsaved, *reversed(self._under_way)))
        is_gas = bool(self.view.gas_text)
        self._stage.act(
            lambda: self._as(lambda: self._seal(unsure, is_gas=is_gas)),
            lambda refused: self._sealed(refused, done),
            lambda: self._sealed(self._no_room(), done),
        )

    def _answer(self, changes: Mapping[str, JsonValue]) -> None:
        self.flush()
        self._fields |= changes
        self._message = ""
        self._save(dict(changes))
        self._draw()

    def _type(self, changes: Mapping[str, JsonValue]) -> None:
        self._fields |= changes
        self._unsaved |= changes
        self._message = ""
        self._draw()
        if self._cancel_save is not None:
            self._cancel_save()
        self._cancel_save = None
        cancel = self._context.worker.later(DEBOUNCE_S, self.flush)
        if self._unsaved:
            self._cancel_save = cancel

    def _save(self, changes: dict[str, JsonValue]) -> None:
        self._under_way = [*self._under_way, changes]
        self._stage.act(
            lambda: self._as(lambda: self._tablet.desk.save_answers(self._order_id, changes)),
            lambda saved_at_ms: self._saved(changes, saved_at_ms),
            lambda: self._keep_on_screen(changes),
            lambda: self._take_back(changes),
        )

    def _saved(self, changes: dict[str, JsonValue], saved_at_ms: int | None) -> None:
        self._under_way = [each for each in self._under_way if each is not changes]
        self._saved_at_ms = saved_at_ms
        self._message = "" if self._message == self._no_room() else self._message
        self._draw()

    def _keep_on_screen(self, changes: dict[str, JsonValue]) -> None:
        """Keep answers that found no room on the screen, and try again in a while."""
        self._take_back(changes)
        self._message = self._no_room()
        self._draw()
        self._second_try.plan()

    def _take_back(self, changes: dict[str, JsonValue]) -> None:
        """Take answers that were not kept for unsaved again: they go with the next ones."""
        self._under_way = [each for each in self._under_way if each is not changes]
        self._unsaved = {**changes, **self._unsaved}

    def _no_room(self) -> str:
        return no_room_text(self._context.words)

    def _read_sheet(self) -> tuple[FindingSheet, Evidence] | None:
        try:
            sheet = self._tablet.desk.finding(self._order_id)
        except OrderGoneError:
            return None
        return sheet, order_evidence(self._tablet, sheet, self._context.words)

    def _take_sheet(self, found: tuple[FindingSheet, Evidence] | None) -> None:
        """Take a sheet that may have been read before the last answers were written."""
        if found is None:
            self._message = self._context.words("This order is not on this tablet any more.")
        else:
            sheet, self._outside = found
            self._document = sheet.document
            self._sheet = sheet
            self._fields = dict(sheet.fields)
            for newer in (*self._under_way, self._unsaved):
                self._fields |= newer
            self._saved_at_ms = sheet.saved_at_ms
            if not any(GAS_FIELD in newer for newer in (*self._under_way, self._unsaved)):
                self._gas_at = sheet.gas_at
        self._draw()

    def _seal(self, unsure: Mapping[str, JsonValue], *, is_gas: bool) -> str:
        """Seal what is on the screen: what may have found no room is kept before, or nothing is."""
        t = self._context.words
        try:
            if unsure:
                self._tablet.desk.save_answers(self._order_id, unsure)
            found = self._tablet.desk.finding(self._order_id)
            outside = order_evidence(self._tablet, found, t)
            desk = self._tablet.desk
            if is_gas and found.document.medium is not Medium.GAS:
                desk.call_gas(self._order_id, outside)
                called = desk.finding(self._order_id).record.gas_order
                return gas_order_text(t, called)
            act = desk.report_gas if is_gas else desk.finish
            act(self._order_id, outside)
        except FindingIncompleteError as error:
            if error.missing:
                return missing_text(t, error.missing[0])
            return next(iter(self._lack_texts(error.lacking)), "")
        except RefusedTransition:
            return t("The order cannot be finished now; look at its state.")
        except OrderGoneError:
            return t("This order is not on this tablet any more.")
        return ""

    def _sealed(self, refused: str, done: Callable[[], None]) -> None:
        self._message = refused
        self._is_finished = not refused
        self._draw()
        if self._is_finished:
            done()
        else:
            self.refresh()

    def _draw(self) -> None:
        if self._document is not None:
            answers = read_answers(self._fields)
            missing = find_missing(
                self._document.medium,
                answers,
                self._document.order_type,
                is_gas_old=self._is_gas_old(),
            )
            self._stage.draw(self._view(self._document, answers, missing))
        elif self._message:
            self._stage.draw(_blank(self._order_id, message=self._message))

    def _is_gas_old(self) -> bool:
        now = self._tablet.site.moment()
        return self._gas_at is not None and is_too_old(self._gas_at, now)

    def _view(
        self, document: WorkOrderDocument, answers: FindingAnswers, missing: tuple[Missing, ...]
    ) -> FindingView:
        t = self._context.words
        lacking = self._lacking(answers)
        return FindingView(
            order_id=self._order_id,
            number=document.number,
            title=document.title.in_language(t.language),
            address=document.address,
            results=tuple(
                ChoiceView(
                    key=str(each), text=result_text(t, each), is_selected=each is answers.result
                )
                for each in FindingResult
            ),
            causes=self._causes(document, answers),
            measured=tuple(
                self._with_pressure(
                    self._measured(one, answers, document.order_type),
                    measured_value(one.quantity, answers.measured.get(one.quantity, "")),
                    document,
                )
                for one in offered_fields(document.medium)
            ),
            note=str(self._fields.get(_NOTE) or ""),
            missing=(*(missing_text(t, each) for each in missing), *self._lack_texts(lacking)),
            can_finish=not missing and not lacking and not self._is_finished,
            finish_text=t("Finish the order"),
            gas_text=self._gas_text(answers),
            saved_text=self._saved_text(),
            message=self._message or self._begun_text(),
            is_finished=self._is_finished,
            is_busy=False,
        )

    def _begun_text(self) -> str:
        """Return what others of the crew began here; it is told when somebody finishes."""
        begun = () if self._sheet is None or self._is_finished else self._sheet.begun
        return "\n".join(self._begun_line(each) for each in begun)

    def _begun_line(self, begun: BegunFinding) -> str:
        t, found = self._context.words, begun.answers
        parts = [
            "" if found.result is None else result_text(t, found.result),
            "" if found.cause is None else CAUSE_TEXT[found.cause].in_language(t.language),
            *(f"{quantity_text(t, name)}: {text}" for name, text in found.measured.items()),
            found.note.strip(),
        ]
        return t("{name} began at {time}: {what}").format(
            name=name_of(self._tablet, begun.author),
            time=time_text(t, begun.at_ms, self._context.clock.now_utc(), self._context.zone),
            what=", ".join(part for part in parts if part),
        )

    def _causes(
        self, document: WorkOrderDocument, answers: FindingAnswers
    ) -> tuple[ChoiceView, ...]:
        if answers.result is None:
            return ()
        language = self._context.words.language
        return tuple(
            ChoiceView(
                key=str(each),
                text=CAUSE_TEXT[each].in_language(language),
                is_selected=each is answers.cause,
            )
            for each in causes_for(document.medium, answers.result)
        )

    def _measured(
        self, one: MeasuredField, answers: FindingAnswers, order_type: OrderType
    ) -> MeasuredFieldView:
        t = self._context.words
        text = answers.measured.get(one.quantity, "")
        problem = problem_of(one, text)
        if problem is None and is_contradicted(one, text, answers.result):
            problem = Problem.GAS_PRESENT
        is_gas = one.quantity is Quantity.GAS_LEL_PCT
        if problem is None and is_gas and self._is_gas_old() and old_gas(Medium.GAS, answers):
            problem = Problem.GAS_TEST_OLD
        error = "" if problem is None else missing_text(t, Missing(problem=problem, measured=one))
        return MeasuredFieldView(
            key=str(one.quantity),
            label=quantity_text(t, one.quantity),
            unit=one.unit,
            text=shown_value(one, text),
            range_text=range_text(t, one),
            error_text=error,
            is_required=is_required(one, answers.result or FindingResult.OTHER, order_type),
        )

    def _with_pressure(
        self, field: MeasuredFieldView, barg: float | None, document: WorkOrderDocument
    ) -> MeasuredFieldView:
        """Say a pressure in every unit, and ask about more gas pressure than a home has."""
        if field.key != Quantity.PRESSURE_BARG or barg is None or field.error_text:
            return field
        t = self._context.words
        said = pressure_text(t, barg, field.unit)
        is_home = document.site is not None and document.site.meter_class == _HOUSEHOLD
        if document.medium is Medium.GAS and is_home and barg > HOME_MOST_BARG:
            asked = t("{pressure}: a home has less. Is the unit right?").format(pressure=said)
            return replace(field, error_text=asked)
        return replace(field, range_text=said)

    def _lacking(self, answers: FindingAnswers) -> Sequence[Lacking]:
        if self._sheet is None or answers.result is None:
            return ()
        return self._sheet.lacking(answers, self._outside)

    def _gas_text(self, answers: FindingAnswers) -> str:
        if self._sheet is None or self._is_finished:
            return ""
        is_gas = self._sheet.is_gas_for_others(answers, self._outside)
        return self._context.words("Gas escapes: order a crew now") if is_gas else ""

    def _lack_texts(self, lacking: Sequence[Lacking]) -> tuple[str, ...]:
        if self._document is None:
            return ()
        medium = self._document.medium
        return tuple(lack_text(self._context.words, each, medium) for each in lacking)

    def _saved_text(self) -> str:
        if self._saved_at_ms is None:
            return ""
        now_utc = self._context.clock.now_utc()
        time = time_text(self._context.words, self._saved_at_ms, now_utc, self._context.zone)
        return self._context.words("Kept on this tablet at {time}").format(time=time)


def _blank(order_id: str, message: str = "") -> FindingView:
    return FindingView(
        order_id=order_id,
        number="",
        title="",
        address="",
        results=(),
        causes=(),
        measured=(),
        note="",
        missing=(),
        can_finish=False,
        finish_text="",
        saved_text="",
        message=message,
        is_finished=False,
        is_busy=not message,
    )
