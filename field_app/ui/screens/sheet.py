# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws one sheet: its blocks, what was kept, and the one big next step."""

from collections.abc import Callable

from kivy.clock import Clock
from kivy.properties import BooleanProperty, ObjectProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from field_app.presenters.sheet_views import BLANK_SHEET, SheetView, TimerBlock
from field_app.ui.screens.shell import drop_focus

CLOCK_S = 1.0
"""A clock on a sheet goes on this often; wall seconds."""


class SheetScreen(BoxLayout):
    """One sheet; `closed` is called when it has done its work or is left, `opened` with a page.

    Without a header it is a place, which the bar above names and nothing leads back from.
    """

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_SHEET, rebind=True)
    closed = ObjectProperty(None, allownone=True)
    opened = ObjectProperty(None, allownone=True)
    has_header = BooleanProperty(defaultvalue=True)

    def on_kv_post(self, _base: Widget) -> None:
        """Let the blocks report to this sheet."""
        self._is_open = False
        self._clock = Clock.create_trigger(self._tick, CLOCK_S, interval=True)
        self.ids.blocks.sheet = self

    def begin(self) -> None:
        """Show what is there."""
        self._is_open = True
        self.presenter.attach(self.show, self._open)

    def _open(self, page: str) -> None:
        opened: Callable[[str], None] | None = self.opened
        if opened is not None:
            opened(page)

    def show(self, view: SheetView) -> None:
        """Draw the view; a sheet that has done its work closes."""
        if view.is_done:
            if self._is_open:
                self._is_open = False
                self._clock.cancel()
                self.closed()
            return
        self.view = view
        self.ids.blocks.fill(view.blocks)
        self._let_run(is_wanted=any(isinstance(block, TimerBlock) for block in view.blocks))

    def _let_run(self, *, is_wanted: bool) -> None:
        """Read again every second while a clock is shown."""
        if is_wanted and not self._clock.is_triggered:
            self._clock()
        elif not is_wanted:
            self._clock.cancel()

    def _tick(self, _elapsed_s: float) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Read again."""
        if self._is_open:
            self.presenter.refresh()

    def save(self) -> None:
        """Keep what was typed."""
        self.presenter.flush()

    def leave(self) -> None:
        """Keep what was typed and let go."""
        self._is_open = False
        self._clock.cancel()
        drop_focus(self)
        self.presenter.detach()

    def back(self) -> bool:
        """Nothing lies inside a sheet."""
        return False

    def typed(self, key: str, text: str) -> None:
        """Report what was typed."""
        self.presenter.type(key, text)

    def left(self, *, has_focus: bool) -> None:
        """Keep what was typed when the focus goes."""
        if not has_focus and self.presenter is not None:
            self.presenter.flush()

    def chosen(self, key: str, value: str) -> None:
        """Report an answer."""
        self.presenter.choose(key, value)

    def tapped(self, key: str) -> None:
        """Report a tap."""
        self.presenter.tap(key)

    def tap_primary(self) -> None:
        """Do the next step."""
        if self.view.primary is not None:
            self.tapped(self.view.primary.key)

    def tap_secondary(self) -> None:
        """Do the other thing."""
        if self.view.secondary is not None:
            self.tapped(self.view.secondary.key)
