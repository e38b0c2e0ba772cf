"""AlarmPresenter: what must be answered now, with a banner, sound and vibration until it is."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from field_app.orders.lone_watch import HelpCalled, Watch, WatchState
from field_app.orders.order_list_store import OrderLine
from field_app.platform.ports import Hardware, Sound
from field_app.presenters.ports import PresenterContext
from field_app.presenters.stage import Stage
from field_app.presenters.views import AlarmView, Tone
from field_app.presenters.watch import (
    answer_watch,
    clock_text,
    is_for_another,
    late_text,
    unheard_text,
)
from field_app.store.database_io import StoreFullError
from field_app.tablet import Tablet
from wire_contracts.frames import ms_from_utc

REPEAT_S: Final = 4.0
"""An unanswered alarm sounds and shakes again after so long; wall seconds."""

PATTERN_MS: Final = (600, 200, 600)
"""Long enough to be felt through a jacket."""

QUIET: Final = AlarmView(text="", detail="", tone=Tone.PLAIN, icon="", answer_text="", order_id="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What calls just now."""

    order: OrderLine | None
    more_count: int
    watch: Watch
    called: HelpCalled


class AlarmPresenter:
    """What must be answered now."""

    def __init__(self, tablet: Tablet, context: PresenterContext, hardware: Hardware) -> None:
        """Watch over `tablet`; sound and vibration are the hardware's."""
        self._tablet = tablet
        self._context = context
        self._hardware = hardware
        self._cancel: Callable[[], None] | None = None
        self._stage = Stage(context.worker, QUIET)

    @property
    def view(self) -> AlarmView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[AlarmView], None]) -> None:
        """Show every view with `show`, and look."""
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show and sound nothing any more."""
        self._hush()
        self._stage.detach()

    def refresh(self) -> None:
        """Look what calls; what nobody answered in time is told to the control room."""
        self._stage.read(self._look, self._draw)

    def answer(self) -> None:
        """Answer what calls: the order was seen, the person is all right.

        Without room for the answer it calls again: nobody counts as answered who is not.
        """
        order_id = self.view.order_id
        self._hush()
        self._stage.draw(QUIET)
        self._stage.act(
            lambda: self._answer(order_id), lambda _nothing: self.refresh(), self.refresh
        )

    def _answer(self, order_id: str) -> None:
        if order_id:
            self._tablet.desk.note_seen(order_id)
        else:
            answer_watch(self._tablet, self._now_ms())

    def _look(self) -> _Found:
        with suppress(StoreFullError):  # what calls is shown all the same
            self._tablet.calls.report_watch()
        lines = self._tablet.desk.unseen_urgent()
        return _Found(
            order=lines[0] if lines else None,
            more_count=max(len(lines) - 1, 0),
            watch=self._tablet.calls.watch(),
            called=self._tablet.calls.help_called(),
        )

    def _draw(self, found: _Found) -> None:
        view = (
            self._watch_view(found.watch)
            or self._order_view(found)
            or self._help_view(found.called)
            or QUIET
        )
        is_new = view.text and (view.text, view.order_id) != (self.view.text, self.view.order_id)
        self._stage.draw(view)
        if not view.answer_text:
            self._hush()
        elif is_new or self._cancel is None:
            self._hush()
            self._sound()

    def _sound(self) -> None:
        """Sound now, and again until somebody answers."""
        self._hardware.sounder.play(Sound.URGENT)
        self._hardware.vibrator.vibrate(PATTERN_MS)
        self._cancel = _nothing
        cancel = self._context.worker.later(REPEAT_S, self._again)
        if self._cancel is not None:
            self._cancel = cancel

    def _again(self) -> None:
        if self._cancel is not None and self._cancel is not _nothing and self.view.text:
            self._sound()

    def _hush(self) -> None:
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _order_view(self, found: _Found) -> AlarmView | None:
        t = self._context.words
        if found.order is None:
            return None
        more = t("and {count} more").format(count=found.more_count) if found.more_count else ""
        parts = (found.order.number, found.order.address, more)
        return AlarmView(
            text=t("Urgent: {title}").format(title=found.order.title.in_language(t.language)),
            detail="  ·  ".join(part for part in parts if part),
            tone=Tone.DANGER,
            icon="alarm-light",
            answer_text=t("Seen"),
            order_id=found.order.order_id,
        )

    def _help_view(self, called: HelpCalled) -> AlarmView | None:
        """Return that a call for help has reached nobody; it is silent, and asks for no answer."""
        t = self._context.words
        detail = unheard_text(t, called)
        if not detail:
            return None
        return AlarmView(
            text=t("Nobody knows that you called for help"),
            detail=detail,
            tone=Tone.DANGER,
            icon="phone-alert",
            answer_text="",
            order_id="",
        )

    def _watch_view(self, watch: Watch) -> AlarmView | None:
        t = self._context.words
        if watch.state in {WatchState.OFF, WatchState.CALM} or watch.due_ms is None:
            return None
        is_late = watch.state is not WatchState.ASKING
        is_other = is_for_another(self._tablet, watch)
        return AlarmView(
            text=t("Is {person} all right?").format(person=watch.person)
            if is_other
            else t("Are you all right?"),
            detail=late_text(t, watch)
            if is_late
            else t("Answer within {time}").format(time=clock_text(watch.due_ms - self._now_ms())),
            tone=Tone.DANGER if is_late else Tone.WARN,
            icon="account-clock",
            answer_text=t("All right") if is_other else t("I am all right"),
            order_id="",
        )

    def _now_ms(self) -> int:
        return ms_from_utc(self._context.clock.now_utc())


def _nothing() -> None:
    return
