"""SheetPresenter: one sheet of blocks; every answer is kept before the next one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from field_app.orders.seen_order_store import OrderGoneError
from field_app.presenters.dates import time_text
from field_app.presenters.ports import DEBOUNCE_S, PresenterContext
from field_app.presenters.sheet_views import BLANK_SHEET, ChoiceBlock, SheetView
from field_app.presenters.stage import SecondTry, Stage
from field_app.presenters.wording import no_room_text

D = TypeVar("D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tapped:
    """What became of a tap: a message when it could not be done, the end, the page it leads to."""

    message: str = ""
    is_done: bool = False
    opens: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a sheet has been told: `typed` on the sheet, and the message of the last tap."""

    typed: Mapping[str, str]
    message: str = ""
    saved_text: str = ""

    def get(self, key: str) -> str:
        """Return an answer, empty when there is none."""
        return self.typed.get(key, "")


class SheetPage(Protocol[D]):
    """What one sheet is about; all but `view` runs away from the screen's thread."""

    def read(self) -> D | None:
        """Return what the sheet shows; None when what it is about is gone."""
        ...

    def typed_before(self, data: D) -> Mapping[str, str]:
        """Return the answers that were kept before."""
        ...

    def saved_at_ms(self, data: D) -> int | None:
        """Return when the last answer was kept."""
        ...

    def view(self, data: D, answers: Answers) -> SheetView:
        """Return the sheet in the reader's language."""
        ...

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep answers; return when, once committed."""
        ...

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Do what a button says; committed when this returns."""
        ...


