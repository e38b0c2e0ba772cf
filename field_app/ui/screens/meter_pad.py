# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws one meter that is read by eye: the register, the last readings, a numeric pad."""

from kivy.properties import NumericProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from field_app.presenters.meter import MeterView
from field_app.ui.round_blanks import BLANK_METER
from field_app.ui.widgets.basics import KEY_BOUNCE_S, Tap

KEYS = ("7", "8", "9", "4", "5", "6", "1", "2", "3", ".", "0", "<")
"""The pad as a calculator has it; `<` rubs out."""


class PadKey(Tap):
    """One key of the pad; what bounces off a glove is one digit."""

    bounce_s = NumericProperty(KEY_BOUNCE_S)
    key = StringProperty("")


class NumberPad(GridLayout):
    """The pad; `pressed` is called with a key of KEYS."""

    pressed = ObjectProperty(None, allownone=True)

    def on_kv_post(self, _base: Widget) -> None:
        """Make the keys."""
        for key in KEYS:
            button = PadKey(key=key)
            button.bind(on_release=lambda tapped: self.pressed(tapped.key))
            self.add_widget(button)


class MeterScreen(BoxLayout):
    """One meter; `closed` leads back, `done` is called when it has been kept."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_METER, rebind=True)
    closed = ObjectProperty(None, allownone=True)
    done = ObjectProperty(None, allownone=True)

    def begin(self) -> None:
        """Show what is there."""
        self.presenter.attach(self.show)

    def show(self, view: MeterView) -> None:
        """Draw the view; a meter that has been kept makes room for the next one."""
        if view.is_done:
            self.done()
            return
        self.view = view

    def press(self, key: str) -> None:
        """Report a key; what was asked of another number is asked anew."""
        self.ids.keep.disarm()
        self.presenter.press(key)

    def keep(self) -> None:
        """Report that the reading is right."""
        self.presenter.keep()

    def photograph(self) -> None:
        """Ask for a photo of the register."""
        self.presenter.photograph()

    def refresh(self) -> None:
        """Read again."""
        self.presenter.refresh()

    def save(self) -> None:
        """Every key is kept as it is pressed."""

    def leave(self) -> None:
        """Let go."""
        self.presenter.detach()

    def back(self) -> bool:
        """Nothing lies inside a meter."""
        return False
