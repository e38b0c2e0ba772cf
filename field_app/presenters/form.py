"""FormPresenter: a form of the office; every answer is on the disk before the next one."""

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from field_app.checklists.form_desk import Also, FormIncompleteError, FormTooLongError
from field_app.checklists.form_sheet import FormSheet, FormSubject
from field_app.checklists.form_shelf import FormGoneError
from field_app.orders.site_changes import note_added
from field_app.photos.glass_io import Glass
from field_app.platform.fix_age import fresh_fix
from field_app.platform.ports import Hardware, Tag
from field_app.presenters.form_answers import MOMENTS, TAPPED, keep_picture, typed_number
from field_app.presenters.form_doubts import doubts_text, known_before
from field_app.presenters.form_drawing import FormDrawing
from field_app.presenters.form_pages import NEXT, PREVIOUS
from field_app.presenters.form_views import BLANK_FORM, FormView
from field_app.presenters.form_wording import TICKED, wrong_text
from field_app.presenters.ports import DEBOUNCE_S, PresenterContext
from field_app.presenters.second_tap import SecondTap
from field_app.presenters.stage import SecondTry, Stage
from field_app.presenters.wording import no_room_text
from field_app.store.outbox_store import NewOperation
from field_app.tablet import Tablet
from wire_contracts.blobs import BlobRole
from wire_contracts.forms.answer_sets import AnswerSet, NoPicture
from wire_contracts.forms.items import FormPage
from wire_contracts.forms.model import NUMBERS, FormNode, NodeKind
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import ENTITY, WorkOrderDocument