class SheetPresenter(Generic[D]):
    """One sheet; the screen's thread only, like every presenter."""

    def __init__(self, page: SheetPage[D], context: PresenterContext) -> None:
        """Show `page`."""
        self._page = page
        self._context = context
        self._data: D | None = None
        self._typed: dict[str, str] = {}
        self._unsaved: dict[str, str] = {}
        self._under_way: list[dict[str, str]] = []
        self._cancel_save: Callable[[], None] | None = None
        self._saved_at_ms: int | None = None
        self._message = ""
        self._is_done = self._is_tapping = self._is_told = False
        self._second_try = SecondTry(context.worker, self.flush)
        self._as = context.as_now()
        self._opened: Callable[[str], None] | None = None
        self._stage = Stage(context.worker, BLANK_SHEET)

    @property
    def view(self) -> SheetView:
        """Return the last view."""
        return self._stage.view

    def attach(
        self, show: Callable[[SheetView], None], opened: Callable[[str], None] | None = None
    ) -> None:
        """Show every view with `show`; `opened` is called with the page that a tap leads to."""
        self._opened = opened
        self._is_tapping = False
        self._as = self._context.as_now()
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Keep what was typed, then show nothing any more."""
        self.flush()
        self._stage.detach()

    def refresh(self) -> None:
        """Read again; what is being typed stays."""
        self._stage.read(self._page.read, self._take, self._settle)

    def type(self, key: str, text: str) -> None:
        """Take a text as typed; it is kept 0.3 s after the last key."""
        if self._typed.get(key, "") == text:
            return
        self._typed[key] = self._unsaved[key] = text
        self._message = ""
        self._draw()
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None
        cancel = self._context.worker.later(DEBOUNCE_S, self.flush)
        if self._unsaved:
            self._cancel_save = cancel

    def choose(self, key: str, value: str) -> None:
        """Take an answer, or take it back when it was given and may be; it is kept at once."""
        self.flush()
        is_given = self._typed.get(key) == value
        if is_given and self._stays(key):
            return
        self._typed[key] = "" if is_given else value
        self._message = ""
        self._save({key: self._typed[key]})
        self._draw()

    def _stays(self, key: str) -> bool:
        return any(
            isinstance(each, ChoiceBlock) and each.key == key and each.is_kept
            for each in self.view.blocks
        )

    def flush(self) -> None:
        """Keep what was typed now: the focus, the screen or the app goes away."""
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None
        unsaved, self._unsaved = self._unsaved, {}
        if unsaved:
            self._save(unsaved)

    def tap(self, key: str) -> None:
        """Do what a button says; nothing else while that is under way, or when all is done.

        It is under way until the sheet has been read anew: what stands on it before that is of
        before the tap.
        """
        if self._is_tapping or self._is_done:
            return
        self.flush()
        self._is_tapping, self._is_told = True, False
        answers = self._answers()
        self._stage.act(
            lambda: self._as(lambda: self._do(key, answers)),
            self._tapped,
            self._not_done,
            self._untapped,
        )

    def _do(self, key: str, answers: Answers) -> Tapped:
        try:
            return self._page.tap(key, answers)
        except OrderGoneError:
            return Tapped(message=self._gone())

    def _gone(self) -> str:
        """Return that what the sheet is about has left the tablet."""
        t = self._context.words
        if getattr(self._page, "is_of_round", False):
            return t("This place is not on this tablet any more.")
        return t("This order is not on this tablet any more.")

    def _save(self, answers: dict[str, str]) -> None:
        self._under_way = [*self._under_way, answers]
        self._stage.act(
            lambda: self._as(lambda: self._page.keep(answers)),
            lambda at: self._saved(answers, at),
            lambda: self._keep_on_screen(answers),
            lambda: self._take_back(answers),
        )

    def _saved(self, answers: dict[str, str], at_ms: int | None) -> None:
        self._under_way = [each for each in self._under_way if each is not answers]
        if at_ms is not None:
            self._saved_at_ms = at_ms
        self._message = "" if self._message == self._no_room() else self._message
        if getattr(self._page, "is_read_again", False):  # few pages keep more than was answered
            self.refresh()
        self._draw()

    def _no_room(self) -> str:
        return no_room_text(self._context.words)

    def _not_done(self) -> None:
        self._is_tapping = False
        self._say_no_room()

    def _untapped(self) -> None:
        self._is_tapping = False
        self._draw()

    def _say_no_room(self) -> None:
        """Say that nothing of a tap was kept; what was typed stays."""
        self._message = self._no_room()
        self._draw()

    def _keep_on_screen(self, answers: dict[str, str]) -> None:
        """Keep answers that found no room on the screen, and try again in a while."""
        self._take_back(answers)
        self._say_no_room()
        self._second_try.plan()

    def _take_back(self, answers: dict[str, str]) -> None:
        """Take answers that were not kept for unsaved again: they go with the next ones."""
        self._under_way = [each for each in self._under_way if each is not answers]
        self._unsaved = {**answers, **self._unsaved}

    def _tapped(self, tapped: Tapped) -> None:
        self._is_told = True
        self._message = tapped.message
        self._is_done = tapped.is_done
        if tapped.opens and self._opened is not None:
            self._opened(tapped.opens)
        self.refresh()

    def _settle(self) -> None:
        """Take the next tap: what the last one did has been read, or cannot be."""
        if self._is_told:
            self._is_tapping = False

    def _take(self, data: D | None) -> None:
        """Take what may have been read before the last answers were written."""
        self._settle()
        if data is None:
            self._message = self._gone()
        else:
            self._data = data
            self._typed = dict(self._page.typed_before(data))
            for newer in (*self._under_way, self._unsaved):
                self._typed |= newer
            self._saved_at_ms = self._page.saved_at_ms(data)
        self._draw()

    def _answers(self) -> Answers:
        return Answers(
            typed=dict(self._typed), message=self._message, saved_text=self._saved_text()
        )

    def _draw(self) -> None:
        if self._data is None:
            view = SheetView(title="", subtitle="", message=self._message, is_done=self._is_done)
        else:
            view = self._page.view(self._data, self._answers())
        if self._is_done:
            view = SheetView(title=view.title, subtitle=view.subtitle, is_done=True)
        self._stage.draw(view)

    def _saved_text(self) -> str:
        if self._saved_at_ms is None:
            return ""
        now_utc = self._context.clock.now_utc()
        time = time_text(self._context.words, self._saved_at_ms, now_utc, self._context.zone)
        return self._context.words("Kept on this tablet at {time}").format(time=time)