MOST_STEPS: Final = 50
"""Answers that can be taken back one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRequest:
    """Which form is filled in for what.

    Attributes:
        subject_text: What it is filled in for, in words: an address, a checkpoint's name.
        also: Makes further operations of the same user action from the sealed answers.
    """

    form_id: str
    subject: FormSubject
    subject_text: str = ""
    also: Also | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """One answer that can be taken back; `whole`: all of them, where one of a repeat was removed.

    The steps before it are about places as they were then.
    """

    place: str
    before: str = ""
    whole: Mapping[str, str] | None = None


class FormPresenter:
    """One form of one subject."""

    def __init__(
        self, tablet: Tablet, context: PresenterContext, request: FormRequest, hardware: Hardware
    ) -> None:
        """Fill in what `request` names; photos and codes come from `hardware`."""
        self._tablet = tablet
        self._context = context
        self._request = request
        self._hardware = hardware
        self._sheet: FormSheet | None = None
        self._page: FormPage | None = None
        self._steps: list[_Step] = []
        self._cancel_save: Callable[[], None] | None = None
        self._message = ""
        self._is_finished = self._is_locating = False
        self._document: WorkOrderDocument | None = None
        self._asked, self._doubts = SecondTap(context.clock), ""
        self._removing = SecondTap(context.clock)
        self._under_way: list[dict[str, str]] = []
        self._as = context.as_now()
        self._second_try = SecondTry(context.worker, self.flush)
        self._drawing = FormDrawing(context, request.subject_text)
        self._stage = Stage(context.worker, BLANK_FORM)

    @property
    def view(self) -> FormView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[FormView], None]) -> None:
        """Show every view with `show`, and open the form."""
        self._as = self._context.as_now()
        self._stage.attach(show)
        self._tablet.forms.zone = self._context.zone
        if self._sheet is None:
            self._stage.read(self._open, self._take)
        else:
            self._draw()

    def detach(self) -> None:
        """Keep what was typed, then show nothing any more; the receiver may sleep."""
        self.flush()
        self._stage.detach()
        if self._is_locating:
            self._is_locating = False
            self._hardware.locator.stop()

    def refresh(self) -> None:
        """Draw again: the language may have changed; answers are nobody else's."""
        self._draw()

    # --- answers

    def answer(self, place: str, text: str) -> None:
        """Take an answer that was tapped; it is kept at once."""
        if self._take_answer(place, text):
            self.flush()
            self._changed()

    def choose(self, place: str, key: str) -> None:
        """Take a tapped choice: the chosen one again takes it back, several may stand together."""
        node, text = self._node(place), self._text(place)
        if node is not None and node.kind is NodeKind.SELECT_MANY:
            chosen = text.split()
            chosen = [each for each in chosen if each != key] if key in chosen else [*chosen, key]
            self.answer(place, " ".join(chosen))
        else:
            self.answer(place, "" if text == key else key)

    def type(self, place: str, text: str) -> None:
        """Take what is typed; it is kept 0.3 s after the last key."""
        node = self._node(place)
        plain = typed_number(text) if node is not None and node.kind in NUMBERS else text
        if not self._change(place, plain):
            return
        if self._cancel_save is not None:
            self._cancel_save()
        self._cancel_save = self._context.worker.later(DEBOUNCE_S, self.flush)

    def act(self, place: str) -> None:
        """Do what the card's own button says: today, now, scan, tick, photograph."""
        if place in {NEXT, PREVIOUS}:
            self._turn(1 if place == NEXT else -1)
            return
        node = self._node(place)
        if node is None:
            return
        if node.kind is NodeKind.ACKNOWLEDGE:
            self.answer(place, "" if self._text(place) else TICKED)
        elif node.kind in MOMENTS:
            now = self._context.clock.now_utc().astimezone(self._context.zone)
            self.answer(place, MOMENTS[node.kind](now))
        elif node.kind is NodeKind.BARCODE:
            self._hardware.code_scanner.scan(lambda tag: self._scanned(place, tag))
        elif node.kind is NodeKind.POSITION:
            self._take_position(place)
        elif node.kind is NodeKind.PHOTO:
            self._take_photo(place)

    def add(self, place: str) -> None:
        """Put one more into a repeat."""
        if self._sheet is not None and self._sheet.session.add_repeat(place):
            self._changed()
            self.flush()

    def remove(self, place: str) -> None:
        """Take one of a repeat away; one with answers with a second tap, that is no bounce."""
        if self._sheet is None or self._asks_before_removing(self._sheet, place):
            return
        whole = self._sheet.session.drafted()
        if self._sheet.session.remove_repeat(place):
            self._steps = [*self._steps[-(MOST_STEPS - 1) :], _Step(place, whole=whole)]
            self._changed()
            self.flush()

    def _asks_before_removing(self, sheet: FormSheet, place: str) -> bool:
        """Return whether answers would go with it and the tap is the first, or its bounce."""
        if not any(each.startswith(f"{place}/") for each in sheet.session.drafted()):
            return False
        is_first = self._removing.is_new(place)
        if self._removing.is_meant(place):
            return False
        if is_first:
            self._say(self._context.words("Tap again to remove it with its answers."))
        return True

    def undo(self) -> None:
        """Take the last answer back, or put back what was removed, with all its answers."""
        if not self._steps or self._sheet is None:
            return
        step = self._steps.pop()
        if step.whole is None:
            self._sheet.session.answer(step.place, step.before)
        else:
            self._sheet.begin_again(step.whole)
            self._page = FormPage(self._sheet.session, self._context.words.language)
        self._drawing.go_to = step.place
        self._changed()
        self.flush()

    def glass(self, place: str) -> Glass:
        """Return where a signature of this form stands until it is finished."""
        subject = self._request.subject
        return self._tablet.photos.glass(f"{subject.about_id}/{self._request.form_id}/{place}")

    def sign(self, place: str, content: bytes) -> str:
        """Keep a signature, called away from the screen's thread; return what went wrong."""
        return self._keep_picture(place, content, BlobRole.SIGNATURE)

    # --- keeping

    def flush(self) -> None:
        """Keep what was answered now: the focus, the screen or the app goes away."""
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None
        sheet = self._sheet
        changes = {} if sheet is None else sheet.unsaved()
        if sheet is None or not changes:
            return
        before = {place: sheet.saved[place] for place in changes if place in sheet.saved}
        sheet.saved |= changes
        self._under_way = [*self._under_way, changes]
        self._stage.act(
            lambda: self._as(lambda: self._tablet.forms.save_changes(sheet, changes)),
            lambda saved_at_ms: self._saved(sheet, changes, saved_at_ms),
            lambda: self._keep_on_screen(sheet, changes, before),
            lambda: self._take_back(sheet, changes, before),
        )

    def check(self) -> None:
        """Say everything that is missing or wrong, and bring the first of it onto the screen."""
        wrong = () if self._page is None else self._page.wrong_items()
        self._drawing.show_missing(wrong[0].place if wrong else "")
        self._draw()

    def finish(self, done: Callable[[AnswerSet], None]) -> None:
        """Seal the answers; `done` is called with them when that is kept."""
        self.flush()
        sheet = self._sheet
        if sheet is None:
            return
        if self.view.left_count:
            self.check()
            return
        if self._asks(sheet):
            return
        unsure = dict(ChainMap(sheet.unsaved(), *reversed(self._under_way)))
        self._stage.act(
            lambda: self._as(lambda: self._seal(sheet, unsure)),
            lambda outcome: self._sealed(outcome, done),
            lambda: self._sealed(no_room_text(self._context.words), done),
        )

    def _asks(self, sheet: FormSheet) -> bool:
        """Ask once about what does not fit the meter of the order; return whether it was asked.

        The bounce of the tap that was asked is no answer.
        """
        if self._document is None:
            return False
        t, now_utc = self._context.words, self._context.clock.now_utc()
        doubts = doubts_text(self._document, sheet.session.drafted(), ms_from_utc(now_utc), t)
        is_first, self._doubts = self._asked.is_new(doubts), doubts
        if not doubts:
            self._asked.forget()
        if not doubts or self._asked.is_meant(doubts):
            return False
        if is_first:
            again = t("Look again; it is kept as it stands with another tap.")
            self._say(f"{doubts}  {again}")
        return True

    def _seal(self, sheet: FormSheet, unsure: Mapping[str, str]) -> AnswerSet | str:
        """Seal what is on the screen: what may have found no room is kept before, or nothing is."""
        try:
            if unsure:
                self._tablet.forms.save_changes(sheet, unsure)
            return self._tablet.forms.finish(sheet, self._also)
        except FormTooLongError as error:
            t = self._context.words
            return t(
                "These answers are more than can be sent at once: shorten the longest, {what}."
            ).format(what=error.items[0].label)
        except FormIncompleteError as error:
            item = error.items[0]
            return f"{item.label}: {wrong_text(item, self._context.words)}"
        except FormGoneError:
            return self._context.words("This form is not on this tablet any more.")

    def _also(self, answers: AnswerSet) -> list[NewOperation]:
        """Return what is told with the answers: the office reads what was kept all the same."""
        told = [*(self._request.also(answers) if self._request.also else ())]
        doubts, document = self._doubts, self._document
        if doubts and document is not None:
            said = self._context.words("Kept after a second look: {what}").format(what=doubts)
            told.append(note_added(self._request.subject.about_id, document.note, said))
        return told

    def _sealed(self, outcome: AnswerSet | str, done: Callable[[AnswerSet], None]) -> None:
        if isinstance(outcome, str):
            self._message = outcome
            self._draw()
            return
        self._is_finished = True
        self._draw()
        done(outcome)

    def _saved(self, sheet: FormSheet, changes: Mapping[str, str], saved_at_ms: int) -> None:
        self._under_way = [each for each in self._under_way if each is not changes]
        sheet.saved_at_ms = saved_at_ms
        is_over = self._message == no_room_text(self._context.words)
        self._message = "" if is_over else self._message
        self._draw()

    def _keep_on_screen(
        self, sheet: FormSheet, changes: Mapping[str, str], before: Mapping[str, str]
    ) -> None:
        """Take what found no room for unsaved again, and try it again in a while."""
        self._take_back(sheet, changes, before)
        self._say(no_room_text(self._context.words))
        self._second_try.plan()

    def _take_back(
        self, sheet: FormSheet, changes: Mapping[str, str], before: Mapping[str, str]
    ) -> None:
        """Take answers that were not kept for unsaved again: they go with the next ones."""
        self._under_way = [each for each in self._under_way if each is not changes]
        for place in changes:
            sheet.saved.pop(place, None)
        sheet.saved |= before

    # --- opening

    def _open(self) -> FormSheet | None:
        subject = self._request.subject
        if not self._tablet.photos.availability().is_available:
            self._drawing.keeps_none(NoPicture.NOT_KEPT)
        seen = self._tablet.desk.order(subject.about_id) if subject.about == ENTITY else None
        self._document = None if seen is None else seen.document
        try:
            return self._tablet.forms.open(self._request.subject, self._request.form_id)
        except FormGoneError:
            return None

    def _take(self, sheet: FormSheet | None) -> None:
        t = self._context.words
        if sheet is None:
            self._message = t("This form is not on this tablet. Sync, or ask the office.")
            self._stage.draw(replace(BLANK_FORM, message=self._message, is_busy=False))
            return
        self._sheet = sheet
        self._page = FormPage(sheet.session, t.language)
        if self._document is not None:
            places = [item.place for item in self._page.items()]
            sheet.last = {**sheet.last, **known_before(self._document, places)}
        self._draw()

    # --- pictures, codes, position

    def _take_photo(self, place: str) -> None:
        camera = self._hardware.camera.availability()
        if not camera.is_available:
            self._say(self._context.words(camera.reason))
            return
        self._hardware.camera.take_photo(lambda content: self._photographed(place, content))

    def _photographed(self, place: str, content: bytes | None) -> None:
        if content is None:
            return
        self._stage.act(lambda: self._keep_picture(place, content, BlobRole.PHOTO), self._say)

    def _keep_picture(self, place: str, content: bytes, role: BlobRole) -> str:
        kept = keep_picture(self._tablet.photos, self._request.subject, content, role)
        if kept.sha256:
            self._context.worker.later(0, lambda: self.answer(place, kept.sha256))
            return ""
        t = self._context.words
        if kept.is_full:
            self._context.worker.later(0, self._offer_no_room)
        return no_room_text(t) if kept.is_full else t(kept.problem)

    def _offer_no_room(self) -> None:
        self._drawing.keeps_none(NoPicture.NO_ROOM)
        self._draw()

    def _scanned(self, place: str, tag: Tag | None) -> None:
        if tag is not None:
            self._context.worker.later(0, lambda: self.answer(place, tag.text))

    def _take_position(self, place: str) -> None:
        self._is_locating = True
        self._hardware.locator.start()
        fix = fresh_fix(self._hardware.locator, self._context.clock.now_utc())
        if fix is None:
            self._say(self._context.words("The position is not known yet; try again outside."))
            return
        self.answer(place, f"{fix.latitude_deg:.6f} {fix.longitude_deg:.6f} 0 {fix.accuracy_m:.1f}")

    def _say(self, message: str) -> None:
        if message:
            self._message = message
            self._draw()

    # --- drawing

    def _node(self, place: str) -> FormNode | None:
        element = None if self._sheet is None else self._sheet.session.element(place)
        return None if element is None else element.node

    def _text(self, place: str) -> str:
        element = None if self._sheet is None else self._sheet.session.element(place)
        return "" if element is None else element.text

    def _change(self, place: str, text: str) -> bool:
        """Take an answer and draw what follows from it; return whether it was another one."""
        is_new = self._take_answer(place, text)
        if is_new:
            self._changed()
        return is_new

    def _take_answer(self, place: str, text: str) -> bool:
        before = self._text(place)
        if self._sheet is None or before == text or not self._sheet.session.answer(place, text):
            return False
        is_typing_on = bool(self._steps) and self._steps[-1].place == place
        node = self._node(place)
        is_tapped = node is not None and node.kind in TAPPED
        if is_tapped or not is_typing_on:
            self._steps = [*self._steps[-(MOST_STEPS - 1) :], _Step(place, before)]
        return True

    def _changed(self) -> None:
        self._message = ""
        self._removing.forget()
        self._draw()

    def _draw(self) -> None:
        sheet, page = self._sheet, self._page
        if sheet is None or page is None:
            return
        view = self._drawing.view(sheet, page, self._message)
        shown = replace(view, can_undo=bool(self._steps), is_finished=self._is_finished)
        self._stage.draw(shown)

    def _turn(self, by: int) -> None:
        """Go to another page of a long form, and to its top."""
        self.flush()
        place = self._drawing.turn(by)
        self._draw()
        self._stage.draw(replace(self.view, go_to=place or self.view.cards[0].place))
